/** Columns cut into at most 255 bins each, so that a split is sought among bins instead of among rows. */
export interface HistogramBins {
  readonly rowCount: number;
  readonly columnCount: number;
  /** The bins of column c have the numbers offsets[c]..offsets[c + 1] - 1. Length columnCount + 1. */
  readonly offsets: Int32Array;
  /**
   * Upper edge of each bin, strictly rising within a column and Infinity in its last one. A value lies in the first bin
   * of its column whose edge it does not exceed.
   */
  readonly edges: Float64Array;
  /** Bin of each value counted from its column's first, column-major (columnCount x rowCount). */
  readonly codes: Uint8Array;
}

export const MOST_BINS = 255;

/** Row-major values, rowCount x columnCount, finite; weights above 0, all 1 when left out. */
export interface BinningInput {
  readonly rows: Float32Array | Float64Array;
  readonly rowCount: number;
  readonly columnCount: number;
  readonly weights?: Float64Array | undefined;
  /** 2..MOST_BINS. */
  readonly maxBins: number;
}

/**
 * Bins of a data set. A column with at most maxBins distinct values has a bin for each, any other has bins of about
 * equal weight. Edges lie midway between neighbouring values of the data: nothing is lost where values are few, and
 * an unseen value goes with the nearer of the two.
 */
export function buildHistogramBins(input: BinningInput): HistogramBins {
  const { rowCount, columnCount, maxBins } = input;
  const offsets = new Int32Array(columnCount + 1);
  const edges: number[] = [];
  const codes = new Uint8Array(rowCount * columnCount);
  for (let column = 0; column < columnCount; column += 1) {
    const distinct = distinctValues(input, column);
    const ranks = rankValues(input, { column, distinct });
    const lastRanks = cutRanks(sumWeights(input, ranks, distinct.length), maxBins);
    const columnCodes = codes.subarray(column * rowCount, (column + 1) * rowCount);
    encodeRanks(columnCodes, ranks, lastRanks);
    lastRanks.forEach((rank) => edges.push(edgeAfter(distinct, rank)));
    offsets[column + 1] = edges.length;
  }
  return { rowCount, columnCount, offsets, edges: Float64Array.from(edges), codes };
}

/** The different values of a column, rising. */
function distinctValues({ rows, rowCount, columnCount }: BinningInput, column: number): Float64Array {
  const sorted = new Float64Array(rowCount);
  for (let row = 0; row < rowCount; row += 1) sorted[row] = rows[row * columnCount + column]!;
  sorted.sort();
  let count = 0;
  for (let i = 0; i < rowCount; i += 1) {
    const value = sorted[i]!;
    // Compared as numbers: -0 and 0 are one value, as they are to the walk down a tree.
    if (count > 0 && value === sorted[count - 1]) continue;
    sorted[count] = value;
    count += 1;
  }
  return sorted.slice(0, count);
}

/** Place of each row's value among the distinct values of its column. */
function rankValues(
  { rows, rowCount, columnCount }: BinningInput,
  { column, distinct }: { readonly column: number; readonly distinct: Float64Array },
): Int32Array {
  const ranks = new Int32Array(rowCount);
  for (let row = 0; row < rowCount; row += 1) {
    const value = rows[row * columnCount + column]!;
    let low = 0;
    let high = distinct.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (distinct[middle]! < value) low = middle + 1;
      else high = middle;
    }
    ranks[row] = low;
  }
  return ranks;
}

function sumWeights({ weights }: BinningInput, ranks: Int32Array, distinctCount: number): Float64Array {
  const sums = new Float64Array(distinctCount);
  for (let row = 0; row < ranks.length; row += 1)
    sums[ranks[row]!] = sums[ranks[row]!]! + (weights === undefined ? 1 : weights[row]!);
  return sums;
}

/**
 * The last rank of each bin. Each bin takes its equal share of the weight still to be placed, to the nearer of two
 * ranks, so that one value holding half of all rows does not leave the others a single bin.
 */
function cutRanks(weights: Float64Array, maxBins: number): number[] {
  const lastRanks: number[] = [];
  let remaining = weights.reduce((sum, weight) => sum + weight, 0);
  let inBin = 0;
  for (let rank = 0; rank < weights.length - 1; rank += 1) {
    inBin += weights[rank]!;
    const binsLeft = maxBins - lastRanks.length;
    if (binsLeft === 1) break;
    const ranksLeft = weights.length - 1 - rank;
    const full = inBin + weights[rank + 1]! / 2 >= remaining / binsLeft;
    if (!full && ranksLeft >= binsLeft) continue;
    lastRanks.push(rank);
    remaining -= inBin;
    inBin = 0;
  }
  lastRanks.push(weights.length - 1);
  return lastRanks;
}

function encodeRanks(codes: Uint8Array, ranks: Int32Array, lastRanks: readonly number[]): void {
  const binOfRank = new Uint8Array(lastRanks.at(-1)! + 1);
  let bin = 0;
  for (let rank = 0; rank < binOfRank.length; rank += 1) {
    binOfRank[rank] = bin;
    if (rank === lastRanks[bin]) bin += 1;
  }
  for (let row = 0; row < ranks.length; row += 1) codes[row] = binOfRank[ranks[row]!]!;
}

function edgeAfter(distinct: Float64Array, rank: number): number {
  if (rank === distinct.length - 1) return Infinity;
  const low = distinct[rank]!;
  const high = distinct[rank + 1]!;
  // Halved before they are added, which cannot overflow. Between neighbouring doubles the middle rounds to one of them.
  const middle = low / 2 + high / 2;
  return middle >= low && middle < high ? middle : low;
}
