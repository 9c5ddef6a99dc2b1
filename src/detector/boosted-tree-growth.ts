import type { HistogramBins } from './histogram-bins.ts';
import {
  findSplit,
  GAIN_TOLERANCE,
  type GrowthLimits,
  HISTOGRAM_FIELDS,
  LONGEST_STEP,
  newtonStep,
  type Split,
  type SplitField,
  type StepBounds,
  type Sums,
} from './split-search.ts';

/** A tree over binned rows. A child code >= 0 is a branch of this tree, a code < 0 the leaf `~code`. */
export interface BinnedTree {
  /** Column asked at each branch. The root is branch 0, parents come before their children. */
  readonly columns: readonly number[];
  /** A row goes left when its bin of that column is at most this one. */
  readonly bins: readonly number[];
  /** Child codes of branch b: left at [2b], right at [2b + 1]. */
  readonly children: readonly number[];
  /** Newton step of each leaf, in log-odds. */
  readonly leafSteps: readonly number[];
}

/** What every tree of one fit shares: the data, the limits, and the memory the trees grow in. */
export interface TreeNursery extends SplitField {
  /** Rows of the tree in growth, each leaf's together. */
  readonly order: Int32Array;
  readonly spareRows: Int32Array;
  /** Gradients and hessians of the leaf being counted, side by side. */
  readonly leafPairs: Float64Array;
  readonly spareHistograms: Float64Array[];
}

/** Rows and columns drawn for one tree, both rising, and the derivatives of the loss by row number. */
export interface TreeSample {
  readonly rows: Int32Array;
  readonly columns: Int32Array;
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
}

/** The rows order[from..to-1]. */
interface Leaf extends Sums, StepBounds {
  readonly from: number;
  readonly to: number;
  /** Where its code belongs among the children of the branches; -1 for the root. */
  readonly place: number;
  histogram: Float64Array | null;
  split: Split | null;
}

export function prepareNursery(input: SplitField): TreeNursery {
  const { rowCount } = input.bins;
  return {
    ...input,
    order: new Int32Array(rowCount),
    spareRows: new Int32Array(rowCount),
    leafPairs: new Float64Array(2 * rowCount),
    spareHistograms: [],
  };
}

/**
 * Grows one tree best leaf first (Shi 2007; LightGBM: Ke et al., NIPS 2017): the leaf whose best split saves the most
 * loss is split next. Steps and gains are those of Newton boosting with L2 (Chen and Guestrin, KDD 2016, equations 5
 * and 7). Equal gains go to the lower column, then the lower bin, then the older leaf. Null when no split helps.
 */
export function growTree(nursery: TreeNursery, sample: TreeSample): BinnedTree | null {
  const { order, limits, spareHistograms } = nursery;
  order.set(sample.rows);
  const tree = { columns: [] as number[], bins: [] as number[], children: [] as number[] };
  const leaves = [plantRoot(nursery, sample)];
  while (leaves.length < limits.maxLeaves) {
    const next = bestLeaf(leaves);
    if (next === null) break;
    const parent = leaves[next]!;
    const [left, right] = splitLeaf(nursery, sample, { parent, branch: tree.bins.length });
    if (parent.place >= 0) tree.children[parent.place] = tree.bins.length;
    tree.columns.push(parent.split!.column);
    tree.bins.push(parent.split!.bin);
    tree.children.push(0, 0);
    leaves[next] = left;
    leaves.push(right);
    if (leaves.length < limits.maxLeaves) seekSplits(nursery, sample, { parent, left, right });
  }
  for (const { histogram } of leaves) if (histogram !== null) spareHistograms.push(histogram);
  if (tree.bins.length === 0) return null;
  leaves.forEach((leaf, i) => {
    tree.children[leaf.place] = ~i;
  });
  return { ...tree, leafSteps: leaves.map((leaf) => newtonStep(leaf, leaf, limits.l2)) };
}

function plantRoot(nursery: TreeNursery, sample: TreeSample): Leaf {
  const to = sample.rows.length;
  const sums = sumRows(nursery.order, sample, { from: 0, to });
  const bounds = { lower: -LONGEST_STEP, upper: LONGEST_STEP };
  const root: Leaf = { ...sums, ...bounds, from: 0, to, place: -1, histogram: null, split: null };
  if (!canSplit(root, nursery.limits)) return root;
  root.histogram = takeHistogram(nursery);
  fillHistogram(nursery, sample, root);
  seekSplit(nursery, sample, root);
  return root;
}

function sumRows(
  order: Int32Array,
  { gradients, hessians }: TreeSample,
  { from, to }: Pick<Leaf, 'from' | 'to'>,
): Sums {
  let gradient = 0;
  let hessian = 0;
  for (let i = from; i < to; i += 1) {
    const row = order[i]!;
    gradient += gradients[row]!;
    hessian += hessians[row]!;
  }
  return { gradient, hessian };
}

function canSplit(leaf: Leaf, { minLeafRows, minLeafHessian }: GrowthLimits): boolean {
  return leaf.to - leaf.from >= 2 * minLeafRows && leaf.hessian >= 2 * minLeafHessian;
}

