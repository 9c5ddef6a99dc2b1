/**
 * Plain facts about an entity (source IP, window) that attack signatures ask for beyond the 25 features.
 * Column order of `FeatureTable.evidence`. Counts unless the name says otherwise; never NaN.
 */
export const EVIDENCE_COLUMNS = [
  /** Log records. */
  'flows',
  'tcp_flows',
  'udp_flows',
  /** ICMP and ICMPv6. */
  'icmp_flows',
  /** TCP flows that prove their source: see isEstablishedTcp in record-facts.ts. */
  'established_tcp_flows',
  /** Flows the firewall refused, any protocol. */
  'dropped_flows',
  /** TCP flows to a port in LOGIN_PORTS, whatever became of them. */
  'login_flows',
  /** login_flows that are established. */
  'established_login_flows',
  'distinct_destinations',
  /** Known destination ports of non-ICMP flows. */
  'distinct_destination_ports',
  /** Destination addresses of login_flows. */
  'distinct_login_destinations',
  /** Most flows within one minute counted from the start of the window. */
  'max_flows_per_minute',
  /** Both directions; unknown counts as 0. */
  'bytes_total',
  'packets_total',
  /** Last record - first record. */
  'duration_seconds',
  /** As the feature: near 0 = regular, 1 = random or undecidable. */
  'inter_arrival_cv',
  /** TCP flows that somebody answered: see isAnsweredTcp in record-facts.ts. */
  'answered_tcp_flows',
  /** TCP flows that were dropped or are small. */
  'unanswered_tcp_flows',
  /** Different (destination address, destination port); an unknown port and ICMP count as one port of their own. */
  'distinct_target_pairs',
  /** The most frequent known destination port, exact; the lowest on a tie, in whatever order they came; -1 where none is known. */
  'top_port',
  /** Flows to top_port, exact. */
  'top_port_flows',
  /** UDP flows that went on: see isUdpExchange in record-facts.ts. */
  'udp_exchange_flows',
  /** Flows that carried work, any protocol: see isLongFlow in record-facts.ts. */
  'long_flows',
  /** Flows that look like the answers of a server: see isServiceReply in record-facts.ts. */
  'service_reply_flows',
] as const;

export type EvidenceColumn = (typeof EVIDENCE_COLUMNS)[number];

export const EVIDENCE_COUNT = EVIDENCE_COLUMNS.length;

const INDEX_OF = new Map<EvidenceColumn, number>(EVIDENCE_COLUMNS.map((name, index) => [name, index]));

/** Position of a column in a row of `FeatureTable.evidence`. */
export function evidenceIndex(name: EvidenceColumn): number {
  return INDEX_OF.get(name)!;
}
