import { describe, expect, it } from 'vitest';
import { runSelfTest } from '../../src/evaluation/self-test.ts';

describe('self-test', () => {
  it('judges what it was not trained on and passes with room to spare', () => {
    const result = runSelfTest({ seed: 42 });
    expect(result).toMatchObject({
      samples: 10_000,
      trainedOn: 6300,
      judged: { normal: 2700, attacks: 1000 },
    });
    expect(result.passed).toBe(true);
    expect(result.precision).toBeGreaterThan(0.95);
    expect(result.recall).toBeGreaterThan(0.95);
    expect(result.falsePositiveRate).toBeLessThan(0.015);
    const judged = Object.values(result.tiers).reduce((sum, tier) => sum + tier.normal + tier.attacks, 0);
    expect(judged).toBe(3700);
    expect(result.tiers.high.attacks).toBeGreaterThan(400);
    expect(result.tiers.high.normal).toBe(0);
  });

  it.each([1, 2, 3, 4, 5])('passes with seed %i on fewer samples', (seed) => {
    expect(runSelfTest({ seed, samples: 2000 }).passed).toBe(true);
  });

  it('is the same for the same seed', () => {
    expect(runSelfTest({ seed: 3, samples: 500 })).toEqual(runSelfTest({ seed: 3, samples: 500 }));
  });

  it('fails when nothing reaches an operator', () => {
    const result = runSelfTest({ seed: 3, samples: 500, thresholds: { highRisk: 101, mediumRisk: 101 } });
    expect(result.passed).toBe(false);
    expect(result.recall).toBe(0);
    expect(result.precision).toBeNull();
  });
});
