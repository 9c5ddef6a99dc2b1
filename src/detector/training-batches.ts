import type { TrafficWindows } from '../features/traffic-windows.ts';
import type { InjectedAttacks } from './attack-injection.ts';
import type { Baseline } from './baseline.ts';
import { crossFitLogOdds, FOLDS } from './cross-fitting.ts';
import type { Batch, LearningSet } from './learning-set.ts';
import { createRandom, deriveSeed, shuffled } from './random.ts';
import { distinctLongRows } from './stage-evidence.ts';
import type { TimeScale } from './trained-model.ts';

/** What an operator said of an entity weighs as much as this many entities nobody looked at. */
const VERDICT_WEIGHT = 4;
/** With so many reviewed attacks these and the injected ones count alike. */
export const REVIEWED_FOR_HALF = 30;

/**
 * Windows in which nothing was completed: most are scanners on an exposed network, and none at all on others. Enough for
 * a client whose server is away to be known, too little for a crowd of scanners to pass for normal: with 0.3 the macro
 * average precision of `natural` was 0.83, with 0.1 it is 0.87.
 */
const DOUBTFUL_WEIGHT = 0.1;

/** On an exposed network the doubtful outnumber the rest: together they never weigh more than DOUBTFUL_WEIGHT of it. */
function doubtfulWeight({ kept, doubtful }: Baseline): number {
  return DOUBTFUL_WEIGHT * Math.min(1, kept.length / Math.max(1, doubtful.length));
}

/** Order of the batches: the most trustworthy first. */
export const BATCH = {
  reviewedAttacks: 0,
  reviewedBenign: 1,
  injected: 2,
  baseline: 3,
  doubtful: 4,
} as const;

/** What a group learns from, in the order of BATCH. */
export function createBatches({
  traffic,
  baseline,
  injected,
  seed,
}: {
  readonly traffic: TrafficWindows;
  readonly baseline: Baseline;
  readonly injected: InjectedAttacks;
  readonly seed: number;
}): readonly Batch[] {
  const foldOf = drawFolds({ traffic, baseline, seed });
  const own = (entities: Int32Array, label: 0 | 1, weight: number): Batch => ({
    traffic,
    entities,
    label,
    weight,
    folds: Uint8Array.from(entities, foldOf),
  });
  const unreviewed = new Set(baseline.kept);
  for (const entity of baseline.reviewedBenign) unreviewed.delete(entity);
  return [
    own(baseline.reviewedAttacks, 1, 1),
    own(baseline.reviewedBenign, 0, VERDICT_WEIGHT),
    {
      traffic: injected.traffic,
      entities: injected.entities,
      label: 1,
      weight: REVIEWED_FOR_HALF / injected.entities.length,
      folds: Uint8Array.from(injected.entities, (_entity, position) => position % FOLDS),
    },
    own(Int32Array.from(unreviewed).sort(), 0, 1),
    own(baseline.doubtful, 0, doubtfulWeight(baseline)),
  ];
}

/**
 * Which part of the data an entity is held out with. Entities of one long window share its features, so they are held
 * out together; only where there are too few long windows for that, each by itself.
 */
function drawFolds({
  traffic,
  baseline,
  seed,
}: {
  readonly traffic: TrafficWindows;
  readonly baseline: Baseline;
  readonly seed: number;
}): (entity: number) => number {
  const { kept, doubtful, reviewedAttacks } = baseline;
  const entities = Int32Array.from([...kept, ...doubtful, ...reviewedAttacks]).sort();
  const rows = distinctLongRows(traffic, entities);
  const byWindow = rows.length >= 2 * FOLDS;
  const keys = shuffled(byWindow ? rows : entities, createRandom(seed));
  const foldOf = new Map(keys.map((key, position) => [key, position % FOLDS]));
  return (entity) => foldOf.get(byWindow ? traffic.longOf[entity]! : entity) ?? 0;
}

/** What both time scales learn from. */
export interface LearningSets {
  readonly batches: readonly Batch[];
  readonly sets: Readonly<Record<TimeScale, LearningSet>>;
  /** 0 leaves the long scale out. */
  readonly longWeight: number;
}

/** Per batch the log-odds of each entity by trees that learnt from other folds, without the dropped entities. */
export function holdOutLogOdds(
  { sets, batches, longWeight }: LearningSets,
  { seed, dropped }: { readonly seed: number; readonly dropped: ReadonlySet<number> },
): { readonly short: readonly Float64Array[]; readonly long: readonly Float64Array[] | null } {
  const ofScale = (scale: TimeScale): Float64Array[] => {
    const set = sets[scale];
    const gone = droppedRows({ set, batches, dropped });
    const logOdds = crossFitLogOdds(set, { seed: deriveSeed(seed, scale), keep: (row) => !gone.has(row) });
    return set.rowOf.map((rows) => Float64Array.from(rows, (row) => logOdds[row]!));
  };
  return { short: ofScale('short'), long: longWeight === 0 ? null : ofScale('long') };
}

/** Rows of a learning set that stand for dropped entities only. */
export function droppedRows({
  set,
  batches,
  dropped,
}: {
  readonly set: LearningSet;
  readonly batches: readonly Batch[];
  readonly dropped: ReadonlySet<number>;
}): ReadonlySet<number> {
  const needed = new Set<number>();
  set.rowOf.forEach((rows, index) => {
    const { entities, traffic } = batches[index]!;
    // Only entities of the site's own traffic are ever dropped; injected ones have numbers of their own.
    const isOwn = traffic === batches[BATCH.baseline]!.traffic;
    rows.forEach((row, at) => {
      if (!isOwn || !dropped.has(entities[at]!)) needed.add(row);
    });
  });
  const gone = new Set<number>();
  for (let row = 0; row < set.rowCount; row += 1) if (!needed.has(row)) gone.add(row);
  return gone;
}
