import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitRiskCalibration, riskOfScore, shareAtOrAbove } from '../../src/detector/risk-calibration.ts';

/** 1001 scores 0, 0.001, ... 1: every quantile is its own probability. */
const evenScores = Float64Array.from({ length: 1001 }, (_, index) => index / 1000);

describe('risk calibration', () => {
  it('starts the tail at the (1 - contamination) quantile and fits the mean excess over it', () => {
    const calibration = fitRiskCalibration({ scores: evenScores, contamination: 0.1 });
    expect(calibration.tailStartScore).toBeCloseTo(0.9, 12);
    // 100 scores 0.901 ... 1.000 above 0.9: mean excess (0.001 + 0.1) / 2.
    expect(calibration.tailMeanExcess).toBeCloseTo(0.0505, 3);
  });

  it('gives the empirical share below the tail and the exponential one above it', () => {
    const calibration = {
      ...fitRiskCalibration({ scores: evenScores, contamination: 0.1 }),
      tailMeanExcess: 0.05,
    };
    expect(shareAtOrAbove(calibration, -1)).toBe(1);
    expect(shareAtOrAbove(calibration, 0.45)).toBeCloseTo(0.55, 9);
    expect(shareAtOrAbove(calibration, 0.95)).toBeCloseTo(0.1 * Math.exp(-1), 12);
  });

  it('puts risk 50 at the tail start, 70 ten times rarer, 90 a hundred times rarer and 100 at most', () => {
    const calibration = {
      ...fitRiskCalibration({ scores: evenScores, contamination: 0.1 }),
      tailMeanExcess: 0.01,
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
    const few = Float64Array.from({ length: 101 }, (_, index) => index / 100);
    const calibration = fitRiskCalibration({ scores: few, contamination: 0.01 });
    expect(calibration.tailStartScore).toBeCloseTo(0.99, 9);
    // One score above 0.99 says nothing; the top fifth says 0.01 ... about 0.2 in steps of 0.01.
    expect(calibration.tailMeanExcess).toBeGreaterThan(0.09);
    expect(calibration.tailMeanExcess).toBeLessThan(0.12);
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
