import { describe, expect, it } from 'vitest';
import {
  judgeCriteria,
  outcomeOf,
  sharesByAttack,
  sumOutcomes,
} from '../../src/evaluation/validation-outcome.ts';

const counts = (tp: number, fp: number, fn: number, tn: number) => ({
  truePositives: tp,
  falsePositives: fp,
  falseNegatives: fn,
  trueNegatives: tn,
});

describe('the outcome of a day', () => {
  it('counts entities and attacks, and names the shares', () => {
    expect(outcomeOf(Uint8Array.of(1, 1, 0, 0, 0), Uint8Array.of(1, 0, 1, 0, 0))).toEqual({
      entities: 5,
      attacks: 2,
      ...counts(1, 1, 1, 2),
      precision: 0.5,
      recall: 0.5,
      f1: 0.5,
      falsePositiveRate: 1 / 3,
    });
  });

  it('summed over days is that of all entities together, not the mean of the days', () => {
    const total = sumOutcomes([counts(1, 0, 0, 9), counts(10, 30, 10, 50)]);
    expect(total).toMatchObject({ entities: 110, attacks: 21, ...counts(11, 30, 10, 59) });
    expect(total.precision).toBeCloseTo(11 / 41, 12);
    expect(total.recall).toBeCloseTo(11 / 21, 12);
  });
});

describe('the production criteria', () => {
  const verdicts = (tp: number, fp: number, fn: number, tn: number): Record<string, boolean> =>
    Object.fromEntries(
      judgeCriteria(sumOutcomes([counts(tp, fp, fn, tn)])).map(({ name, passed }) => [name, passed]),
    );

  it('pass at 90 % precision, 80 % recall, 5 % false positives and 85 % F1 exactly', () => {
    // 90 of 100 flagged are attacks, 90 of 100 attacks flagged, 10 of 200 benign flagged.
    expect(verdicts(90, 10, 10, 190)).toEqual({
      precision: true,
      recall: true,
      falsePositiveRate: true,
      f1: true,
    });
    expect(judgeCriteria(sumOutcomes([counts(80, 0, 20, 100)]))[1]).toEqual({
      name: 'recall',
      wanted: 0.8,
      value: 0.8,
      passed: true,
    });
  });

  it('fail one by one just beyond', () => {
    expect(verdicts(89, 11, 9, 1000)['precision']).toBe(false);
    expect(verdicts(79, 0, 21, 1000)['recall']).toBe(false);
    expect(verdicts(90, 11, 10, 189)['falsePositiveRate']).toBe(false);
    expect(verdicts(84, 15, 15, 1000)['f1']).toBe(false);
  });

  it('fail where there is nothing to measure', () => {
    expect(verdicts(0, 0, 0, 10)).toEqual({
      precision: false,
      recall: false,
      falsePositiveRate: true,
      f1: false,
    });
  });
});

describe('the share found of each attack', () => {
  it('adds up over days and is listed by number, then by name', () => {
    const shares = sharesByAttack([
      {
        truth: { labels: Uint8Array.of(1, 1, 0), attacks: ['Bot', 'DDoS', null] },
        hybrid: Uint8Array.of(1, 0, 1),
        legacy: Uint8Array.of(0, 1, 0),
      },
      {
        truth: { labels: Uint8Array.of(1, 1), attacks: ['Bot', 'Arp'] },
        hybrid: Uint8Array.of(1, 1),
        legacy: Uint8Array.of(0, 0),
      },
    ]);
    expect(shares).toEqual([
      { attack: 'Bot', entities: 2, hybridFound: 2, legacyFound: 0 },
      { attack: 'Arp', entities: 1, hybridFound: 1, legacyFound: 0 },
      { attack: 'DDoS', entities: 1, hybridFound: 0, legacyFound: 1 },
    ]);
  });
});
