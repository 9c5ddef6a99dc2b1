import { describe, expect, it } from 'vitest';
import { chiSquareScores, selectTopK } from '../../src/features/chi-square.ts';

function score(column: readonly number[], labels: readonly number[]): number {
  return chiSquareScores({
    values: Float64Array.from(column),
    rowCount: column.length,
    columnCount: 1,
    labels: Uint8Array.from(labels),
  })[0]!;
}

describe('chi-square', () => {
  it('of a perfectly separating column is the number of rows not in the class', () => {
    // Observed (0, 2), expected (1, 1): 1/1 + 1/1.
    expect(score([0, 0, 1, 1], [0, 0, 1, 1])).toBeCloseTo(2, 12);
  });

  it('of a column that does not care about the class is 0', () => {
    expect(score([0, 1, 0, 1], [0, 0, 1, 1])).toBeCloseTo(0, 12);
  });

  it('follows observed minus expected, squared, over expected, with unequal classes', () => {
    // Scaled column 0, 0.5, 1, 0, 0.5; total 2; class 1 is rows 2 and 4: observed 1.5, expected 2 * 2/5 = 0.8.
    // (0.7)² / 0.8 + (0.7)² / 1.2 = 0.6125 + 0.408333…
    expect(score([10, 15, 20, 10, 15], [0, 0, 1, 0, 1])).toBeCloseTo(0.6125 + 0.49 / 1.2, 12);
  });

  it('does not depend on unit and offset of a column', () => {
    const labels = [0, 1, 1, 0, 1];
    const column = [3, 1, 4, 1, 5];
    const stretched = column.map((value) => value * 1e6 + 42);
    expect(score(stretched, labels)).toBeCloseTo(score(column, labels), 9);
  });

  it('treats each column of a row-major matrix by itself', () => {
    const values = Float32Array.from([0, 7, 0, 7, 1, 7, 1, 7]);
    const labels = Uint8Array.from([0, 0, 1, 1]);
    expect(Array.from(chiSquareScores({ values, rowCount: 4, columnCount: 2, labels }))).toEqual([2, 0]);
  });

  it.each([
    ['only one class', [1, 2, 3], [1, 1, 1]],
    ['the other class only', [1, 2, 3], [0, 0, 0]],
    ['a constant column', [5, 5, 5], [0, 1, 0]],
    ['no rows', [], []],
  ])('is 0 with %s', (_, column, labels) => {
    expect(
      chiSquareScores({
        values: Float64Array.from(column),
        rowCount: column.length,
        columnCount: 1,
        labels: Uint8Array.from(labels),
      }),
    ).toEqual(Float64Array.of(0));
  });
});

describe('selecting the best', () => {
  it('returns ascending indices of the highest scores', () => {
    expect(selectTopK(Float64Array.of(1, 9, 3, 7), 2)).toEqual([1, 3]);
    expect(selectTopK(Float64Array.of(9, 1, 7, 3), 3)).toEqual([0, 2, 3]);
  });

  it('prefers the lower index among equals', () => {
    expect(selectTopK(Float64Array.of(5, 5, 5, 9), 2)).toEqual([0, 3]);
  });

  it('counts NaN as 0, below any separation, and infinity above all', () => {
    expect(selectTopK(Float64Array.of(Number.NaN, 0.1, 0.2, Number.POSITIVE_INFINITY), 3)).toEqual([1, 2, 3]);
    expect(selectTopK(Float64Array.of(Infinity, Infinity, 1), 1)).toEqual([0]);
  });

  it('selects all when asked for more, none when asked for none', () => {
    expect(selectTopK(Float64Array.of(2, 1), 18)).toEqual([0, 1]);
    expect(selectTopK(Float64Array.of(2, 1), 0)).toEqual([]);
  });
});
