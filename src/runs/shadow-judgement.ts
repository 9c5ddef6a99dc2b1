import type { ConfidenceTier, Detection, DetectorName } from '../detector/detection.ts';
import type { Detector } from '../detector/detector.ts';
import { AutoblockError, type ErrorCode, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';

/** The detector that looks at the traffic of a run beside the active one, or why it cannot. */
export type Shadow =
  | { readonly name: DetectorName; readonly detector: Detector }
  | { readonly name: DetectorName; readonly problem: ShadowProblem };

export interface ShadowProblem {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What a run history keeps of a shadow's judgement. */
export interface ShadowFigures {
  readonly detector: DetectorName;
  readonly modelVersion: string | null;
  /** Detections by tier; null when it did not judge. */
  readonly tiers: Readonly<Record<ConfidenceTier, number>> | null;
  /** Why it did not judge; null when it did. */
  readonly missing: ShadowProblem | null;
}

export interface ShadowLedger {
  recordShadow(record: {
    runId: number;
    figures: ShadowFigures;
    detections: readonly Detection[];
    detectedAtMs: number;
  }): void;
}

export interface ShadowParts {
  readonly shadow: Shadow;
  /** The very value the active detector judged. */
  readonly traffic: Parameters<Detector['detect']>[0];
  readonly ledger: ShadowLedger;
  /** Row of the run whose active part is recorded already; null records nothing (dry run). */
  readonly runId: number | null;
  /** The run's own time of detection, so that both detectors' rows name the same run. */
  readonly nowMs: number;
  readonly logger: Logger;
}

/**
 * Lets the shadow judge and records what it found. Called when the active detection is decided and written: whatever
 * goes wrong here is logged with its code and counted in the run history, and disturbs nothing. Never throws.
 */
export function runShadow(parts: ShadowParts): ShadowFigures {
  const { figures, detections } = judge(parts);
  if (parts.runId === null) return figures;
  try {
    parts.ledger.recordShadow({ runId: parts.runId, figures, detections, detectedAtMs: parts.nowMs });
    return figures;
  } catch (thrown) {
    return missing(parts, thrown);
  }
}

function judge(parts: ShadowParts): { figures: ShadowFigures; detections: readonly Detection[] } {
  const { shadow, traffic } = parts;
  try {
    if ('problem' in shadow) throw new AutoblockError(shadow.problem.code, shadow.problem.message);
    const detections = shadow.detector.detect(traffic);
    const { modelVersion } = shadow.detector;
    const figures = { detector: shadow.name, modelVersion, tiers: countTiers(detections), missing: null };
    return { figures, detections };
  } catch (thrown) {
    return { figures: missing(parts, thrown), detections: [] };
  }
}

function missing({ shadow, logger }: ShadowParts, thrown: unknown): ShadowFigures {
  const code = thrown instanceof AutoblockError ? thrown.code : 'INTERNAL';
  logger.warn(
    { code, err: thrown, shadow: shadow.name },
    'shadow detector missing in this run: the active detection is not affected',
  );
  const modelVersion = 'detector' in shadow ? shadow.detector.modelVersion : null;
  return { detector: shadow.name, modelVersion, tiers: null, missing: { code, message: messageOf(thrown) } };
}

/** Detections per tier. */
export function countTiers(detections: readonly Detection[]): Record<ConfidenceTier, number> {
  const tiers = { high: 0, medium: 0, low: 0 };
  for (const detection of detections) tiers[detection.confidence] += 1;
  return tiers;
}
