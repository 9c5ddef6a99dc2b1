import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitRiskCalibration, riskOfScore, shareAtOrAbove } from '../../src/detector/risk-calibration.ts';

/** 1001 scores 0, 0.001, ... 1: every quantile is its own probability. */
const evenScores = Float64Array.from({ length: 1001 }, (_, index) => index / 1000);

describe('risk calibration', () => {
  it('starts the tail at the (1 - contamination) quantile and fits the excesses over it', () => {
    const calibration = fitRiskCalibration({ scores: evenScores, contamination: 0.1 });
    expect(calibration.tailStartScore).toBeCloseTo(0.9, 12);
    // Excesses 0.001 ... 0.100 in even steps have shape -1, which 30 imagined ones of -0.25 and the limit hold at -0.5.
    // At shape -0.5 the likeliest scale solves mean(0.5 x / (s - 0.5 x)) = 1: with x uniform on (0, w) and r = s / w
    // 2 r ln(r / (r - 0.5)) = 2, r = 0.62750, here with w = 0.1 and a grain of 0.001.
    expect(calibration.tailShape).toBe(-0.5);
    expect(calibration.tailScale).toBeCloseTo(0.0627, 3);
  });

  it('believes many excesses more than the prior shape, few hardly', () => {
    const heavy = (count: number): Float64Array =>
      Float64Array.from({ length: count }, (_, i) => 0.3 + 0.01 * (((i + 0.5) / count) ** -0.5 - 1));
    const shapeOf = (count: number): number =>
      fitRiskCalibration({ scores: heavy(count), contamination: 0.03 }).tailShape;
    // (i + 0.5) / n to the power -0.5 has shape 0.5; 30 excesses count as much as the prior of -0.25, 3000 alone.
    expect(shapeOf(100_000)).toBeCloseTo(0.5, 1);
    expect(shapeOf(1000)).toBeGreaterThan(0);
    expect(shapeOf(1000)).toBeLessThan(0.25);
    expect(shapeOf(20)).toBeLessThan(0.1);
  });

  it('gives the empirical share below the tail and the generalised Pareto one above it', () => {
    const fitted = fitRiskCalibration({ scores: evenScores, contamination: 0.1 });
    const light = { ...fitted, tailShape: -0.25, tailScale: 0.05 };
    expect(shareAtOrAbove(light, -1)).toBe(1);
    expect(shareAtOrAbove(light, 0.45)).toBeCloseTo(0.55, 9);
    expect(shareAtOrAbove(light, 0.95)).toBeCloseTo(0.1 * 0.75 ** 4, 12);
    expect(shareAtOrAbove({ ...light, tailShape: 0 }, 0.95)).toBeCloseTo(0.1 * Math.exp(-1), 12);
  });

  it('calls a score beyond the end of a light tail very rare, never impossible', () => {
    const fitted = fitRiskCalibration({ scores: evenScores, contamination: 0.1 });
    const ended = { ...fitted, tailShape: -0.25, tailScale: 0.005 };
    expect(shareAtOrAbove(ended, 0.95)).toBeCloseTo(1e-7, 15);
    expect(shareAtOrAbove(ended, 1)).toBe(shareAtOrAbove(ended, 0.95));
  });

  it('puts risk 50 at the tail start, 70 ten times rarer, 90 a hundred times rarer and 100 at most', () => {
    const calibration = {
      ...fitRiskCalibration({ scores: evenScores, contamination: 0.1 }),
      tailShape: 0,
      tailScale: 0.01,
    };
    const decade = 0.01 * Math.LN10;
    expect(riskOfScore(calibration, 0.9)).toBeCloseTo(50, 9);
    expect(riskOfScore(calibration, 0.9 + decade)).toBeCloseTo(70, 9);
    expect(riskOfScore(calibration, 0.9 + 2 * decade)).toBeCloseTo(90, 9);
    expect(riskOfScore(calibration, 50)).toBe(100);
    expect(riskOfScore(calibration, 0.45)).toBeCloseTo((50 * 0.45) / 0.9, 9);
    expect(riskOfScore(calibration, 0)).toBe(0);
  });

  it('estimates the tail of a small training set from more scores than the contamination leaves', () => {
    // 100 exponential quantiles of mean 0.05 over 0.3: one of them lies in the tail of 1 %.
    const few = Float64Array.from({ length: 100 }, (_, i) => 0.3 - 0.05 * Math.log((i + 0.5) / 100));
    const calibration = fitRiskCalibration({ scores: few, contamination: 0.01 });
    const truth = 0.3 - 0.05 * Math.log(0.01);
    expect(Math.abs(calibration.tailStartScore - truth)).toBeLessThan(0.05);
    // The highest training score, which alone would tell, stands at 1 / 200.
    expect(calibration.tailStartScore).toBeLessThan(few[0]!);
    expect(calibration.tailScale).toBeGreaterThan(0.02);
    expect(calibration.tailScale).toBeLessThan(0.06);
  });

  it('starts the tail no lower than a crowd of equal scores as large as the contamination', () => {
    const scores = Float64Array.from({ length: 100 }, (_, i) => (i < 90 ? 0.3 + i / 1000 : 0.5));
    const calibration = fitRiskCalibration({ scores, contamination: 0.03 });
    expect(calibration.tailStartScore).toBeGreaterThanOrEqual(0.5);
    expect(riskOfScore(calibration, 0.5)).toBeLessThanOrEqual(50);
    const beneath = Float64Array.of(...scores.subarray(0, 99), 0.7);
    expect(
      riskOfScore(fitRiskCalibration({ scores: beneath, contamination: 0.03 }), 0.5),
    ).toBeLessThanOrEqual(50);
  });

  it('has an answer for one, two and three training scores', () => {
    for (const scores of [[0.4], [0.4, 0.4], [0.4, 0.5], [0.4, 0.5, 0.6]]) {
      const calibration = fitRiskCalibration({ scores: Float64Array.from(scores), contamination: 0.03 });
      expect(riskOfScore(calibration, 0.3)).toBe(0);
      expect(riskOfScore(calibration, Math.max(...scores))).toBeLessThanOrEqual(60);
      expect(riskOfScore(calibration, 0.99)).toBe(100);
    }
  });

  it('calls nothing rare that all training entities share', () => {
    const calibration = fitRiskCalibration({ scores: new Float64Array(200).fill(0.4), contamination: 0.03 });
    expect(riskOfScore(calibration, 0.39)).toBe(0);
    expect(riskOfScore(calibration, 0.4)).toBe(0);
    expect(riskOfScore(calibration, 0.9)).toBe(100);
  });

  it('never falls as the score rises and stays within 0-100, for any training scores', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 0.99, noNaN: true }), { minLength: 1, maxLength: 300 }),
        fc.double({ min: 0.01, max: 0.05, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 50 }),
        (scores, contamination, probes) => {
          const calibration = fitRiskCalibration({ scores: Float64Array.from(scores), contamination });
          const { quantileScores, tailShape, tailScale } = calibration;
          expect(quantileScores).toEqual(quantileScores.toSorted());
          expect(calibration.tailStartScore).toBeLessThanOrEqual(1);
          expect(tailShape).toBeGreaterThanOrEqual(-0.5);
          expect(tailShape).toBeLessThanOrEqual(1);
          expect(tailScale).toBeGreaterThan(0);
          const risks = probes.toSorted((a, b) => a - b).map((score) => riskOfScore(calibration, score));
          risks.forEach((risk, index) => {
            expect(risk).toBeGreaterThanOrEqual(0);
            expect(risk).toBeLessThanOrEqual(100);
            if (index > 0) expect(risk).toBeGreaterThanOrEqual(risks[index - 1]! - 1e-9);
          });
        },
      ),
    );
  });
});
