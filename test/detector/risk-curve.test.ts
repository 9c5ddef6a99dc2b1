import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/detector/random.ts';
import {
  ASSUMED_PREVALENCE,
  evidenceReaching,
  fitRiskCurve,
  logOddsAt,
  riskOfLogOdds,
} from '../../src/detector/risk-curve.ts';
import type { RiskCurve } from '../../src/detector/trained-model.ts';

function riskAt(curve: RiskCurve, evidence: number): number {
  return riskOfLogOdds(logOddsAt(curve, evidence));
}

/** The least evidence with at least that risk, between -100 and 100. */
function evidenceOfRisk(curve: RiskCurve, risk: number): number {
  let [low, high] = [-100, 100];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (riskAt(curve, middle) >= risk) high = middle;
    else low = middle;
  }
  return high;
}

/** `count` even quantiles of an exponential distribution of that mean over `start`. */
function exponential(count: number, { start = 0, mean = 1 } = {}): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => start - mean * Math.log((i + 0.5) / count));
}

/** Share of harmless ones among everything with at least that evidence, at the prevalence risk is stated for. */
function harmlessShare(ofHarmless: number, ofAttacks: number): number {
  const harmless = (1 - ASSUMED_PREVALENCE) * ofHarmless;
  return harmless / (harmless + ASSUMED_PREVALENCE * ofAttacks);
}

describe('risk', () => {
  it('of 95 stands for five harmless in a hundred, where harmless evidence has an exponential tail', () => {
    const attacks = { start: 5, mean: 2 };
    const curve = fitRiskCurve({ baseline: exponential(3000), attacks: exponential(500, attacks) });
    for (const [risk, harmless] of [
      [95, 0.05],
      [80, 0.2],
    ] as const) {
      const at = evidenceOfRisk(curve, risk);
      // The true shares of the two distributions above that evidence.
      const share = harmlessShare(Math.exp(-at), Math.min(1, Math.exp((5 - at) / 2)));
      expect(share).toBeGreaterThan(0.75 * harmless);
      expect(share).toBeLessThan(1.25 * harmless);
    }
  });

  it('of 95 is on the safe side where harmless evidence has a lighter tail, uniform or normal', () => {
    const uniform = Float64Array.from({ length: 1000 }, (_, i) => (i + 0.5) / 1000);
    const overlapping = Float64Array.from({ length: 300 }, (_, i) => 0.9 + i / 300);
    const at = evidenceOfRisk(fitRiskCurve({ baseline: uniform, attacks: overlapping }), 95);
    expect(harmlessShare(Math.max(0, 1 - at), Math.min(1, 1.9 - at))).toBeLessThan(0.05);

    const random = createRandom(4);
    const normal = (count: number, mean: number): Float64Array =>
      Float64Array.from({ length: count }, () => mean + random.nextGaussian());
    const fresh = { harmless: normal(100_000, 0), attacks: normal(10_000, 4) };
    const above = (values: Float64Array, at: number): number =>
      values.filter((value) => value >= at).length / values.length;
    const shares = Array.from({ length: 10 }, () => {
      const curve = fitRiskCurve({ baseline: normal(600, 0), attacks: normal(300, 4) });
      const atNormal = evidenceOfRisk(curve, 95);
      return harmlessShare(above(fresh.harmless, atNormal), above(fresh.attacks, atNormal));
    });
    // 30 excesses leave a fifth of uncertainty in each fit; the mean of ten shows where they lie.
    expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).toBeLessThan(0.055);
    expect(Math.max(...shares)).toBeLessThan(0.12);
  });

  it('of 95 is out of reach for a baseline too small to know anything that rare', () => {
    const attacks = new Float64Array(400).fill(1000);
    const highest = (windows: number): number =>
      riskAt(fitRiskCurve({ baseline: exponential(windows), attacks }), 1020);
    // One in ten times as many: odds at most 0.05 / (0.95 x 1 / (10 n)) = 0.526 n, below 19 up to 36 windows.
    expect(highest(10)).toBeLessThan(85);
    expect(highest(34)).toBeLessThan(95);
    expect(highest(40)).toBeGreaterThan(95);
  });

  it('claims nothing rarer than one in ten times the harmless windows seen', () => {
    const curve = fitRiskCurve({
      baseline: new Float64Array(50).fill(0),
      attacks: new Float64Array(10).fill(100),
    });
    // Found: (10 + 1/2) of 11. Rarest: 1 of 500.
    expect(curve.logOdds.at(-1)).toBeCloseTo(Math.log((0.05 * (10.5 / 11)) / (0.95 / 500)), 9);
  });

  it('counts in the body: half of the baseline and all attacks above make the odds of one in ten', () => {
    const baseline = Float64Array.from({ length: 999 }, (_, i) => i - 499);
    const curve = fitRiskCurve({ baseline, attacks: new Float64Array(999).fill(5000) });
    // At 0: 500 of 999 harmless, (500.5 / 1000), attacks 999.5 / 1000; between the steps of the curve it is a line.
    expect(logOddsAt(curve, 0)).toBeCloseTo(Math.log((0.05 * 0.9995) / (0.95 * 0.5005)), 1);
  });
});

