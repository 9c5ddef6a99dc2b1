import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibratedProbability, fitPlattScaling, type PlattInput } from '../../src/detector/platt-scaling.ts';
import { createRandom } from '../../src/detector/random.ts';

function inputOf(logOdds: number[], labels: number[], weights?: number[]): PlattInput {
  return {
    logOdds: Float64Array.from(logOdds),
    labels: Uint8Array.from(labels),
    weights: weights === undefined ? undefined : Float64Array.from(weights),
  };
}

/**
 * Four rows at 1, of which three are attacks, and four at -1, of which one is. Targets (4 + 1) / (4 + 2) = 5/6 and
 * 1 / (4 + 2) = 1/6, so the mean target is (3 * 5/6 + 1/6) / 4 = 2/3 at 1 and 1/3 at -1. The curve through both has
 * slope + intercept = ln 2 and -slope + intercept = -ln 2.
 */
const byHand = inputOf([1, 1, 1, 1, -1, -1, -1, -1], [1, 1, 1, 0, 0, 0, 0, 1]);

describe('Platt scaling', () => {
  it('goes through the mean targets of two values', () => {
    const { slope, intercept } = fitPlattScaling(byHand);
    expect(slope).toBeCloseTo(Math.LN2, 10);
    expect(intercept).toBeCloseTo(0, 10);
    expect(calibratedProbability({ slope, intercept }, 1)).toBeCloseTo(2 / 3, 10);
    expect(calibratedProbability({ slope, intercept }, -3)).toBeCloseTo(1 / 9, 10);
  });

  it('gives the same probabilities on another scale of log-odds', () => {
    for (const [scale, shift] of [
      [1e6, 0],
      [1e-6, 5],
      [1, 1000],
    ] as const) {
      const scaling = fitPlattScaling({ ...byHand, logOdds: byHand.logOdds.map((x) => scale * x + shift) });
      expect(calibratedProbability(scaling, scale + shift)).toBeCloseTo(2 / 3, 6);
      expect(calibratedProbability(scaling, shift - scale)).toBeCloseTo(1 / 3, 6);
    }
  });

  it('finds the curve the labels were drawn from', () => {
    const random = createRandom(1);
    const logOdds = Array.from({ length: 20_000 }, () => 3 * random.nextGaussian());
    const labels = logOdds.map((x) => (random.next() < 1 / (1 + Math.exp(1 - 0.5 * x)) ? 1 : 0));
    const { slope, intercept } = fitPlattScaling(inputOf(logOdds, labels));
    // Standard errors by the Fisher information are about 0.009 and 0.02.
    expect(Math.abs(slope - 0.5)).toBeLessThan(0.04);
    expect(Math.abs(intercept + 1)).toBeLessThan(0.08);
  });

  it('leaves no slope of the loss at the curve it finds', () => {
    const row = fc.record({
      x: fc.double({ min: -20, max: 20, noNaN: true }),
      label: fc.constantFrom(0, 1),
      weight: fc.double({ min: 0.1, max: 5, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 40 }), (rows) => {
        const scaling = fitPlattScaling(
          inputOf(
            rows.map(({ x }) => x),
            rows.map(({ label }) => label),
            rows.map(({ weight }) => weight),
          ),
        );
        const sum = (label: number) =>
          rows.reduce((all, row) => all + (row.label === label ? row.weight : 0), 0);
        const [ones, zeros] = [sum(1), sum(0)];
        let [bySlope, byIntercept] = [0, 0];
        for (const { x, label, weight } of rows) {
          const target = label === 1 ? (ones + 1) / (ones + 2) : 1 / (zeros + 2);
          const error = weight * (calibratedProbability(scaling, x) - target);
          bySlope += error * x;
          byIntercept += error;
        }
        expect(scaling.slope).toBeGreaterThanOrEqual(0);
        expect(Math.abs(byIntercept)).toBeLessThan(1e-4);
        // At a slope of 0 the loss may still fall towards negative slopes: there its derivative is above 0.
        if (scaling.slope > 0) expect(Math.abs(bySlope)).toBeLessThan(1e-3);
        else expect(bySlope).toBeGreaterThan(-1e-3);
      }),
      { numRuns: 300 },
    );
  });

  it('counts a weight of two as the row given twice', () => {
    const weighted = fitPlattScaling(inputOf([-2, 0, 1, 3], [0, 1, 0, 1], [1, 2, 1, 2]));
    const repeated = fitPlattScaling(inputOf([-2, 0, 0, 1, 3, 3], [0, 1, 1, 0, 1, 1]));
    expect(weighted.slope).toBeCloseTo(repeated.slope, 9);
    expect(weighted.intercept).toBeCloseTo(repeated.intercept, 9);
  });
});

describe('Platt scaling never reverses a ranking:', () => {
  it('log-odds that rank the wrong way round give every row the mean target', () => {
    const reversed = fitPlattScaling({ ...byHand, logOdds: byHand.logOdds.map((x) => -x) });
    expect(reversed.slope).toBe(0);
    expect(reversed.intercept).toBeCloseTo(0, 12);
  });

  it('log-odds that are all one give every row the mean target', () => {
    // Targets 3/4 for two attacks, 1/3 for one benign row: mean 11/18, log-odds ln(11/7).
    const { slope, intercept } = fitPlattScaling(inputOf([2.5, 2.5, 2.5], [1, 1, 0]));
    expect(slope).toBe(0);
    expect(intercept).toBeCloseTo(Math.log(11 / 7), 12);
  });

  it('rows of one class give them all the smoothed share of that class', () => {
    const scaling = fitPlattScaling(inputOf([-1, 0, 4], [0, 0, 0]));
    expect(scaling.slope).toBeCloseTo(0, 9);
    expect(calibratedProbability(scaling, 4)).toBeCloseTo(1 / 5, 9);
  });

  it('a single row is enough', () => {
    expect(calibratedProbability(fitPlattScaling(inputOf([3], [1])), 3)).toBeCloseTo(2 / 3, 12);
  });

  it('separable rows give a finite curve', () => {
    // Through the targets 3/4 at 2 and 1/4 at -2: slope ln(3) / 2.
    const { slope, intercept } = fitPlattScaling(inputOf([2, 2, -2, -2], [1, 1, 0, 0]));
    expect(slope).toBeCloseTo(Math.log(3) / 2, 9);
    expect(intercept).toBeCloseTo(0, 9);
  });

  it('probabilities stay in 0..1 far out', () => {
    const scaling = { slope: 2, intercept: -1 };
    expect(calibratedProbability(scaling, 1e9)).toBe(1);
    expect(calibratedProbability(scaling, -1e9)).toBeLessThan(1e-300);
    expect(calibratedProbability(scaling, -1e9)).toBeGreaterThanOrEqual(0);
  });
});

describe('a calibration is refused for', () => {
  it.each([
    ['no rows', inputOf([], []), /at least one row/],
    ['too few labels', inputOf([1, 2], [1]), /2 log-odds need as many labels, got 1/],
    ['too few weights', inputOf([1, 2], [0, 1], [1]), /2 log-odds need as many weights, got 1/],
    ['log-odds that are none', inputOf([1, Number.NaN], [0, 1]), /log-odds 1 is NaN/],
    ['a third label', inputOf([1, 2], [0, 2]), /label 1 is 2/],
    ['a weight of nothing', inputOf([1, 2], [0, 1], [1, 0]), /weight 1 is 0/],
  ])('%s', (_name, input, message) => {
    expect(() => fitPlattScaling(input)).toThrow(RangeError);
    expect(() => fitPlattScaling(input)).toThrow(message);
  });
});
