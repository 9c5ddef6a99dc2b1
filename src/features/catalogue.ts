/**
 * The 25 features of an entity (source IP, window), in the order in which every table, scaler and model holds them.
 * The order is part of a trained model: append or change only together with the model's schema version.
 *
 * Nulls: a flow whose protocol, action or port is unknown counts as "no" in the shares; unknown bytes and packets
 * add nothing to the totals, and the means are over the flows where they are known (0 where none is).
 */
export interface FeatureDefinition {
  /** snake_case, unique. */
  readonly name: string;
  readonly group: 'volume' | 'temporal' | 'protocol' | 'behavioural';
  readonly unit: string;
  /** How it is computed from the log records of the entity. */
  readonly formula: string;
  /** What it tells an operator. */
  readonly meaning: string;
  /** What is done before robust scaling: quantities spread over decades are taken as log(1 + x). */
  readonly transform: 'log1p' | 'none';
}

export const FEATURE_CATALOGUE = [
  {
    name: 'flow_count',
    group: 'volume',
    unit: 'flows',
    formula: 'number of log records',
    meaning: 'How much the source did at all.',
    transform: 'log1p',
  },
  {
    name: 'bytes_total',
    group: 'volume',
    unit: 'bytes',
    formula: 'sum of bytes, both directions',
    meaning: 'Volume moved; large for backups, floods and exfiltration.',
    transform: 'log1p',
  },
  {
    name: 'bytes_per_flow_mean',
    group: 'volume',
    unit: 'bytes per flow',
    formula: 'bytes_total / flows with known bytes',
    meaning: 'Probes are tiny, real conversations are not.',
    transform: 'log1p',
  },
  {
    name: 'packets_per_flow_mean',
    group: 'volume',
    unit: 'packets per flow',
    formula: 'sum of packets, both directions / flows with known packets',
    meaning: 'One to three packets mean that nothing was said.',
    transform: 'log1p',
  },
  {
    name: 'bytes_per_packet_mean',
    group: 'volume',
    unit: 'bytes per packet',
    formula: 'bytes_per_flow_mean / packets_per_flow_mean (0 where either is unknown)',
    meaning: 'About 40-60 for bare TCP control segments, hundreds where data flows.',
    transform: 'log1p',
  },
  {
    name: 'flow_size_cv',
    group: 'volume',
    unit: 'ratio',
    formula:
      'standard deviation of the bytes of a flow / their mean; 0 with fewer than two flows of known bytes',
    meaning: 'Machines that repeat one thing (probes, login attempts, beacons) make flows of one size.',
    transform: 'log1p',
  },
  {
    name: 'peak_flows_per_minute',
    group: 'volume',
    unit: 'flows per minute',
    formula: 'most flows within one minute counted from the start of the window',
    meaning: 'Bursts that the average over the window hides.',
    transform: 'log1p',
  },
  {
    name: 'active_seconds',
    group: 'temporal',
    unit: 'seconds',
    formula: 'last record - first record',
    meaning: 'How long the source was at it within the window.',
    transform: 'log1p',
  },
  {
    name: 'inter_arrival_mean_seconds',
    group: 'temporal',
    unit: 'seconds',
    formula: 'mean gap between successive records; the window length for a single record',
    meaning: 'Pace; a single record only says that the next gap is longer than what is left of the window.',
    transform: 'log1p',
  },
  {
    name: 'inter_arrival_cv',
    group: 'temporal',
    unit: 'ratio',
    formula:
      'standard deviation of the gaps / their mean; 1 (as for random arrivals) with fewer than two gaps or all gaps 0',
    meaning: 'Regularity: beacons are near 0, people and random arrivals at 1 and above.',
    transform: 'log1p',
  },
  {
    name: 'burst_share',
    group: 'temporal',
    unit: 'share 0-1',
    formula: 'gaps shorter than one second / all gaps; 0 for a single record',
    meaning: 'Machine-paced work comes in rapid succession.',
    transform: 'none',
  },
  {
    name: 'active_minute_share',
    group: 'temporal',
    unit: 'share 0-1',
    formula: 'minutes of the window with a record / minutes of the window',
    meaning: 'Steady presence against a single visit.',
    transform: 'none',
  },
  {
    name: 'tcp_share',
    group: 'protocol',
    unit: 'share 0-1',
    formula: 'TCP flows / flows',
    meaning: 'Protocol mix.',
    transform: 'none',
  },
  {
    name: 'icmp_share',
    group: 'protocol',
    unit: 'share 0-1',
    formula: 'ICMP and ICMPv6 flows / flows',
    meaning: 'Ping sweeps and ICMP floods.',
    transform: 'none',
  },
  {
    name: 'dropped_share',
    group: 'protocol',
    unit: 'share 0-1',
    formula: 'flows the firewall dropped or rejected / flows',
    meaning: 'What the rule set already refuses; near 1 for scanners, near 0 for served clients.',
    transform: 'none',
  },
  {
    name: 'unanswered_share',
    group: 'protocol',
    unit: 'share 0-1',
    formula: 'TCP flows that were dropped or have at most 3 packets / TCP flows; 0 without TCP',
    meaning: 'Connections too short for a handshake and anything said: scans, floods, dead servers.',
    transform: 'none',
  },
  {
    name: 'established_share',
    group: 'protocol',
    unit: 'share 0-1',
    formula: 'TCP flows that carried data after a handshake, and UDP flows that went on (4 packets) / flows',
    meaning: 'Work that was really done; attempts and probes establish nothing.',
    transform: 'none',
  },
  {
    name: 'login_port_share',
    group: 'protocol',
    unit: 'share 0-1',
    formula: 'TCP flows to a remote login port (LOGIN_PORTS) / flows',
    meaning: 'Password guessing concentrates here.',
    transform: 'none',
  },
  {
    // Instead of the share of ports below 1024, where telnet and SMB are as near as HTTPS. By itself it tells attacks
    // from the rest on the exposed hosts and the infected devices with a ROC-AUC of 0.96-0.97 (1-minute windows).
    name: 'uncommon_port_share',
    group: 'protocol',
    unit: 'share 0-1',
    formula: 'flows to a known destination port that is not an everyday service (EVERYDAY_PORTS) / flows',
    meaning: 'Ordinary clients use a few dozen services; scanners, worms and control channels use the rest.',
    transform: 'none',
  },
  {
    name: 'distinct_destinations',
    group: 'behavioural',
    unit: 'addresses',
    formula: 'different destination addresses',
    meaning: 'Breadth: horizontal scans and sweeps.',
    transform: 'log1p',
  },
  {
    name: 'distinct_destination_ports',
    group: 'behavioural',
    unit: 'ports',
    formula: 'different known destination ports (not ICMP)',
    meaning: 'Depth: vertical port scans.',
    transform: 'log1p',
  },
  {
    name: 'destinations_per_flow',
    group: 'behavioural',
    unit: 'ratio 0-1',
    formula: 'distinct_destinations / flows',
    meaning: 'Near 1 when every flow goes somewhere new, near 0 for a beacon or a client of one server.',
    transform: 'none',
  },
  {
    name: 'ports_per_flow',
    group: 'behavioural',
    unit: 'ratio 0-1',
    formula: 'distinct_destination_ports / flows',
    meaning:
      'Near 1 when every flow tries another port, however slowly: separates scans below any rate limit.',
    transform: 'none',
  },
  {
    name: 'ports_per_destination',
    group: 'behavioural',
    unit: 'ports per address',
    formula: 'different (destination address, port) pairs / distinct_destinations',
    meaning: 'How many doors are tried at each house.',
    transform: 'log1p',
  },
  {
    // Instead of a count of distinct source ports: that equals flow_count for nearly every client (each connection
    // takes a fresh port) and would cost a hash entry per log record.
    name: 'source_port_repeat_share',
    group: 'behavioural',
    unit: 'share 0-1',
    formula:
      'records with the same known source port as the record before / (flows - 1); 0 for a single record',
    meaning:
      'Raw-packet scanners (masscan, zmap) and services keep one source port, clients take a fresh one.',
    transform: 'none',
  },
] as const satisfies readonly FeatureDefinition[];

export type FeatureName = (typeof FEATURE_CATALOGUE)[number]['name'];

export const FEATURE_COUNT = 25;

/** In catalogue order. Length FEATURE_COUNT. */
export const FEATURE_NAMES: readonly FeatureName[] = FEATURE_CATALOGUE.map((feature) => feature.name);

const INDEX_OF = new Map<FeatureName, number>(FEATURE_NAMES.map((name, index) => [name, index]));

/** Column of a feature in catalogue order, 0-24. */
export function featureIndex(name: FeatureName): number {
  return INDEX_OF.get(name)!;
}
