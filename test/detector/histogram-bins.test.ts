import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildHistogramBins } from '../../src/detector/histogram-bins.ts';

function binColumn(
  values: number[],
  { maxBins = 255, weights }: { maxBins?: number; weights?: number[] } = {},
) {
  const bins = buildHistogramBins({
    rows: Float64Array.from(values),
    rowCount: values.length,
    columnCount: 1,
    weights: weights === undefined ? undefined : Float64Array.from(weights),
    maxBins,
  });
  return { edges: [...bins.edges], codes: [...bins.codes] };
}

describe('a column in bins', () => {
  it('has a bin for each value where they are few, edges midway between', () => {
    expect(binColumn([7, 1, 1, 3])).toEqual({ edges: [2, 5, Infinity], codes: [2, 0, 0, 1] });
    expect(binColumn([4, 4])).toEqual({ edges: [Infinity], codes: [0, 0] });
  });

  it('has bins of equal weight where they are many', () => {
    const values = Array.from({ length: 100 }, (_, i) => i);
    expect(binColumn(values, { maxBins: 4 }).edges).toEqual([24.5, 49.5, 74.5, Infinity]);
    // The values from 50 up weigh three times as much: 200 in all, 50 a bin.
    const weights = values.map((value) => (value < 50 ? 1 : 3));
    expect(binColumn(values, { maxBins: 4, weights }).edges).toEqual([49.5, 66.5, 82.5, Infinity]);
  });

  it('keeps one value that holds most rows from taking the bins of the others', () => {
    const values = [...Array.from({ length: 900 }, () => 0), ...Array.from({ length: 100 }, (_, i) => i + 1)];
    expect(binColumn(values, { maxBins: 5 }).edges).toEqual([0.5, 25.5, 50.5, 75.5, Infinity]);
  });

  it('parts neighbouring doubles, takes -0 and 0 for one value, and does not overflow', () => {
    expect(binColumn([1, 1 + 2 ** -52]).codes).toEqual([0, 1]);
    expect(binColumn([0, 5e-324]).codes).toEqual([0, 1]);
    expect(binColumn([-0, 0, 1]).edges).toEqual([0.5, Infinity]);
    expect(binColumn([-Number.MAX_VALUE, Number.MAX_VALUE]).edges).toEqual([0, Infinity]);
    expect(binColumn([Number.MAX_VALUE, Number.MAX_VALUE / 2]).edges[0]).toBeLessThan(Number.MAX_VALUE);
  });

  it('puts each value into the first bin whose edge it does not exceed', () => {
    const finite = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: 0, max: 5 }),
    );
    const columns = fc.array(fc.tuple(finite, finite), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(columns, fc.integer({ min: 2, max: 20 }), (pairs, maxBins) => {
        const rowCount = pairs.length;
        const { offsets, edges, codes } = buildHistogramBins({
          rows: Float64Array.from(pairs.flat()),
          rowCount,
          columnCount: 2,
          maxBins,
        });
        for (const column of [0, 1]) {
          const own = edges.subarray(offsets[column], offsets[column + 1]);
          expect(own.length).toBeLessThanOrEqual(maxBins);
          expect(own.length).toBeGreaterThanOrEqual(
            Math.min(maxBins, new Set(pairs.map((pair) => pair[column]! + 0)).size),
          );
          expect([...codes.subarray(column * rowCount, (column + 1) * rowCount)]).toEqual(
            pairs.map((pair) => own.findIndex((edge) => pair[column]! <= edge)),
          );
        }
      }),
    );
  });
});
