import { describe, expect, it } from 'vitest';
import { type Batch, createLearningSet, filterLearningSet } from '../../src/detector/learning-set.ts';
import { FEATURE_COUNT, featureIndex } from '../../src/features/catalogue.ts';
import { flow, flows, foldTraffic, WINDOW_MS } from './traffic.ts';

/** One source with 1, 2 and 3 flows in windows of one hour, and 4 flows in the next hour. */
const traffic = foldTraffic([
  flow({ timestampMs: 0 }),
  ...flows(2, () => ({}), { fromMs: WINDOW_MS, toMs: 2 * WINDOW_MS - 1 }),
  ...flows(3, () => ({}), { fromMs: 2 * WINDOW_MS, toMs: 3 * WINDOW_MS - 1 }),
  ...flows(4, () => ({}), { fromMs: 12 * WINDOW_MS, toMs: 13 * WINDOW_MS - 1 }),
]);

function batch(
  entities: readonly number[],
  of: Pick<Batch, 'label' | 'weight'> & { folds?: readonly number[]; traffic?: Batch['traffic'] },
): Batch {
  return {
    traffic: of.traffic ?? traffic,
    entities: Int32Array.from(entities),
    label: of.label,
    weight: of.weight,
    folds: Uint8Array.from(of.folds ?? entities.map(() => 0)),
  };
}

const attacks = batch([2], { label: 1, weight: 1, folds: [3] });
const reviewed = batch([0], { label: 0, weight: 4, folds: [1] });
const rest = batch([1, 3], { label: 0, weight: 1, folds: [2, 0] });

function flowCounts(rows: Float32Array): number[] {
  return Array.from(rows).filter((_, position) => position % FEATURE_COUNT === featureIndex('flow_count'));
}

describe('what boosting learns from', () => {
  it('at the short scale is one row per entity, with its own features, label and fold', () => {
    const set = createLearningSet([attacks, reviewed, rest], 'short');
    expect(flowCounts(set.rows)).toEqual([3, 1, 2, 4]);
    expect(Array.from(set.labels)).toEqual([1, 0, 0, 0]);
    expect(Array.from(set.folds)).toEqual([3, 1, 2, 0]);
    expect(set.rowOf.map((rows) => Array.from(rows))).toEqual([[0], [1], [2, 3]]);
  });

  it('at the long scale is one row per window: what the first batch says of it goes for all in it', () => {
    const set = createLearningSet([attacks, reviewed, rest], 'long');
    expect(flowCounts(set.rows)).toEqual([6, 4]);
    expect(Array.from(set.labels)).toEqual([1, 0]);
    expect(Array.from(set.folds)).toEqual([3, 0]);
    expect(set.rowOf.map((rows) => Array.from(rows))).toEqual([[0], [0], [0, 1]]);

    const trusted = createLearningSet([reviewed, attacks, rest], 'long');
    expect(Array.from(trusted.labels)).toEqual([0, 0]);
    expect(Array.from(trusted.folds)).toEqual([1, 0]);
  });

  it('weighs both labels alike, and within a label as the batches say', () => {
    const { weights } = createLearningSet([attacks, reviewed, rest], 'short');
    // Three harmless rows of weights 4, 1, 1 make three in all, and so does the one attack.
    expect(Array.from(weights)).toEqual([3, 2, 0.5, 0.5]);
  });

  it('keeps apart windows of the same number in other traffic', () => {
    const other = foldTraffic(flows(9, () => ({ sourceIp: '240.0.0.1' })));
    const injected = batch([0], { label: 1, weight: 1, traffic: other });
    const set = createLearningSet([injected, reviewed], 'long');
    expect(flowCounts(set.rows)).toEqual([9, 6]);
  });

  it('of one label alone still has weights above 0', () => {
    expect(Array.from(createLearningSet([rest], 'short').weights)).toEqual([1, 1]);
  });
});

describe('a part of it', () => {
  const set = createLearningSet([attacks, reviewed, rest], 'short');

  it('has the kept rows in their order, and is weighed anew', () => {
    const part = filterLearningSet(set, (row) => row !== 1);
    expect(part.rowCount).toBe(3);
    expect(flowCounts(part.rows)).toEqual([3, 2, 4]);
    expect(Array.from(part.labels)).toEqual([1, 0, 0]);
    expect(Array.from(part.folds)).toEqual([3, 2, 0]);
    expect(Array.from(part.weights)).toEqual([2, 1, 1]);
  });

  it('may be empty', () => {
    expect(filterLearningSet(set, () => false)).toMatchObject({ rowCount: 0, rows: new Float32Array(0) });
  });
});
