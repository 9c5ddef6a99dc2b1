import { AutoblockError } from '../errors.ts';
import { expectedPathLength, measurePaths } from './forest-paths.ts';
import { addPathLengths, splitRows } from './forest-walk.ts';
import { createMersenneTwister, type TwisterRandom } from './mersenne-twister.ts';
import { exp2 } from './portable-math.ts';

/**
 * Extended Isolation Forest (Hariri, Carrasco Kind, Brunner, IEEE TKDE 33(4), 2019; arXiv:1811.02141). Random
 * hyperplanes split small random samples again and again; a row that is alone after few splits is anomalous.
 * Fitting draws the random numbers of the authors' library (sahandha/eif 2.0.2, C++) in its order, so the same data and
 * seed give its trees, and its scores but for the last bits in which our portable logarithm and power differ.
 *
 * All trees lie in flat arrays. A child code >= 0 is the index of a branch, a code < 0 is the leaf `~code`.
 * Branches of a tree follow each other, parents before children, so a walk only ever moves forward and must end.
 */
export interface ExtendedIsolationForest {
  /** Columns of a row, >= 1. */
  readonly dimensions: number;
  readonly treeCount: number;
  /** Rows each tree was grown from: min(asked for, rows given), >= 1. */
  readonly sampleSize: number;
  /** 0 = axis-parallel splits, dimensions - 1 = fully extended. */
  readonly extensionLevel: number;
  /** Child code of each tree's root. Length treeCount. */
  readonly roots: Int32Array;
  /** Child codes of branch b: left (below the plane) at [2b], right at [2b + 1]. */
  readonly children: Int32Array;
  /** Normal of branch b at [b * dimensions ...], in the dimension order of a row. */
  readonly normals: Float64Array;
  /** Normal times intercept point of each branch: a row goes left when normal . row is below it. */
  readonly offsets: Float64Array;
  /** Sample rows that ended in each leaf. Those of a tree add up to sampleSize. */
  readonly leafSizes: Uint32Array;
  /** Leaf depth plus the expected further depth of the sample rows that ended in it; > 0 unless sampleSize is 1. */
  readonly leafPathLengths: Float64Array;
  /** Mean of the leaf path lengths over the sample rows below each branch. */
  readonly branchPathLengths: Float64Array;
}

export interface ForestFitInput {
  /** Row-major, rowCount x dimensions, finite. Not kept. */
  readonly rows: Float64Array;
  readonly rowCount: number;
  readonly dimensions: number;
  readonly treeCount: number;
  /** Rows drawn without replacement for each tree; the paper's default is 256. */
  readonly sampleSize: number;
  /** 0..dimensions - 1; fully extended when left out. */
  readonly extensionLevel?: number;
  /**
   * Integer from 0 up. As in the reference, tree i is drawn from seed + i: forests of seeds s and s + 1 share all trees
   * but one. Forests that are to be independent need seeds at least treeCount apart. seed + treeCount <= 2^53.
   */
  readonly seed: number;
}

/** Rows that go down the trees together: enough to share the loading of a tree, few enough to stay in the cache. */
const BLOCK_ROWS = 1024;

/** What one fit works on: the data, the limits of a tree, and the arrays of the forest while they grow. */
interface Growth {
  readonly rows: Float64Array;
  readonly dimensions: number;
  readonly extensionLevel: number;
  readonly heightLimit: number;
  readonly children: number[];
  readonly normals: number[];
  readonly offsets: number[];
  readonly leafSizes: number[];
}

