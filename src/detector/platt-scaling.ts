import { logistic, naturalExp, naturalLog } from './portable-math.ts';

/** Turns the log-odds of a model into a probability that means what it says: 1 / (1 + e^-(slope * logOdds + intercept)). */
export interface PlattScaling {
  /** 0 or more, so that scaling never reverses a ranking. */
  readonly slope: number;
  readonly intercept: number;
}

export interface PlattInput {
  /** Finite, one for each row the model was not trained on; at least one. */
  readonly logOdds: Float64Array;
  /** Class of each row, 0 or 1. */
  readonly labels: Uint8Array;
  /** Weight of each row, above 0; 1 when left out. A weight of 2 counts as the row given twice. */
  readonly weights?: Float64Array | undefined;
}

/** Enough for any data: the loss is convex and Newton's method doubles the right digits of its last steps. */
const MOST_STEPS = 100;
const SMALLEST_STEP = 1e-10;
/** Of the mean loss per row. */
const GRADIENT_TOLERANCE = 1e-12;
/** Added to the diagonal of the hessian, so that it can always be inverted. */
const RIDGE = 1e-12;
/** Share of the promised descent that a step must keep (Armijo). */
const WANTED_DESCENT = 1e-4;
/** Of the loss: near the bottom it falls by less than its own last places, while the gradient still shows the way. */
const LOSS_ROUNDING = 1e-15;
/** Where e^-x is far below the last place of 1. */
const LARGEST_EXPONENT = 708;

/**
 * Fits a logistic curve to log-odds (Platt 1999), with his target smoothing - (N1 + 1) / (N1 + 2) for class 1 and
 * 1 / (N0 + 2) for class 0, so that separable and tiny data give a finite curve - by the Newton method with backtracking
 * of Lin, Lin and Weng (Machine Learning 68, 2007). Where the best slope is negative, or the log-odds are all one, the
 * slope is 0 and every row gets the mean target. Throws RangeError without rows, on lengths that do not fit, on log-odds
 * that are not finite, and on labels and weights out of range.
 */
export function fitPlattScaling(input: PlattInput): PlattScaling {
  checkInput(input);
  const { logOdds, labels } = input;
  const weights = normalise(input.weights ?? new Float64Array(logOdds.length).fill(1));
  const targets = smoothTargets(labels, input.weights);
  const level = weightedMean(targets, weights);
  const flat = { slope: 0, intercept: naturalLog(level / (1 - level)) };
  const mean = weightedMean(logOdds, weights);
  const deviation = Math.sqrt(
    weightedMean(
      logOdds.map((x) => (x - mean) * (x - mean)),
      weights,
    ),
  );
  if (!(deviation > 0 && deviation < Infinity)) return flat;
  // Fitted on standardised values, where one tolerance and one ridge suit any scale.
  const values = logOdds.map((x) => (x - mean) / deviation);
  const fitted = descend({ values, targets, weights }, flat);
  if (fitted.slope <= 0) return flat;
  return { slope: fitted.slope / deviation, intercept: fitted.intercept - (fitted.slope * mean) / deviation };
}

/** Probability of class 1, in [0, 1]; never falls as the log-odds (finite) rise. */
export function calibratedProbability({ slope, intercept }: PlattScaling, logOdds: number): number {
  return logistic(slope * logOdds + intercept);
}

/** Weights sum to 1, so the loss is the mean of the rows. */
interface CurveData {
  readonly values: Float64Array;
  readonly targets: Float64Array;
  readonly weights: Float64Array;
}

function descend(data: CurveData, start: PlattScaling): PlattScaling {
  let curve = start;
  let loss = meanLoss(data, curve);
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const direction = newtonDirection(data, curve);
    if (direction === null) break;
    const next = lineSearch(data, { curve, loss, direction });
    if (next === null) break;
    ({ curve, loss } = next);
  }
  return curve;
}

interface Direction extends PlattScaling {
  /** Derivative of the loss along it: below 0. */
  readonly descent: number;
}

