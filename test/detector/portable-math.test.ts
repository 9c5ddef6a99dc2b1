import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exp2, naturalLog } from '../../src/detector/portable-math.ts';

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
