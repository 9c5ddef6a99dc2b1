import { EVIDENCE_COUNT, type EvidenceColumn, evidenceIndex } from '../features/evidence.ts';
import type { FeatureTable } from '../features/feature-table.ts';

/** The evidence of one entity by column name. */
export type EvidenceRow = (column: EvidenceColumn) => number;

export function evidenceOf(table: Pick<FeatureTable, 'evidence'>, entity: number): EvidenceRow {
  const base = entity * EVIDENCE_COUNT;
  return (column) => table.evidence[base + evidenceIndex(column)]!;
}

/**
 * True when nothing in the entity proves that its source address is real: without a completed TCP exchange every
 * packet may carry somebody else's address (UDP, ICMP, SYNs and whatever our own hosts answered to them). Blocking on
 * such evidence would let anybody have any address blocked.
 */
export function isForgeable(row: EvidenceRow): boolean {
  return row('established_tcp_flows') === 0;
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
