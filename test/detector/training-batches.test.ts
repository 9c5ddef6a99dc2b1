import { describe, expect, it } from 'vitest';
import { injectAttacks } from '../../src/detector/attack-injection.ts';
import type { Baseline } from '../../src/detector/baseline.ts';
import { FOLDS } from '../../src/detector/cross-fitting.ts';
import { type Batch, createLearningSet } from '../../src/detector/learning-set.ts';
import {
  BATCH,
  createBatches,
  droppedRows,
  holdOutLogOdds,
  REVIEWED_FOR_HALF,
} from '../../src/detector/training-batches.ts';
import type { TrafficWindows } from '../../src/features/traffic-windows.ts';
import { flow, foldTraffic, WINDOW_MS } from './traffic.ts';

const injected = injectAttacks({
  count: 24,
  windowMs: WINDOW_MS,
  seed: 1,
  traits: { hasVolumes: true, hasDrops: true },
  group: 'external',
});

/** Sources with a flow in each of the first `windows` windows of an hour. */
function siteOf(sources: number, windows: number): TrafficWindows {
  return foldTraffic(
    Array.from({ length: sources * windows }, (_, index) =>
      flow({
        sourceIp: `203.0.113.${index % sources}`,
        timestampMs: Math.floor(index / sources) * WINDOW_MS,
      }),
    ),
  );
}

function baselineOf(parts: Partial<Record<keyof Baseline, readonly number[]>>): Baseline {
  const rows = (part: keyof Baseline): Int32Array => Int32Array.from(parts[part] ?? []);
  return {
    kept: rows('kept'),
    doubtful: rows('doubtful'),
    attackLike: rows('attackLike'),
    notKnownBad: rows('notKnownBad'),
    reviewedAttacks: rows('reviewedAttacks'),
    reviewedBenign: rows('reviewedBenign'),
    exclusions: { knownBadSources: 0, attackSignatures: 0, sampledAway: 0 },
  };
}

function foldsBy(batches: readonly Batch[], keyOf: (entity: number) => number): Map<number, Set<number>> {
  const folds = new Map<number, Set<number>>();
  for (const { traffic, entities, folds: ofBatch } of batches) {
    if (traffic === injected.traffic) continue;
    entities.forEach((entity, at) => {
      folds.set(keyOf(entity), (folds.get(keyOf(entity)) ?? new Set()).add(ofBatch[at]!));
    });
  }
  return folds;
}

const traffic = siteOf(20, 3);
const baseline = baselineOf({
  kept: Array.from({ length: 40 }, (_, entity) => entity),
  doubtful: [50, 51, 52],
  reviewedAttacks: [55, 56],
  reviewedBenign: [0, 1, 2],
});
const batches = createBatches({ traffic, baseline, injected, seed: 3 });

describe('what a group learns from', () => {
  it('comes in batches, the most trustworthy first, each entity in one of them', () => {
    expect(batches.map(({ label }) => label)).toEqual([1, 0, 1, 0, 0]);
    expect(batches.map(({ entities }) => entities.length)).toEqual([2, 3, 24, 37, 3]);
    expect(Array.from(batches[BATCH.reviewedBenign]!.entities)).toEqual([0, 1, 2]);
    expect(Array.from(batches[BATCH.baseline]!.entities)).not.toContain(1);
    expect(Array.from(batches[BATCH.doubtful]!.entities)).toEqual([50, 51, 52]);
  });

  it('weighs a verdict more than a guess, and injected attacks as much as thirty reviewed ones', () => {
    const weights = batches.map(({ weight }) => weight);
    expect(weights[BATCH.reviewedBenign]).toBeGreaterThan(weights[BATCH.baseline]!);
    expect(weights[BATCH.baseline]).toBeGreaterThan(weights[BATCH.doubtful]!);
    expect(weights[BATCH.injected]! * 24).toBeCloseTo(
      REVIEWED_FOR_HALF * weights[BATCH.reviewedAttacks]!,
      12,
    );
  });

  it('is held out in parts of about one size, entities of one long window together', () => {
    const folds = foldsBy(batches, (entity) => traffic.longOf[entity]!);
    expect(folds.size).toBe(20);
    expect([...folds.values()].every((ofWindow) => ofWindow.size === 1)).toBe(true);
    for (let fold = 0; fold < FOLDS; fold += 1)
      expect([...folds.values()].filter((ofWindow) => ofWindow.has(fold))).toHaveLength(20 / FOLDS);
  });

  it('is held out entity by entity where there are too few long windows', () => {
    const few = siteOf(2, 12);
    const kept = Array.from({ length: 24 }, (_, entity) => entity);
    const byEntity = createBatches({ traffic: few, baseline: baselineOf({ kept }), injected, seed: 3 });
    const folds = byEntity[BATCH.baseline]!.folds;
    for (let fold = 0; fold < FOLDS; fold += 1)
      expect(folds.filter((ofEntity) => ofEntity === fold)).toHaveLength(24 / FOLDS);
  });

  it('is cut the same way for the same seed, and another for another', () => {
    expect(createBatches({ traffic, baseline, injected, seed: 3 })).toEqual(batches);
    expect(createBatches({ traffic, baseline, injected, seed: 4 })).not.toEqual(batches);
  });
});

describe('dropped entities', () => {
  // Entities 20 and 21 lie in the long windows of 0 and 1, and 50 in that of 10 and 30.
  const dropped = new Set([20, 50]);

  it('teach nothing at the short scale', () => {
    const set = createLearningSet(batches, 'short');
    const rowOf = (batch: number, entity: number): number =>
      set.rowOf[batch]![batches[batch]!.entities.indexOf(entity)]!;
    expect([...droppedRows({ set, batches, dropped })].toSorted((a, b) => a - b)).toEqual([
      rowOf(BATCH.baseline, 20),
      rowOf(BATCH.doubtful, 50),
    ]);
  });

  it('take a long window along only when all that is learnt of it was dropped', () => {
    const set = createLearningSet(batches, 'long');
    expect(droppedRows({ set, batches, dropped }).size).toBe(0);
    const all = new Set([10, 30, 50]);
    expect([...droppedRows({ set, batches, dropped: all })]).toEqual([
      set.rowOf[BATCH.doubtful]![batches[BATCH.doubtful]!.entities.indexOf(50)],
    ]);
  });

  it('do not stand for injected attacks of the same number', () => {
    const set = createLearningSet(batches, 'short');
    const everyNumber = new Set(injected.entities);
    const gone = droppedRows({ set, batches, dropped: everyNumber });
    for (const row of set.rowOf[BATCH.injected]!) expect(gone.has(row)).toBe(false);
  });
});

describe('held-out log-odds of batches', () => {
  const sets = { short: createLearningSet(batches, 'short'), long: createLearningSet(batches, 'long') };

  it('are one for each entity, the same for all in a long window', () => {
    const { short, long } = holdOutLogOdds(
      { batches, sets, longWeight: 0.5 },
      { seed: 1, dropped: new Set() },
    );
    expect(short.map((values) => values.length)).toEqual([2, 3, 24, 37, 3]);
    const ofBaseline = long![BATCH.baseline]!;
    const entities = batches[BATCH.baseline]!.entities;
    expect(ofBaseline[entities.indexOf(5)]).toBe(ofBaseline[entities.indexOf(25)]);
    expect(long![BATCH.reviewedBenign]![0]).toBe(ofBaseline[entities.indexOf(20)]);
  });

  it('leave out the long scale where it weighs nothing', () => {
    const held = holdOutLogOdds({ batches, sets, longWeight: 0 }, { seed: 1, dropped: new Set() });
    expect(held.long).toBeNull();
  });
});
