import { describe, expect, it } from 'vitest';
import type { BoostingInput, BoostingSettings } from '../../src/detector/boosting-input.ts';
import { fitGradientBoostedTrees, predictLogOdds } from '../../src/detector/gradient-boosted-trees.ts';
import { PLAIN } from './boosting-data.ts';

const GOOD: BoostingInput = {
  rows: Float64Array.of(1, 2, 3, 4),
  rowCount: 2,
  columnCount: 2,
  labels: Uint8Array.of(0, 1),
  settings: PLAIN,
  seed: 1,
};

describe('fitting is refused, saying what is wrong, for', () => {
  const cases: [string, Partial<BoostingInput>, RegExp][] = [
    ['no rows', { rowCount: 0 }, /rowCount must be an integer in 1\.\..*got 0/],
    ['no columns', { columnCount: 0 }, /columnCount .*got 0/],
    ['half a row', { rowCount: 1.5 }, /rowCount .*got 1\.5/],
    ['too few values', { columnCount: 3 }, /2 rows of 3 columns need 6 values, got 4/],
    ['a value that is no number', { rows: Float64Array.of(1, 2, Number.NaN, 4) }, /row 1, column 0 is NaN/],
    ['an infinite value', { rows: Float32Array.of(1, Infinity, 3, 4) }, /row 0, column 1 is Infinity/],
    ['too few labels', { labels: Uint8Array.of(1) }, /2 rows need as many labels, got 1/],
    ['a third label', { labels: Uint8Array.of(0, 2) }, /label of row 1 is 2/],
    ['too few weights', { weights: Float64Array.of(1) }, /2 rows need as many weights, got 1/],
    ['a weight of nothing', { weights: Float64Array.of(1, 0) }, /weight of row 1 is 0/],
    ['an infinite weight', { weights: Float64Array.of(Infinity, 1) }, /weight of row 0 is Infinity/],
    [
      'too few directions',
      { monotone: Int8Array.of(1) },
      /2 columns need as many monotone directions, got 1/,
    ],
    ['a direction of two', { monotone: Int8Array.of(1, 2) }, /direction of column 1 is 2/],
    ['a seed that is none', { seed: 0.5 }, /seed/],
  ];
  it.each(cases)('%s', (_name, change, message) => {
    expect(() => fitGradientBoostedTrees({ ...GOOD, ...change })).toThrow(RangeError);
    expect(() => fitGradientBoostedTrees({ ...GOOD, ...change })).toThrow(message);
  });

  const settings: [keyof BoostingSettings, number[]][] = [
    ['rounds', [0, 1.5, 10_001]],
    ['learningRate', [0, -1, 1.01, Number.NaN]],
    ['maxLeaves', [1, 2.5, 1025]],
    ['minLeafRows', [0, 0.5]],
    ['minLeafHessian', [-1, Infinity, Number.NaN]],
    ['l2', [-0.1, Infinity, Number.NaN]],
    ['maxBins', [1, 256]],
    ['columnShare', [0, 1.1, Number.NaN]],
    ['rowShare', [0, 1.1, Number.NaN]],
  ];
  it.each(settings)('%s out of range', (name, values) => {
    for (const value of values) {
      const fit = () => fitGradientBoostedTrees({ ...GOOD, settings: { ...PLAIN, [name]: value } });
      expect(fit).toThrow(RangeError);
      expect(fit).toThrow(`got ${value}`);
    }
  });
});

describe('predicting', () => {
  const model = fitGradientBoostedTrees(GOOD);
  it('no rows gives no log-odds', () => {
    expect(predictLogOdds(model, new Float64Array(0), 0)).toHaveLength(0);
  });

  it('is refused for rows that do not fit the model and for values that are not finite', () => {
    expect(() => predictLogOdds(model, Float64Array.of(1, 2, 3), 2)).toThrow(
      /2 rows of 2 columns need 4 values/,
    );
    expect(() => predictLogOdds(model, Float64Array.of(1, Number.NaN), 1)).toThrow(/row 0, column 1 is NaN/);
    expect(() => predictLogOdds(model, Float64Array.of(1, 2), -1)).toThrow(RangeError);
  });
});
