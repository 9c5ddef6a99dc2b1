import type { FeatureTable } from '../features/feature-table.ts';
import type { TrafficWindows } from '../features/traffic-windows.ts';
import { type InjectedAttacks, injectAttacks, type LogTraits } from './attack-injection.ts';
import type { Baseline } from './baseline.ts';
import { fitBoosting } from './cross-fitting.ts';
import type { TierThresholds } from './detection.ts';
import { featureRows } from './forest-risk.ts';
import { type Batch, createLearningSet, filterLearningSet } from './learning-set.ts';
import { deriveSeed } from './random.ts';
import { measureReliability } from './reliability.ts';
import { fitRiskCurve } from './risk-curve.ts';
import { type ForestSettings, fitScaleModel } from './scale-model.ts';
import {
  combineScales,
  distinctLongRows,
  type Evidence,
  forestSurprise,
  judgeAtScale,
  type ScaleEvidence,
} from './stage-evidence.ts';
import { type GroupModel, type ScaleModel, type SourceGroup, type TimeScale } from './trained-model.ts';
import {
  BATCH,
  createBatches,
  droppedRows,
  holdOutLogOdds,
  type LearningSets,
  REVIEWED_FOR_HALF,
} from './training-batches.ts';

export interface GroupTraining {
  readonly traffic: TrafficWindows;
  readonly group: SourceGroup;
  readonly baseline: Baseline;
  readonly settings: ForestSettings;
  readonly thresholds: TierThresholds;
  readonly traits: LogTraits;
  readonly seed: number;
  /** Told the share of the group's work that is done, 0-1. */
  readonly report: (share: number) => void;
}

/** Enough for some fifty campaigns of each kind. */
const INJECTED_ATTACKS = 700;

/** A long scale of fewer windows than this knows nothing; with 100 it counts half of what the short one counts. */
const FEWEST_LONG_WINDOWS = 10;
const LONG_WINDOWS_FOR_HALF = 100;

/** At most this share of the baseline is dropped for looking like injected attacks. */
const LARGEST_ATTACK_LIKE_SHARE = 0.3;

/** At most so many doubtful windows for each of the baseline: on an exposed network there are several times as many. */
const LARGEST_DOUBTFUL_SHARE = 0.6;

export interface TrainedGroup {
  readonly model: GroupModel;
  /** Entities dropped for looking like injected attacks: of the doubtful, and of the baseline. */
  readonly nothingCompleted: number;
  readonly attackLike: number;
}

/**
 * Learns one group: baseline against injected and reviewed attacks at both time scales. What of the baseline looks like
 * an attack to trees that have not seen it is dropped, all is fitted again, and the evidence of every entity, held out
 * in turn, says which risk it stands for.
 */
export function trainGroup(training: GroupTraining): TrainedGroup {
  const { traffic, group, traits, seed, baseline } = training;
  const injected = injectAttacks({
    count: INJECTED_ATTACKS,
    windowMs: traffic.short.windowMs,
    seed: deriveSeed(seed, `injected attacks ${group}`),
    traits,
    group,
  });
  const batches = createBatches({
    traffic,
    baseline,
    injected,
    seed: deriveSeed(seed, `folds ${group}`),
  });
  const sets = {
    short: createLearningSet(batches, 'short'),
    long: createLearningSet(batches, 'long'),
  };
  const longWindows = distinctLongRows(traffic, baseline.kept).length;
  const longWeight =
    longWindows < FEWEST_LONG_WINDOWS ? 0 : longWindows / (longWindows + LONG_WINDOWS_FOR_HALF);
  const learning: Learning = { ...training, injected, batches, sets, longWeight };
  training.report(0.1);
  const dropped = findAttackLike(learning);
  training.report(0.35);
  const kept = Int32Array.from([...baseline.kept, ...baseline.doubtful])
    .filter((entity) => !dropped.has(entity))
    .sort();
  const short = fitScale(learning, { scale: 'short', kept, dropped });
  training.report(0.5);
  const long = longWeight === 0 ? null : fitScale(learning, { scale: 'long', kept, dropped });
  training.report(0.65);
  const model = calibrate(learning, { short, long, kept, dropped });
  const nothingCompleted = baseline.doubtful.filter((entity) => dropped.has(entity)).length;
  return { model, nothingCompleted, attackLike: dropped.size - nothingCompleted };
}

interface Learning extends GroupTraining, LearningSets {
  readonly injected: InjectedAttacks;
}

/**
 * Entities that trees of the other folds call attacks, the most attack-like first: of the baseline up to a share, for
 * these have completed something; of the doubtful all of them, and as many more as would outnumber the baseline.
 */
function findAttackLike(learning: Learning): ReadonlySet<number> {
  const { batches, longWeight, seed, group } = learning;
  const heldOut = holdOutLogOdds(learning, {
    seed: deriveSeed(seed, `first boosting ${group}`),
    dropped: new Set(),
  });
  const rankOf = (batch: number): { entity: number; logOdds: number }[] =>
    Array.from(batches[batch]!.entities, (entity, at) => ({
      entity,
      logOdds: heldOut.short[batch]![at]! + longWeight * (heldOut.long?.[batch]![at] ?? 0),
    })).sort((left, right) => right.logOdds - left.logOdds || left.entity - right.entity);
  const baseline = rankOf(BATCH.baseline);
  const doubtful = rankOf(BATCH.doubtful);
  const most = Math.floor(LARGEST_ATTACK_LIKE_SHARE * baseline.length);
  const fits = Math.floor(LARGEST_DOUBTFUL_SHARE * baseline.length);
  return new Set(
    [
      ...baseline.filter(({ logOdds }) => logOdds > 0).slice(0, most),
      ...doubtful.filter(({ logOdds }, rank) => logOdds > 0 || rank < doubtful.length - fits),
    ].map(({ entity }) => entity),
  );
}

