import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exp2, logistic, naturalExp, naturalLog } from '../../src/detector/portable-math.ts';

const EPSILON = 2 ** -52;

describe('naturalLog', () => {
  it('is exact where the answer is known', () => {
    expect(naturalLog(1)).toBe(0);
    expect(naturalLog(2)).toBe(Math.LN2);
    expect(naturalLog(2 ** -1022)).toBeCloseTo(-1022 * Math.LN2, 10);
    expect(naturalLog(Number.MAX_VALUE)).toBeCloseTo(1024 * Math.LN2, 10);
  });

  it('stays within two last places of the engine', () => {
    const positive = fc.double({ min: 2 ** -1022, max: Number.MAX_VALUE, noNaN: true });
    const nearOne = fc.double({ min: 0.5, max: 2, noNaN: true });
    fc.assert(
      fc.property(fc.oneof(positive, nearOne), (x) => {
        const allowed = 2 * EPSILON * Math.max(Math.abs(Math.log(x)), Math.LN2);
        expect(Math.abs(naturalLog(x) - Math.log(x))).toBeLessThanOrEqual(allowed);
      }),
      { numRuns: 5000 },
    );
  });

  it('refuses zero, negative numbers, infinity, NaN and subnormal numbers', () => {
    for (const x of [0, -1, Infinity, Number.NaN, 2 ** -1040])
      expect(() => naturalLog(x)).toThrow(RangeError);
  });
});

describe('exp2', () => {
  it('is exact at integers', () => {
    for (const x of [-1022, -60, -1, 0, 1, 10, 1023]) expect(exp2(x)).toBe(2 ** x);
  });

  it('stays within two last places of the engine', () => {
    fc.assert(
      fc.property(fc.double({ min: -1021, max: 1023, noNaN: true }), (x) => {
        expect(Math.abs(exp2(x) - 2 ** x)).toBeLessThanOrEqual(2 * EPSILON * 2 ** x);
      }),
      { numRuns: 5000 },
    );
  });

  it('refuses what a double cannot hold as a normal number', () => {
    for (const x of [-1023, 1024, Number.NaN]) expect(() => exp2(x)).toThrow(RangeError);
  });
});

describe('naturalExp', () => {
  it('is exact at zero and stays within two last places of the engine', () => {
    expect(naturalExp(0)).toBe(1);
    const wide = fc.double({ min: -708, max: 709, noNaN: true });
    const nearZero = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.oneof(wide, nearZero), (x) => {
        expect(Math.abs(naturalExp(x) - Math.exp(x))).toBeLessThanOrEqual(2 * EPSILON * Math.exp(x));
      }),
      { numRuns: 5000 },
    );
  });

  it('refuses what a double cannot hold as a normal number', () => {
    for (const x of [-708.1, 709.1, Number.NaN]) expect(() => naturalExp(x)).toThrow(RangeError);
  });
});

describe('logistic', () => {
  it('is the probability of log-odds', () => {
    expect(logistic(0)).toBe(0.5);
    expect(logistic(Math.log(3))).toBeCloseTo(0.75, 15);
    expect(logistic(-Math.log(3))).toBeCloseTo(0.25, 15);
    expect(logistic(Infinity)).toBe(1);
    expect(logistic(-Infinity)).toBeLessThan(1e-300);
    expect(() => logistic(Number.NaN)).toThrow(RangeError);
  });

  it('never falls', () => {
    const x = fc.double({ min: -800, max: 800, noNaN: true });
    fc.assert(
      fc.property(x, fc.double({ min: 0, max: 1, noNaN: true }), (low, gap) => {
        expect(logistic(low + gap)).toBeGreaterThanOrEqual(logistic(low) * (1 - 4 * EPSILON));
      }),
      { numRuns: 2000 },
    );
  });
});
