import { FEATURE_COUNT } from '../features/catalogue.ts';
import type { FeatureTable } from '../features/feature-table.ts';
import type { TrafficWindows } from '../features/traffic-windows.ts';
import { groupAlike } from './alike-rows.ts';
import { anomalyScores, featureRows, scoreInChunks } from './forest-risk.ts';
import { predictLogOdds } from './gradient-boosted-trees.ts';
import { riskOfScore, shareAtOrAbove } from './risk-calibration.ts';
import type { GroupModel, ScaleModel } from './trained-model.ts';

/**
 * Evidence of an entity: the log-odds of boosting at both time scales, and half the forest's surprise at both. Boosting
 * knows attacks it was shown, the forest what nobody thought of. On labelled captures the forest alone ranks worse than
 * both, boosting alone as well as both (README, "How good is it"): it is kept for attacks unlike the injected ones.
 */

/** Half: on the captures of the evaluation anything from 0.25 to 1 was as good, more of the forest was worse. */
const FOREST_WEIGHT = 0.5;

const ALL_FEATURES: readonly number[] = Array.from({ length: FEATURE_COUNT }, (_, feature) => feature);

/** What the stages say of some entities at one time scale, in the order asked. */
export interface ScaleEvidence {
  /** Boosting's log-odds; 0 = as likely an injected attack as baseline. */
  readonly logOdds: Float64Array;
  /** Forest: -ln of the share of the baseline at least as anomalous, 0 and up. */
  readonly surprise: Float64Array;
  /** Forest: calibrated risk, 0-100. */
  readonly forestRisk: Float64Array;
}

export interface Evidence {
  /** Of all stages; rises with suspicion. */
  readonly combined: Float64Array;
  /** Boosting alone, both scales. */
  readonly boosting: Float64Array;
  /** The higher forest risk of the two scales, 0-100. */
  readonly forestRisk: Float64Array;
}

/**
 * @param entities rows of traffic.short, all of the model's group
 */
export function gatherEvidence({
  model,
  traffic,
  entities,
}: {
  readonly model: Pick<GroupModel, 'short' | 'long' | 'longWeight'>;
  readonly traffic: TrafficWindows;
  readonly entities: Int32Array;
}): Evidence {
  const short = scaleEvidence({ model: model.short, table: traffic.short, entities });
  const long = model.long === null ? null : longEvidence({ model: model.long, traffic, entities });
  return combineScales({ short, long, longWeight: model.longWeight });
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
  const sum = (ofShort: Float64Array, ofLong: Float64Array | undefined): Float64Array =>
    ofShort.map((value, at) => value + longWeight * (ofLong?.[at] ?? 0));
  const boosting = sum(short.logOdds, long?.logOdds);
  const surprise = sum(short.surprise, long?.surprise);
  return {
    combined: boosting.map((value, at) => value + FOREST_WEIGHT * surprise[at]!),
    boosting,
    forestRisk: short.forestRisk.map((risk, at) => Math.max(risk, long?.forestRisk[at] ?? 0)),
  };
}

/** @param entities rows of the table */
export function scaleEvidence({
  model,
  table,
  entities,
}: {
  readonly model: ScaleModel;
  readonly table: FeatureTable;
  readonly entities: Int32Array;
}): ScaleEvidence {
  return {
    logOdds: boostingLogOdds({ model, table, entities }),
    ...forestEvidence({ model, table, entities }),
  };
}

/** The forest's part of the evidence. */
export function forestEvidence(input: {
  readonly model: ScaleModel;
  readonly table: FeatureTable;
  readonly entities: Int32Array;
}): Pick<ScaleEvidence, 'surprise' | 'forestRisk'> {
  const scores = anomalyScores(input);
  const { calibration } = input.model;
  return {
    surprise: scores.map((score) => -Math.log(shareAtOrAbove(calibration, score))),
    forestRisk: scores.map((score) => riskOfScore(calibration, score)),
  };
}

function boostingLogOdds({
  model,
  table,
  entities,
}: {
  readonly model: ScaleModel;
  readonly table: FeatureTable;
  readonly entities: Int32Array;
}): Float64Array {
  const alike = groupAlike({ table, entities, selected: ALL_FEATURES });
  const distinct = scoreInChunks(alike.representatives, (chunk) =>
    predictLogOdds(model.boosting, featureRows(table, chunk), chunk.length),
  );
  return Float64Array.from(alike.representativeOf, (index) => distinct[index]!);
}

/** Each long window is judged once, however many short ones lie in it. */
function longEvidence({
  model,
  traffic,
  entities,
}: {
  readonly model: ScaleModel;
  readonly traffic: TrafficWindows;
  readonly entities: Int32Array;
}): ScaleEvidence {
  const rows = distinctLongRows(traffic, entities);
  const evidence = scaleEvidence({ model, table: traffic.long, entities: rows });
  return spreadToShort({ evidence, rows, traffic, entities });
}

/** Rows of traffic.long around the given short entities, ascending, each once. */
export function distinctLongRows(traffic: TrafficWindows, entities: Int32Array): Int32Array {
  return Int32Array.from(new Set(entities.map((entity) => traffic.longOf[entity]!))).sort();
}

/** Evidence of long windows (`rows`, ascending) as evidence of the short entities in them. */
export function spreadToShort<E extends { readonly [stage in keyof E]: Float64Array }>({
  evidence,
  rows,
  traffic,
  entities,
}: {
  readonly evidence: E;
  readonly rows: Int32Array;
  readonly traffic: TrafficWindows;
  readonly entities: Int32Array;
}): E {
  const positionOf = new Map(Array.from(rows, (row, position) => [row, position]));
  const positions = entities.map((entity) => positionOf.get(traffic.longOf[entity]!)!);
  const spread = (stage: Float64Array): Float64Array =>
    Float64Array.from(positions, (position) => stage[position]!);
  return Object.fromEntries(
    Object.entries<Float64Array>(evidence).map(([stage, values]) => [stage, spread(values)]),
  ) as unknown as E;
}
