import type { HistogramBins } from './histogram-bins.ts';

/** What a tree must keep to; as in BoostingSettings. */
export interface GrowthLimits {
  readonly maxLeaves: number;
  readonly minLeafRows: number;
  readonly minLeafHessian: number;
  readonly l2: number;
}

/** What the search for a split knows beside the leaf. */
export interface SplitField {
  readonly bins: HistogramBins;
  readonly limits: GrowthLimits;
  /** Per column: 1 and -1 = the tree may only rise or fall with it, 0 = free. */
  readonly monotone: Int8Array;
}

/** Derivatives of the loss, summed over rows. */
export interface Sums {
  readonly gradient: number;
  readonly hessian: number;
}

/** What a leaf's step may be, handed down by monotone splits above it. */
export interface StepBounds {
  readonly lower: number;
  readonly upper: number;
}

export interface CountedLeaf extends Sums, StepBounds {
  readonly rowCount: number;
  /** HISTOGRAM_FIELDS numbers for each bin of `bins`; only those of the columns searched are read. */
  readonly histogram: Float64Array;
}

export interface Split {
  readonly column: number;
  readonly bin: number;
  /** Loss saved, twice as much as in second order: above 0. */
  readonly gain: number;
  readonly leftStep: number;
  readonly rightStep: number;
}

/** Per bin: sum of gradients, sum of hessians, number of rows. */
export const HISTOGRAM_FIELDS = 3;

/**
 * No Newton step is longer, whatever the hessian: where every row of a leaf is all but certain the step divides by
 * almost nothing. e^16 is odds of nine million to one.
 */
export const LONGEST_STEP = 16;

/**
 * Gains that differ by less than this share of a leaf's hessian and score are one gain to us: sums taken in another order
 * differ by as much. A split whose two steps would lie within about 1e-5 of each other is no gain either.
 */
export const GAIN_TOLERANCE = 1e-10;

/**
 * The split of a leaf that saves the most loss (Chen and Guestrin, KDD 2016, equation 7), over the columns in rising order.
 * Equal gains go to the lower column, then the lower bin. Null when none helps.
 */
export function findSplit(field: SplitField, columns: Int32Array, leaf: CountedLeaf): Split | null {
  const { l2 } = field.limits;
  const unsplit = scoreOf(leaf, newtonStep(leaf, leaf, l2), l2);
  const tolerance = GAIN_TOLERANCE * (leaf.hessian + Math.abs(unsplit));
  let best: ScoredSplit | null = null;
  for (const column of columns) {
    const bar: number = (best?.score ?? unsplit) + tolerance;
    best = scanColumn(field, { leaf, column, bar, tolerance }) ?? best;
  }
  return best === null ? null : { ...best, gain: best.score - unsplit };
}

interface ScoredSplit extends Omit<Split, 'gain'> {
  readonly score: number;
}

/** The best split of a leaf by one column, if its score is above `bar` and it keeps the limits. */
function scanColumn(
  { bins, limits, monotone }: SplitField,
  wanted: {
    readonly leaf: CountedLeaf;
    readonly column: number;
    readonly bar: number;
    readonly tolerance: number;
  },
): ScoredSplit | null {
  const { leaf, column } = wanted;
  const { minLeafRows, minLeafHessian, l2 } = limits;
  const { gradient, hessian, histogram } = leaf;
  const first = bins.offsets[column]!;
  const lastBin = bins.offsets[column + 1]! - first - 1;
  let rowsRight = leaf.rowCount;
  let leftG = 0;
  let leftH = 0;
  let bar = wanted.bar;
  let best: ScoredSplit | null = null;
  for (let bin = 0; bin < lastBin; bin += 1) {
    const at = HISTOGRAM_FIELDS * (first + bin);
    const rows = histogram[at + 2]!;
    // An empty bin parts the rows no other way; after a subtraction its sums are rounding errors, but its count is exact.
    if (rows === 0) continue;
    leftG += histogram[at]!;
    leftH += histogram[at + 1]!;
    rowsRight -= rows;
    if (leaf.rowCount - rowsRight < minLeafRows || leftH < minLeafHessian) continue;
    if (rowsRight < minLeafRows || hessian - leftH < minLeafHessian) break;
    // The score without bounds, which no bound can raise, multiplied out: most bins fail here, before any division.
    const rightG = gradient - leftG;
    const left = leftH + l2;
    const right = hessian - leftH + l2;
    if (leftG * leftG * right + rightG * rightG * left <= bar * left * right) continue;
    const sides = {
      left: { gradient: leftG, hessian: leftH },
      right: { gradient: rightG, hessian: hessian - leftH },
    };
    const split = scoreSides(sides, { bounds: leaf, direction: monotone[column]!, l2 });
    if (split === null || split.score <= bar) continue;
    best = { column, bin, ...split };
    bar = split.score + wanted.tolerance;
  }
  return best;
}

/** Steps and score of two children. Null when their steps are against the direction the column is held to. */
function scoreSides(
  { left, right }: { readonly left: Sums; readonly right: Sums },
  { bounds, direction, l2 }: { readonly bounds: StepBounds; readonly direction: number; readonly l2: number },
): Pick<ScoredSplit, 'score' | 'leftStep' | 'rightStep'> | null {
  const leftStep = newtonStep(left, bounds, l2);
  const rightStep = newtonStep(right, bounds, l2);
  if (direction * leftStep > direction * rightStep) return null;
  return { score: scoreOf(left, leftStep, l2) + scoreOf(right, rightStep, l2), leftStep, rightStep };
}

/** -G / (H + l2) within the bounds; 0 where there is nothing to divide by. */
export function newtonStep({ gradient, hessian }: Sums, bounds: StepBounds, l2: number): number {
  const step = hessian + l2 > 0 ? -gradient / (hessian + l2) : 0;
  return Math.min(bounds.upper, Math.max(bounds.lower, step));
}

/** Twice the loss, in second order, that a step saves: G^2 / (H + l2) for the Newton step, less for a bounded one. */
function scoreOf({ gradient, hessian }: Sums, step: number, l2: number): number {
  return -(2 * gradient + (hessian + l2) * step) * step;
}
