import type { BoostingSettings } from '../../src/detector/boosting-input.ts';
import type { GradientBoostedTrees } from '../../src/detector/gradient-boosted-trees.ts';
import { createRandom } from '../../src/detector/random.ts';

/** Settings under which nothing but the data limits a tree. */
export const PLAIN: BoostingSettings = {
  rounds: 20,
  learningRate: 0.1,
  maxLeaves: 8,
  minLeafRows: 1,
  minLeafHessian: 0,
  l2: 1,
  maxBins: 255,
  columnShare: 1,
  rowShare: 1,
};

export interface LabelledRows {
  readonly rows: Float64Array;
  readonly rowCount: number;
  readonly columnCount: number;
  readonly labels: Uint8Array;
}

/** Values of few and of many sizes per column, labels that hang on two of them and on chance. */
export function mixedRows(
  seed: number,
  { rowCount, columnCount }: Pick<LabelledRows, 'rowCount' | 'columnCount'>,
): LabelledRows {
  const random = createRandom(seed);
  const rows = new Float64Array(rowCount * columnCount);
  const labels = new Uint8Array(rowCount);
  for (let row = 0; row < rowCount; row += 1) {
    for (let column = 0; column < columnCount; column += 1)
      rows[row * columnCount + column] = column % 2 === 0 ? random.nextGaussian() : random.nextInt(4);
    const signal = rows[row * columnCount]! + rows[row * columnCount + columnCount - 1]!;
    labels[row] = signal + random.nextGaussian() > 1 ? 1 : 0;
  }
  return { rows, rowCount, columnCount, labels };
}

/** Two half circles that reach into each other, no line between them; noise 0.15. */
export function twoMoons(seed: number, rowCount: number): LabelledRows {
  const random = createRandom(seed);
  const rows = new Float64Array(2 * rowCount);
  const labels = Uint8Array.from({ length: rowCount }, (_, row) => row % 2);
  labels.forEach((label, row) => {
    const angle = Math.PI * random.next();
    const [x, y] =
      label === 0 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
    rows[2 * row] = x + 0.15 * random.nextGaussian();
    rows[2 * row + 1] = y + 0.15 * random.nextGaussian();
  });
  return { rows, rowCount, columnCount: 2, labels };
}

/** The model as it was after its first trees. */
export function firstTrees(model: GradientBoostedTrees, count: number): GradientBoostedTrees {
  return { ...model, roots: model.roots.slice(0, count) };
}

/** Mean logistic loss. */
export function logLoss(labels: ArrayLike<number>, logOdds: Float64Array): number {
  let sum = 0;
  logOdds.forEach((x, row) => {
    const wrong = labels[row] === 1 ? -x : x;
    sum += Math.max(wrong, 0) + Math.log1p(Math.exp(-Math.abs(wrong)));
  });
  return sum / logOdds.length;
}
