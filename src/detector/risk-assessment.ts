import type { AnomalyType, Reason, TierThresholds } from './detection.ts';
import { type EvidenceRow, failedFlows, isForgeable, MOSTLY } from './evidence-row.ts';
import type { Neighbours } from './neighbours.ts';
import type { ScaledHit } from './signatures.ts';

/** From here up an entity lies in the forest's anomalous share. */
export const FOREST_TAIL_RISK = 50;

/** From here up it is as likely an attack as not; below there is nothing to report. */
const SUSPICIOUS_RISK = 50;

/** Even harmless clients see up to this share of their connections fail: retries, probes of IPv6, dead servers. */
const LARGEST_SERVED_FAILURE = 0.5;

/** How far below a threshold a capped risk stays, in points. */
const BELOW = 1;

/** So many others of the same network, or asking for the same port, make a single probe part of something. */
const FEWEST_NETWORK_NEIGHBOURS = 2;
const FEWEST_PORT_NEIGHBOURS = 4;

/** What all stages say of one entity. */
export interface AssessedEvidence {
  /** Risk of the model, 0-100: boosting and forest at both time scales. */
  readonly modelRisk: number;
  /** Boosting alone, both scales: above 0 it looks more like an attack than like the baseline. */
  readonly boostingLogOdds: number;
  /** The strongest signature at either scale. */
  readonly hit: ScaledHit | null;
  /** Evidence of the entity's own window. */
  readonly row: EvidenceRow;
  /** Evidence of the long window around it. */
  readonly longRow: EvidenceRow;
  /** Who else did the same; null where something of it came through. */
  readonly neighbours: Neighbours | null;
}

export interface Assessment {
  /** 0-100, one decimal. */
  readonly riskScore: number;
  /** The same without caps and rounding: for ranks. */
  readonly uncapped: number;
  readonly anomalyType: AnomalyType;
  /** Why the risk is lower than the evidence alone would make it. */
  readonly caps: readonly Reason[];
}

/**
 * Weighs model and signature together. Both: noisy-or, 1 - (1 - m)(1 - s): two independent witnesses (Pearl,
 * Probabilistic Reasoning, 4.3.2). One alone stays below high, because blocking needs corroboration.
 */
export function uncappedRisk({ modelRisk, hit }: Pick<AssessedEvidence, 'modelRisk' | 'hit'>): number {
  if (hit === null) return modelRisk;
  return modelRisk < SUSPICIOUS_RISK ? Math.max(modelRisk, hit.risk) : noisyOr(modelRisk, hit.risk);
}

/** Null when neither finds anything worth a word. */
export function assessRisk(
  evidence: AssessedEvidence & { readonly thresholds: TierThresholds },
): Assessment | null {
  const { modelRisk, boostingLogOdds, hit, row, longRow, thresholds } = evidence;
  const isSuspicious = modelRisk >= SUSPICIOUS_RISK;
  if (!isSuspicious && hit === null) return null;
  const caps: Cap[] = [];
  if (hit === null) caps.push(MODEL_ALONE);
  if (hit === null && boostingLogOdds <= 0) {
    if (looksServed(row)) caps.push(SERVED);
    else if (looksLikeReplies(row)) caps.push(ANSWERS);
  }
  if (hit !== null && !isSuspicious) caps.push(SIGNATURE_ALONE);
  if (isLoneProbe(evidence)) caps.push(SINGLE_FLOW);
  const uncapped = uncappedRisk({ modelRisk, hit });
  const basis = hit?.scale === 'long' ? longRow : row;
  const anomalyType = hit?.type ?? 'unclassified';
  const forgeable = isForgeable(basis);
  return {
    ...applyCaps({ raw: uncapped, caps, row: basis, forgeable, thresholds, anomalyType }),
    uncapped,
    anomalyType,
  };
}

function noisyOr(left: number, right: number): number {
  return 100 * (1 - (1 - left / 100) * (1 - right / 100));
}

/**
 * Most was answered, and no login service was pressed: what backups, downloads and busy people look like.
 * Without a signature, and without a likeness to attacks, there is nothing in it for an operator to decide.
 */
function looksServed(row: EvidenceRow): boolean {
  const flows = row('flows');
  return failedFlows(row) <= LARGEST_SERVED_FAILURE * flows && row('login_flows') < flows / 2;
}

/** One flow in the window, none else around it, and nobody who does the same. */
function isLoneProbe({ row, longRow, neighbours }: AssessedEvidence): boolean {
  if (row('flows') > 1 || longRow('flows') > 1) return false;
  if (neighbours === null) return true;
  const { sameNetwork, samePort } = neighbours;
  return sameNetwork < FEWEST_NETWORK_NEIGHBOURS && samePort < FEWEST_PORT_NEIGHBOURS;
}

interface Cap {
  readonly below: 'high' | 'medium';
  readonly subject: string;
  readonly text: string;
}

const MODEL_ALONE: Cap = {
  below: 'high',
  subject: 'no_signature',
  text: 'Unusual, but no known attack pattern: left to an operator',
};

const SERVED: Cap = {
  below: 'medium',
  subject: 'established_tcp_flows',
  text: 'Unusual, but mostly answered, and nothing in it looks like an attack',
};

/** Late packets of forgotten connections: too short to pass for served, and each to a port of its own. */
const ANSWERS: Cap = {
  below: 'medium',
  subject: 'service_reply_flows',
  text: 'Unusual, but mostly from a service port to client ports, and nothing in it looks like an attack',
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
  text: 'A single flow, and nobody else does the same: too little evidence to act on',
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
  if (looksLikeReplies(row) && !caps.includes(ANSWERS)) applicable.push(REPLIES);
  if (looksLikeWork(row, anomalyType)) applicable.push(LONG_FLOWS);
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
  if (cap === REPLIES || cap === ANSWERS) return row('service_reply_flows');
  if (cap === LONG_FLOWS) return row('long_flows');
  return cap === FORGEABLE || cap === SERVED ? row('established_tcp_flows') : row('flows');
}
