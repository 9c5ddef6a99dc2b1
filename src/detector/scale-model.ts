import { FEATURE_COUNT } from '../features/catalogue.ts';
import { EVIDENCE_COUNT } from '../features/evidence.ts';
import type { FeatureTable } from '../features/feature-table.ts';
import { fitRobustScaler, type RobustScaler, scaleRows } from '../features/robust-scaler.ts';
import { selectRows } from '../features/select-entities.ts';
import { type ExtendedIsolationForest, fitExtendedIsolationForest } from './extended-isolation-forest.ts';
import { selectFeatures } from './feature-selection.ts';
import { anomalyScores, featureRows } from './forest-risk.ts';
import { deriveSeed } from './random.ts';
import { fitRiskCalibration, quantileOfSorted } from './risk-calibration.ts';
import type { ScaleModel } from './trained-model.ts';

export interface ForestSettings {
  /** Share of training entities called anomalous, 0.01-0.05. */
  readonly contamination: number;
  readonly nEstimators: number;
  readonly sampleSize: number;
  readonly chi2TopK: number;
}

export interface ScaleTraining {
  readonly table: FeatureTable;
  /** Rows of the table that teach what is normal. */
  readonly baseline: Int32Array;
  /** Rows of the table of sources not known as bad: what "the most ever seen" is taken from. */
  readonly notKnownBad: Int32Array;
  /** Raw features of attacks, row-major n x 25: injected ones, those of signatures and of verdicts. */
  readonly attacks: Float32Array;
  readonly boosting: ScaleModel['boosting'];
  readonly settings: ForestSettings;
  readonly seed: number;
}

/** The first forest only finds the most anomalous few in a hundred, to leave them out: it needs no fine ranks. */
const FIRST_FOREST_TREES = 100;

const TYPICAL_HIGH = 0.99;

/** Fits what is normal at one time scale: scaling, selected features, forest, calibration, and the site's usual. */
export function fitScaleModel(training: ScaleTraining): ScaleModel {
  const { table, baseline, settings, seed } = training;
  const values = featureRows(table, baseline);
  const scaler = fitRobustScaler({ values, rowCount: baseline.length });
  const chosen = selectFeatures({
    baseline: values,
    attacks: training.attacks,
    scaler,
    topK: settings.chi2TopK,
    sampleSize: settings.sampleSize,
    seed,
  });
  const forest = fitTrimmedForest({ training, scaler, selected: chosen.selected });
  const scores = anomalyScores({
    model: { scaler, selected: chosen.selected, forest },
    table,
    entities: baseline,
  });
  return {
    scaler,
    ...chosen,
    forest,
    calibration: fitRiskCalibration({ scores, contamination: settings.contamination }),
    boosting: training.boosting,
    typicalMedian: columnQuantiles({ rows: values, width: FEATURE_COUNT, probability: 0.5 }),
    typicalHigh: columnQuantiles({ rows: values, width: FEATURE_COUNT, probability: TYPICAL_HIGH }),
    evidenceTypicalHigh: columnQuantiles({
      rows: selectRows({ rows: table.evidence, width: EVIDENCE_COUNT, chosen: baseline }),
      width: EVIDENCE_COUNT,
      probability: TYPICAL_HIGH,
    }),
    evidenceHighest: columnMaxima(table.evidence, training.notKnownBad),
    entityCount: baseline.length,
  };
}

/** Fits, leaves out the most anomalous `contamination` of the rows, and fits again: attackers nobody recognised yet. */
function fitTrimmedForest({
  training: { table, baseline, settings, seed },
  scaler,
  selected,
}: {
  readonly training: ScaleTraining;
  readonly scaler: RobustScaler;
  readonly selected: readonly number[];
}): ExtendedIsolationForest {
  const fit = (entities: Int32Array, label: string, treeCount: number): ExtendedIsolationForest =>
    fitExtendedIsolationForest({
      rows: scaleRows({
        scaler,
        values: featureRows(table, entities),
        rowCount: entities.length,
        selected,
      }),
      rowCount: entities.length,
      dimensions: selected.length,
      treeCount,
      sampleSize: settings.sampleSize,
      seed: deriveSeed(seed, label),
    });
  const first = fit(baseline, 'first forest', Math.min(settings.nEstimators, FIRST_FOREST_TREES));
  const scores = anomalyScores({ model: { scaler, selected, forest: first }, table, entities: baseline });
  const limit = quantileOfSorted(Float64Array.from(scores).sort(), 1 - settings.contamination);
  return fit(
    baseline.filter((_entity, position) => scores[position]! <= limit),
    'forest',
    settings.nEstimators,
  );
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
