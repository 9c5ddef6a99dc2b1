export type ConfidenceTier = 'high' | 'medium' | 'low';

export type DetectorName = 'hybrid' | 'legacy';

export type AnomalyType =
  | 'port_scan'
  | 'horizontal_scan'
  | 'brute_force'
  | 'flood'
  | 'slow_scan'
  | 'beaconing'
  | 'exfiltration'
  | 'unclassified';

/** One sentence of evidence an operator understands, with the numbers behind it. */
export interface Reason {
  /** For example "412 destination ports in 5 min; typical for this network: 3". */
  readonly text: string;
  /** Name of the feature or evidence column the sentence is about, or of the rule. */
  readonly subject: string;
  readonly observed: number;
  /** The site's typical value for this source group; null when there is no model to know it from. */
  readonly typical: number | null;
  /** Share of the forest's evidence this feature holds, 0-1; absent where the reason is not the forest's. */
  readonly contribution?: number;
}

/** One suspicious entity: a row of the PostgreSQL table `detections` once it is recorded. */
export interface Detection {
  readonly sourceIp: string;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  /** 0-100, calibrated; higher is riskier. */
  readonly riskScore: number;
  readonly confidence: ConfidenceTier;
  readonly anomalyType: AnomalyType;
  readonly reasons: readonly Reason[];
  /** Log records behind it. */
  readonly logCount: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** The detector that really judged this entity (legacy where hybrid has no model for its group). */
  readonly detector: DetectorName;
  /** Version of the model that judged it; null for the legacy detector. */
  readonly modelVersion: string | null;
}

/** Tier thresholds, both 0-100: high from `highRisk` up, medium from `mediumRisk` up, low below. */
export interface TierThresholds {
  readonly highRisk: number;
  readonly mediumRisk: number;
}

export function tierOf(riskScore: number, thresholds: TierThresholds): ConfidenceTier {
  if (riskScore >= thresholds.highRisk) return 'high';
  return riskScore >= thresholds.mediumRisk ? 'medium' : 'low';
}
