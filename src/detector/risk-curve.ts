import { fitGeneralisedPareto, scaleOfShape, survivalOf } from './generalised-pareto.ts';
import { logistic, naturalLog } from './portable-math.ts';
import { quantileOfSorted } from './risk-calibration.ts';
import type { RiskCurve } from './trained-model.ts';

/**
 * Risk is the share of attacks to expect among everything with at least that much evidence, in per cent: risk 95 says
 * that of a hundred entities judged so, five are harmless. It follows from how often the baseline and how often
 * attacks reach the evidence, both by entities the model had not learnt from, and from how common attacks are taken
 * to be (Bayes).
 */

/** Share of attacks among entities that the risk is stated for, as detectors are compared at elsewhere. */
export const ASSUMED_PREVALENCE = 0.05;

const STEPS = 128;

/** Excesses wanted for a fitted tail, and the share of a small baseline it may be fitted on at most. */
const WANTED_EXCESSES = 30;
const LARGEST_TAIL_SHARE = 0.25;

/** Evidence is a sum of log-odds, whose tail is exponential where one stage alone speaks; so many excesses it weighs. */
const PRIOR_SHAPE = 0;
const PRIOR_EXCESSES = 30;
const SHAPE_LIMIT = 0.5;
/** In nats: the evidence of one entity moves by about this much with the seed. */
const SMALLEST_SCALE = 0.25;

/** Of a millionth of that nothing is known but that it is there; the reciprocal of a mere rounding error would overflow. */
const SMALLEST_EXCESS = SMALLEST_SCALE * 1e-6;

/** Nobody who saw n harmless windows can know that something happens in fewer than one of ten times as many. */
const RAREST_BY_BASELINE = 0.1;

/** Beyond the ends of the curve risk goes on with the evidence, so that ranks stay, but hardly rises any more. */
const SLOPE_BELOW = 1;
const SLOPE_ABOVE = 0.001;

/**
 * @param baseline evidence of harmless entities held out in turn, at least one, any order
 * @param attacks evidence of attacks held out in turn, at least one, any order
 */
export function fitRiskCurve({
  baseline,
  attacks,
}: {
  readonly baseline: Float64Array;
  readonly attacks: Float64Array;
}): RiskCurve {
  const harmless = Float64Array.from(baseline).sort();
  const hostile = Float64Array.from(attacks).sort();
  const rarity = fitRarity(harmless);
  const low = harmless[0]!;
  const high = Math.max(harmless.at(-1)!, hostile.at(-1)!, low + 1);
  const evidence = Float64Array.from({ length: STEPS + 1 }, (_, step) => low + ((high - low) * step) / STEPS);
  const logOdds = evidence.map((value) => {
    const found = (countAtOrAbove(hostile, value) + 0.5) / (hostile.length + 1);
    return naturalLog((ASSUMED_PREVALENCE * found) / ((1 - ASSUMED_PREVALENCE) * rarity(value)));
  });
  // Past the strongest attacks the share found falls faster than the rarity; more evidence is never less risk.
  for (let step = 1; step <= STEPS; step += 1) logOdds[step] = Math.max(logOdds[step]!, logOdds[step - 1]!);
  return { evidence, logOdds };
}

/** Log-odds of an attack at this evidence, rising with it without end: for ranks. */
export function logOddsAt({ evidence, logOdds }: RiskCurve, value: number): number {
  const last = evidence.length - 1;
  if (value <= evidence[0]!) return logOdds[0]! + SLOPE_BELOW * (value - evidence[0]!);
  if (value >= evidence[last]!) return logOdds[last]! + SLOPE_ABOVE * (value - evidence[last]!);
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (evidence[middle]! <= value) low = middle;
    else high = middle;
  }
  const position = (value - evidence[low]!) / (evidence[high]! - evidence[low]!);
  return logOdds[low]! + position * (logOdds[high]! - logOdds[low]!);
}

/** The least evidence with at least these log-odds; the end of the curve where it does not get there. */
export function evidenceReaching(curve: RiskCurve, wanted: number): number {
  const { evidence, logOdds } = curve;
  if (logOdds[0]! >= wanted) return evidence[0]! - (logOdds[0]! - wanted) / SLOPE_BELOW;
  const above = logOdds.findIndex((value) => value >= wanted);
  // Above its end the curve rises so little that it is not followed.
  if (above < 0) return evidence.at(-1)!;
  const [low, high] = [logOdds[above - 1]!, logOdds[above]!];
  const position = (wanted - low) / (high - low);
  return evidence[above - 1]! + position * (evidence[above]! - evidence[above - 1]!);
}

/** Risk 0-100 of log-odds. */
export function riskOfLogOdds(logOdds: number): number {
  return 100 * logistic(logOdds);
}

/** Share of harmless entities with at least that evidence: counted in the body, generalised Pareto in the tail. */
function fitRarity(sorted: Float64Array): (value: number) => number {
  const count = sorted.length;
  const share = Math.min(LARGEST_TAIL_SHARE, WANTED_EXCESSES / count);
  const threshold = quantileOfSorted(sorted, 1 - share);
  const excesses = sorted
    .filter((value) => value > threshold)
    .map((value) => Math.max(SMALLEST_EXCESS, value - threshold));
  const tail = fitTail(excesses);
  const tailShare = (excesses.length + 0.5) / (count + 1);
  const rarest = RAREST_BY_BASELINE / count;
  return (value) => {
    if (value <= threshold) return (countAtOrAbove(sorted, value) + 0.5) / (count + 1);
    return Math.max(rarest, tailShare * survivalOf(tail, value - threshold));
  };
}

function fitTail(excesses: Float64Array): { readonly shape: number; readonly scale: number } {
  if (excesses.length === 0) return { shape: PRIOR_SHAPE, scale: SMALLEST_SCALE };
  const fitted = fitGeneralisedPareto(excesses).shape * excesses.length;
  const shrunk = (fitted + PRIOR_SHAPE * PRIOR_EXCESSES) / (excesses.length + PRIOR_EXCESSES);
  const shape = Math.min(SHAPE_LIMIT, Math.max(-SHAPE_LIMIT, shrunk));
  return { shape, scale: Math.max(SMALLEST_SCALE, scaleOfShape(excesses, shape)) };
}

/** `sorted` ascending. */
function countAtOrAbove(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! >= value) high = middle;
    else low = middle + 1;
  }
  return sorted.length - low;
}
