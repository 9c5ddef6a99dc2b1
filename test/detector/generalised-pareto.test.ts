import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitGeneralisedPareto, scaleOfShape, survivalOf } from '../../src/detector/generalised-pareto.ts';
import { createRandom } from '../../src/detector/random.ts';

/** Excess that the share 1 - probability lies above. */
function quantile({ shape, scale }: { shape: number; scale: number }, probability: number): number {
  return shape === 0
    ? -scale * Math.log(1 - probability)
    : (scale * ((1 - probability) ** -shape - 1)) / shape;
}

const excess = fc.double({ min: 1e-9, max: 1e3, noNaN: true });

describe('the survival of a generalised Pareto distribution', () => {
  it('is what the formula gives by hand', () => {
    // (1 - 0.25 / 2)^4, (1 - 0.25)^4, (1 - 0.75)^4; then 1.0625^-4, 1.125^-4, 4.75^-4.
    const light = { shape: -0.25, scale: 1 };
    expect([0.5, 1, 3].map((x) => survivalOf(light, x))).toEqual([
      expect.closeTo(0.58618164, 8),
      expect.closeTo(0.31640625, 12),
      expect.closeTo(0.00390625, 12),
    ]);
    const heavy = { shape: 0.25, scale: 2 };
    expect([0.5, 1, 30].map((x) => survivalOf(heavy, x))).toEqual([
      expect.closeTo(1.0625 ** -4, 12),
      expect.closeTo(1.125 ** -4, 12),
      expect.closeTo(4.75 ** -4, 12),
    ]);
  });

  it('is exponential at shape 0 and runs into it as the shape goes to 0 from either side', () => {
    expect(survivalOf({ shape: 0, scale: 2 }, 3)).toBe(Math.exp(-1.5));
    for (const shape of [1e-6, -1e-6, 1e-12, -1e-12, 1e-300])
      expect(survivalOf({ shape, scale: 2 }, 3)).toBeCloseTo(Math.exp(-1.5), 5);
  });

  it('is 1 at no excess, and 0 from the end of a light tail on', () => {
    expect(survivalOf({ shape: -0.5, scale: 2 }, 0)).toBe(1);
    expect(survivalOf({ shape: -0.5, scale: 2 }, 4)).toBe(0);
    expect(survivalOf({ shape: -0.5, scale: 2 }, 1e9)).toBe(0);
  });
});

