import { AutoblockError } from '../errors.ts';
import { FEATURE_COUNT, FEATURE_NAMES } from '../features/catalogue.ts';
import { chiSquareScores, selectTopK } from '../features/chi-square.ts';
import { EVIDENCE_COUNT } from '../features/evidence.ts';
import type { FeatureTable } from '../features/feature-table.ts';
import { fitRobustScaler, type RobustScaler, scaleRows } from '../features/robust-scaler.ts';
import { selectEntities } from '../features/select-entities.ts';
import { injectAttacks, type LogTraits, traitsOf } from './attack-injection.ts';
import { type Baseline, chooseBaseline } from './baseline.ts';
import { type ExtendedIsolationForest, fitExtendedIsolationForest } from './extended-isolation-forest.ts';
import { anomalyScores } from './forest-risk.ts';
import { splitByGroup } from './hybrid-detector.ts';
import { deriveSeed } from './random.ts';
import { fitRiskCalibration, quantileOfSorted } from './risk-calibration.ts';
import {
  type BaselineExclusions,
  type GroupModel,
  type ModelMetadata,
  SOURCE_GROUPS,
  type SourceGroup,
  type TrainedModel,
} from './trained-model.ts';

export interface TrainingSettings {
  /** Share of training entities called anomalous, 0.01-0.05. */
  readonly contamination: number;
  readonly nEstimators: number;
  readonly sampleSize: number;
  readonly chi2TopK: number;
  readonly windowMinutes: number;
  readonly seed: number;
  /** Baseline entities a group needs for a model of its own; fewer make quantiles and medians noise. */
  readonly minimumEntities?: number;
}

interface TrainingInfo {
  readonly version: string;
  readonly createdAt: string;
  readonly source: ModelMetadata['source'];
  readonly trainingWindow: ModelMetadata['trainingWindow'];
  /** Log records read. */
  readonly records: number;
  readonly internalNetworks: readonly string[];
}

export interface TrainingInput {
  readonly table: FeatureTable;
  readonly isInternal: (ip: string) => boolean;
  /** Sources known as bad: nothing is learnt from them. */
  readonly excludedSources?: Pick<ReadonlySet<string>, 'has'>;
  readonly settings: TrainingSettings;
  readonly info: TrainingInfo;
  /** Told the share of the work that is done, 0-1, rising. */
  readonly onProgress?: (share: number) => void;
}

const DEFAULT_MINIMUM_ENTITIES = 100;

/** Enough that each type comes in about a hundred intensities. */
const INJECTED_ATTACKS = 700;

const TYPICAL_HIGH = 0.99;

/**
 * Learns what is normal, inside and outside apart, from traffic as it is (attackers included).
 * The same table, settings and info give the same model to the last bit.
 *
 * @throws AutoblockError TRAINING_DATA_TOO_SMALL when neither group has enough entities left
 */
export function trainModel({
  table,
  isInternal,
  excludedSources = new Set(),
  settings,
  info,
  onProgress = () => undefined,
}: TrainingInput): TrainedModel {
  const { minimumEntities = DEFAULT_MINIMUM_ENTITIES, seed } = settings;
  const entitiesOf = splitByGroup(table, isInternal);
  const traits = traitsOf(table);
  const groups: Partial<Record<SourceGroup, GroupModel>> = {};
  const baselines: Baseline[] = [];
  for (const [index, group] of SOURCE_GROUPS.entries()) {
    const report = (share: number): void => onProgress((index + share) / SOURCE_GROUPS.length);
    const baseline = chooseBaseline({ table, entities: entitiesOf[group], group, excludedSources, seed });
    baselines.push(baseline);
    report(0.1);
    if (baseline.kept.length >= minimumEntities) {
      groups[group] = trainGroup({ table, group, baseline, settings, traits, report });
    }
    report(1);
  }
  if (Object.keys(groups).length === 0) throw tooSmall(baselines, minimumEntities);
  return { metadata: describeModel({ groups, baselines, settings, info }), groups };
}

function tooSmall(baselines: readonly Baseline[], minimumEntities: number): AutoblockError {
  const counts = SOURCE_GROUPS.map((group, index) => `${baselines[index]!.kept.length} ${group}`).join(
    ' and ',
  );
  return new AutoblockError(
    'TRAINING_DATA_TOO_SMALL',
    `After leaving out attacks and known bad sources there are ${counts} source windows to learn from; ` +
      `a model needs ${minimumEntities} of one kind.`,
  );
}

interface GroupTraining {
  readonly table: FeatureTable;
  readonly group: SourceGroup;
  readonly baseline: Baseline;
  readonly settings: TrainingSettings;
  readonly traits: LogTraits;
  readonly report: (share: number) => void;
}

function trainGroup(training: GroupTraining): GroupModel {
  const { table, group, baseline, settings, report } = training;
  const entities = baseline.kept.length;
  const learnt = selectEntities(table, baseline.kept);
  const scaler = fitRobustScaler({ values: learnt.values, rowCount: entities });
  const chiSquare = scoreFeatures({ ...training, learnt, scaler });
  const selected = selectTopK(chiSquare, settings.chi2TopK);
  report(0.3);
  const forest = fitTrimmedForest({ learnt, scaler, selected, settings, group });
  report(0.8);
  const scores = anomalyScores({ model: { scaler, selected, forest }, table, entities: baseline.kept });
  const calibration = fitRiskCalibration({ scores, contamination: settings.contamination });
  const features = { rows: learnt.values, width: FEATURE_COUNT };
  return {
    group,
    scaler,
    selected,
    chiSquare,
    forest,
    calibration,
    typicalMedian: columnQuantiles({ ...features, probability: 0.5 }),
    typicalHigh: columnQuantiles({ ...features, probability: TYPICAL_HIGH }),
    evidenceTypicalHigh: columnQuantiles({
      rows: learnt.evidence,
      width: EVIDENCE_COUNT,
      probability: TYPICAL_HIGH,
    }),
    evidenceHighest: columnMaxima(table.evidence, baseline.notKnownBad),
    entityCount: entities,
  };
}

