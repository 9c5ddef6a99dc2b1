import type { RobustScaler } from '../features/robust-scaler.ts';
import type { ExtendedIsolationForest } from './extended-isolation-forest.ts';
import type { GradientBoostedTrees } from './gradient-boosted-trees.ts';

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

/** The windows an entity is looked at in: its own, and the long one around it. */
export type TimeScale = 'short' | 'long';

export const TIME_SCALES: readonly TimeScale[] = ['short', 'long'];

/** Which features the forest splits on, and why. */
export interface FeatureSelection {
  /** `all` where the chi-square choice did not beat all 25 features on held-out labels. */
  readonly kind: 'chi-square' | 'all';
  /** ROC-AUC of a forest on held-out baseline and attacks, 0-1; null where there was too little to hold out. */
  readonly selectedAuc: number | null;
  readonly allAuc: number | null;
  readonly reason: string;
}

/** What is learnt of one group of sources at one time scale. */
export interface ScaleModel {
  readonly scaler: RobustScaler;
  /** Indices into the catalogue of the features the forest splits on, ascending. */
  readonly selected: readonly number[];
  readonly selection: FeatureSelection;
  /** Chi-square statistic per catalogue feature (25), higher separates better. */
  readonly chiSquare: Float64Array;
  readonly forest: ExtendedIsolationForest;
  readonly calibration: RiskCalibration;
  /** Over the 25 raw features: log-odds of an attack among attacks and baseline of equal weight. */
  readonly boosting: GradientBoostedTrees;
  /** Raw median and 99th percentile of each catalogue feature (25) among training entities: "typical for this network". */
  readonly typicalMedian: Float64Array;
  readonly typicalHigh: Float64Array;
  /** The same for the evidence columns. */
  readonly evidenceTypicalHigh: Float64Array;
  /** The most any entity of the group showed in training, left-out ones included (known bad sources are not). */
  readonly evidenceHighest: Float64Array;
  /** Baseline windows of this length it was fitted on. */
  readonly entityCount: number;
}

/** Maps combined evidence to risk; see risk-curve.ts. Both ascending and of the same length, at least 2. */
export interface RiskCurve {
  readonly evidence: Float64Array;
  /** Log-odds that an entity with at least this evidence is an attack. */
  readonly logOdds: Float64Array;
}

/** How often what was called this risky was an attack, by operator verdicts on entities the model had not learnt from. */
export interface ReliabilityBand {
  /** Risk from (included) to (excluded, but for 100). */
  readonly from: number;
  readonly to: number;
  readonly reviewed: number;
  readonly attacks: number;
}

/** Nothing has that much risk: a high tier that begins there is closed. */
export const UNREACHABLE_RISK = 101;

export interface GroupModel {
  readonly group: SourceGroup;
  readonly short: ScaleModel;
  /** Null where training saw too few long windows. */
  readonly long: ScaleModel | null;
  /** What the long scale counts beside the short one, 0-1; 0 where there is none. */
  readonly longWeight: number;
  readonly curve: RiskCurve;
  /** Reviewed entities learnt from. */
  readonly verdicts: { readonly attacks: number; readonly benign: number };
  readonly reliability: readonly ReliabilityBand[];
  /**
   * Risk from which on an entity may be in the high tier, whatever lower threshold is configured: 0, or raised at
   * training until 95 % of the reviewed entities above it were attacks; 101 when no threshold reached that.
   */
  readonly leastHighRisk: number;
}

/** Why entities were left out of the baseline, each counted under the first reason that applied. */
export interface BaselineExclusions {
  /** Sources known as bad from elsewhere (blocks in the ledger). */
  readonly knownBadSources: number;
  /** Showed an attack signature. */
  readonly attackSignatures: number;
  /** Not one flow came through, dropped or never completed, and it looked like injected attacks. */
  readonly nothingCompleted: number;
  /** So much like injected attacks that nothing is learnt from them. */
  readonly attackLike: number;
  /** Too many windows of one source, or more than training needs. */
  readonly sampledAway: number;
}

/** One time scale of a group as the metadata tell it. */
export interface ScaleDescription {
  /** Baseline windows. */
  readonly entities: number;
  readonly selection: FeatureSelection['kind'];
  readonly selectionReason: string;
  readonly selectedFeatures: readonly string[];
}

export interface GroupDescription {
  /** Baseline windows of the short scale. */
  readonly entities: number;
  readonly short: ScaleDescription;
  readonly long: ScaleDescription | null;
  readonly verdicts: GroupModel['verdicts'];
  readonly reliability: readonly ReliabilityBand[];
  readonly leastHighRisk: number;
}

/** What `metadata_latest.json` holds besides the checksums, which storage adds. */
export interface ModelMetadata {
  readonly schemaVersion: 2;
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
  readonly groups: Partial<Record<SourceGroup, GroupDescription>>;
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
  readonly gradient_boosting: Uint8Array;
}
