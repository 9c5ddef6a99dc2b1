import type { RiskCalibration } from './trained-model.ts';

/** Quantiles kept below the tail; 256 steps put the interpolation error under half a percent of the training share. */
const BODY_STEPS = 256;

/** A mean excess from fewer scores than this swings by half its value; the tail is then fitted from further in. */
const WANTED_TAIL_SCORES = 20;

/** Share of a small training set the tail may be fitted on at most. */
const LARGEST_TAIL_SHARE = 0.25;

/** Anomaly scores live in (0,1) and differ by about this much between seeds: a thinner tail would be noise. */
const SMALLEST_MEAN_EXCESS = 0.005;

/** Risk at the tail start, and what every further tenfold rarity adds. */
const RISK_AT_TAIL_START = 50;
const RISK_PER_DECADE = 20;

/**
 * Fits the map from anomaly score to rarity. Below the (1 - contamination) quantile the training scores themselves
 * tell the share; above it there are too few of them, so the excess is taken as exponentially distributed
 * (peaks over threshold with shape 0: Coles, An Introduction to Statistical Modeling of Extreme Values, ch. 4).
 * The exponential has no memory, so with a small training set its mean excess is estimated from a wider tail.
 *
 * @param scores anomaly scores of the training entities, (0,1), higher is more anomalous; at least one
 * @param contamination share of training entities that lie above the tail start, 0 < c < 1
 */
export function fitRiskCalibration({
  scores,
  contamination,
}: {
  readonly scores: Float64Array;
  readonly contamination: number;
}): RiskCalibration {
  const sorted = Float64Array.from(scores).sort();
  const tailStartScore = quantileOfSorted(sorted, 1 - contamination);
  const quantileScores = new Float64Array(BODY_STEPS + 1);
  for (let step = 0; step <= BODY_STEPS; step += 1) {
    quantileScores[step] = quantileOfSorted(sorted, ((1 - contamination) * step) / BODY_STEPS);
  }
  return {
    quantileScores,
    tailStartScore,
    tailMeanExcess: fitMeanExcess(sorted, contamination),
    contamination,
  };
}

/** Linear interpolation between order statistics (type 7 of Hyndman and Fan 1996). `sorted` ascending, not empty. */
export function quantileOfSorted(sorted: Float64Array, probability: number): number {
  const position = (sorted.length - 1) * probability;
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (position - below) * (sorted[above]! - sorted[below]!);
}

function fitMeanExcess(sorted: Float64Array, contamination: number): number {
  const wanted = Math.min(WANTED_TAIL_SCORES / sorted.length, LARGEST_TAIL_SHARE);
  const threshold = quantileOfSorted(sorted, 1 - Math.max(contamination, wanted));
  let sum = 0;
  let count = 0;
  for (let index = sorted.length - 1; index >= 0 && sorted[index]! > threshold; index -= 1) {
    sum += sorted[index]! - threshold;
    count += 1;
  }
  return Math.max(count === 0 ? 0 : sum / count, SMALLEST_MEAN_EXCESS);
}

/**
 * Share of training entities scoring at least `score`, in [0,1]; never rises with the score. Entities that share one
 * score all count for it, so a crowd of identical sources at the edge of the tail is not called rare.
 */
export function shareAtOrAbove(calibration: RiskCalibration, score: number): number {
  const { quantileScores, tailStartScore, tailMeanExcess, contamination } = calibration;
  if (score > tailStartScore) return contamination * Math.exp(-(score - tailStartScore) / tailMeanExcess);
  const steps = quantileScores.length - 1;
  const upper = firstAtLeast(quantileScores, score);
  if (upper === 0) return 1;
  const low = quantileScores[upper - 1]!;
  const position = upper - 1 + (score - low) / (quantileScores[upper]! - low);
  return 1 - ((1 - contamination) * position) / steps;
}

/** Index of the first quantile at or above `score`; `score` is at most the last one. */
function firstAtLeast(quantileScores: Float64Array, score: number): number {
  let low = 0;
  let high = quantileScores.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (quantileScores[middle]! >= score) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Risk 0-100 of an anomaly score: 50 where the model's anomalous share begins, 20 more for each tenfold rarity
 * (70 = ten times rarer than the contamination, 90 = a hundred times), 100 at most. Never falls as the score rises.
 */
export function riskOfScore(calibration: RiskCalibration, score: number): number {
  const { contamination } = calibration;
  const share = shareAtOrAbove(calibration, score);
  if (share >= contamination) return (RISK_AT_TAIL_START * (1 - share)) / (1 - contamination);
  // exp() of a far outlier underflows to 0, which is as rare as anything gets.
  if (share === 0) return 100;
  return Math.min(100, RISK_AT_TAIL_START + RISK_PER_DECADE * Math.log10(contamination / share));
}
