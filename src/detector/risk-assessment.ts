import { isEverydayPort } from '../features/record-facts.ts';
import type { AnomalyType, Reason, TierThresholds } from './detection.ts';
import { type EvidenceRow, isForgeable, MOSTLY } from './evidence-row.ts';
import { harmlessKinds } from './harmless-kinds.ts';
import type { Neighbours } from './neighbours.ts';
import {
  applyCaps,
  type Cap,
  DEAD_SERVER,
  LINE_DOWN,
  MODEL_ALONE,
  SIGNATURE_ALONE,
  SINGLE_FLOW,
  SMALL_MODEL,
} from './risk-caps.ts';
import type { ScaledHit } from './signatures.ts';
import type { SourceGroup } from './trained-model.ts';

/** From here up an entity lies in the forest's anomalous share. */
export const FOREST_TAIL_RISK = 50;

/** From here up it is as likely an attack as not; below there is nothing to report. As log-odds of the risk curve too. */
const SUSPICIOUS_RISK = 50;
export const SUSPICIOUS_LOG_ODDS = 0;

/**
 * A model that saw fewer harmless windows cannot claim risk 95 by itself (risk-curve.ts: nobody who saw n can know that
 * something happens in fewer than one of ten n), so it is no witness to block by either.
 */
export const FEWEST_WINDOWS_TO_BLOCK = 50;

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
  readonly group: SourceGroup;
  /** Evidence of the entity's own window. */
  readonly row: EvidenceRow;
  /** Evidence of the long window around it. */
  readonly longRow: EvidenceRow;
  /** Who else did the same; null where something of it came through. */
  readonly neighbours: Neighbours | null;
  /** Harmless windows the model was fitted on. */
  readonly baselineWindows: number;
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
  const { modelRisk, hit, row, longRow, thresholds } = evidence;
  const isSuspicious = modelRisk >= SUSPICIOUS_RISK;
  if (!isSuspicious && hit === null) return null;
  const basis = hit?.scale === 'long' ? longRow : row;
  const caps: Cap[] = [];
  if (hit === null) caps.push(MODEL_ALONE);
  if (hit === null) caps.push(...harmlessKinds(evidence));
  if (hit !== null && !isSuspicious) caps.push(SIGNATURE_ALONE);
  if (hit?.reason.subject === DEAD_SERVER.subject) caps.push(DEAD_SERVER);
  if (hit !== null && evidence.group === 'internal' && looksForEveryday(hit, basis)) caps.push(LINE_DOWN);
  if (evidence.baselineWindows < FEWEST_WINDOWS_TO_BLOCK) caps.push(SMALL_MODEL);
  if (isLoneProbe(evidence)) caps.push(SINGLE_FLOW);
  const uncapped = uncappedRisk({ modelRisk, hit });
  const anomalyType = hit?.type ?? 'unclassified';
  const forgeable = isForgeable(basis);
  return {
    ...applyCaps({ raw: uncapped, caps, row: basis, forgeable, thresholds, anomalyType }),
    uncapped,
    anomalyType,
  };
}

/** A scan for the web, mail, names or time: what hosts ask for all day, and what an outage makes fail. */
function looksForEveryday({ type }: ScaledHit, basis: EvidenceRow): boolean {
  if (type !== 'horizontal_scan' && type !== 'slow_scan' && type !== 'port_scan') return false;
  return isEverydayPort(basis('top_port')) && basis('top_port_flows') >= MOSTLY * basis('flows');
}

function noisyOr(left: number, right: number): number {
  return 100 * (1 - (1 - left / 100) * (1 - right / 100));
}

/** One flow in the window, none else around it, and nobody who does the same. */
function isLoneProbe({ row, longRow, neighbours }: AssessedEvidence): boolean {
  if (row('flows') > 1 || longRow('flows') > 1) return false;
  if (neighbours === null) return true;
  const { sameNetwork, samePort } = neighbours;
  return sameNetwork < FEWEST_NETWORK_NEIGHBOURS && samePort < FEWEST_PORT_NEIGHBOURS;
}
