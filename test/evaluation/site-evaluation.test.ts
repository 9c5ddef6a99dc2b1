import { describe, expect, it } from 'vitest';
import { createHybridDetector } from '../../src/detector/hybrid-detector.ts';
import { createRandom, deriveSeed } from '../../src/detector/random.ts';
import { trainModel } from '../../src/detector/train-model.ts';
import {
  createSiteAccumulator,
  type LabelledFlow,
  type LabelledSite,
} from '../../src/evaluation/labelled-site.ts';
import { splitSite } from '../../src/evaluation/protocol-split.ts';
import { type EvaluationSettings, runTrial } from '../../src/evaluation/site-evaluation.ts';
import { selectTraffic } from '../../src/features/traffic-windows.ts';
import { LABELLED_WINDOW_MS, labelledFlows } from '../support/labelled-flows.ts';

const settings: EvaluationSettings = {
  protocol: 'site',
  verdicts: 0,
  training: {
    contamination: 0.03,
    nEstimators: 60,
    sampleSize: 128,
    chi2TopK: 18,
    windowMinutes: 5,
    seed: 7,
  },
  thresholds: { highRisk: 95, mediumRisk: 70 },
  isInternal: (ip) => ip.startsWith('10.'),
};

function siteFrom(flows: readonly LabelledFlow[]): LabelledSite {
  const accumulator = createSiteAccumulator(LABELLED_WINDOW_MS);
  for (const one of flows) accumulator.add(one);
  return accumulator.finish('made-up');
}

const flows = labelledFlows({ normal: 260, attacks: 40 });
const site = siteFrom(flows);

describe('a trial on a site', () => {
  const trial = runTrial(site, settings);

  it('judges the test part in its order, and tells the labels of exactly that part', () => {
    const { training, test } = splitSite(site, { protocol: 'site', seed: 7 });
    expect(trial).toMatchObject({ seed: 7, refused: null, trainedOn: training.length });
    expect(Array.from(trial.labels)).toEqual(Array.from(test, (entity) => site.truth.labels[entity]));
    expect(trial.attacks).toEqual(Array.from(test, (entity) => site.truth.attacks[entity]));
    expect(trial.labels.reduce((sum, label) => sum + label, 0)).toBe(40);
    for (const { suspicion, medium, high } of [trial.hybrid, trial.legacy])
      expect([suspicion.length, medium.length, high.length]).toEqual(Array<number>(3).fill(test.length));
  });

  it('says what a model of production, trained on the training part alone, says of the test part', () => {
    const { training, test } = splitSite(site, { protocol: 'site', seed: 7 });
    const model = trainModel({
      traffic: selectTraffic(site.traffic, training),
      isInternal: settings.isInternal,
      verdicts: null,
      settings: { ...settings.training, seed: deriveSeed(7, 'training') },
      info: {
        version: 'test',
        createdAt: '',
        source: 'flows',
        trainingWindow: { from: '', to: '' },
        records: 0,
        internalNetworks: [],
      },
    });
    const detector = createHybridDetector({ ...settings, model });
    const traffic = selectTraffic(site.traffic, test);
    expect(trial.hybrid.suspicion).toEqual(detector.suspicion(traffic));
    const tiers = new Map(detector.detect(traffic).map(({ sourceIp, confidence }) => [sourceIp, confidence]));
    const flags = (...wanted: readonly string[]): number[] =>
      traffic.short.sourceIps.map((sourceIp) => Number(wanted.includes(tiers.get(sourceIp) ?? '')));
    expect(Array.from(trial.hybrid.medium)).toEqual(flags('medium', 'high'));
    expect(Array.from(trial.hybrid.high)).toEqual(flags('high'));
    expect(trial.hybrid.high).toContain(1);
  });

  it('is the same again with the same seed', () => {
    expect(runTrial(site, settings)).toEqual(trial);
  });
});

describe('the labels of a site', () => {
  it('do not reach a model without verdicts: shuffled labels change no score', () => {
    const random = createRandom(3);
    const labels = flows.map(({ label, attack }) => ({ label, attack }));
    for (let index = labels.length - 1; index > 0; index -= 1) {
      const other = random.nextInt(index + 1);
      [labels[index], labels[other]] = [labels[other]!, labels[index]!];
    }
    const shuffled = siteFrom(flows.map(({ record }, index) => ({ record, ...labels[index]! })));
    expect(shuffled.truth.labels).not.toEqual(site.truth.labels);

    const { training, test } = splitSite(site, { protocol: 'natural', seed: 7 });
    const scores = [site, shuffled].map(({ traffic }) => {
      const info = {
        version: 'test',
        createdAt: '',
        source: 'flows',
        trainingWindow: { from: '', to: '' },
        records: 0,
        internalNetworks: [],
      } as const;
      const model = trainModel({
        traffic: selectTraffic(traffic, training),
        ...{ isInternal: settings.isInternal, verdicts: null, settings: settings.training, info },
      });
      return createHybridDetector({ ...settings, model }).suspicion(selectTraffic(traffic, test));
    });
    expect(scores[1]).toEqual(scores[0]);
    expect(new Set(scores[0]).size).toBeGreaterThan(20);
  });

  it('reach it as verdicts, and only as many as the operator gave', () => {
    const feedback = { ...settings, protocol: 'feedback' } as const;
    const [none, fifty, again] = [0, 50, 50].map((verdicts) => runTrial(site, { ...feedback, verdicts }));
    expect(none!.hybrid).toEqual(runTrial(site, { ...settings, protocol: 'natural' }).hybrid);
    expect(fifty!.labels).toEqual(none!.labels);
    expect(fifty!.hybrid.suspicion).not.toEqual(none!.hybrid.suspicion);
    expect(again).toEqual(fifty);
    // The rules learn nothing.
    expect(fifty!.legacy).toEqual(none!.legacy);
  });
});

describe('a site with too little to learn from', () => {
  it('is judged by the legacy rules, as in production, and says why', () => {
    const tiny = siteFrom(labelledFlows({ normal: 20, attacks: 6 }));
    const { refused, hybrid, legacy } = runTrial(tiny, settings);
    expect(refused).toMatch(/\d+ internal and \d+ external source windows to learn from; a model needs \d+/);
    expect(hybrid).toEqual(legacy);
    expect(hybrid.medium).toContain(1);
  });
});
