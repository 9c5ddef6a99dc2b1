import { describe, expect, it } from 'vitest';
import { scoreExtendedIsolationForest } from '../../src/detector/extended-isolation-forest.ts';
import { anomalyScores } from '../../src/detector/forest-risk.ts';
import { scaleRows } from '../../src/features/robust-scaler.ts';
import { siteModel, siteTraffic } from './site.ts';
import { flow, fold } from './traffic.ts';

const model = siteModel.groups.external!.short;
const siteTable = siteTraffic.short;

describe('forest risk', () => {
  it('scores entities that look alike once and exactly as one by one', () => {
    const entities = Int32Array.from({ length: siteTable.entityCount }, (_, index) => index);
    const rows = scaleRows({
      scaler: model.scaler,
      values: siteTable.values,
      rowCount: siteTable.entityCount,
      selected: model.selected,
    });
    const direct = scoreExtendedIsolationForest(model.forest, rows, siteTable.entityCount);
    expect(anomalyScores({ model, table: siteTable, entities })).toEqual(direct);
  });

  it('answers in the order asked, for repeated and no entities too', () => {
    const entities = Int32Array.of(7, 3, 7);
    const scores = anomalyScores({ model, table: siteTable, entities });
    expect(scores[0]).toBe(scores[2]);
    expect(anomalyScores({ model, table: siteTable, entities: new Int32Array(0) })).toHaveLength(0);
  });

  it('gives sources that did the same the same score', () => {
    const table = fold(
      Array.from({ length: 9000 }, (_, i) => flow({ sourceIp: `192.0.${i >> 8}.${i & 255}` })),
    );
    const entities = Int32Array.from({ length: 9000 }, (_, index) => index);
    expect(new Set(anomalyScores({ model, table, entities })).size).toBe(1);
  });
});
