import { describe, expect, it } from 'vitest';
import { featureRows } from '../../src/detector/forest-risk.ts';
import { predictLogOdds } from '../../src/detector/gradient-boosted-trees.ts';
import {
  combineScales,
  distinctLongRows,
  forestSurprise,
  gatherEvidence,
  judgeAtScale,
  type ScaleEvidence,
} from '../../src/detector/stage-evidence.ts';
import type { ScaleModel } from '../../src/detector/trained-model.ts';
import type { FeatureTable } from '../../src/features/feature-table.ts';
import { handMadeModel } from './hand-made-model.ts';
import { flow, foldTraffic, WINDOW_MS } from './traffic.ts';

const HOUR = 12;
/** One source in three windows of one hour and one of the next, another in one window. */
const traffic = foldTraffic(
  [
    [0, '10.0.0.1'],
    [1, '10.0.0.1'],
    [1, '10.0.0.2'],
    [2, '10.0.0.1'],
    [HOUR, '10.0.0.1'],
  ].map(([window, sourceIp], index) =>
    flow({
      timestampMs: Number(window) * WINDOW_MS,
      sourceIp: String(sourceIp),
      bytes: 1000 * (index + 1),
      destinationPort: 400 + index,
    }),
  ),
);
const all = Int32Array.of(0, 1, 2, 3, 4);

function scaleOf(logOdds: number[], surprise: number[]): ScaleEvidence {
  return {
    logOdds: Float64Array.from(logOdds),
    surprise: Float64Array.from(surprise),
  };
}

describe('both scales together', () => {
  const short = scaleOf([1, -2], [2, 0]);
  const long = scaleOf([3, 5], [4, 6]);

  it('are log-odds plus half the surprise, the long one by its weight', () => {
    const { combined, boosting } = combineScales({ short, long, longWeight: 0.5 });
    expect(Array.from(boosting)).toEqual([1 + 0.5 * 3, -2 + 0.5 * 5]);
    expect(Array.from(combined)).toEqual([2.5 + 0.5 * (2 + 0.5 * 4), 0.5 + 0.5 * (0 + 0.5 * 6)]);
  });

  it('are the short one alone where the long one weighs nothing or is not known', () => {
    const alone = combineScales({ short, long: null, longWeight: 0 });
    expect(Array.from(alone.combined)).toEqual([2, -2]);
    expect(Array.from(alone.boosting)).toEqual([1, -2]);
    const weightless = combineScales({ short, long, longWeight: 0 });
    expect(weightless.combined).toEqual(alone.combined);
    expect(weightless.boosting).toEqual(alone.boosting);
  });
});

describe('a long window', () => {
  it('is judged once, however many short ones lie in it', () => {
    expect(Array.from(distinctLongRows(traffic, all))).toEqual([0, 1, 2]);
    expect(Array.from(distinctLongRows(traffic, Int32Array.of(4, 3, 1)))).toEqual([0, 2]);
  });

  it('lends its evidence to all of them, in the order asked', () => {
    const entities = Int32Array.of(4, 3, 2, 1, 0);
    const asked: number[][] = [];
    const lent = judgeAtScale({
      traffic,
      scale: 'long',
      entities,
      judge: (table, rows) => {
        expect(table).toBe(traffic.long);
        asked.push(Array.from(rows));
        return Float64Array.of(10, 20, 30);
      },
    });
    expect(asked).toEqual([[0, 1, 2]]);
    expect(Array.from(lent)).toEqual([30, 10, 20, 10, 10]);
  });
});

describe('evidence by a model', () => {
  const model = handMadeModel.groups.internal!;

  it('is that of the short window, and that of the long one around it by its weight', () => {
    const part = (scale: ScaleModel, table: FeatureTable, rows: Int32Array): ScaleEvidence => ({
      logOdds: predictLogOdds(scale.boosting, featureRows(table, rows), rows.length),
      surprise: forestSurprise(scale, table, rows),
    });
    const own = part(model.short, traffic.short, all);
    const around = part(model.long!, traffic.long, Int32Array.of(0, 0, 1, 0, 2));
    const gathered = gatherEvidence({ model, traffic, entities: all });
    expect(gathered).toEqual(combineScales({ short: own, long: around, longWeight: 0.5 }));
    expect(gathered.combined.every(Number.isFinite)).toBe(true);
  });

  it('of an entity does not depend on what is judged beside it', () => {
    const gathered = gatherEvidence({ model, traffic, entities: all });
    for (const entity of all) {
      const alone = gatherEvidence({ model, traffic, entities: Int32Array.of(entity) });
      expect(alone.combined[0]).toBe(gathered.combined[entity]);
    }
  });

  it('leaves out the forest exactly where no surprise could lift an entity to what matters', () => {
    const full = gatherEvidence({ model, traffic, entities: all });
    for (const worthFrom of [-50, -10, -5, 0, 5, 10, 50]) {
      const some = gatherEvidence({ model, traffic, entities: all, worthFrom });
      expect(some.boosting).toEqual(full.boosting);
      for (const entity of all) {
        const [spared, asked] = [some.combined[entity]!, full.combined[entity]!];
        if (asked >= worthFrom) expect(spared).toBe(asked);
        else expect(spared).toBeLessThan(worthFrom);
      }
    }
  });

  it('claims no more surprise than its baseline carries: one of ten times as many windows', () => {
    const surprise = forestSurprise(model.short, traffic.short, all);
    const most = Math.log(10 * model.short.entityCount);
    for (const value of surprise) expect(value).toBeLessThanOrEqual(most);
  });

  it('without a long scale does not look at long windows', () => {
    const shortOnly = { ...model, long: null, longWeight: 0 };
    const elsewhere = { ...traffic, longOf: new Int32Array(5).fill(-1) };
    expect(gatherEvidence({ model: shortOnly, traffic: elsewhere, entities: all })).toEqual(
      gatherEvidence({ model: shortOnly, traffic, entities: all }),
    );
  });
});
