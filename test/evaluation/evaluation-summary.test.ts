import { describe, expect, it } from 'vitest';
import { type SiteResult, summariseMacro, summariseSite } from '../../src/evaluation/evaluation-summary.ts';
import type { Trial } from '../../src/evaluation/site-evaluation.ts';
import { judged, trialOf } from './hand-made-site.ts';

/** Hybrid finds its attack without a mistake; the rules flag everything. */
const good = trialOf({
  labels: Uint8Array.of(1, 0, 0, 0),
  hybrid: judged([[9, 'high'], [1], [1], [1]]),
  legacy: judged([
    [1, 'medium'],
    [1, 'medium'],
    [1, 'medium'],
    [1, 'medium'],
  ]),
});
/** Hybrid finds one of two attacks at one false positive of two, and ranks one of four pairs right. */
const poor = trialOf({
  labels: Uint8Array.of(1, 1, 0, 0),
  hybrid: judged([[5, 'medium'], [1], [9, 'medium'], [3]]),
  legacy: judged([[1, 'medium'], [0], [1, 'medium'], [0]]),
});
const benignOnly = trialOf({
  labels: Uint8Array.of(0, 0),
  hybrid: judged([[9, 'medium'], [1]]),
});

function site(name: string, trials: readonly Trial[]): SiteResult {
  const labels = [...trials[0]!.labels];
  const attacks = labels.filter((label) => label === 1).length;
  return summariseSite({ site: name, entities: labels.length, attacks }, trials);
}

describe('the figures of a site', () => {
  it('are those of its trials together', () => {
    expect(site('office', [good, { ...good, trainedOn: 80 }])).toMatchObject({
      ...{ site: 'office', entities: 4, attacks: 1, trainedOn: 100, inMacro: true, refused: null },
      hybrid: { rocAuc: 1, medium: { tp: 2, fp: 0, fn: 0, tn: 6 }, high: { tp: 2, fp: 0 } },
      legacy: { rocAuc: 0.5, medium: { tp: 2, fp: 6, fn: 0, tn: 0 }, high: { tp: 0, precision: null } },
      atLegacyRecall: { legacyFalsePositives: 6, hybridFalsePositives: 0, saved: 1 },
      byAttack: [{ attack: 'probe', entities: 2, hybridMedium: 1, hybridHigh: 1 }],
    });
  });

  it('with one label are not for the mean, and tell what they can', () => {
    const benign = site('calm', [benignOnly]);
    expect(benign).toMatchObject({
      inMacro: false,
      hybrid: { rocAuc: null, averagePrecision5: null, medium: { fp: 1, tn: 1, fpr: 0.5, recall: null } },
    });
    const attacks = site('honeypot', [
      trialOf({ labels: Uint8Array.of(1, 1), hybrid: judged([[9, 'high'], [1]]) }),
    ]);
    expect(attacks).toMatchObject({
      inMacro: false,
      hybrid: { rocAuc: null, high: { tp: 1, fn: 1, recall: 0.5, fpr: null } },
    });
  });

  it('say in how many trials there was no model, and why', () => {
    const refused = { ...good, refused: '3 windows, 25 needed' };
    expect(site('tiny', [good, refused, refused]).refused).toEqual({
      trials: 2,
      reason: '3 windows, 25 needed',
    });
  });
});

describe('the mean over the sites', () => {
  it('counts each site alike, adds up counts, and leaves sites with one label out', () => {
    const macro = summariseMacro([
      site('good', [good, good]),
      site('calm', [benignOnly]),
      site('poor', [poor]),
    ])!;
    // ROC-AUC of poor: of (5, 9), (5, 3), (1, 9), (1, 3) one pair is in order.
    expect(macro.hybrid.rocAuc).toBe((1 + 0.25) / 2);
    expect(macro.hybrid.medium).toMatchObject({ tp: 3, fp: 1, fn: 1, tn: 7 });
    expect(macro.hybrid.medium.recall).toBe((1 + 0.5) / 2);
    expect(macro.hybrid.medium.fpr).toBe((0 + 0.5) / 2);
    expect(macro.hybrid.medium.precision).toBe((1 + 0.5) / 2);
    // poor: 0.05 x 0.5 / (0.05 x 0.5 + 0.95 x 0.5) = 0.05
    expect(macro.hybrid.medium.precision5).toBeCloseTo((1 + 0.05) / 2, 14);
    expect(macro.legacy.medium).toMatchObject({ tp: 3, fp: 7, fn: 1, tn: 1 });
    // At the recall of the rules: none of 6, and 1 of 1.
    expect(macro.atLegacyRecall).toEqual({
      legacyFalsePositives: 7,
      hybridFalsePositives: 1,
      saved: 1 - 1 / 7,
    });
  });

  it('leaves out of a measure the sites where it is not defined', () => {
    const macro = summariseMacro([site('good', [good]), site('poor', [poor])])!;
    // Nothing is high in poor.
    expect(macro.hybrid.high).toMatchObject({ precision: 1, precision5: 1, recall: 0.5 });
  });

  it('is none where no site has both labels', () => {
    expect(summariseMacro([site('calm', [benignOnly])])).toBeNull();
    expect(summariseMacro([])).toBeNull();
  });
});
