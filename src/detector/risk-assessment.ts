import type { AnomalyType, Reason, TierThresholds } from './detection.ts';
import { type EvidenceRow, failedFlows, isForgeable, MOSTLY } from './evidence-row.ts';
import type { SignatureHit } from './signatures.ts';

/** From here up an entity lies in the model's anomalous share. */
export const FOREST_TAIL_RISK = 50;

/** Even harmless clients see up to this share of their connections fail: retries, probes of IPv6, dead servers. */
const LARGEST_SERVED_FAILURE = 0.5;

/** How far below a threshold a capped risk stays, in points. */
const BELOW = 1;

export interface Assessment {
  /** 0-100, one decimal. */
  readonly riskScore: number;
  readonly anomalyType: AnomalyType;
  /** Why the risk is lower than the evidence alone would make it. */
  readonly caps: readonly Reason[];
}

/**
 * Weighs forest and signature together; null when neither finds anything.
 * Both: noisy-or, 1 - (1 - f)(1 - s): two independent witnesses (Pearl, Probabilistic Reasoning, 4.3.2).
 * One alone stays below high, because blocking needs corroboration.
 *
 * @param forestRisk calibrated risk of the forest, 0-100
 */
export function assessRisk({
  forestRisk,
  hit,
  row,
  thresholds,
}: {
  readonly forestRisk: number;
  readonly hit: SignatureHit | null;
  readonly row: EvidenceRow;
  readonly thresholds: TierThresholds;
}): Assessment | null {
  const inTail = forestRisk >= FOREST_TAIL_RISK;
  if (!inTail && hit === null) return null;
  const caps: Cap[] = [];
  if (hit === null) caps.push(FOREST_ALONE);
  if (hit === null && looksServed(row)) caps.push(SERVED);
  if (hit !== null && !inTail) caps.push(SIGNATURE_ALONE);
  const raw = hit === null ? forestRisk : inTail ? noisyOr(forestRisk, hit.risk) : hit.risk;
  const forgeable = isForgeable(row);
  const anomalyType = hit?.type ?? 'unclassified';
  return {
    ...applyCaps({ raw, caps, row, forgeable, thresholds, anomalyType }),
    anomalyType,
  };
}

function noisyOr(left: number, right: number): number {
  return 100 * (1 - (1 - left / 100) * (1 - right / 100));
}

/**
 * Most was answered, and no login service was pressed: what backups, downloads and busy people look like.
 * Without a signature there is nothing in it for an operator to decide.
 */
function looksServed(row: EvidenceRow): boolean {
  const flows = row('flows');
  return failedFlows(row) <= LARGEST_SERVED_FAILURE * flows && row('login_flows') < flows / 2;
}

interface Cap {
  readonly below: 'high' | 'medium';
  readonly subject: string;
  readonly text: string;
}

const FOREST_ALONE: Cap = {
  below: 'high',
  subject: 'no_signature',
  text: 'Unusual, but no known attack pattern: left to an operator',
};

const SERVED: Cap = {
  below: 'medium',
  subject: 'established_tcp_flows',
  text: 'Unusual, but mostly answered, and nothing in it looks like an attack',
};

const SIGNATURE_ALONE: Cap = {
  below: 'high',
  subject: 'within_usual',
  text: 'An attack pattern, but not unusual for this network: left to an operator',
};

const FORGEABLE: Cap = {
  below: 'high',
  subject: 'established_tcp_flows',
  text: 'All evidence could be forged: no completed TCP exchange proves the source address',
};

const REPLIES: Cap = {
  below: 'high',
  subject: 'service_reply_flows',
  text: 'Mostly from a service port to client ports: may be the answers of a server, left to an operator',
};

const LONG_FLOWS: Cap = {
  below: 'high',
  subject: 'long_flows',
  text: 'Most connections went on for long: may be real work, left to an operator',
};

const SINGLE_FLOW: Cap = {
  below: 'medium',
  subject: 'flows',
  text: 'A single flow in the window is too little evidence to act on',
};

/** Adds the caps every detector shares, and names those that really lowered the risk. */
export function applyCaps({
  raw,
  caps,
  row,
  forgeable,
  thresholds,
  anomalyType,
}: {
  readonly raw: number;
  readonly caps: readonly Cap[];
  readonly row: EvidenceRow;
  readonly forgeable: boolean;
  readonly thresholds: TierThresholds;
  readonly anomalyType: AnomalyType;
}): { readonly riskScore: number; readonly caps: readonly Reason[] } {
  const applicable = [...caps];
  if (forgeable) applicable.push(FORGEABLE);
  if (looksLikeReplies(row)) applicable.push(REPLIES);
  if (looksLikeWork(row, anomalyType)) applicable.push(LONG_FLOWS);
  if (row('flows') === 1) applicable.push(SINGLE_FLOW);
  // Rounded before comparing: 94.96 is shown as 95 and must meet the caps of 95.
  const rounded = Math.round(raw * 10) / 10;
  let riskScore = rounded;
  const named: Reason[] = [];
  for (const cap of applicable) {
    const threshold = cap.below === 'high' ? thresholds.highRisk : thresholds.mediumRisk;
    if (rounded < threshold && cap !== SINGLE_FLOW) continue;
    riskScore = Math.min(riskScore, threshold - BELOW);
    named.push({ text: cap.text, subject: cap.subject, observed: observedOf(cap, row), typical: null });
  }
  return { riskScore, caps: named };
}

/**
 * Many ports of one of our hosts, all asked from port 443: a scan that hides its origin, or a busy web site answering
 * our clients, seen in one direction. Blocking the latter cuts everybody off, so the operator looks first.
 */
function looksLikeReplies(row: EvidenceRow): boolean {
  return row('service_reply_flows') >= MOSTLY * row('flows');
}

/**
 * A content network fetching from our web server or a build machine pulling over SSH makes as many connections as an
 * attacker, but they carry work. What an inside host gives away or calls home with may be long.
 */
function looksLikeWork(row: EvidenceRow, anomalyType: AnomalyType): boolean {
  if (anomalyType === 'exfiltration' || anomalyType === 'beaconing') return false;
  return row('long_flows') >= MOSTLY * row('flows');
}

function observedOf(cap: Cap, row: EvidenceRow): number {
  if (cap === REPLIES) return row('service_reply_flows');
  if (cap === LONG_FLOWS) return row('long_flows');
  return cap === FORGEABLE || cap === SERVED ? row('established_tcp_flows') : row('flows');
}
