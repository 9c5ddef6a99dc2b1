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
 * True when the evidence is for the most part packets that anybody can send in somebody else's name: UDP, ICMP, SYNs that
 * nobody answered. Blocking on it would let anybody have any address blocked. A few completed exchanges beside them
 * prove nothing: whoever is to be blocked in his own name is a client, and has some. Not forgeable is what consists for
 * the most part of TCP attempts that were answered, completed ones among them. That is no proof in the strict sense (a
 * forged SYN draws an answer as well): addresses one cannot afford to lose belong on the allowlist.
 */
export function isForgeable(row: EvidenceRow): boolean {
  return row('answered_tcp_flows') < MOSTLY * row('flows');
}

/**
 * Flows that came to nothing: dropped by the firewall, or TCP without a completed exchange. Where the log knows no
 * packet counts, only drops can be told.
 */
export function failedFlows(row: EvidenceRow): number {
  const withoutExchange = row('packets_total') > 0 ? row('tcp_flows') - row('established_tcp_flows') : 0;
  return Math.max(withoutExchange, row('dropped_flows'));
}

/** A file transfer makes as many connections for data as logins; beyond that share it is logins that somebody is after. */
const LARGEST_LOGIN_SHARE = 0.6;

/** True when it is mostly login services that are asked. */
export function asksForLogins(row: EvidenceRow): boolean {
  return row('login_flows') >= LARGEST_LOGIN_SHARE * row('flows');
}

/** True when most flows are longer than an attempt: somebody worked, called or transferred. */
export function carriesWork(row: EvidenceRow): boolean {
  return row('long_flows') >= MOSTLY * row('flows');
}

/**
 * One flow that came to nothing: the background noise of the Internet, most sources of an exposed network and nothing
 * else. There is too little in it to tell a scanner from a typing error.
 */
export function isSingleProbe(row: EvidenceRow): boolean {
  return row('flows') === 1 && failedFlows(row) === 1;
}
