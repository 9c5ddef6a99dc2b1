import { type BinnedTree, growTree, prepareNursery } from './boosted-tree-growth.ts';
import { type BoostingInput, checkBoostingInput, checkRows } from './boosting-input.ts';
import { buildHistogramBins, type HistogramBins } from './histogram-bins.ts';
import { logistic, naturalLog } from './portable-math.ts';
import { createRandom, deriveSeed, type Random } from './random.ts';

/**
 * Trees whose leaf values add up to the log-odds that a row is of class 1.
 *
 * All trees lie in flat arrays. A child code >= 0 is the index of a branch, a code < 0 is the leaf `~code`.
 * Branches of a tree follow each other, parents before children, so a walk only ever moves forward and must end.
 */
export interface GradientBoostedTrees {
  /** Columns of a row, >= 1. */
  readonly columnCount: number;
  /** Log-odds before the first tree. */
  readonly bias: number;
  /** Child code of each tree's root. Length: number of trees, 0 or more. */
  readonly roots: Int32Array;
  /** Column asked at each branch. */
  readonly feature: Int32Array;
  /** A row goes left at branch b when its value <= threshold[b]. */
  readonly threshold: Float64Array;
  /** Child codes of branch b: left at [2b], right at [2b + 1]. */
  readonly children: Int32Array;
  /** Log-odds each leaf adds, the learning rate already in it. */
  readonly leafValues: Float64Array;
}

/** Shares nearer to 0 or 1 count as this near, as in LightGBM: one class alone gives log-odds of -34.5 or 34.5. */
const SMALLEST_SHARE = 1e-15;

/** Keeps a row that is all but certain from weighing nothing at all, as in XGBoost. */
const SMALLEST_HESSIAN = 1e-16;

/** Rows that go down all trees together, so that both they and the tree stay in the cache. */
const BLOCK_ROWS = 64;

/**
 * Gradient boosting of the logistic loss (Friedman, Annals of Statistics 29(5), 2001) with Newton steps and L2 (Chen and
 * Guestrin, KDD 2016), trees grown best leaf first over histograms (Ke et al., NIPS 2017).
 *
 * The same input and seed give the same trees, bit for bit, on every engine. With rowShare 1 another order of the rows
 * changes nothing but the order in which floating-point sums are taken, that is the last bits of leaf values; splits whose
 * gains agree but for such bits are chosen by column and bin, not by gain. Rows of one class only give no trees and a
 * bias of that class. Throws RangeError on sizes that do not fit each other, values that are not finite, and labels,
 * weights, settings and seeds out of range.
 */
export function fitGradientBoostedTrees(input: BoostingInput): GradientBoostedTrees {
  checkBoostingInput(input);
  const { columnCount, rowCount, labels } = input;
  const weights = input.weights ?? new Float64Array(rowCount).fill(1);
  const bias = logOddsOfLabels(labels, weights);
  const grown: GrownTrees = { roots: [], feature: [], threshold: [], children: [], leafValues: [] };
  if (labels.includes(0) && labels.includes(1)) growTrees(grown, input, { weights, bias });
  return {
    columnCount,
    bias,
    roots: Int32Array.from(grown.roots),
    feature: Int32Array.from(grown.feature),
    threshold: Float64Array.from(grown.threshold),
    children: Int32Array.from(grown.children),
    leafValues: Float64Array.from(grown.leafValues),
  };
}

/**
 * Log-odds of class 1 of rowCount rows (row-major, rowCount x columnCount, finite); higher = surer. A row's log-odds do
 * not depend on the rows beside it. Throws RangeError when there are too few values or one is not finite.
 */
export function predictLogOdds(
  model: GradientBoostedTrees,
  rows: Float32Array | Float64Array,
  rowCount: number,
): Float64Array {
  const { columnCount, roots } = model;
  checkRows({ rows, rowCount, columnCount });
  const logOdds = new Float64Array(rowCount).fill(model.bias);
  // Copied, so that the walk meets one kind of array.
  const block = new Float64Array(BLOCK_ROWS * columnCount);
  for (let from = 0; from < rowCount; from += BLOCK_ROWS) {
    const size = Math.min(BLOCK_ROWS, rowCount - from);
    const base = from * columnCount;
    for (let i = 0; i < size * columnCount; i += 1) block[i] = rows[base + i]!;
    for (const root of roots) addLeafValues(model, { root, block, size, sums: logOdds, from });
  }
  return logOdds;
}

/** Takes the rows of a block down one tree each and adds the leaf's value to sums[from + row]. */
function addLeafValues(
  { columnCount, feature, threshold, children, leafValues }: GradientBoostedTrees,
  walk: { root: number; block: Float64Array; size: number; sums: Float64Array; from: number },
): void {
  const { root, block, size, sums, from } = walk;
  for (let row = 0; row < size; row += 1) {
    const base = row * columnCount;
    let code = root;
    while (code >= 0)
      code = children[2 * code + (block[base + feature[code]!]! <= threshold[code]! ? 0 : 1)]!;
    sums[from + row] = sums[from + row]! + leafValues[~code]!;
  }
}

/** The trees of a model while they grow. */
interface GrownTrees {
  readonly roots: number[];
  readonly feature: number[];
  readonly threshold: number[];
  readonly children: number[];
  readonly leafValues: number[];
}

