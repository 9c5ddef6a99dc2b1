import { describe, expect, it } from 'vitest';
import {
  falsePositivesAtEqualRecall,
  meanOf,
  measureAttacks,
  measureDetector,
  measureTier,
  savedShare,
} from '../../src/evaluation/trial-measures.ts';
import { judged, trialOf } from './hand-made-site.ts';

const counts = (tp: number, fp: number, fn: number, tn: number) => ({
  truePositives: tp,
  falsePositives: fp,
  falseNegatives: fn,
  trueNegatives: tn,
});

describe('a tier over several trials', () => {
  it('adds the counts up and derives the shares from the sums, not from the shares', () => {
    const tier = measureTier([counts(1, 0, 1, 8), counts(2, 4, 6, 28)]);
    expect(tier).toMatchObject({ tp: 3, fp: 4, fn: 7, tn: 36 });
    expect(tier.precision).toBeCloseTo(3 / 7, 14);
    expect(tier.recall).toBeCloseTo(0.3, 14);
    expect(tier.fpr).toBeCloseTo(0.1, 14);
    // 2 x 3 / (2 x 3 + 4 + 7)
    expect(tier.f1).toBeCloseTo(6 / 17, 14);
  });

  it('says what the precision would be with 5 attacks among 100', () => {
    // Of 100: 5 attacks of which 4 are flagged, 95 benign of which 0.95 are.
    const { precision, precision5 } = measureTier([counts(80, 1, 20, 99)]);
    expect(precision).toBeCloseTo(80 / 81, 14);
    expect(precision5).toBeCloseTo(4 / 4.95, 14);
    expect(measureTier([counts(1, 0, 9, 50)]).precision5).toBe(1);
    expect(measureTier([counts(0, 5, 9, 50)]).precision5).toBe(0);
  });

  it('has no precision at 5 % where nothing is flagged, or a label is missing', () => {
    expect(measureTier([counts(0, 0, 9, 50)]).precision5).toBeNull();
    expect(measureTier([counts(0, 5, 0, 50)])).toMatchObject({ recall: null, precision5: null });
    expect(measureTier([counts(5, 0, 4, 0)])).toMatchObject({ fpr: null, precision5: null });
    expect(measureTier([])).toEqual({
      ...{ tp: 0, fp: 0, fn: 0, tn: 0 },
      ...{ precision: null, recall: null, f1: null, fpr: null, precision5: null },
    });
  });
});

describe('a detector over several trials', () => {
  it('counts what is medium or high, what is high, and takes the mean of the ranks', () => {
    const first = trialOf({
      labels: Uint8Array.of(1, 1, 0, 0),
      hybrid: judged([[9, 'high'], [5, 'medium'], [7, 'medium'], [1]]),
    });
    const second = trialOf({
      labels: Uint8Array.of(1, 0, 0),
      hybrid: judged([[9, 'high'], [2], [8, 'high']]),
    });
    const { rocAuc, medium, high } = measureDetector([first, second], 'hybrid');
    // First: 3 of 4 pairs in order. Second: both.
    expect(rocAuc).toBe((0.75 + 1) / 2);
    expect(medium).toMatchObject({ tp: 3, fp: 2, fn: 0, tn: 2 });
    expect(high).toMatchObject({ tp: 2, fp: 1, fn: 1, tn: 3 });
    expect(measureDetector([first, second], 'legacy')).toMatchObject({
      rocAuc: 0.5,
      medium: { tp: 0, fp: 0, fn: 3, tn: 4, precision: null, recall: 0, fpr: 0 },
    });
  });

  it('has no ranks without both labels, and leaves such a trial out of the mean', () => {
    const oneLabel = trialOf({ labels: Uint8Array.of(0, 0), hybrid: judged([[1], [2]]) });
    const both = trialOf({ labels: Uint8Array.of(1, 0), hybrid: judged([[3], [2]]) });
    expect(measureDetector([oneLabel], 'hybrid')).toMatchObject({ rocAuc: null, averagePrecision5: null });
    expect(measureDetector([oneLabel, both], 'hybrid')).toMatchObject({ rocAuc: 1, averagePrecision5: 1 });
    expect(meanOf([null, 1, 2])).toBe(1.5);
    expect(meanOf([null])).toBeNull();
    expect(meanOf([])).toBeNull();
  });
});

