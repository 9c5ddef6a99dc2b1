import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHybridDetector } from '../../src/detector/hybrid-detector.ts';
import { decodeModel, encodeModel } from '../../src/detector/model-files.ts';
import { trainModel } from '../../src/detector/train-model.ts';
import type { ModelFiles, TrainedModel } from '../../src/detector/trained-model.ts';
import { generateSyntheticTraffic } from '../../src/evaluation/synthetic-traffic.ts';
import { createTrafficAccumulator } from '../../src/features/traffic-windows.ts';
import { handMadeModel } from './hand-made-model.ts';
import { edited, files, filesWith, metadata, refusal, type Tampering } from './tampered-model.ts';

describe('model files', () => {
  it('come back as the same model, and give the same bytes again', () => {
    const loaded = decodeModel(files, JSON.parse(JSON.stringify(metadata)));
    expect(loaded).toEqual(handMadeModel);
    expect(encodeModel(loaded)).toEqual({ files, metadata });
  });

  it('come back wherever in a longer buffer their bytes lie', () => {
    const shifted = (bytes: Uint8Array): Uint8Array => new Uint8Array([7, 7, 7, ...bytes, 7]).subarray(3, -1);
    const { isolation_forest, gradient_boosting } = files;
    const moved = {
      ...files,
      isolation_forest: shifted(isolation_forest),
      gradient_boosting: shifted(gradient_boosting),
    };
    expect(decodeModel(moved, metadata)).toEqual(handMadeModel);
  });

  it('pass over the fields that storage adds to the metadata', () => {
    expect(decodeModel(files, { ...metadata, checksums: { scaler: 'x' } }).metadata).toEqual(metadata);
  });

  it('of a trained model give the same detections', () => {
    const [startMs, endMs] = [Date.UTC(2026, 0, 5), Date.UTC(2026, 0, 5, 8)];
    const accumulator = createTrafficAccumulator({ windowMs: 300_000 });
    const size = { lanHostCount: 20, externalClientCount: 40, noiseSourceCount: 20, seed: 7 };
    for (const record of generateSyntheticTraffic({ startMs, endMs, ...size })) accumulator.add(record);
    const traffic = accumulator.finish();
    const isInternal = (ip: string): boolean => /^(10|192\.168)\./.test(ip);
    const forests = { nEstimators: 50, sampleSize: 64, contamination: 0.03 };
    const settings = { ...forests, chi2TopK: 18, windowMinutes: 5, seed: 1 };
    const trained = trainModel({
      traffic,
      isInternal,
      settings,
      info: {
        version: 'v1',
        createdAt: '2026-01-05T08:00:00.000Z',
        source: 'flows',
        trainingWindow: { from: '2026-01-05T00:00:00.000Z', to: '2026-01-05T08:00:00.000Z' },
        records: accumulator.recordCount,
        internalNetworks: [],
      },
    });
    const encoded = encodeModel(trained);
    const loaded = decodeModel(encoded.files, JSON.parse(JSON.stringify(encoded.metadata)));
    const thresholds = { highRisk: 95, mediumRisk: 70 };
    const detect = (model: TrainedModel) =>
      createHybridDetector({ model, thresholds, isInternal }).detect(traffic);
    expect(detect(loaded).length).toBeGreaterThan(0);
    expect(detect(loaded)).toEqual(detect(trained));
    expect(encodeModel(loaded)).toEqual(encoded);
  });

  it.each<[string, Partial<ModelFiles>, string]>([
    [
      'a forest cut off',
      { isolation_forest: files.isolation_forest.slice(0, -1) },
      'isolation_forest.external.short: cut off',
    ],
    ['no forest', { isolation_forest: new Uint8Array(3) }, 'isolation_forest: only 3 bytes'],
    [
      'bytes after the forest',
      { isolation_forest: new Uint8Array([...files.isolation_forest, 0]) },
      'isolation_forest: 1 bytes too many',
    ],
    [
      'boosted trees cut off',
      { gradient_boosting: files.gradient_boosting.slice(0, -1) },
      'gradient_boosting.external.short: cut off',
    ],
    [
      'forests in place of the boosted trees',
      { gradient_boosting: files.isolation_forest },
      'gradient_boosting.internal.short: The boosted trees file does not begin with the mark',
    ],
    ['a scaler that is no JSON', { scaler: new TextEncoder().encode('{') }, 'scaler is not JSON'],
  ])('are refused with %s', (_name, changed, words) => {
    expect(refusal(changed)).toContain(words);
  });

  it('are refused with boosted trees over other columns than the features', () => {
    const { short } = handMadeModel.groups.internal!;
    const boosting = { ...short.boosting, columnCount: 24 };
    const changed = filesWith('internal', { short: { ...short, boosting } });
    expect(refusal(changed)).toContain('internal.short: boosted trees over 24 features, there are 25');
  });

  it('are refused when one file says that there is no long scale', () => {
    const { scaler } = filesWith('internal', { long: null, longWeight: 0 });
    expect(refusal({ scaler })).toContain('internal.long: not in all of the files');
  });

  it('are refused when forest and trees are of a scale that was not learnt', () => {
    const { long } = handMadeModel.groups.internal!;
    const { isolation_forest, gradient_boosting } = filesWith('external', { long });
    expect(refusal({ isolation_forest, gradient_boosting })).toContain(
      'external.long: not in all of the files',
    );
  });

  it.each<Tampering>([
    ['another algorithm', 'algorithm', 'x', 'metadata.algorithm'],
    ['another feature', 'features.0', 'bytes_total', 'metadata.features'],
    [
      'another number of trees',
      'hyperparameters.nEstimators',
      4,
      'metadata.hyperparameters.nEstimators (internal.short): 4, the files hold 3',
    ],
    ['no group', 'groups', {}, 'metadata.groups: no source group'],
    ['a group missing', 'groups.external', undefined, 'external: not in all of the files'],
    ['a text where a count belongs', 'counts.records', '5', 'metadata.counts.records'],
    [
      'exclusions that do not add up',
      'counts.exclusions.attackLike',
      5,
      'metadata.counts.excludedEntities: 15, the exclusions add up to 16',
    ],
    [
      'other entities',
      'groups.internal.entities',
      401,
      'metadata.groups.internal.entities: 401, the files hold 400',
    ],
    [
      'other long windows',
      'groups.internal.long.entities',
      99,
      'metadata.groups.internal.long.entities: 99, the files hold 100',
    ],
    [
      'no long scale beside files with one',
      'groups.internal.long',
      null,
      'metadata.groups.internal.long: missing',
    ],
    [
      'a long scale that the files do not have',
      'groups.external.long',
      metadata.groups.internal!.long,
      'metadata.groups.external.long: not in the files',
    ],
    [
      'other selected features',
      'groups.internal.short.selectedFeatures.0',
      'bytes_total',
      'metadata.groups.internal.short.selectedFeatures',
    ],
    [
      'another kind of selection',
      'groups.internal.short.selection',
      'all',
      'metadata.groups.internal.short.selection: all, the files hold chi-square',
    ],
    [
      'another reason for the selection',
      'groups.internal.short.selectionReason',
      'x',
      'metadata.groups.internal.short.selectionReason: x, the files hold held-out',
    ],
    [
      'other reviewed attacks',
      'groups.internal.verdicts.attacks',
      22,
      'metadata.groups.internal.verdicts.attacks: 22, the files hold 21',
    ],
    [
      'other reviewed harmless ones',
      'groups.internal.verdicts.benign',
      8,
      'metadata.groups.internal.verdicts.benign: 8, the files hold 9',
    ],
    [
      'another reliability table',
      'groups.internal.reliability.2.attacks',
      20,
      'metadata.groups.internal.reliability',
    ],
    [
      'another least high risk',
      'groups.internal.leastHighRisk',
      0,
      'metadata.groups.internal.leastHighRisk: 0, the files hold 97.25',
    ],
  ])('are refused with metadata with %s', (_name, path, replacement, words) => {
    expect(refusal({}, edited(metadata, path, replacement))).toContain(words);
  });

  it('are refused without metadata', () => {
    expect(refusal({}, null)).toBe('metadata: expected an object');
  });

  it('of an earlier schema are refused with the command that makes a new one', () => {
    expect(refusal({}, { ...metadata, schemaVersion: 1 })).toBe(
      'metadata.schemaVersion: made by an earlier autoblock, schema version 1, this one reads 2: retrain with `autoblock train`',
    );
    expect(refusal({}, { ...metadata, schemaVersion: 3 })).toBe(
      'metadata.schemaVersion: schema version 3, this one reads 2: retrain with `autoblock train`',
    );
  });

  it('are refused or load whole, whatever byte of them is changed', () => {
    const parts = ['isolation_forest', 'scaler', 'feature_selector', 'gradient_boosting'] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...parts),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (part, position, change) => {
          const bytes = files[part].slice();
          const at = position % bytes.length;
          bytes[at] = bytes[at]! ^ change;
          try {
            expect(decodeModel({ ...files, [part]: bytes }, metadata).metadata).toEqual(metadata);
          } catch (error) {
            expect(error).toMatchObject({ code: 'MODEL_INVALID' });
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
