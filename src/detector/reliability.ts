import type { TrafficWindows } from '../features/traffic-windows.ts';
import type { TierThresholds } from './detection.ts';
import { assessEntities } from './entity-assessment.ts';
import type { Evidence } from './stage-evidence.ts';
import { type GroupModel, type ReliabilityBand, UNREACHABLE_RISK } from './trained-model.ts';

/** What the high tier promises: of a hundred entities in it at most five are harmless. */
const PROMISED_PRECISION = 0.95;

const BAND_EDGES = [0, 50, 70, 80, 90, 95, 100] as const;

interface Reviewed {
  readonly entities: Int32Array;
  readonly isAttack: boolean;
  /** By boosting that had not learnt from them. */
  readonly evidence: Evidence;
}

/**
 * Holds the risks against what operators said, and tightens the high tier where it does not keep its promise.
 *
 * @param thresholds those the model will judge with: the promise is about the tier as it is configured
 */
export function measureReliability({
  model,
  traffic,
  reviewed,
  thresholds,
}: {
  readonly model: GroupModel;
  readonly traffic: TrafficWindows;
  readonly reviewed: readonly Reviewed[];
  readonly thresholds: TierThresholds;
}): Pick<GroupModel, 'reliability' | 'leastHighRisk'> {
  const judged = reviewed.flatMap(({ entities, isAttack, evidence }) =>
    Array.from(assessEntities({ traffic, entities, model, evidence, thresholds }), ({ assessment }) => ({
      risk: assessment?.riskScore ?? 0,
      isAttack,
    })),
  );
  return { reliability: bandsOf(judged), leastHighRisk: leastHighRisk(judged, thresholds) };
}

interface JudgedEntity {
  readonly risk: number;
  readonly isAttack: boolean;
}

function bandsOf(judged: readonly JudgedEntity[]): ReliabilityBand[] {
  return BAND_EDGES.slice(0, -1).map((from, band) => {
    const to = BAND_EDGES[band + 1]!;
    const inside = judged.filter(({ risk }) => risk >= from && (risk < to || to === 100));
    return { from, to, reviewed: inside.length, attacks: inside.filter(({ isAttack }) => isAttack).length };
  });
}

/** The lowest risk of the high tier above which the promise holds. */
function leastHighRisk(judged: readonly JudgedEntity[], { highRisk }: TierThresholds): number {
  if (precisionFrom(judged, highRisk) >= PROMISED_PRECISION) return 0;
  const risks = judged.map(({ risk }) => risk).filter((risk) => risk > highRisk);
  return (
    risks
      .sort((left, right) => left - right)
      .find((risk) => precisionFrom(judged, risk) >= PROMISED_PRECISION) ?? UNREACHABLE_RISK
  );
}

/** Share of attacks among the reviewed from that risk up; 1 where there are none. */
function precisionFrom(judged: readonly JudgedEntity[], threshold: number): number {
  const above = judged.filter(({ risk }) => risk >= threshold);
  if (above.length === 0) return 1;
  return above.filter(({ isAttack }) => isAttack).length / above.length;
}
