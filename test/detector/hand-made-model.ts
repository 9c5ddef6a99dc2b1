import {
  type ExtendedIsolationForest,
  fitExtendedIsolationForest,
} from '../../src/detector/extended-isolation-forest.ts';
import type { GradientBoostedTrees } from '../../src/detector/gradient-boosted-trees.ts';
import { createRandom } from '../../src/detector/random.ts';
import type {
  GroupDescription,
  GroupModel,
  ModelMetadata,
  ReliabilityBand,
  ScaleDescription,
  ScaleModel,
  TrainedModel,
} from '../../src/detector/trained-model.ts';
import { FEATURE_COUNT, FEATURE_NAMES } from '../../src/features/catalogue.ts';
import { EVIDENCE_COUNT } from '../../src/features/evidence.ts';

const TREES = 3;
const ALL = Array.from({ length: FEATURE_COUNT }, (_, feature) => feature);
const SOME = [0, 3, 7, 24];

function smallForest(dimensions: number, seed: number): ExtendedIsolationForest {
  const random = createRandom(seed);
  const rows = Float64Array.from({ length: 16 * dimensions }, () => random.nextGaussian());
  return fitExtendedIsolationForest({
    rows,
    rowCount: 16,
    dimensions,
    treeCount: TREES,
    sampleSize: 8,
    seed,
  });
}

/** One question about one feature. */
function oneBranch(feature: number): GradientBoostedTrees {
  return {
    columnCount: FEATURE_COUNT,
    bias: -0.25,
    roots: Int32Array.of(0),
    feature: Int32Array.of(feature),
    threshold: Float64Array.of(1.5),
    children: Int32Array.of(~0, ~1),
    leafValues: Float64Array.of(-0.1, 0.3),
  };
}

function columns(length: number, seed: number): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from({ length }, () => random.next());
}

function scaleModel(
  of: Pick<ScaleModel, 'selected' | 'selection' | 'entityCount'>,
  seed: number,
): ScaleModel {
  return {
    ...of,
    scaler: {
      centre: columns(FEATURE_COUNT, seed),
      scale: columns(FEATURE_COUNT, seed + 1).map((value) => value + 0.5),
      clip: 8,
    },
    chiSquare: columns(FEATURE_COUNT, seed + 2),
    forest: smallForest(of.selected.length, seed),
    calibration: {
      quantileScores: Float64Array.of(0.3, 0.4, 0.4, 0.55),
      tailStartScore: 0.55,
      tailShape: -0.1,
      tailScale: 0.02,
      contamination: 0.03,
    },
    boosting: oneBranch(seed % FEATURE_COUNT),
    typicalMedian: columns(FEATURE_COUNT, seed + 3),
    typicalHigh: columns(FEATURE_COUNT, seed + 4),
    evidenceTypicalHigh: columns(EVIDENCE_COUNT, seed + 5),
    evidenceHighest: columns(EVIDENCE_COUNT, seed + 6),
  };
}

function bands(...counts: readonly (readonly [reviewed: number, attacks: number])[]): ReliabilityBand[] {
  const edges = [0, 50, 95, 100];
  return counts.map(([reviewed, attacks], band) => ({
    from: edges[band]!,
    to: edges[band + 1]!,
    reviewed,
    attacks,
  }));
}

/** Two scales, features chosen in one of them, verdicts, and a high tier that had to be tightened. */
const internal: GroupModel = {
  group: 'internal',
  short: scaleModel(
    {
      selected: SOME,
      selection: {
        kind: 'chi-square',
        selectedAuc: 0.9375,
        allAuc: 0.875,
        reason: 'held-out ROC-AUC 0.938 with 4 features, 0.875 with all',
      },
      entityCount: 400,
    },
    1,
  ),
  long: scaleModel(
    {
      selected: ALL,
      selection: {
        kind: 'all',
        selectedAuc: 0.75,
        allAuc: 0.8125,
        reason: 'held-out ROC-AUC 0.750 with 4 features, 0.813 with all',
      },
      entityCount: 100,
    },
    11,
  ),
  longWeight: 0.5,
  curve: { evidence: Float64Array.of(-4, 0, 4), logOdds: Float64Array.of(-6, -6, 3.5) },
  verdicts: { attacks: 21, benign: 9 },
  reliability: bands([6, 0], [4, 2], [20, 19]),
  leastHighRisk: 97.25,
};

/** Too few long windows and nothing reviewed. */
const external: GroupModel = {
  group: 'external',
  short: scaleModel(
    {
      selected: ALL,
      selection: { kind: 'all', selectedAuc: null, allAuc: null, reason: 'too little to hold out' },
      entityCount: 30,
    },
    21,
  ),
  long: null,
  longWeight: 0,
  curve: { evidence: Float64Array.of(-2, 5), logOdds: Float64Array.of(-5, 2) },
  verdicts: { attacks: 0, benign: 0 },
  reliability: bands([0, 0], [0, 0], [0, 0]),
  leastHighRisk: 0,
};

function describeScale({ entityCount, selected, selection }: ScaleModel): ScaleDescription {
  return {
    entities: entityCount,
    selection: selection.kind,
    selectionReason: selection.reason,
    selectedFeatures: selected.map((feature) => FEATURE_NAMES[feature]!),
  };
}

function describeGroup({ short, long, verdicts, reliability, leastHighRisk }: GroupModel): GroupDescription {
  return {
    entities: short.entityCount,
    short: describeScale(short),
    long: long === null ? null : describeScale(long),
    verdicts,
    reliability,
    leastHighRisk,
  };
}

const metadata: ModelMetadata = {
  schemaVersion: 2,
  version: '20260101T000000000Z',
  createdAt: '2026-01-01T00:00:00.000Z',
  algorithm: 'extended-isolation-forest',
  source: 'flows',
  trainingWindow: { from: '2025-12-25T00:00:00.000Z', to: '2026-01-01T00:00:00.000Z' },
  seed: 42,
  windowMinutes: 5,
  hyperparameters: { contamination: 0.03, nEstimators: TREES, sampleSize: 8, chi2TopK: 4 },
  features: FEATURE_NAMES,
  internalNetworks: ['10.0.0.0/8'],
  counts: {
    records: 1234,
    entities: 430,
    excludedEntities: 15,
    exclusions: {
      knownBadSources: 1,
      attackSignatures: 2,
      nothingCompleted: 3,
      attackLike: 4,
      sampledAway: 5,
    },
  },
  groups: { internal: describeGroup(internal), external: describeGroup(external) },
};

/** A model small enough to be looked through, with everything a trained one can have. */
export const handMadeModel: TrainedModel = { metadata, groups: { internal, external } };
