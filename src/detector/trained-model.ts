import type { RobustScaler } from '../features/robust-scaler.ts';
import type { ExtendedIsolationForest } from './extended-isolation-forest.ts';

/** Sources are modelled apart: the inside of a network behaves unlike the Internet that talks to it. */
export type SourceGroup = 'internal' | 'external';

export const SOURCE_GROUPS: readonly SourceGroup[] = ['internal', 'external'];

/** Maps an anomaly score to the share of training entities at or above it, with a fitted tail. */
export interface RiskCalibration {
  /** Quantiles of the training scores at equal steps of probability from 0 to 1 - contamination, ascending. */
  readonly quantileScores: Float64Array;
  /** Score above which `contamination` of the training entities lie. */
  readonly tailStartScore: number;
  /** Generalised Pareto distribution of the excess over tailStartScore: shape -0.5..1 (0 = exponential), scale > 0. */
  readonly tailShape: number;
  readonly tailScale: number;
  /** Share of training entities above tailStartScore, 0-1. */
  readonly contamination: number;
}

export interface GroupModel {
  readonly group: SourceGroup;
  readonly scaler: RobustScaler;
  /** Indices into the catalogue of the selected features, ascending. Length CHI2_TOP_K. */
  readonly selected: readonly number[];
  /** Chi-square statistic per catalogue feature (25), higher separates better. */
  readonly chiSquare: Float64Array;
  readonly forest: ExtendedIsolationForest;
  readonly calibration: RiskCalibration;
  /** Raw median and 99th percentile of each catalogue feature (25) among training entities: "typical for this network". */
  readonly typicalMedian: Float64Array;
  readonly typicalHigh: Float64Array;
  /** The same for the evidence columns. */
  readonly evidenceTypicalHigh: Float64Array;
  /** The most any entity of the group showed in training, left-out ones included (known bad sources are not). */
  readonly evidenceHighest: Float64Array;
  readonly entityCount: number;
}

/** Why entities were left out of the baseline, each counted under the first reason that applied. */
export interface BaselineExclusions {
  /** Sources known as bad from elsewhere (blocks in the ledger). */
  readonly knownBadSources: number;
  /** Showed an attack signature. */
  readonly attackSignatures: number;
  /** Not one flow came through: dropped or never completed. */
  readonly nothingCompleted: number;
  /** Too many windows of one source, or more than training needs. */
  readonly sampledAway: number;
}

/** What `metadata_latest.json` holds besides the checksums, which storage adds. */
export interface ModelMetadata {
  readonly schemaVersion: 1;
  readonly version: string;
  readonly createdAt: string;
  readonly algorithm: 'extended-isolation-forest';
  readonly source: 'database' | 'flows';
  readonly trainingWindow: { readonly from: string; readonly to: string };
  readonly seed: number;
  readonly windowMinutes: number;
  readonly hyperparameters: {
    readonly contamination: number;
    readonly nEstimators: number;
    readonly sampleSize: number;
    readonly extensionLevel: number;
    readonly chi2TopK: number;
  };
  /** All 25 catalogue features in order. */
  readonly features: readonly string[];
  readonly internalNetworks: readonly string[];
  readonly counts: {
    readonly records: number;
    readonly entities: number;
    /** Sum of exclusions. */
    readonly excludedEntities: number;
    readonly exclusions: BaselineExclusions;
  };
  /** Per source group that had enough entities: what was fitted. */
  readonly groups: Partial<
    Record<SourceGroup, { readonly entities: number; readonly selectedFeatures: readonly string[] }>
  >;
}

export interface TrainedModel {
  readonly metadata: ModelMetadata;
  /** A group without enough training entities is absent; its sources are judged by the legacy rules. */
  readonly groups: Partial<Record<SourceGroup, GroupModel>>;
}

/** A model as files: names without the version or `_latest`, contents as bytes. */
export interface ModelFiles {
  readonly isolation_forest: Uint8Array;
  readonly scaler: Uint8Array;
  readonly feature_selector: Uint8Array;
}
