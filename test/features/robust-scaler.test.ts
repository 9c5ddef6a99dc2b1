import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FEATURE_COUNT, featureIndex } from '../../src/features/catalogue.ts';
import { fitRobustScaler, scaleRows } from '../../src/features/robust-scaler.ts';

const SHARE = featureIndex('tcp_share');
const QUANTITY = featureIndex('bytes_total');

/** Rows that are 0 but for one feature. */
function rowsWith(feature: number, column: readonly number[]): Float32Array {
  const values = new Float32Array(column.length * FEATURE_COUNT);
  column.forEach((value, row) => {
    values[row * FEATURE_COUNT + feature] = value;
  });
  return values;
}

function fitColumn(feature: number, column: readonly number[]): { centre: number; scale: number } {
  const scaler = fitRobustScaler({ values: rowsWith(feature, column), rowCount: column.length });
  return { centre: scaler.centre[feature]!, scale: scaler.scale[feature]! };
}

describe('fitting', () => {
  it('takes median and interquartile range of a share as it is', () => {
    // Sorted 0, 0.25, 0.5, 1: median 0.375, quartiles 0.1875 and 0.625 (linear interpolation as NumPy).
    expect(fitColumn(SHARE, [1, 0, 0.5, 0.25])).toEqual({ centre: 0.375, scale: 0.4375 });
  });

  it('takes the logarithm of a quantity first', () => {
    const { centre, scale } = fitColumn(QUANTITY, [0, 9, 99, 999, 9999]);
    expect(centre).toBeCloseTo(Math.log(100), 12);
    expect(scale).toBeCloseTo(Math.log(1000) - Math.log(10), 12);
  });

  it('falls back to the standard deviation where the interquartile range is 0', () => {
    // One in ten is 1: mean 0.1, deviation sqrt(0.09) = 0.3.
    const { centre, scale } = fitColumn(SHARE, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect(centre).toBe(0);
    expect(scale).toBeCloseTo(0.3, 12);
  });

  it.each([
    ['a constant column', [0.1, 0.1, 0.1]],
    ['one row', [0.7]],
  ])('falls back to 1 for %s', (_, column) => {
    expect(fitColumn(SHARE, column).scale).toBe(1);
  });

  it('of no rows leaves values as they are', () => {
    const scaler = fitRobustScaler({ values: new Float32Array(0), rowCount: 0 });
    expect(Array.from(scaler.centre)).toEqual(Array<number>(FEATURE_COUNT).fill(0));
    expect(Array.from(scaler.scale)).toEqual(Array<number>(FEATURE_COUNT).fill(1));
  });
});

describe('scaling', () => {
  const values = rowsWith(SHARE, [0, 0.25, 0.5, 1]);
  const scaler = fitRobustScaler({ values, rowCount: 4 });

  it('centres, divides, and leaves other features alone', () => {
    const scaled = scaleRows({ scaler, values, rowCount: 4 });
    expect(scaled).toHaveLength(4 * FEATURE_COUNT);
    expect(scaled[3 * FEATURE_COUNT + SHARE]).toBeCloseTo((1 - 0.375) / 0.4375, 12);
    expect(scaled[3 * FEATURE_COUNT + QUANTITY]).toBe(0);
  });

  it('writes only the selected columns, row-major, in the order asked for', () => {
    const scaled = scaleRows({ scaler, values, rowCount: 4, selected: [SHARE, QUANTITY] });
    expect(scaled).toHaveLength(8);
    expect(scaled[6]).toBeCloseTo((1 - 0.375) / 0.4375, 12);
    expect(scaled[7]).toBe(0);
  });

  it('scales a part of the rows given as a subarray', () => {
    const last = scaleRows({
      scaler,
      values: values.subarray(3 * FEATURE_COUNT),
      rowCount: 1,
      selected: [SHARE],
    });
    expect(last[0]).toBeCloseTo((1 - 0.375) / 0.4375, 12);
  });

  it('clips at eight scale units on both sides', () => {
    const far = rowsWith(SHARE, [1000, -1000]);
    const scaled = scaleRows({ scaler, values: far, rowCount: 2, selected: [SHARE] });
    expect(Array.from(scaled)).toEqual([8, -8]);
  });

  it('gives finite values within the clip for any non-negative features', () => {
    const matrix = fc.array(fc.float({ min: 0, noNaN: true, noDefaultInfinity: true }), {
      minLength: FEATURE_COUNT,
      maxLength: FEATURE_COUNT * 8,
    });
    fc.assert(
      fc.property(matrix, (numbers) => {
        const rowCount = Math.floor(numbers.length / FEATURE_COUNT);
        const rows = Float32Array.from(numbers.slice(0, rowCount * FEATURE_COUNT));
        const scaled = scaleRows({
          scaler: fitRobustScaler({ values: rows, rowCount }),
          values: rows,
          rowCount,
        });
        expect(scaled.every((value) => Math.abs(value) <= 8)).toBe(true);
      }),
    );
  });
});
