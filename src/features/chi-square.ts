/**
 * Chi-square feature selection for non-negative features against a binary label, as scikit-learn's
 * `feature_selection.chi2`: the observed sum of a feature within a class against the sum expected if the feature
 * did not care about the class (total of the feature × share of the class); Σ (observed - expected)² / expected.
 * Columns are brought to [0, 1] by their minimum and maximum first, because the statistic grows with the unit.
 */

/**
 * One statistic per column, ≥ 0, higher separates better. A constant column, no rows, or only one class: 0.
 *
 * @param values row-major rowCount × columnCount, finite; any range (they are min-max scaled here)
 * @param labels 0 or 1 (anything but 0 counts as 1) per row
 */
export function chiSquareScores({
  values,
  rowCount,
  columnCount,
  labels,
}: {
  readonly values: Float32Array | Float64Array;
  readonly rowCount: number;
  readonly columnCount: number;
  readonly labels: Uint8Array;
}): Float64Array {
  const positiveShare = shareOfPositives(labels, rowCount);
  const scores = new Float64Array(columnCount);
  if (positiveShare === 0 || positiveShare === 1) return scores;
  for (let column = 0; column < columnCount; column += 1) {
    const { positive, total } = scaledSums({ values, rowCount, columnCount, labels, column });
    scores[column] = statistic({ positive, total, positiveShare });
  }
  return scores;
}

/**
 * Indices of the `k` highest scores, ascending; of equal scores the lower index first. NaN counts as 0.
 * `k` above the number of scores selects all.
 */
export function selectTopK(scores: Float64Array, k: number): number[] {
  const scoreOf = (index: number): number => {
    const score = scores[index]!;
    return Number.isNaN(score) ? 0 : score;
  };
  return Array.from(scores.keys())
    .sort((a, b) => {
      const difference = scoreOf(b) - scoreOf(a);
      // Infinity - Infinity is NaN: equal.
      return difference === 0 || Number.isNaN(difference) ? a - b : difference;
    })
    .slice(0, k)
    .sort((a, b) => a - b);
}

function shareOfPositives(labels: Uint8Array, rowCount: number): number {
  let positives = 0;
  for (let row = 0; row < rowCount; row += 1) if (labels[row] !== 0) positives += 1;
  return rowCount === 0 ? 0 : positives / rowCount;
}

function scaledSums({
  values,
  rowCount,
  columnCount,
  labels,
  column,
}: {
  readonly values: Float32Array | Float64Array;
  readonly rowCount: number;
  readonly columnCount: number;
  readonly labels: Uint8Array;
  readonly column: number;
}): { positive: number; total: number } {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let at = column; at < rowCount * columnCount; at += columnCount) {
    const value = values[at]!;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  let positive = 0;
  let total = 0;
  if (high === low) return { positive, total };
  for (let row = 0; row < rowCount; row += 1) {
    const scaled = (values[row * columnCount + column]! - low) / (high - low);
    total += scaled;
    if (labels[row] !== 0) positive += scaled;
  }
  return { positive, total };
}

/** Both classes have the same squared difference, so the two terms share it. */
function statistic({
  positive,
  total,
  positiveShare,
}: {
  readonly positive: number;
  readonly total: number;
  readonly positiveShare: number;
}): number {
  if (total === 0) return 0;
  const expectedPositive = total * positiveShare;
  const expectedNegative = total * (1 - positiveShare);
  const squaredDifference = (positive - expectedPositive) ** 2;
  return squaredDifference / expectedPositive + squaredDifference / expectedNegative;
}
