import { FEATURE_COUNT } from '../features/catalogue.ts';
import type { FeatureTable } from '../features/feature-table.ts';
import type { TrafficWindows } from '../features/traffic-windows.ts';
import { groupAlike } from './alike-rows.ts';
import { anomalyScores, featureRows, scoreInChunks } from './forest-risk.ts';
import { predictLogOdds } from './gradient-boosted-trees.ts';
import { shareAtOrAbove } from './risk-calibration.ts';
import type { GroupModel, ScaleModel, TimeScale } from './trained-model.ts';

/**
 * Evidence of an entity: the log-odds of boosting at both time scales, and half the forest's surprise at both. Boosting
 * knows attacks it was shown, the forest what nobody thought of. On labelled captures the forest alone ranks worse than
 * both, boosting alone as well as both (README, "How good is it"): it is kept for attacks unlike the injected ones.
 */

/** Half: on the captures of the evaluation anything from 0.25 to 1 was as good, more of the forest was worse. */
const FOREST_WEIGHT = 0.5;

/** Nobody who saw n harmless windows can know that something happens in fewer than one of ten times as many. */
const RAREST_BY_BASELINE = 0.1;

const ALL_FEATURES: readonly number[] = Array.from({ length: FEATURE_COUNT }, (_, feature) => feature);

/** What the stages say of some entities at one time scale, in the order asked. */
export interface ScaleEvidence {
  /** Boosting's log-odds; 0 = as likely an injected attack as baseline. */
  readonly logOdds: Float64Array;
  /** Forest: -ln of the share of the baseline at least as anomalous, from 0 to ln(10 x baseline windows). */
  readonly surprise: Float64Array;
}

export interface Evidence {
  /** Of all stages; rises with suspicion. */
  readonly combined: Float64Array;
  /** Boosting alone, both scales. */
  readonly boosting: Float64Array;
}

/**
 * @param entities rows of traffic.short, all of the model's group
 * @param worthFrom evidence that matters: where boosting stays so low that no surprise of the forest could reach it, the
 *   forest is not asked and its surprise taken as 0; all are asked when left out. The forest is most of the work.
 */
export function gatherEvidence({
  model,
  traffic,
  entities,
  worthFrom = -Infinity,
}: {
  readonly model: Pick<GroupModel, 'short' | 'long' | 'longWeight'>;
  readonly traffic: TrafficWindows;
  readonly entities: Int32Array;
  readonly worthFrom?: number;
}): Evidence {
  const { short, long, longWeight } = model;
  const ofScale = (scale: TimeScale, asked: Int32Array, judge: Judge): Float64Array | null => {
    const scaleModel = scale === 'short' ? short : long;
    if (scaleModel === null) return null;
    return judgeAtScale({
      traffic,
      scale,
      entities: asked,
      judge: (table, rows) => judge(scaleModel, table, rows),
    });
  };
  const boosting = sumScales({
    short: ofScale('short', entities, boostingLogOdds)!,
    long: ofScale('long', entities, boostingLogOdds),
    longWeight,
  });
  const mostSurprise = largestSurprise(short) + longWeight * (long === null ? 0 : largestSurprise(long));
  const isWorth = (_entity: number, at: number): boolean =>
    boosting[at]! + FOREST_WEIGHT * mostSurprise >= worthFrom;
  const asked = entities.filter(isWorth);
  const surprise = sumScales({
    short: ofScale('short', asked, forestSurprise)!,
    long: ofScale('long', asked, forestSurprise),
    longWeight,
  });
  const combined = Float64Array.from(boosting);
  let next = 0;
  entities.forEach((entity, at) => {
    if (!isWorth(entity, at)) return;
    combined[at]! += FOREST_WEIGHT * surprise[next]!;
    next += 1;
  });
  return { combined, boosting };
}

/** Log-odds and surprise of both scales as one number per entity. */
export function combineScales({
  short,
  long,
  longWeight,
}: {
  readonly short: ScaleEvidence;
  readonly long: ScaleEvidence | null;
  readonly longWeight: number;
}): Evidence {
  const sum = (stage: keyof ScaleEvidence): Float64Array =>
    sumScales({ short: short[stage], long: long?.[stage] ?? null, longWeight });
  const [boosting, surprise] = [sum('logOdds'), sum('surprise')];
  return { combined: boosting.map((value, at) => value + FOREST_WEIGHT * surprise[at]!), boosting };
}

function sumScales({
  short,
  long,
  longWeight,
}: {
  readonly short: Float64Array;
  readonly long: Float64Array | null;
  readonly longWeight: number;
}): Float64Array {
  return short.map((value, at) => value + longWeight * (long?.[at] ?? 0));
}

type Judge = (model: ScaleModel, table: FeatureTable, rows: Int32Array) => Float64Array;

/** How rare the forest finds each of the rows. */
export function forestSurprise(model: ScaleModel, table: FeatureTable, rows: Int32Array): Float64Array {
  const rarest = RAREST_BY_BASELINE / model.entityCount;
  return anomalyScores({ model, table, entities: rows }).map(
    (score) => -Math.log(Math.max(rarest, shareAtOrAbove(model.calibration, score))),
  );
}

function largestSurprise({ entityCount }: ScaleModel): number {
  return -Math.log(RAREST_BY_BASELINE / entityCount);
}

function boostingLogOdds(model: ScaleModel, table: FeatureTable, rows: Int32Array): Float64Array {
  const alike = groupAlike({ table, entities: rows, selected: ALL_FEATURES });
  const distinct = scoreInChunks(alike.representatives, (chunk) =>
    predictLogOdds(model.boosting, featureRows(table, chunk), chunk.length),
  );
  return Float64Array.from(alike.representativeOf, (index) => distinct[index]!);
}

/** Judges the windows of that length around the short entities. Each long window is judged once, however many lie in it. */
export function judgeAtScale({
  traffic,
  scale,
  entities,
  judge,
}: {
  readonly traffic: TrafficWindows;
  readonly scale: TimeScale;
  readonly entities: Int32Array;
  readonly judge: (table: FeatureTable, rows: Int32Array) => Float64Array;
}): Float64Array {
  if (scale === 'short') return judge(traffic.short, entities);
  const rows = distinctLongRows(traffic, entities);
  const judged = judge(traffic.long, rows);
  const positionOf = new Map(Array.from(rows, (row, position) => [row, position]));
  return Float64Array.from(entities, (entity) => judged[positionOf.get(traffic.longOf[entity]!)!]!);
}

/** Rows of traffic.long around the given short entities, ascending, each once. */
export function distinctLongRows(traffic: TrafficWindows, entities: Int32Array): Int32Array {
  return Int32Array.from(new Set(entities.map((entity) => traffic.longOf[entity]!))).sort();
}