describe('fitting a generalised Pareto distribution', () => {
  // Computed with NumPy from the formulas of the paper (30 + floor(sqrt(n)) grid points).
  it.each([
    [
      'ten excesses of a nearly exponential tail',
      [2.5, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.2, 1.6],
      0.003784418356216925,
      0.8372808439174031,
    ],
    [
      'twelve excesses that end early',
      [0.011, 0.02, 0.024, 0.033, 0.041, 0.05, 0.052, 0.063, 0.071, 0.078, 0.083, 0.09],
      -0.9039440621117371,
      0.0901935727661257,
    ],
  ])('gives the values of the paper for %s', (_name, excesses, shape, scale) => {
    const fitted = fitGeneralisedPareto(Float64Array.from(excesses));
    expect(fitted.shape).toBeCloseTo(shape, 10);
    expect(fitted.scale).toBeCloseTo(scale, 10);
  });

  // Maximum likelihood by scipy.stats.genpareto.fit (SciPy 1.17) of the quantiles (i - 0.5) / 200 at scale 2.
  it.each([
    [-0.4, -0.4147, 2.027],
    [-0.2, -0.2125, 2.0222],
    [0, -0.0105, 2.0175],
    [0.3, 0.2917, 2.0121],
    [0.8, 0.793, 2.0078],
  ])('lies near maximum likelihood for two hundred quantiles of shape %d', (shape, likeliest, scale) => {
    const excesses = Float64Array.from({ length: 200 }, (_, i) =>
      quantile({ shape, scale: 2 }, (i + 0.5) / 200),
    );
    const fitted = fitGeneralisedPareto(excesses);
    // Their difference is of order 1 / n, a third of the standard error of either.
    expect(Math.abs(fitted.shape - likeliest)).toBeLessThan(0.04);
    expect(Math.abs(fitted.scale - scale)).toBeLessThan(0.07);
  });

  it.each([
    { shape: -0.3, scale: 0.02 },
    { shape: 0, scale: 1 },
    { shape: 0.25, scale: 5 },
    { shape: 0.7, scale: 0.1 },
  ])('recovers shape $shape and scale $scale from random samples', (truth) => {
    const random = createRandom(3);
    const [samples, size] = [200, 500];
    const fits = Array.from({ length: samples }, () =>
      fitGeneralisedPareto(
        Float64Array.from({ length: size }, () => quantile(truth, random.next()) || 1e-12),
      ),
    );
    const meanOf = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / samples;
    const spreadOf = (values: number[]): number =>
      Math.sqrt(meanOf(values.map((value) => (value - meanOf(values)) ** 2)));
    const shapes = fits.map((fit) => fit.shape);
    const scales = fits.map((fit) => fit.scale / truth.scale);
    // Smith 1985: n var(shape) = (1 + shape)^2, n var(scale) = 2 (1 + shape) scale^2. The spread of 200 fits is known to
    // 5 %, their bias to a fourteenth of the spread; the estimator itself is biased by order 1 / n.
    const shapeError = (1 + truth.shape) / Math.sqrt(size);
    const scaleError = Math.sqrt((2 * (1 + truth.shape)) / size);
    expect(spreadOf(shapes) / shapeError).toBeGreaterThan(0.8);
    expect(spreadOf(shapes) / shapeError).toBeLessThan(1.2);
    expect(spreadOf(scales) / scaleError).toBeLessThan(1.2);
    expect(Math.abs(meanOf(shapes) - truth.shape)).toBeLessThan(0.4 * shapeError);
    expect(Math.abs(meanOf(scales) - 1)).toBeLessThan(0.4 * scaleError);
  });

  it('has an answer for any excesses, one or all equal, and keeps every excess within the tail', () => {
    fc.assert(
      fc.property(fc.array(excess, { minLength: 1, maxLength: 60 }), (values) => {
        const excesses = Float64Array.from(values);
        const fitted = fitGeneralisedPareto(excesses);
        expect(fitted.scale).toBeGreaterThan(0);
        expect(Number.isFinite(fitted.shape)).toBe(true);
        expect(survivalOf(fitted, Math.max(...values))).toBeGreaterThan(0);
      }),
    );
  });

  it('does not depend on the order of the excesses and leaves them as they are', () => {
    const excesses = Float64Array.of(3, 1, 2, 5, 4);
    expect(fitGeneralisedPareto(excesses)).toEqual(fitGeneralisedPareto(Float64Array.of(1, 2, 3, 4, 5)));
    expect([...excesses]).toEqual([3, 1, 2, 5, 4]);
  });

  it('refuses no excesses, and what is none', () => {
    for (const values of [[], [0], [1, -1], [Number.NaN], [Infinity]])
      expect(() => fitGeneralisedPareto(Float64Array.from(values))).toThrow(RangeError);
  });
});

describe('the scale for a given shape', () => {
  // Minimised numerically with SciPy's genpareto.logpdf.
  it.each([
    [-0.2, 0.9981289869905892],
    [0.3, 0.7097948206784175],
  ])('is the likeliest one for shape %d', (shape, scale) => {
    const excesses = Float64Array.of(0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.2, 1.6, 2.5);
    expect(scaleOfShape(excesses, shape)).toBeCloseTo(scale, 6);
  });

  it('is the mean excess for the exponential tail', () => {
    expect(scaleOfShape(Float64Array.of(1, 2, 6), 0)).toBe(3);
  });

  it('lets no tail end before the largest excess', () => {
    const shape = fc.double({ min: -0.99, max: 3, noNaN: true });
    fc.assert(
      fc.property(fc.array(excess, { minLength: 1, maxLength: 40 }), shape, (values, given) => {
        const scale = scaleOfShape(Float64Array.from(values), given);
        expect(scale + given * Math.max(...values)).toBeGreaterThan(0);
      }),
    );
  });

  it('refuses a shape of -1 and below, whose likelihood has no top', () => {
    expect(() => scaleOfShape(Float64Array.of(1), -1)).toThrow(RangeError);
    expect(() => scaleOfShape(Float64Array.of(1), Number.NaN)).toThrow(RangeError);
  });
});
