import { describe, expect, it } from 'vitest';
import type { LabelledFlow } from '../../src/evaluation/labelled-site.ts';
import { type EvaluationParts, runEvaluation } from '../../src/runs/evaluation-run.ts';
import { labelledFlows } from '../support/labelled-flows.ts';

/** Two sites to train on, one of them without an attack, and one with too little to learn from. */
const FLOWS: Readonly<Record<string, readonly LabelledFlow[]>> = {
  'office.csv': labelledFlows({ normal: 120, attacks: 25, seed: 1 }),
  'calm.csv': labelledFlows({ normal: 120, attacks: 0, seed: 2 }),
  'tiny.csv': labelledFlows({ normal: 20, attacks: 6, seed: 3 }),
};

/** What else a reading tells of a file. */
const HELD = {
  badLines: 1,
  firstBadLine: { line: 7, reason: 'label: got "2"' },
  unlabelled: 2,
  outOfOrder: 3,
};

function partsWith(changes: Partial<EvaluationParts>): EvaluationParts {
  return {
    protocol: 'site',
    files: Object.keys(FLOWS),
    readFlows: (file, onFlow) => {
      FLOWS[file]!.forEach(onFlow);
      return Promise.resolve({ flows: FLOWS[file]!.length, ...HELD });
    },
    siteName: (file) => file.replace('.csv', ''),
    training: { contamination: 0.03, nEstimators: 30, sampleSize: 64, chi2TopK: 18, windowMinutes: 5 },
    seeds: [1, 2],
    thresholds: { highRisk: 95, mediumRisk: 70 },
    isInternal: (ip) => ip.startsWith('10.'),
    nowMs: () => 0,
    onProgress: () => undefined,
    breathe: () => Promise.resolve(),
    ...changes,
  };
}

describe('an evaluation', { timeout: 180_000 }, () => {
  it('reports every site in the order of the files, and takes the mean over those with both labels', async () => {
    const clock = [1000, 4500];
    const told: { step: string; share: number }[] = [];
    const result = await runEvaluation(
      partsWith({ nowMs: () => clock.shift()!, onProgress: (progress) => told.push(progress) }),
    );
    expect(result).toMatchObject({ protocol: 'site', windowMinutes: 5, seeds: [1, 2], durationMs: 3500 });
    expect(result.files).toEqual(
      Object.entries(FLOWS).map(([file, { length }]) => ({
        file,
        flows: length,
        ...HELD,
      })),
    );
    const [office, calm, tiny] = result.sites;
    expect([office?.site, calm?.site, tiny?.site]).toEqual(['office', 'calm', 'tiny']);
    expect([office?.entities, office?.attacks, office?.inMacro]).toEqual([145, 25, true]);
    expect([calm?.entities, calm?.attacks, calm?.inMacro]).toEqual([120, 0, false]);
    // Each of two trials asks about 30 % of the benign windows and about every attack.
    const asked = ({ tp, fp, fn, tn }: { tp: number; fp: number; fn: number; tn: number }) => [
      tp + fn,
      fp + tn,
    ];
    expect(asked(office!.hybrid.medium)).toEqual([50, 72]);
    expect(asked(calm!.legacy.high)).toEqual([0, 72]);

    expect(tiny?.refused).toMatchObject({
      trials: 2,
      reason: expect.stringContaining('a model needs') as string,
    });
    expect(tiny?.hybrid).toEqual(tiny?.legacy);
    expect(office?.refused).toBeNull();
    expect(result.macro?.hybrid.rocAuc).toBe((office!.hybrid.rocAuc! + tiny!.hybrid.rocAuc!) / 2);
    expect(result.macroTrained?.hybrid).toEqual(office!.hybrid);
    expect(result.stages).toEqual([
      { verdicts: 0, sites: result.sites, macro: result.macro, macroTrained: result.macroTrained },
    ]);

    expect(told.slice(0, 3).map(({ step }) => step)).toEqual(
      Object.keys(FLOWS).map((file) => `reading ${file}`),
    );
    expect(told.slice(3).map(({ share }) => share)).toEqual([0, 1, 2, 3, 4, 5].map((done) => done / 6));
  });

  it('has no mean over trained sites where none could be trained', async () => {
    const { macro, macroTrained } = await runEvaluation(partsWith({ files: ['tiny.csv'] }));
    expect(macro).not.toBeNull();
    expect(macroTrained).toBeNull();
  });

  it('with feedback tells 0, 50, 200 and 1000 verdicts, the last one at the top, each on the same windows', async () => {
    const result = await runEvaluation(
      partsWith({ protocol: 'feedback', files: ['office.csv'], seeds: [1] }),
    );
    expect(result.stages.map(({ verdicts }) => verdicts)).toEqual([0, 50, 200, 1000]);
    expect(result).toMatchObject(result.stages[3]!);
    const legacy = result.stages.map(({ sites }) => sites[0]!.legacy);
    expect(legacy.slice(1)).toEqual(Array(3).fill(legacy[0]));
    const { sites } = await runEvaluation(
      partsWith({ protocol: 'natural', files: ['office.csv'], seeds: [1] }),
    );
    expect(result.stages[0]!.sites).toEqual(sites);
  });

  it('stops between trials when it is told to', async () => {
    let breaths = 0;
    const breathe = (): Promise<void> => {
      breaths += 1;
      return breaths === 2 ? Promise.reject(new Error('enough')) : Promise.resolve();
    };
    await expect(
      runEvaluation(partsWith({ files: ['tiny.csv'], seeds: [1, 2, 3], breathe })),
    ).rejects.toThrow('enough');
    expect(breaths).toBe(2);
  });
});
