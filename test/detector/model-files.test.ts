import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHybridDetector } from '../../src/detector/hybrid-detector.ts';
import { decodeModel, encodeModel } from '../../src/detector/model-files.ts';
import type { ModelFiles } from '../../src/detector/trained-model.ts';
import { AutoblockError } from '../../src/errors.ts';
import { isInternal, siteModel, siteTable, thresholds } from './site.ts';

const { files, metadata } = encodeModel(siteModel);
const stored: unknown = JSON.parse(JSON.stringify(metadata));

interface GroupJson {
  centre: number[];
  scale: number[];
  calibration: { quantileScores: number[] };
  selected: number[];
}

interface FileJson {
  groups: { internal?: GroupJson; external: GroupJson };
}

function editJson(bytes: Uint8Array, edit: (groups: FileJson['groups']) => unknown): Uint8Array {
  const content = JSON.parse(new TextDecoder().decode(bytes)) as FileJson;
  edit(content.groups);
  return new TextEncoder().encode(JSON.stringify(content));
}

function refusal(changed: Partial<ModelFiles>, changedMetadata: unknown = stored): AutoblockError {
  try {
    decodeModel({ ...files, ...changed }, changedMetadata);
  } catch (error) {
    if (error instanceof AutoblockError) return error;
    throw error;
  }
  return expect.unreachable('a tampered model was accepted');
}

describe('model files', () => {
  it('come back as the same model, giving the same detections', () => {
    const loaded = decodeModel(files, stored);
    expect(loaded).toEqual(siteModel);
    expect(encodeModel(loaded)).toEqual({ files, metadata });
    const detect = (model: typeof loaded) =>
      createHybridDetector({ model, thresholds, isInternal }).detect(siteTable);
    expect(detect(loaded)).toEqual(detect(siteModel));
  });

  it('pass over the fields that storage adds to the metadata', () => {
    expect(decodeModel(files, { ...metadata, checksums: { scaler: 'x' } }).metadata).toEqual(metadata);
  });

  it.each<[string, Partial<ModelFiles>, string]>([
    ['a forest cut off', { isolation_forest: files.isolation_forest.slice(0, -1) }, 'isolation_forest'],
    ['no forest', { isolation_forest: new Uint8Array(3) }, 'isolation_forest'],
    [
      'bytes after the forest',
      { isolation_forest: new Uint8Array([...files.isolation_forest, 0]) },
      'too many',
    ],
    ['a scaler that is no JSON', { scaler: new TextEncoder().encode('{') }, 'scaler is not JSON'],
    [
      'a scale of 0',
      { scaler: editJson(files.scaler, (groups) => (groups.external.scale[3] = 0)) },
      'scaler.external.scale[3]',
    ],
    [
      'a missing centre',
      { scaler: editJson(files.scaler, (groups) => groups.internal!.centre.pop()) },
      'scaler.internal.centre',
    ],
    [
      'quantiles out of order',
      { scaler: editJson(files.scaler, (groups) => (groups.external.calibration.quantileScores[5] = 0.99)) },
      'not ascending',
    ],
    [
      'a feature number out of range',
      { feature_selector: editJson(files.feature_selector, (groups) => (groups.external.selected[17] = 25)) },
      'feature_selector.external.selected',
    ],
    [
      'one selected feature less than the forest has',
      { feature_selector: editJson(files.feature_selector, (groups) => groups.external.selected.pop()) },
      '17 selected',
    ],
    [
      'a group missing from one file',
      { scaler: editJson(files.scaler, (groups) => delete groups.internal) },
      'internal',
    ],
  ])('are refused with %s', (_name, changed, words) => {
    const error = refusal(changed);
    expect(error.code).toBe('MODEL_INVALID');
    expect(error.message).toContain(words);
  });

  it.each<[string, unknown]>([
    ['no metadata', null],
    ['another schema version', { ...metadata, schemaVersion: 2 }],
    ['features in another order', { ...metadata, features: metadata.features.toReversed() }],
    [
      'another number of trees',
      { ...metadata, hyperparameters: { ...metadata.hyperparameters, nEstimators: 61 } },
    ],
    ['no group', { ...metadata, groups: {} }],
    ['a text where a count belongs', { ...metadata, counts: { ...metadata.counts, records: '5' } }],
  ])('are refused with %s', (_name, changed) => {
    expect(refusal({}, changed).code).toBe('MODEL_INVALID');
  });

  it('are refused or load whole, whatever byte of them is changed', () => {
    const parts = ['isolation_forest', 'scaler', 'feature_selector'] as const;
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
            expect(decodeModel({ ...files, [part]: bytes }, stored).metadata).toEqual(metadata);
          } catch (error) {
            expect((error as AutoblockError).code).toBe('MODEL_INVALID');
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