/** The rows of one node: entries from..to-1 of a tree's shuffled row numbers, `depth` splits below the root. */
interface NodeRows {
  readonly sample: Int32Array;
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

/**
 * Grows a forest: the same input and seed give the same forest, bit for bit.
 * One row gives trees of a single leaf (every score 0.5); rows that are all equal give trees that end at the height
 * limit and tell those rows from all others. Throws AutoblockError TRAINING_DATA_TOO_SMALL without rows, RangeError
 * on sizes that do not fit each other, on values that are not finite and on seeds out of range.
 */
export function fitExtendedIsolationForest(input: ForestFitInput): ExtendedIsolationForest {
  const { rows, rowCount, dimensions, treeCount, seed } = input;
  const extensionLevel = input.extensionLevel ?? dimensions - 1;
  checkFitInput(input, extensionLevel);
  const sampleSize = Math.min(input.sampleSize, rowCount);
  const growth = startGrowth({ rows, dimensions, extensionLevel, heightLimit: ceilLog2(sampleSize) });
  const roots = new Int32Array(treeCount);
  for (let tree = 0; tree < treeCount; tree += 1) {
    const random = createMersenneTwister(seed + tree);
    const sample = drawSample({ count: sampleSize, from: rowCount }, random);
    roots[tree] = growNode(growth, { sample, from: 0, to: sampleSize, depth: 0 }, random);
  }
  const children = Int32Array.from(growth.children);
  const leafSizes = Uint32Array.from(growth.leafSizes);
  return {
    dimensions,
    treeCount,
    sampleSize,
    extensionLevel,
    roots,
    children,
    normals: Float64Array.from(growth.normals),
    offsets: Float64Array.from(growth.offsets),
    leafSizes,
    ...measurePaths({ roots, children, leafSizes }),
  };
}

/**
 * Anomaly scores s = 2^(-mean path length / c(sampleSize)) of rowCount rows (row-major, rowCount x dimensions, finite):
 * in (0, 1), higher = more anomalous, about 0.5 where nothing stands out (less after samples of under ten rows or so).
 * Throws RangeError when the rows do not fit the forest or hold a value that is not finite.
 */
export function scoreExtendedIsolationForest(
  forest: ExtendedIsolationForest,
  rows: Float64Array,
  rowCount: number,
): Float64Array {
  const scores = new Float64Array(rowCount);
  scoreRowsInto({ forest, rows, fromRow: 0, toRow: rowCount, scores });
  return scores;
}

/**
 * Scores rows fromRow..toRow-1 into the same places of `scores`, so that a caller can report progress or yield between
 * chunks. A row's score does not depend on how the rows are cut into chunks. Throws as scoreExtendedIsolationForest.
 */
export function scoreRowsInto(input: {
  readonly forest: ExtendedIsolationForest;
  readonly rows: Float64Array;
  readonly fromRow: number;
  readonly toRow: number;
  readonly scores: Float64Array;
}): void {
  const { forest, rows, fromRow, toRow, scores } = input;
  checkRows({ rows, dimensions: forest.dimensions, fromRow, toRow });
  if (scores.length < toRow) throw new RangeError(`${toRow} scores do not fit an array of ${scores.length}`);
  const normaliser = forest.treeCount * expectedPathLength(forest.sampleSize);
  const order = new Int32Array(Math.min(BLOCK_ROWS, toRow - fromRow));
  const walk = { ...forest, rows, order, sums: scores };
  for (let from = fromRow; from < toRow; from += BLOCK_ROWS) {
    const to = Math.min(from + BLOCK_ROWS, toRow);
    for (let row = from; row < to; row += 1) order[row - from] = row;
    scores.fill(0, from, to);
    for (const code of forest.roots) addPathLengths(walk, { code, from: 0, to: to - from });
    // A forest grown from one row has c = 0: it has seen no difference, so no row is more anomalous than another.
    for (let row = from; row < to; row += 1)
      scores[row] = normaliser === 0 ? 0.5 : exp2(-scores[row]! / normaliser);
  }
}

function startGrowth(limits: Pick<Growth, 'rows' | 'dimensions' | 'extensionLevel' | 'heightLimit'>): Growth {
  return { ...limits, children: [], normals: [], offsets: [], leafSizes: [] };
}

/** Splits the node's rows by a random plane, as long as there is something to split; returns its child code. */
function growNode(growth: Growth, node: NodeRows, random: TwisterRandom): number {
  const size = node.to - node.from;
  if (size <= 1 || node.depth >= growth.heightLimit) {
    growth.leafSizes.push(size);
    return ~(growth.leafSizes.length - 1);
  }
  const branch = growth.offsets.length;
  const plane = drawPlane(growth, node, random);
  for (const component of plane.normal) growth.normals.push(component);
  growth.offsets.push(plane.offset);
  growth.children.push(0, 0);
  const { rows, dimensions } = growth;
  const middle = splitRows(
    { rows, dimensions, normals: plane.normal, offsets: Float64Array.of(plane.offset), order: node.sample },
    { code: 0, from: node.from, to: node.to },
  );
  const depth = node.depth + 1;
  growth.children[2 * branch] = growNode(growth, { ...node, to: middle, depth }, random);
  growth.children[2 * branch + 1] = growNode(growth, { ...node, from: middle, depth }, random);
  return branch;
}

interface Plane {
  readonly normal: Float64Array;
  /** Normal . intercept point. */
  readonly offset: number;
}

/**
 * An intercept point uniform in the box around the node's rows and a normal from N(0, 1) per dimension, of which all but
 * extensionLevel + 1 become zero; drawn in this order.
 */
function drawPlane(growth: Growth, node: NodeRows, random: TwisterRandom): Plane {
  const { dimensions, extensionLevel } = growth;
  const { low, high } = boundingBox(growth, node);
  const point = low.map((lowest, i) => lowest + random.next() * (high[i]! - lowest));
  const normal = Float64Array.from({ length: dimensions }, () => random.nextGaussian());
  for (const dimension of drawSample({ count: dimensions - 1 - extensionLevel, from: dimensions }, random))
    normal[dimension] = 0;
  return { normal, offset: normal.reduce((sum, component, i) => sum + component * point[i]!, 0) };
}

function boundingBox(growth: Growth, node: NodeRows): { low: Float64Array; high: Float64Array } {
  const { rows, dimensions } = growth;
  const low = new Float64Array(dimensions).fill(Infinity);
  const high = new Float64Array(dimensions).fill(-Infinity);
  for (let i = node.from; i < node.to; i += 1) {
    const base = node.sample[i]! * dimensions;
    for (let j = 0; j < dimensions; j += 1) {
      const value = rows[base + j]!;
      if (value < low[j]!) low[j] = value;
      if (value > high[j]!) high[j] = value;
    }
  }
  return { low, high };
}

/**
 * `count` different numbers of 0..from-1, any set as likely as any other, by Floyd's method (Bentley and Floyd, CACM
 * 30(9), 1987). Their order means nothing to a tree. The reference shuffles them, two places with each number it draws;
 * those numbers are passed over.
 */
function drawSample(
  wanted: { readonly count: number; readonly from: number },
  random: TwisterRandom,
): Int32Array {
  const { count, from } = wanted;
  const drawn = new Set<number>();
  for (let last = from - count; last < from; last += 1) {
    const number = random.nextInt(last + 1);
    drawn.add(drawn.has(number) ? last : number);
  }
  random.skip(count >> 1);
  return Int32Array.from(drawn);
}

/** Smallest h with 2^h >= n, for n >= 1: the paper's height limit. */
function ceilLog2(n: number): number {
  return n <= 1 ? 0 : 32 - Math.clz32(n - 1);
}

function checkFitInput(input: ForestFitInput, extensionLevel: number): void {
  const { rows, rowCount, dimensions, treeCount, sampleSize, seed } = input;
  for (const [name, value] of Object.entries({ dimensions, treeCount, sampleSize })) {
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`${name} must be an integer from 1 up, got ${value}`);
  }
  if (!Number.isInteger(extensionLevel) || extensionLevel < 0 || extensionLevel >= dimensions)
    throw new RangeError(`extensionLevel must be an integer in 0..${dimensions - 1}, got ${extensionLevel}`);
  if (!Number.isSafeInteger(seed) || seed < 0 || !Number.isSafeInteger(seed + treeCount - 1))
    throw new RangeError(`seed must be an integer from 0 up to 2^53 - treeCount, got ${seed}`);
  if (rowCount === 0)
    throw new AutoblockError('TRAINING_DATA_TOO_SMALL', 'The forest was given no rows to learn from.');
  checkRows({ rows, dimensions, fromRow: 0, toRow: rowCount });
}

function checkRows(input: {
  readonly rows: Float64Array;
  readonly dimensions: number;
  readonly fromRow: number;
  readonly toRow: number;
}): void {
  const { rows, dimensions, fromRow, toRow } = input;
  if (!(Number.isInteger(fromRow) && Number.isInteger(toRow) && fromRow >= 0 && fromRow <= toRow))
    throw new RangeError(`rows ${fromRow} to ${toRow} are no range of rows`);
  if (rows.length < toRow * dimensions)
    throw new RangeError(
      `${toRow} rows of ${dimensions} dimensions need ${toRow * dimensions} values, got ${rows.length}`,
    );
  for (let i = fromRow * dimensions; i < toRow * dimensions; i += 1) {
    if (!Number.isFinite(rows[i]!))
      throw new RangeError(`row ${Math.floor(i / dimensions)}, column ${i % dimensions} is ${rows[i]!}`);
  }
}