interface Kept {
  readonly kept: Int32Array;
  readonly dropped: ReadonlySet<number>;
}

function fitScale(
  { traffic, baseline, batches, sets, settings, seed, group, injected }: Learning,
  { scale, kept, dropped }: Kept & { readonly scale: TimeScale },
): ScaleModel {
  const table = traffic[scale];
  const rowsOf = (windows: TrafficWindows, entities: Int32Array): Int32Array =>
    scale === 'short' ? entities : distinctLongRows(windows, entities);
  const set = sets[scale];
  const gone = droppedRows({ set, batches, dropped });
  const learnt = filterLearningSet(set, (row) => !gone.has(row));
  const attackRows = [
    featureRows(table, rowsOf(traffic, baseline.attackLike)),
    featureRows(table, rowsOf(traffic, baseline.reviewedAttacks)),
    featureRows(injected.traffic[scale], rowsOf(injected.traffic, injected.entities)),
  ];
  return fitScaleModel({
    table,
    baseline: rowsOf(traffic, kept),
    notKnownBad: rowsOf(traffic, baseline.notKnownBad),
    attacks: concatenate(attackRows),
    boosting: fitBoosting(learnt, deriveSeed(seed, `boosting ${scale} ${group}`)),
    settings,
    seed: deriveSeed(seed, `${scale} ${group}`),
  });
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

interface Fitted extends Kept {
  readonly short: ScaleModel;
  readonly long: ScaleModel | null;
}

/** Evidence of all batches with boosting held out in turn, and what risk it stands for. */
function calibrate(learning: Learning, fitted: Fitted): GroupModel {
  const { batches, baseline, traffic, group, longWeight, seed, report } = learning;
  const heldOut = holdOutLogOdds(learning, {
    seed: deriveSeed(seed, `second boosting ${group}`),
    dropped: fitted.dropped,
  });
  report(0.9);
  const evidence = batches.map((batch, index) =>
    combineScales({
      short: withForest({ model: fitted.short, batch, scale: 'short', logOdds: heldOut.short[index]! }),
      long:
        fitted.long === null || heldOut.long === null
          ? null
          : withForest({ model: fitted.long, batch, scale: 'long', logOdds: heldOut.long[index]! }),
      longWeight,
    }),
  );
  const reviewedAttacks = evidence[BATCH.reviewedAttacks]!.combined;
  const injectedAttacks = evidence[BATCH.injected]!.combined;
  const curve = fitRiskCurve({
    baseline: harmlessEvidence(learning, { evidence, dropped: fitted.dropped }),
    // Real attacks say better than made-up ones how attacks look here, once there are some.
    attacks:
      reviewedAttacks.length >= REVIEWED_FOR_HALF
        ? reviewedAttacks
        : Float64Array.from([...injectedAttacks, ...reviewedAttacks]),
  });
  const model: GroupModel = {
    group,
    short: fitted.short,
    long: fitted.long,
    longWeight,
    curve,
    verdicts: { attacks: baseline.reviewedAttacks.length, benign: baseline.reviewedBenign.length },
    reliability: [],
    leastHighRisk: 0,
  };
  const reviewed = [BATCH.reviewedAttacks, BATCH.reviewedBenign].map((index) => ({
    entities: batches[index]!.entities,
    isAttack: batches[index]!.label === 1,
    evidence: evidence[index]!,
  }));
  return { ...model, ...measureReliability({ model, traffic, reviewed, thresholds: learning.thresholds }) };
}

function withForest({
  model,
  batch,
  scale,
  logOdds,
}: {
  readonly model: ScaleModel;
  readonly batch: Batch;
  readonly scale: TimeScale;
  readonly logOdds: Float64Array;
}): ScaleEvidence {
  const { traffic, entities } = batch;
  const judge = (table: FeatureTable, rows: Int32Array): Float64Array => forestSurprise(model, table, rows);
  return { logOdds, surprise: judgeAtScale({ traffic, scale, entities, judge }) };
}

/**
 * What is taken as harmless to say how rare evidence is. Of the baseline also what was dropped: it completed something
 * and may be as harmless as it looks odd. Of the doubtful only what was kept.
 */
function harmlessEvidence(
  { batches }: Learning,
  { evidence, dropped }: { readonly evidence: readonly Evidence[]; readonly dropped: ReadonlySet<number> },
): Float64Array {
  const { entities } = batches[BATCH.doubtful]!;
  return Float64Array.from([
    ...evidence[BATCH.reviewedBenign]!.combined,
    ...evidence[BATCH.baseline]!.combined,
    ...evidence[BATCH.doubtful]!.combined.filter((_value, at) => !dropped.has(entities[at]!)),
  ]);
}
