import { describe, expect, it } from 'vitest';
import { encodeModel } from '../../src/detector/model-files.ts';
import { trainModel } from '../../src/detector/train-model.ts';
import { AutoblockError } from '../../src/errors.ts';
import { FEATURE_NAMES, featureIndex } from '../../src/features/catalogue.ts';
import { evidenceIndex } from '../../src/features/evidence.ts';
import { attackRecords, info, isInternal, normalRecords, settings, siteModel, siteTable } from './site.ts';
import { fold } from './traffic.ts';

describe('training', () => {
  it('models inside and outside apart, with the wanted number of features', () => {
    const { internal, external } = siteModel.groups;
    for (const model of [internal, external]) {
      expect(model?.selected).toHaveLength(18);
      expect(model?.forest.dimensions).toBe(18);
      expect(model?.forest.treeCount).toBe(60);
      expect(model?.calibration.contamination).toBe(0.03);
    }
    expect(internal!.entityCount + external!.entityCount).toBe(siteModel.metadata.counts.entities);
  });

  it('says what it was trained on and what it left out', () => {
    const { metadata } = siteModel;
    expect(metadata).toMatchObject({ schemaVersion: 1, seed: 42, windowMinutes: 5, version: info.version });
    expect(metadata.features).toEqual(FEATURE_NAMES);
    expect(metadata.counts.records).toBe(1234);
    expect(metadata.counts.entities + metadata.counts.excludedEntities).toBe(siteTable.entityCount);
    expect(metadata.counts.exclusions.attackSignatures).toBeGreaterThan(30);
    expect(metadata.groups.external?.selectedFeatures).toHaveLength(18);
  });

  it('gives the same bytes for the same input and others for another seed', () => {
    const again = encodeModel(trainModel({ table: siteTable, isInternal, settings, info }));
    const first = encodeModel(siteModel);
    expect(again.files).toEqual(first.files);
    expect(again.metadata).toEqual(first.metadata);
    const other = encodeModel(
      trainModel({ table: siteTable, isInternal, settings: { ...settings, seed: 43 }, info }),
    );
    expect(other.files.isolation_forest).not.toEqual(first.files.isolation_forest);
  });

  it('keeps typical values apart from what attackers did', () => {
    const external = siteModel.groups.external!;
    expect(external.typicalHigh[featureIndex('distinct_destination_ports')]).toBeLessThan(8);
    expect(external.evidenceHighest[evidenceIndex('distinct_destination_ports')]).toBeGreaterThan(50);
  });

  it('learns nothing from excluded sources, not even the highest values', () => {
    const bad = new Set(siteTable.sourceIps.filter((ip) => ip.startsWith('240.')));
    const model = trainModel({ table: siteTable, isInternal, excludedSources: bad, settings, info });
    expect(model.metadata.counts.exclusions.knownBadSources).toBe(50);
    expect(model.groups.external!.evidenceHighest[evidenceIndex('distinct_destination_ports')]).toBeLessThan(
      8,
    );
  });

  it('asks for the group of each source once', () => {
    const asked = new Map<string, number>();
    const counting = (ip: string): boolean => {
      asked.set(ip, (asked.get(ip) ?? 0) + 1);
      return isInternal(ip);
    };
    trainModel({ table: siteTable, isInternal: counting, settings, info });
    expect(Math.max(...asked.values())).toBe(1);
  });

  it('leaves out a group with too few entities and refuses when both have too few', () => {
    const outsideOnly = trainModel({ table: siteTable, isInternal: () => false, settings, info });
    expect(outsideOnly.groups.internal).toBeUndefined();
    const few = fold([...normalRecords(40), ...attackRecords(20)]);
    try {
      trainModel({ table: few, isInternal, settings, info });
      expect.unreachable('training on 40 entities was accepted');
    } catch (error) {
      expect(error).toBeInstanceOf(AutoblockError);
      expect((error as AutoblockError).code).toBe('TRAINING_DATA_TOO_SMALL');
      expect((error as AutoblockError).message).toMatch(/\d+ internal and \d+ external .* needs 100/);
    }
  });

  it('reports rising progress up to the end', () => {
    const shares: number[] = [];
    trainModel({ table: siteTable, isInternal, settings, info, onProgress: (share) => shares.push(share) });
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
  });
});
