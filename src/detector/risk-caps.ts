import type { EvidenceColumn } from '../features/evidence.ts';
import type { AnomalyType, Reason, TierThresholds } from './detection.ts';
import { carriesWork, type EvidenceRow, MOSTLY } from './evidence-row.ts';

/** How far below a threshold a capped risk stays, in points. */
const BELOW = 1;

/** Why an operator decides instead of the detector, or nobody has to. */
export interface Cap {
  readonly below: 'high' | 'medium';
  /** The column that tells most; or what was missing. */
  readonly subject: EvidenceColumn | 'no_signature' | 'within_usual' | 'small_model';
  readonly text: string;
}

export const MODEL_ALONE: Cap = {
  below: 'high',
  subject: 'no_signature',
  text: 'Unusual, but no known attack pattern: left to an operator',
};

export const SERVED: Cap = {
  below: 'medium',
  subject: 'established_tcp_flows',
  text: 'Unusual, but mostly answered, and nothing in it looks like an attack',
};

/** Late packets of forgotten connections: too short to pass for served, and each to a port of its own. */
export const ANSWERS: Cap = {
  below: 'medium',
  subject: 'service_reply_flows',
  text: 'Unusual, but mostly from a service port to client ports, and nothing in it looks like an attack',
};

/** Password guesses and probes are short. What an inside host gives away in long flows has a signature of its own. */
export const WORK: Cap = {
  below: 'medium',
  subject: 'long_flows',
  text: 'Unusual, but most connections went on for long, and nothing in it is a known attack pattern',
};

export const EVERYDAY: Cap = {
  below: 'medium',
  subject: 'udp_flows',
  text: 'Unusual, but mostly names, time and other everyday services of any network',
};

export const AWAY: Cap = {
  below: 'medium',
  subject: 'unanswered_tcp_flows',
  text: 'Unusual, but only one service called in vain, and not for long: most likely a server that is away',
};

/** A dead control server and a printer that is switched off look the same from here; a block would help with neither. */
export const DEAD_SERVER: Cap = {
  below: 'high',
  subject: 'unanswered_tcp_flows',
  text: 'Calls in vain to the same few targets: as often a server that is away as malware, left to an operator',
};

/** When the line to the outside is down, or IPv6 is announced but goes nowhere, every browsing host looks like this. */
export const LINE_DOWN: Cap = {
  below: 'high',
  subject: 'top_port_flows',
  text: 'Many hosts asked in vain for a service everybody uses: as often a line that is down as a scan, left to an operator',
};

export const SIGNATURE_ALONE: Cap = {
  below: 'high',
  subject: 'within_usual',
  text: 'An attack pattern, but not unusual for this network: left to an operator',
};

const FORGEABLE: Cap = {
  below: 'high',
  subject: 'established_tcp_flows',
  text: 'All evidence could be forged: no completed TCP exchange proves the source address',
};

/** The exchanges may be the victim's own business, and the rest sent by somebody who wants him blocked. */
const MOSTLY_FORGEABLE: Cap = {
  below: 'high',
  subject: 'established_tcp_flows',
  text: 'Most of the evidence could be forged: the few completed TCP exchanges may be harmless ones of the same address',
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

export const SMALL_MODEL: Cap = {
  below: 'high',
  subject: 'small_model',
  text: 'The model learnt from fewer than 50 harmless windows: left to an operator',
};

export const SINGLE_FLOW: Cap = {
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
  if (forgeable) applicable.push(row('established_tcp_flows') > 0 ? MOSTLY_FORGEABLE : FORGEABLE);
  if (looksLikeReplies(row) && !caps.includes(ANSWERS)) applicable.push(REPLIES);
  if (looksLikeWork(row, anomalyType) && !caps.includes(WORK)) applicable.push(LONG_FLOWS);
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
export function looksLikeReplies(row: EvidenceRow): boolean {
  return row('service_reply_flows') >= MOSTLY * row('flows');
}

/**
 * A content network fetching from our web server or a build machine pulling over SSH makes as many connections as an
 * attacker, but they carry work. What an inside host gives away or calls home with may be long.
 */
function looksLikeWork(row: EvidenceRow, anomalyType: AnomalyType): boolean {
  if (anomalyType === 'exfiltration' || anomalyType === 'beaconing') return false;
  return carriesWork(row);
}

function observedOf({ subject }: Cap, row: EvidenceRow): number {
  switch (subject) {
    case 'no_signature':
    case 'within_usual':
    case 'small_model':
      return row('flows');
    default:
      return row(subject);
  }
}
