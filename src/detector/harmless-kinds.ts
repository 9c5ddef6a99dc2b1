import { isEverydayPort } from '../features/record-facts.ts';
import { asksForLogins, carriesWork, type EvidenceRow, failedFlows, MOSTLY } from './evidence-row.ts';
import { ANSWERS, AWAY, type Cap, EVERYDAY, looksLikeReplies, SERVED, WORK } from './risk-caps.ts';
import type { SourceGroup } from './trained-model.ts';

/** Even harmless clients see up to this share of their connections fail: retries, probes of IPv6, dead servers. */
const LARGEST_SERVED_FAILURE = 0.5;

/** So many hosts that nearly always answer are partners. */
const FEWEST_PARTNERS = 10;
const LEAST_SERVED = 0.9;

/** No client tries again faster than this, in flows per minute. */
const FASTEST_RETRY = 60;

/** Push services: MQTT, XMPP, Apple's and Google's. */
const PUSH_PORTS: ReadonlySet<number> = new Set([1883, 8883, 5222, 5223, 5228, 5229, 5230]);

/** What without a signature is no operator's business, because harmless hosts do it everywhere. */
export function harmlessKinds({
  boostingLogOdds,
  row,
  group,
}: {
  /** Above 0 it looks more like an attack than like the baseline. */
  readonly boostingLogOdds: number;
  /** Evidence of the entity's own window. */
  readonly row: EvidenceRow;
  readonly group: SourceGroup;
}): Cap[] {
  const isInside = group === 'internal';
  const kinds: Cap[] = [];
  // Remote control from the inside out is long as well, but asks for no login.
  if (carriesWork(row) && (!isInside || asksForLogins(row))) kinds.push(WORK);
  if (isInside && asksEverydayServices(row)) kinds.push(EVERYDAY);
  if (isInside && callsInVain(row)) kinds.push(AWAY);
  const isUnlikeAttacks = boostingLogOdds <= 0;
  if (isInside && isServedWidely(row)) kinds.push(SERVED);
  else if (isUnlikeAttacks && looksServed(row) && (isInside || !asksForLogins(row))) kinds.push(SERVED);
  else if ((isUnlikeAttacks || isInside) && looksLikeReplies(row)) kinds.push(ANSWERS);
  return kinds;
}

/**
 * Most was answered: what backups, downloads and busy people look like. Without a signature, and without a likeness to
 * attacks, there is nothing in it for an operator to decide, unless somebody outside asks for logins.
 */
function looksServed(row: EvidenceRow): boolean {
  return failedFlows(row) <= LARGEST_SERVED_FAILURE * row('flows');
}

/** Peer-to-peer, calls, streams: work with many hosts at once, which a controller or a place to steal to is not. */
function isServedWidely(row: EvidenceRow): boolean {
  const served = row('established_tcp_flows') + row('udp_exchange_flows');
  if (row('distinct_destinations') < FEWEST_PARTNERS || asksForLogins(row)) return false;
  return served >= LEAST_SERVED * row('flows');
}

/**
 * Datagrams to a service every network uses: from outside they may be a flood, from inside it is what hosts do. And the
 * answered calls of devices to the service that tells them what is new, which are as regular as a beacon.
 */
function asksEverydayServices(row: EvidenceRow): boolean {
  const flows = row('flows');
  const port = row('top_port');
  if (row('top_port_flows') < MOSTLY * flows) return false;
  if (row('udp_flows') >= MOSTLY * flows) return isEverydayPort(port);
  return PUSH_PORTS.has(port) && row('established_tcp_flows') >= MOSTLY * flows;
}

/** One service that does not answer; to go on with that steadily is a signature of its own (beaconing). */
function callsInVain(row: EvidenceRow): boolean {
  const isOneTarget = row('distinct_target_pairs') === 1 && row('unanswered_tcp_flows') === row('flows');
  return isOneTarget && row('max_flows_per_minute') <= FASTEST_RETRY && !asksForLogins(row);
}