describe('the curve between and beyond its points', () => {
  it('says at which evidence it reaches log-odds, below its start, between its points and never', () => {
    const stepped: RiskCurve = {
      evidence: Float64Array.of(0, 1, 2, 3),
      logOdds: Float64Array.of(-4, -2, -2, 1),
    };
    expect(evidenceReaching(stepped, -6)).toBe(-2);
    expect(evidenceReaching(stepped, -4)).toBe(0);
    expect(evidenceReaching(stepped, -3)).toBe(0.5);
    expect(evidenceReaching(stepped, -2)).toBe(1);
    expect(evidenceReaching(stepped, 0)).toBeCloseTo(2 + 2 / 3, 12);
    expect(evidenceReaching(stepped, 5)).toBe(3);
    for (const wanted of [-6, -3.3, -2, 0, 0.9])
      expect(logOddsAt(stepped, evidenceReaching(stepped, wanted))).toBeCloseTo(wanted, 9);
  });

  const curve = { evidence: Float64Array.of(0, 4, 10), logOdds: Float64Array.of(-4, 0, 3) };

  it('is straight between them', () => {
    expect([0, 1, 4, 6, 10].map((value) => logOddsAt(curve, value))).toEqual([-4, -3, 0, 1, 3]);
  });

  it('falls with the evidence below them and hardly rises above', () => {
    expect(logOddsAt(curve, -3)).toBe(-7);
    expect(logOddsAt(curve, 1010)).toBe(4);
  });

  it('makes risk of log-odds: 0 is 50, 19 to 1 is 95', () => {
    expect(riskOfLogOdds(0)).toBe(50);
    expect(riskOfLogOdds(Math.log(19))).toBeCloseTo(95, 9);
    expect(riskOfLogOdds(-1000)).toBeCloseTo(0, 12);
    expect(riskOfLogOdds(1000)).toBe(100);
  });
});

describe('whatever the evidence', () => {
  const evidence = fc.array(
    fc.oneof(fc.double({ min: -60, max: 60, noNaN: true }), fc.integer({ min: -3, max: 3 })),
    { minLength: 1, maxLength: 120 },
  );

  it('risk is a number from 0 to 100 and never falls as evidence rises', () => {
    fc.assert(
      fc.property(evidence, evidence, (baseline, attacks) => {
        const curve = fitRiskCurve({
          baseline: Float64Array.from(baseline),
          attacks: Float64Array.from(attacks),
        });
        expect([...curve.evidence, ...curve.logOdds].every(Number.isFinite)).toBe(true);
        let last = 0;
        for (let value = -100; value <= 100; value += 0.7) {
          const risk = riskAt(curve, value);
          expect(risk >= last && risk <= 100).toBe(true);
          last = risk;
        }
      }),
    );
  });

  it('a difference that is nothing but rounding is survived', () => {
    const curve = fitRiskCurve({
      baseline: Float64Array.of(-1, -5e-324, 0, 5e-324),
      attacks: Float64Array.of(3),
    });
    expect(curve.logOdds.every(Number.isFinite)).toBe(true);
  });

  it('the order it comes in does not matter, and it is left alone', () => {
    fc.assert(
      fc.property(evidence, (values) => {
        const baseline = Float64Array.from(values);
        const attacks = Float64Array.of(3, 9, 5);
        const backwards = { baseline: baseline.toReversed(), attacks: attacks.toReversed() };
        expect(fitRiskCurve(backwards)).toEqual(fitRiskCurve({ baseline, attacks }));
        expect(Array.from(baseline)).toEqual(values);
      }),
    );
  });
});
