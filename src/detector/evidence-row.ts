import { EVIDENCE_COUNT, type EvidenceColumn, evidenceIndex } from '../features/evidence.ts';
import type { FeatureTable } from '../features/feature-table.ts';

/** From this share on, what flows are like says what their source is like. */
export const MOSTLY = 0.5;

/** The evidence of one entity by column name. */
export type EvidenceRow = (column: EvidenceColumn) => number;

export function evidenceOf(table: Pick<FeatureTable, 'evidence'>, entity: number): EvidenceRow {
  const base = entity * EVIDENCE_COUNT;
  return (column) => table.evidence[base + evidenceIndex(column)]!;
}

/**
 * True when the evidence is made of packets that anybody can send in somebody else's name: UDP, ICMP, SYNs that nobody
 * answered. Blocking on it would let anybody have any address blocked. Not forgeable is what has a completed TCP
 * exchange, or consists for the most part of TCP attempts that were answered. The latter is no proof in the strict
 * sense (a forged SYN draws an answer as well): addresses one cannot afford to lose belong on the allowlist.
 */
export function isForgeable(row: EvidenceRow): boolean {
  return row('established_tcp_flows') === 0 && row('answered_tcp_flows') < MOSTLY * row('flows');
}

/**
 * Flows that came to nothing: dropped by the firewall, or TCP without a completed exchange. Where the log knows no
 * packet counts, only drops can be told.
 */
export function failedFlows(row: EvidenceRow): number {
  const withoutExchange = row('packets_total') > 0 ? row('tcp_flows') - row('established_tcp_flows') : 0;
  return Math.max(withoutExchange, row('dropped_flows'));
}

/**
 * One flow that came to nothing: the background noise of the Internet, most sources of an exposed network and nothing
 * else. There is too little in it to tell a scanner from a typing error.
 */
export function isSingleProbe(row: EvidenceRow): boolean {
  return row('flows') === 1 && failedFlows(row) === 1;
}