/**
 * Chi-square of each feature between the baseline and attacks. The labels come from outside the forest (signatures
 * and attacks injected into the site's own traffic): its own opinion would select what it already believes.
 */
function scoreFeatures({
  table,
  group,
  baseline,
  settings,
  traits,
  learnt,
  scaler,
}: GroupTraining & { readonly learnt: FeatureTable; readonly scaler: RobustScaler }): Float64Array {
  const { table: injected } = injectAttacks({
    count: INJECTED_ATTACKS,
    windowMs: table.windowMs,
    seed: deriveSeed(settings.seed, `injected attacks ${group}`),
    traits,
    group,
  });
  const attackLike = selectEntities(table, baseline.attackLike);
  const parts = [learnt, attackLike, injected];
  const rowCount = parts.reduce((sum, part) => sum + part.entityCount, 0);
  const values = new Float64Array(rowCount * FEATURE_COUNT);
  let offset = 0;
  for (const part of parts) {
    values.set(scaleRows({ scaler, values: part.values, rowCount: part.entityCount }), offset);
    offset += part.entityCount * FEATURE_COUNT;
  }
  const labels = new Uint8Array(rowCount).fill(1, learnt.entityCount);
  return chiSquareScores({ values, rowCount, columnCount: FEATURE_COUNT, labels });
}

/** Fits, leaves out the most anomalous `contamination` of the rows, and fits again: attackers nobody recognised yet. */
function fitTrimmedForest({
  learnt,
  scaler,
  selected,
  settings,
  group,
}: {
  readonly learnt: FeatureTable;
  readonly scaler: RobustScaler;
  readonly selected: readonly number[];
  readonly settings: TrainingSettings;
  readonly group: SourceGroup;
}): ExtendedIsolationForest {
  const fit = (table: FeatureTable, label: string): ExtendedIsolationForest =>
    fitExtendedIsolationForest({
      rows: scaleRows({ scaler, values: table.values, rowCount: table.entityCount, selected }),
      rowCount: table.entityCount,
      dimensions: selected.length,
      treeCount: settings.nEstimators,
      sampleSize: settings.sampleSize,
      seed: deriveSeed(settings.seed, `${label} ${group}`),
    });
  const first = fit(learnt, 'first forest');
  const all = Int32Array.from({ length: learnt.entityCount }, (_, entity) => entity);
  const scores = anomalyScores({ model: { scaler, selected, forest: first }, table: learnt, entities: all });
  const limit = quantileOfSorted(Float64Array.from(scores).sort(), 1 - settings.contamination);
  const trimmed = selectEntities(
    learnt,
    all.filter((entity) => scores[entity]! <= limit),
  );
  return fit(trimmed, 'forest');
}

function columnQuantiles({
  rows,
  width,
  probability,
}: {
  readonly rows: Float32Array;
  readonly width: number;
  readonly probability: number;
}): Float64Array {
  const rowCount = rows.length / width;
  return Float64Array.from({ length: width }, (_, column) => {
    const values = Float64Array.from({ length: rowCount }, (_row, row) => rows[row * width + column]!);
    return quantileOfSorted(values.sort(), probability);
  });
}

function columnMaxima(evidence: Float32Array, entities: Int32Array): Float64Array {
  const maxima = new Float64Array(EVIDENCE_COUNT);
  for (const entity of entities) {
    for (let column = 0; column < EVIDENCE_COUNT; column += 1) {
      maxima[column] = Math.max(maxima[column]!, evidence[entity * EVIDENCE_COUNT + column]!);
    }
  }
  return maxima;
}

function describeModel({
  groups,
  baselines,
  settings,
  info,
}: {
  readonly groups: TrainedModel['groups'];
  readonly baselines: readonly Baseline[];
  readonly settings: TrainingSettings;
  readonly info: TrainingInfo;
}): ModelMetadata {
  const { contamination, nEstimators, sampleSize, chi2TopK, seed, windowMinutes } = settings;
  const exclusions = sumExclusions(baselines);
  const described: ModelMetadata['groups'] = {};
  for (const model of Object.values(groups)) {
    described[model.group] = {
      entities: model.entityCount,
      selectedFeatures: model.selected.map((feature) => FEATURE_NAMES[feature]!),
    };
  }
  return {
    schemaVersion: 1,
    version: info.version,
    createdAt: info.createdAt,
    algorithm: 'extended-isolation-forest',
    source: info.source,
    trainingWindow: info.trainingWindow,
    seed,
    windowMinutes,
    hyperparameters: { contamination, nEstimators, sampleSize, extensionLevel: chi2TopK - 1, chi2TopK },
    features: FEATURE_NAMES,
    internalNetworks: info.internalNetworks,
    counts: {
      records: info.records,
      entities: Object.values(groups).reduce((sum, model) => sum + model.entityCount, 0),
      excludedEntities: Object.values<number>({ ...exclusions }).reduce((sum, count) => sum + count, 0),
      exclusions,
    },
    groups: described,
  };
}

function sumExclusions(baselines: readonly Baseline[]): BaselineExclusions {
  const sum = (reason: keyof BaselineExclusions): number =>
    baselines.reduce((total, baseline) => total + baseline.exclusions[reason], 0);
  return {
    knownBadSources: sum('knownBadSources'),
    attackSignatures: sum('attackSignatures'),
    nothingCompleted: sum('nothingCompleted'),
    sampledAway: sum('sampledAway'),
  };
}
