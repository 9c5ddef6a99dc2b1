import {
  fitGeneralisedPareto,
  type GeneralisedPareto,
  scaleOfShape,
  survivalOf,
} from './generalised-pareto.ts';
import type { RiskCalibration } from './trained-model.ts';

/** Quantiles kept below the tail; 256 steps put the interpolation error under half a percent of the training share. */
const BODY_STEPS = 256;

/** From fewer excesses than this even a shrunk shape swings; the tail is then fitted from further in. */
const WANTED_EXCESSES = 30;

/** Share of a small training set the tail may be fitted on at most: further in it is no tail. */
const LARGEST_TAIL_SHARE = 0.25;

/**
 * What the shape is shrunk towards, as if this many excesses had shown it. Scores cannot pass 1, so their tail is
 * lighter than exponential: the upper 3 % of five benign captures had shapes of -0.09 to -0.38, -0.22 on average. 30
 * excesses tell a shape to ±0.2, no better than that; with no prior a hundred training scores gave anything.
 */
const PRIOR_SHAPE = -0.25;
const PRIOR_EXCESSES = 30;

/** Below it the end of the tail is all the fit looks at, and its errors are no longer normal (Smith 1985). */
export const SMALLEST_SHAPE = -0.5;
/** From it on not even the mean excess exists: no tail of numbers below 1. */
export const LARGEST_SHAPE = 1;

/** Anomaly scores live in (0,1) and differ by about this much between seeds: a thinner tail would be noise. */
const SMALLEST_SCALE = 0.005;

/** A light tail ends somewhere, but where is an estimate: a score beyond is very rare, not impossible. */
const SMALLEST_SURVIVAL = 1e-6;

/** Risk at the tail start, and what every further tenfold rarity adds. */
const RISK_AT_TAIL_START = 50;
const RISK_PER_DECADE = 20;

/**
 * Fits the map from anomaly score to rarity. In the body the training scores themselves tell the share. In the tail
 * there are too few of them: from a threshold with some 30 scores above it on, the excesses are taken as generalised
 * Pareto distributed (peaks over threshold: Coles, An Introduction to Statistical Modeling of Extreme Values, ch. 4).
 * With less than 30 / contamination scores that threshold lies below the contamination tail, whose start is then read
 * off the fitted curve too; the tail above it keeps the shape, its scale is scale + shape x distance.
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
  const tail = fitTail(sorted, contamination);
  const crowd = highestCrowd(sorted, contamination);
  const quantile = (probability: number): number => {
    const empirical = quantileOfSorted(sorted, probability);
    if (1 - probability >= tail.share) return empirical;
    return Math.min(1, Math.max(tailQuantile(tail, 1 - probability), Math.min(crowd, empirical)));
  };
  const quantileScores = Float64Array.from({ length: BODY_STEPS + 1 }, (_, step) =>
    quantile(((1 - contamination) * step) / BODY_STEPS),
  );
  const tailStartScore = quantileScores[BODY_STEPS]!;
  const scale = tail.scale + tail.shape * (tailStartScore - tail.threshold);
  return {
    quantileScores,
    tailStartScore,
    tailShape: tail.shape,
    tailScale: Math.max(scale, SMALLEST_SCALE),
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

interface Tail extends GeneralisedPareto {
  readonly threshold: number;
  /** Share of training scores taken to lie above the threshold. */
  readonly share: number;
}

function fitTail(sorted: Float64Array, contamination: number): Tail {
  const wanted = Math.min(WANTED_EXCESSES / sorted.length, LARGEST_TAIL_SHARE);
  const share = Math.max(contamination, wanted);
  const threshold = quantileOfSorted(sorted, 1 - share);
  const excesses = sorted.filter((score) => score > threshold).map((score) => score - threshold);
  if (excesses.length === 0) return { threshold, share, shape: PRIOR_SHAPE, scale: SMALLEST_SCALE };
  const fitted = fitGeneralisedPareto(excesses).shape * excesses.length;
  const shrunk = (fitted + PRIOR_SHAPE * PRIOR_EXCESSES) / (excesses.length + PRIOR_EXCESSES);
  const shape = Math.min(Math.max(shrunk, SMALLEST_SHAPE), LARGEST_SHAPE);
  return { threshold, share, shape, scale: Math.max(scaleOfShape(excesses, shape), SMALLEST_SCALE) };
}

/** Score that `share` of all training scores exceed by the fitted tail; share from 0 (excluded) to the tail's own. */
function tailQuantile({ threshold, share: tailShare, shape, scale }: Tail, share: number): number {
  const logRarity = Math.log(tailShare / share);
  return threshold + scale * (shape === 0 ? logRarity : Math.expm1(shape * logRarity) / shape);
}

/**
 * Highest score that `contamination` of the training scores share, 0 if none. The fitted curve is smooth and would call
 * such a crowd of identical sources rare; the tail starts no lower than it.
 */
function highestCrowd(sorted: Float64Array, contamination: number): number {
  const wanted = Math.max(2, Math.ceil(contamination * sorted.length));
  for (let last = sorted.length - 1; last >= wanted - 1; last -= 1)
    if (sorted[last] === sorted[last - wanted + 1]) return sorted[last]!;
  return 0;
}

/**
 * Share of training entities scoring at least `score`, in (0,1]; never rises with the score. Entities that share one
 * score all count for it, so a crowd of identical sources at the edge of the tail is not called rare.
 */
export function shareAtOrAbove(calibration: RiskCalibration, score: number): number {
  const { quantileScores, tailStartScore, tailShape, tailScale, contamination } = calibration;
  if (score > tailStartScore) {
    const survival = survivalOf({ shape: tailShape, scale: tailScale }, score - tailStartScore);
    return contamination * Math.max(survival, SMALLEST_SURVIVAL);
  }
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
  return Math.min(100, RISK_AT_TAIL_START + RISK_PER_DECADE * Math.log10(contamination / share));
}
