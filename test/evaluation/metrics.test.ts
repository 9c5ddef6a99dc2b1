import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { averagePrecision, countConfusion, decisionQuality, rocAuc } from '../../src/evaluation/metrics.ts';

describe('rocAuc', () => {
  it('counts the pairs in which the attack scores higher', () => {
    // The example of scikit-learn's documentation: of four pairs three are in order.
    expect(rocAuc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])).toBe(0.75);
    expect(rocAuc([1, 0], [2, 1])).toBe(1);
    expect(rocAuc([1, 0], [1, 2])).toBe(0);
  });

  it('counts a tie as half a pair', () => {
    // Pairs (attack, benign): 0.5-0.5 tie, 0.5-0.2 win, 0.9-0.5 win, 0.9-0.2 win -> 3.5 of 4.
    expect(rocAuc([0, 1, 0, 1], [0.5, 0.5, 0.2, 0.9])).toBe(0.875);
    expect(rocAuc([0, 1, 0, 1], [7, 7, 7, 7])).toBe(0.5);
  });

  it('is not defined when one of the labels is missing', () => {
    expect(rocAuc([1, 1], [1, 2])).toBeNull();
    expect(rocAuc([0], [1])).toBeNull();
    expect(rocAuc([], [])).toBeNull();
  });

  it('agrees with counting all pairs', () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 6 })), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(rows, (pairs) => {
        const attacks = pairs.filter(([label]) => label === 1).map(([, score]) => score);
        const benign = pairs.filter(([label]) => label === 0).map(([, score]) => score);
        const points = attacks.flatMap((a) => benign.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)));
        const expected =
          points.length === 0 ? null : points.reduce<number>((sum, p) => sum + p, 0) / points.length;
        const found = rocAuc(
          pairs.map(([label]) => label),
          pairs.map(([, score]) => score),
        );
        if (expected === null) expect(found).toBeNull();
        else expect(found).toBeCloseTo(expected, 12);
      }),
    );
  });

  it('orders infinite scores and refuses NaN', () => {
    expect(rocAuc([1, 0, 0], [Infinity, Infinity, -Infinity])).toBe(0.75);
    expect(() => rocAuc([1, 0], [Number.NaN, 1])).toThrow(RangeError);
    expect(() => rocAuc([1, 2], [1, 1])).toThrow(RangeError);
    expect(() => rocAuc([1], [1, 1])).toThrow(RangeError);
  });
});

describe('averagePrecision', () => {
  it('sums precision over the steps of recall', () => {
    // scikit-learn's documentation example: 1/2 x 1/1 + 1/2 x 2/3 = 0.8333.
    expect(averagePrecision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])).toBeCloseTo(5 / 6, 14);
  });

  it('gives tied scores one threshold', () => {
    // One threshold with 2 of 4 right, whatever the order of the rows.
    expect(averagePrecision([1, 0, 1, 0], [3, 3, 3, 3])).toBe(0.5);
    expect(averagePrecision([0, 1, 0, 1], [3, 3, 3, 3])).toBe(0.5);
    // 0.9 alone: 1/2 x 1; then the tie at 0.5 with 2 of 3 right: 1/2 x 2/3.
    expect(averagePrecision([1, 1, 0], [0.9, 0.5, 0.5])).toBeCloseTo(5 / 6, 14);
  });

  it('is not defined without an attack and 1 without a benign row', () => {
    expect(averagePrecision([0, 0], [1, 2])).toBeNull();
    expect(averagePrecision([1, 1], [1, 2])).toBe(1);
  });
});

describe('decisions', () => {
  it('counts flags against labels', () => {
    expect(countConfusion([1, 1, 1, 0, 0, 0, 0], [1, 1, 0, 1, 0, 0, 0])).toEqual({
      truePositives: 2,
      falsePositives: 1,
      trueNegatives: 3,
      falseNegatives: 1,
    });
    expect(() => countConfusion([1], [])).toThrow(RangeError);
  });

  it('derives precision, recall, F1 and false positive rate', () => {
    const counts = { truePositives: 6, falsePositives: 2, trueNegatives: 18, falseNegatives: 4 };
    const quality = decisionQuality(counts);
    expect(quality.precision).toBe(0.75);
    expect(quality.recall).toBe(0.6);
    expect(quality.f1).toBeCloseTo(2 / 3, 14);
    expect(quality.falsePositiveRate).toBe(0.1);
  });

  it('gives null where a share has nothing to be a share of', () => {
    const nothing = { truePositives: 0, falsePositives: 0, trueNegatives: 0, falseNegatives: 0 };
    expect(decisionQuality(nothing)).toEqual({
      precision: null,
      recall: null,
      f1: null,
      falsePositiveRate: null,
    });
    expect(decisionQuality({ ...nothing, falseNegatives: 3 })).toMatchObject({
      precision: null,
      recall: 0,
      f1: 0,
    });
  });
});