describe('average precision with the attacks resampled to 5 %', () => {
  const benign = (count: number): (readonly [number])[] =>
    Array.from({ length: count }, (_, at) => [at + 1] as const);
  const labels = (attacks: number, benignCount: number): Uint8Array =>
    Uint8Array.from([...Array<number>(attacks).fill(1), ...Array<number>(benignCount).fill(0)]);

  it('is that of all attacks where they are 5 % already', () => {
    // 2 attacks beside 38 benign of suspicion 1 to 38; they rank 1st and 4th: 1/2 x 1/1 + 1/2 x 2/4.
    const trial = trialOf({ labels: labels(2, 38), hybrid: judged([[40], [36.5], ...benign(38)]) });
    expect(measureDetector([trial], 'hybrid').averagePrecision5).toBeCloseTo(0.75, 12);
  });

  it('repeats attacks where they are fewer than 5 %', () => {
    // One attack below two of 57 benign, wanted three times: tied at one threshold with 3 of 5 right.
    const trial = trialOf({ labels: labels(1, 57), hybrid: judged([[55.5], ...benign(57)]) });
    expect(measureDetector([trial], 'hybrid').averagePrecision5).toBeCloseTo(3 / 5, 12);
  });

  it('comes near the mean over all possible drawings where they are more', () => {
    // 38 benign want 2 of the 4 attacks at ranks 1, 3, 6 and last. Average precision of each of the 6 pairs by hand:
    // an attack above b benign is found with 1 / (1 + b), the lower of a pair with 2 / (2 + b).
    const above = [0, 1, 3, 38];
    const pairs = above.flatMap((b, at) => above.slice(at + 1).map((c) => (1 / (1 + b) + 2 / (2 + c)) / 2));
    const expected = pairs.reduce((sum, value) => sum + value, 0) / 6;
    const suspicions = above.map((b) => [38.5 - b] as const);
    const trials = Array.from({ length: 200 }, (_, seed) =>
      trialOf({ seed, labels: labels(4, 38), hybrid: judged([...suspicions, ...benign(38)]) }),
    );
    // 4,000 drawings of a spread below 0.25: 0.02 is five standard errors.
    expect(measureDetector(trials, 'hybrid').averagePrecision5).toBeGreaterThan(expected - 0.02);
    expect(measureDetector(trials, 'hybrid').averagePrecision5).toBeLessThan(expected + 0.02);
    const [first, again] = [1, 1].map(() => measureDetector(trials.slice(0, 1), 'hybrid'));
    expect(first).toEqual(again);
  });
});

describe('false positives at equal recall', () => {
  it('counts what hybrid flags when it is asked for as many attacks as the rules flag', () => {
    // The rules flag 2 of 3 attacks and 2 of 4 benign. Hybrid has its second best attack at 6: one benign is above.
    const trial = trialOf({
      labels: Uint8Array.of(1, 1, 1, 0, 0, 0, 0),
      hybrid: judged([[9], [6], [2], [8], [5], [1], [1]]),
      legacy: judged([[1, 'medium'], [0], [1, 'high'], [1, 'medium'], [1, 'medium'], [0], [0]]),
    });
    const equal = falsePositivesAtEqualRecall([trial]);
    expect(equal).toEqual({ legacyFalsePositives: 2, hybridFalsePositives: 1 });
    expect(savedShare(equal)).toBe(0.5);
    expect(falsePositivesAtEqualRecall([trial, trial])).toEqual({
      legacyFalsePositives: 4,
      hybridFalsePositives: 2,
    });
  });

  it('counts a tie with the last attack needed as a false positive', () => {
    const trial = trialOf({
      labels: Uint8Array.of(1, 0, 0),
      hybrid: judged([[6], [6], [5]]),
      legacy: judged([[1, 'medium'], [0], [0]]),
    });
    expect(falsePositivesAtEqualRecall([trial])).toEqual({
      legacyFalsePositives: 0,
      hybridFalsePositives: 1,
    });
  });

  it('is none where the rules find no attack', () => {
    const trial = trialOf({
      labels: Uint8Array.of(1, 0, 0),
      hybrid: judged([[1], [9], [9]]),
      legacy: judged([[0], [1, 'medium'], [0]]),
    });
    expect(falsePositivesAtEqualRecall([trial])).toEqual({
      legacyFalsePositives: 1,
      hybridFalsePositives: 0,
    });
  });

  it('saves nothing that can be told where the rules have no false positive', () => {
    expect(savedShare({ legacyFalsePositives: 0, hybridFalsePositives: 0 })).toBeNull();
    expect(savedShare({ legacyFalsePositives: 0, hybridFalsePositives: 3 })).toBeNull();
    expect(savedShare({ legacyFalsePositives: 4, hybridFalsePositives: 5 })).toBe(-0.25);
  });
});

describe('the share found of each attack', () => {
  it('adds up over the trials, most windows first, then by name', () => {
    const trial = trialOf({
      labels: Uint8Array.of(1, 1, 1, 1, 0),
      attacks: ['scan', 'beacon', 'scan', 'flood', null],
      hybrid: judged([[9, 'high'], [5, 'medium'], [1], [1], [9, 'high']]),
      legacy: judged([[1, 'high'], [0], [1, 'medium'], [0], [0]]),
    });
    const other = trialOf({ labels: Uint8Array.of(1, 1), attacks: ['scan', 'scan'] });
    expect(measureAttacks([trial, other])).toEqual([
      {
        attack: 'scan',
        entities: 4,
        hybridMedium: 0.25,
        hybridHigh: 0.25,
        legacyMedium: 0.5,
        legacyHigh: 0.25,
      },
      { attack: 'beacon', entities: 1, hybridMedium: 1, hybridHigh: 0, legacyMedium: 0, legacyHigh: 0 },
      { attack: 'flood', entities: 1, hybridMedium: 0, hybridHigh: 0, legacyMedium: 0, legacyHigh: 0 },
    ]);
    expect(measureAttacks([trialOf({ labels: Uint8Array.of(0) })])).toEqual([]);
  });
});
