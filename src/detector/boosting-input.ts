import { MOST_BINS } from './histogram-bins.ts';

export interface BoostingSettings {
  /** Trees at most, 1..10,000. A round that finds no split adds none. */
  readonly rounds: number;
  /** Share of each Newton step that is taken, in (0, 1]. */
  readonly learningRate: number;
  /** Of each tree, 2..1024. */
  readonly maxLeaves: number;
  /** Rows in a leaf at least, 1 or more; whatever their weights. */
  readonly minLeafRows: number;
  /** Sum of weight p (1 - p) in a leaf at least, 0 or more. */
  readonly minLeafHessian: number;
  /** Added to the hessian of each leaf, 0 or more: the higher, the smaller the steps. */
  readonly l2: number;
  /** 2..255. */
  readonly maxBins: number;
  /** Share of the columns drawn for each tree, in (0, 1]; columns with one value are never drawn. */
  readonly columnShare: number;
  /** Share of the rows drawn for each tree, in (0, 1], without replacement. */
  readonly rowShare: number;
}

export interface BoostingInput {
  /** Row-major, rowCount x columnCount, finite. Not kept. */
  readonly rows: Float32Array | Float64Array;
  /** 1 or more. */
  readonly rowCount: number;
  /** 1 or more. */
  readonly columnCount: number;
  /** Class of each row, 0 or 1. */
  readonly labels: Uint8Array;
  /** Weight of each row, above 0; 1 when left out. A weight of 2 counts as the row given twice, but for minLeafRows. */
  readonly weights?: Float64Array | undefined;
  readonly settings: BoostingSettings;
  /** Any safe integer. Matters only when rowShare or columnShare is below 1. */
  readonly seed: number;
  /** Per column: 1 = the log-odds never fall as the value rises, -1 = never rise, 0 = free. All free when left out. */
  readonly monotone?: Int8Array | undefined;
}

const MOST_ROUNDS = 10_000;
const MOST_LEAVES = 1024;

/** Throws RangeError, saying what was found and what is wanted. */
export function checkBoostingInput(input: BoostingInput): void {
  const { rowCount, columnCount } = input;
  checkWhole({ name: 'rowCount', value: rowCount, from: 1, to: Number.MAX_SAFE_INTEGER });
  checkWhole({ name: 'columnCount', value: columnCount, from: 1, to: Number.MAX_SAFE_INTEGER });
  checkRows(input);
  checkRowProperties(input);
  checkMonotone(input);
  checkSettings(input.settings);
}

/** Throws RangeError when rowCount rows do not lie in `rows`, or a value of them is not finite. */
export function checkRows({
  rows,
  rowCount,
  columnCount,
}: Pick<BoostingInput, 'rows' | 'rowCount' | 'columnCount'>): void {
  if (!Number.isInteger(rowCount) || rowCount < 0)
    throw new RangeError(`rowCount must be an integer from 0 up, got ${rowCount}`);
  if (rows.length < rowCount * columnCount)
    throw new RangeError(
      `${rowCount} rows of ${columnCount} columns need ${rowCount * columnCount} values, got ${rows.length}`,
    );
  for (let i = 0; i < rowCount * columnCount; i += 1) {
    if (!Number.isFinite(rows[i]!))
      throw new RangeError(`row ${Math.floor(i / columnCount)}, column ${i % columnCount} is ${rows[i]!}`);
  }
}

function checkRowProperties({ labels, weights, rowCount }: BoostingInput): void {
  if (labels.length !== rowCount)
    throw new RangeError(`${rowCount} rows need as many labels, got ${labels.length}`);
  const badLabel = labels.findIndex((label) => label > 1);
  if (badLabel >= 0) throw new RangeError(`the label of row ${badLabel} is ${labels[badLabel]!}, not 0 or 1`);
  if (weights === undefined) return;
  if (weights.length !== rowCount)
    throw new RangeError(`${rowCount} rows need as many weights, got ${weights.length}`);
  const badWeight = weights.findIndex((weight) => !(weight > 0 && weight < Infinity));
  if (badWeight >= 0)
    throw new RangeError(
      `the weight of row ${badWeight} is ${weights[badWeight]!}, it must be above 0 and finite`,
    );
}

function checkMonotone({ monotone, columnCount }: BoostingInput): void {
  if (monotone === undefined) return;
  if (monotone.length !== columnCount)
    throw new RangeError(`${columnCount} columns need as many monotone directions, got ${monotone.length}`);
  const bad = monotone.findIndex((direction) => direction < -1 || direction > 1);
  if (bad >= 0)
    throw new RangeError(`the monotone direction of column ${bad} is ${monotone[bad]!}, not -1, 0 or 1`);
}

function checkSettings(settings: BoostingSettings): void {
  const { rounds, maxLeaves, minLeafRows, maxBins } = settings;
  checkWhole({ name: 'rounds', value: rounds, from: 1, to: MOST_ROUNDS });
  checkWhole({ name: 'maxLeaves', value: maxLeaves, from: 2, to: MOST_LEAVES });
  checkWhole({ name: 'minLeafRows', value: minLeafRows, from: 1, to: Number.MAX_SAFE_INTEGER });
  checkWhole({ name: 'maxBins', value: maxBins, from: 2, to: MOST_BINS });
  for (const name of ['learningRate', 'columnShare', 'rowShare'] as const)
    if (!(settings[name] > 0 && settings[name] <= 1))
      throw new RangeError(`${name} must be above 0 and at most 1, got ${settings[name]}`);
  for (const name of ['minLeafHessian', 'l2'] as const)
    if (!(settings[name] >= 0 && settings[name] < Infinity))
      throw new RangeError(`${name} must be 0 or more and finite, got ${settings[name]}`);
}

function checkWhole(range: {
  readonly name: string;
  readonly value: number;
  readonly from: number;
  readonly to: number;
}): void {
  const { name, value, from, to } = range;
  if (!Number.isInteger(value) || value < from || value > to)
    throw new RangeError(`${name} must be an integer in ${from}..${to}, got ${value}`);
}