/** Null where the gradient is all but zero. */
function newtonDirection({ values, targets, weights }: CurveData, curve: PlattScaling): Direction | null {
  let [gradientSlope, gradientIntercept] = [0, 0];
  let [h11, h22, h12] = [RIDGE, RIDGE, 0];
  for (let i = 0; i < values.length; i += 1) {
    const probability = calibratedProbability(curve, values[i]!);
    const error = weights[i]! * (probability - targets[i]!);
    const curvature = weights[i]! * probability * (1 - probability);
    gradientSlope += error * values[i]!;
    gradientIntercept += error;
    h11 += curvature * values[i]! * values[i]!;
    h12 += curvature * values[i]!;
    h22 += curvature;
  }
  if (Math.abs(gradientSlope) < GRADIENT_TOLERANCE && Math.abs(gradientIntercept) < GRADIENT_TOLERANCE)
    return null;
  const determinant = h11 * h22 - h12 * h12;
  const slope = -(h22 * gradientSlope - h12 * gradientIntercept) / determinant;
  const intercept = -(h11 * gradientIntercept - h12 * gradientSlope) / determinant;
  return { slope, intercept, descent: gradientSlope * slope + gradientIntercept * intercept };
}

/** Halves the step until the loss falls as promised; null when no step is long enough to matter. */
function lineSearch(
  data: CurveData,
  { curve, loss, direction }: { curve: PlattScaling; loss: number; direction: Direction },
): { curve: PlattScaling; loss: number } | null {
  for (let length = 1; length >= SMALLEST_STEP; length /= 2) {
    const next = {
      slope: curve.slope + length * direction.slope,
      intercept: curve.intercept + length * direction.intercept,
    };
    const nextLoss = meanLoss(data, next);
    const wanted = loss + WANTED_DESCENT * length * direction.descent + LOSS_ROUNDING * loss;
    if (nextLoss <= wanted) return { curve: next, loss: nextLoss };
  }
  return null;
}

/** Cross entropy of the targets, in the form that neither overflows nor cancels (Lin, Lin, Weng, section 3). */
function meanLoss({ values, targets, weights }: CurveData, { slope, intercept }: PlattScaling): number {
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) {
    const x = slope * values[i]! + intercept;
    const size = Math.abs(x);
    const linear = x >= 0 ? 1 - targets[i]! : targets[i]!;
    sum += weights[i]! * (linear * size + naturalLog(1 + naturalExp(-Math.min(size, LARGEST_EXPONENT))));
  }
  return sum;
}

function smoothTargets(labels: Uint8Array, weights: Float64Array | undefined): Float64Array {
  let ones = 0;
  let zeros = 0;
  labels.forEach((label, i) => {
    const weight = weights === undefined ? 1 : weights[i]!;
    if (label === 1) ones += weight;
    else zeros += weight;
  });
  return Float64Array.from(labels, (label) => (label === 1 ? (ones + 1) / (ones + 2) : 1 / (zeros + 2)));
}

function normalise(weights: Float64Array): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** Weights sum to 1. */
function weightedMean(values: Float64Array, weights: Float64Array): number {
  return values.reduce((sum, value, i) => sum + weights[i]! * value, 0);
}

function checkInput({ logOdds, labels, weights }: PlattInput): void {
  if (logOdds.length === 0) throw new RangeError('a calibration needs at least one row');
  if (labels.length !== logOdds.length)
    throw new RangeError(`${logOdds.length} log-odds need as many labels, got ${labels.length}`);
  if (weights !== undefined && weights.length !== logOdds.length)
    throw new RangeError(`${logOdds.length} log-odds need as many weights, got ${weights.length}`);
  for (let i = 0; i < logOdds.length; i += 1) {
    if (!Number.isFinite(logOdds[i]!)) throw new RangeError(`log-odds ${i} is ${logOdds[i]!}`);
    if (labels[i]! > 1) throw new RangeError(`label ${i} is ${labels[i]!}, not 0 or 1`);
    if (weights !== undefined && !(weights[i]! > 0 && weights[i]! < Infinity))
      throw new RangeError(`weight ${i} is ${weights[i]!}, it must be above 0 and finite`);
  }
}