function bestLeaf(leaves: readonly Leaf[]): number | null {
  let best: number | null = null;
  let bestGain = 0;
  leaves.forEach(({ split }, i) => {
    if (split === null || split.gain <= bestGain * (1 + GAIN_TOLERANCE)) return;
    best = i;
    bestGain = split.gain;
  });
  return best;
}

function splitLeaf(
  nursery: TreeNursery,
  sample: TreeSample,
  { parent, branch }: { readonly parent: Leaf; readonly branch: number },
): [Leaf, Leaf] {
  const { order } = nursery;
  const split = parent.split!;
  const middle = partRows(nursery, parent, split);
  const rows = { left: { from: parent.from, to: middle }, right: { from: middle, to: parent.to } };
  const bounds = boundChildren(parent, split, nursery.monotone[split.column]!);
  const leafOf = (side: 'left' | 'right'): Leaf => ({
    ...rows[side],
    ...sumRows(order, sample, rows[side]),
    ...bounds[side],
    place: 2 * branch + (side === 'left' ? 0 : 1),
    histogram: null,
    split: null,
  });
  return [leafOf('left'), leafOf('right')];
}

/** Moves the rows that go left to the front of the leaf's, keeping their order; returns where the others begin. */
function partRows(nursery: TreeNursery, { from, to }: Leaf, { column, bin }: Split): number {
  const { order, spareRows, bins } = nursery;
  const base = column * bins.rowCount;
  let middle = from;
  let right = 0;
  for (let i = from; i < to; i += 1) {
    const row = order[i]!;
    if (bins.codes[base + row]! <= bin) {
      order[middle] = row;
      middle += 1;
    } else {
      spareRows[right] = row;
      right += 1;
    }
  }
  for (let i = 0; i < right; i += 1) order[middle + i] = spareRows[i]!;
  return middle;
}

/** As XGBoost does: what the two sides may still become is parted midway between their present steps. */
function boundChildren(
  { lower, upper }: StepBounds,
  { leftStep, rightStep }: Split,
  direction: number,
): { readonly left: StepBounds; readonly right: StepBounds } {
  const middle = leftStep / 2 + rightStep / 2;
  if (direction > 0) return { left: { lower, upper: middle }, right: { lower: middle, upper } };
  if (direction < 0) return { left: { lower: middle, upper }, right: { lower, upper: middle } };
  return { left: { lower, upper }, right: { lower, upper } };
}

/** Only the smaller child is counted; the parent's histogram less the smaller child's is that of the larger one. */
function seekSplits(
  nursery: TreeNursery,
  sample: TreeSample,
  { parent, left, right }: { readonly parent: Leaf; readonly left: Leaf; readonly right: Leaf },
): void {
  const [smaller, larger] = left.to - left.from <= right.to - right.from ? [left, right] : [right, left];
  const children = [left, right].filter((child) => canSplit(child, nursery.limits));
  if (children.length === 0) {
    nursery.spareHistograms.push(parent.histogram!);
    return;
  }
  smaller.histogram = takeHistogram(nursery);
  fillHistogram(nursery, sample, smaller);
  larger.histogram = parent.histogram!;
  subtractHistogram(nursery.bins, sample.columns, { from: larger.histogram, what: smaller.histogram });
  for (const child of children) seekSplit(nursery, sample, child);
}

function seekSplit(nursery: TreeNursery, sample: TreeSample, leaf: Leaf): void {
  const counted = { ...leaf, rowCount: leaf.to - leaf.from, histogram: leaf.histogram! };
  leaf.split = findSplit(nursery, sample.columns, counted);
}

function takeHistogram({ spareHistograms, bins }: TreeNursery): Float64Array {
  return spareHistograms.pop() ?? new Float64Array(HISTOGRAM_FIELDS * bins.edges.length);
}

function fillHistogram(nursery: TreeNursery, sample: TreeSample, leaf: Leaf): void {
  const { order, leafPairs, bins } = nursery;
  const { from } = leaf;
  const histogram = leaf.histogram!;
  const size = leaf.to - from;
  for (let i = 0; i < size; i += 1) {
    const row = order[from + i]!;
    leafPairs[2 * i] = sample.gradients[row]!;
    leafPairs[2 * i + 1] = sample.hessians[row]!;
  }
  for (const column of sample.columns) {
    const first = bins.offsets[column]!;
    histogram.fill(0, HISTOGRAM_FIELDS * first, HISTOGRAM_FIELDS * bins.offsets[column + 1]!);
    const base = column * bins.rowCount;
    for (let i = 0; i < size; i += 1) {
      const at = HISTOGRAM_FIELDS * (first + bins.codes[base + order[from + i]!]!);
      histogram[at] = histogram[at]! + leafPairs[2 * i]!;
      histogram[at + 1] = histogram[at + 1]! + leafPairs[2 * i + 1]!;
      histogram[at + 2] = histogram[at + 2]! + 1;
    }
  }
}

function subtractHistogram(
  { offsets }: HistogramBins,
  columns: Int32Array,
  { from, what }: { readonly from: Float64Array; readonly what: Float64Array },
): void {
  for (const column of columns) {
    const end = HISTOGRAM_FIELDS * offsets[column + 1]!;
    for (let i = HISTOGRAM_FIELDS * offsets[column]!; i < end; i += 1) from[i] = from[i]! - what[i]!;
  }
}