/** Where the boosting stands: the log-odds so far and the derivatives of the loss there, by row. */
interface BoostingState {
  readonly labels: Uint8Array;
  readonly weights: Float64Array;
  readonly logOdds: Float64Array;
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
}

function growTrees(
  grown: GrownTrees,
  input: BoostingInput,
  { weights, bias }: { readonly weights: Float64Array; readonly bias: number },
): void {
  const { rowCount, columnCount, labels, settings } = input;
  const bins = buildHistogramBins({ ...input, maxBins: settings.maxBins });
  const monotone = input.monotone ?? new Int8Array(columnCount);
  const nursery = prepareNursery({ bins, limits: settings, monotone });
  const draw = prepareDraws(bins, input);
  const state: BoostingState = {
    labels,
    weights,
    logOdds: new Float64Array(rowCount).fill(bias),
    gradients: new Float64Array(rowCount),
    hessians: new Float64Array(rowCount),
  };
  for (let round = 0; round < settings.rounds; round += 1) {
    differentiate(state);
    const tree = growTree(nursery, { ...draw(), gradients: state.gradients, hessians: state.hessians });
    if (tree !== null) {
      appendTree(grown, { tree, bins, learningRate: settings.learningRate });
      advance(state, { tree, bins, learningRate: settings.learningRate });
      // Every row and column has been looked at: the next round would find the same nothing.
    } else if (settings.rowShare === 1 && settings.columnShare === 1) return;
  }
}

/** Rows and columns for the next tree, each list rising. The two come from streams of their own. */
function prepareDraws(
  { offsets, columnCount, rowCount }: HistogramBins,
  { settings, seed }: BoostingInput,
): () => { readonly rows: Int32Array; readonly columns: Int32Array } {
  const rowRandom = createRandom(deriveSeed(seed, 'boosting-rows'));
  const columnRandom = createRandom(deriveSeed(seed, 'boosting-columns'));
  const rows = Int32Array.from({ length: rowCount }, (_, row) => row);
  const columns = Int32Array.from({ length: columnCount }, (_, column) => column).filter(
    (column) => offsets[column + 1]! - offsets[column]! > 1,
  );
  return () => ({
    rows: drawShare(rows, settings.rowShare, rowRandom),
    columns: drawShare(columns, settings.columnShare, columnRandom),
  });
}

/** Selection sampling (Knuth, The Art of Computer Programming 2, algorithm S): the drawn keep their order. */
function drawShare(all: Int32Array, share: number, random: Random): Int32Array {
  const wanted = Math.max(1, Math.round(share * all.length));
  if (wanted >= all.length) return all;
  const drawn = new Int32Array(wanted);
  let count = 0;
  for (let i = 0; count < wanted; i += 1) {
    if (random.next() * (all.length - i) >= wanted - count) continue;
    drawn[count] = all[i]!;
    count += 1;
  }
  return drawn;
}

/** Derivatives of the logistic loss at the present log-odds: w (p - y) and w p (1 - p). */
function differentiate({ labels, weights, logOdds, gradients, hessians }: BoostingState): void {
  for (let row = 0; row < labels.length; row += 1) {
    const probability = logistic(logOdds[row]!);
    gradients[row] = weights[row]! * (probability - labels[row]!);
    hessians[row] = weights[row]! * Math.max(probability * (1 - probability), SMALLEST_HESSIAN);
  }
}

interface NewTree {
  readonly tree: BinnedTree;
  readonly bins: HistogramBins;
  readonly learningRate: number;
}

/** Adds the new tree to the log-odds of all rows, drawn for it or not. */
function advance({ logOdds }: BoostingState, { tree, bins, learningRate }: NewTree): void {
  const { codes, rowCount } = bins;
  const { columns, children, leafSteps } = tree;
  for (let row = 0; row < rowCount; row += 1) {
    let code = 0;
    while (code >= 0)
      code = children[2 * code + (codes[columns[code]! * rowCount + row]! <= tree.bins[code]! ? 0 : 1)]!;
    logOdds[row] = logOdds[row]! + learningRate * leafSteps[~code]!;
  }
}

function appendTree(grown: GrownTrees, { tree, bins, learningRate }: NewTree): void {
  const branches = grown.feature.length;
  const leaves = grown.leafValues.length;
  grown.roots.push(branches);
  for (const code of tree.children) grown.children.push(code >= 0 ? code + branches : ~(~code + leaves));
  tree.columns.forEach((column, branch) => {
    grown.feature.push(column);
    grown.threshold.push(bins.edges[bins.offsets[column]! + tree.bins[branch]!]!);
  });
  for (const step of tree.leafSteps) grown.leafValues.push(learningRate * step);
}

function logOddsOfLabels(labels: Uint8Array, weights: Float64Array): number {
  let ones = 0;
  let all = 0;
  for (let row = 0; row < labels.length; row += 1) {
    all += weights[row]!;
    if (labels[row] === 1) ones += weights[row]!;
  }
  const share = Math.min(1 - SMALLEST_SHARE, Math.max(SMALLEST_SHARE, ones / all));
  return naturalLog(share / (1 - share));
}
