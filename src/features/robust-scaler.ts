import { FEATURE_CATALOGUE, FEATURE_COUNT } from './catalogue.ts';

/**
 * Robust scaling: each feature minus its median, over its interquartile range. Neither moves when a few training
 * entities are extreme, unlike mean and standard deviation (as scikit-learn's RobustScaler). Quantities are taken as
 * log(1 + x) before; what is still far out after scaling is clipped, so that one wild feature cannot outshout 24.
 */

/** clip((log1p?(x) - centre) / scale, ±clip). All arrays: one per catalogue feature (25). */
export interface RobustScaler {
  readonly centre: Float64Array;
  /** > 0. */
  readonly scale: Float64Array;
  /** Absolute limit after scaling, in scale units. */
  readonly clip: number;
}

/** Row-major n × 25 raw features in catalogue order. */
interface FeatureRows {
  readonly values: Float32Array | Float64Array;
  readonly rowCount: number;
}

const CLIP = 8;

const TAKES_LOG: readonly boolean[] = FEATURE_CATALOGUE.map((feature) => feature.transform === 'log1p');

/**
 * Fits on training entities. Where the interquartile range is 0, as for shares that are 0 or 1 nearly everywhere,
 * the standard deviation stands in, and 1 where that is 0 too. No rows: centre 0, scale 1.
 */
export function fitRobustScaler({ values, rowCount }: FeatureRows): RobustScaler {
  const centre = new Float64Array(FEATURE_COUNT);
  const scale = new Float64Array(FEATURE_COUNT).fill(1);
  const column = new Float64Array(rowCount);
  for (let feature = 0; rowCount > 0 && feature < FEATURE_COUNT; feature += 1) {
    for (let row = 0; row < rowCount; row += 1) {
      column[row] = transformed(values[row * FEATURE_COUNT + feature]!, feature);
    }
    column.sort();
    centre[feature] = quantile(column, 0.5);
    scale[feature] = spreadOf(column);
  }
  return { centre, scale, clip: CLIP };
}

/**
 * Scaled rows, row-major n × 25, or n × selected.length with only the `selected` catalogue columns in that order.
 * For many rows pass parts (`values.subarray(from * 25, to * 25)`): the result takes 8 bytes a value.
 */
export function scaleRows({
  scaler,
  values,
  rowCount,
  selected = ALL_FEATURES,
}: FeatureRows & {
  readonly scaler: RobustScaler;
  readonly selected?: readonly number[];
}): Float64Array {
  const width = selected.length;
  const scaled = new Float64Array(rowCount * width);
  for (let column = 0; column < width; column += 1) {
    const feature = selected[column]!;
    const centre = scaler.centre[feature]!;
    const scale = scaler.scale[feature]!;
    for (let row = 0; row < rowCount; row += 1) {
      const value = (transformed(values[row * FEATURE_COUNT + feature]!, feature) - centre) / scale;
      scaled[row * width + column] = Math.max(-scaler.clip, Math.min(scaler.clip, value));
    }
  }
  return scaled;
}

const ALL_FEATURES: readonly number[] = Array.from({ length: FEATURE_COUNT }, (_, index) => index);

function transformed(value: number, feature: number): number {
  return TAKES_LOG[feature] ? Math.log1p(value) : value;
}

/** Interquartile range of ascending values, else their standard deviation (population), else 1. */
function spreadOf(sorted: Float64Array): number {
  const range = quantile(sorted, 0.75) - quantile(sorted, 0.25);
  if (range > 0) return range;
  // All equal: rounding would leave a deviation of 1e-17 instead of 0, and the division would explode.
  if (sorted[0] === sorted.at(-1)) return 1;
  return standardDeviation(sorted);
}

function standardDeviation(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return Math.sqrt(squares / values.length);
}

/** Quantile of ascending values, linear between neighbours (type 7 of Hyndman and Fan 1996, NumPy's default). */
function quantile(sorted: Float64Array, probability: number): number {
  const position = (sorted.length - 1) * probability;
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}
