import { FEATURE_COUNT } from '../features/catalogue.ts';
import { chiSquareScores, selectTopK } from '../features/chi-square.ts';
import { type RobustScaler, scaleRows } from '../features/robust-scaler.ts';
import { selectRows } from '../features/select-entities.ts';
import { fitExtendedIsolationForest, scoreExtendedIsolationForest } from './extended-isolation-forest.ts';
import { deriveSeed } from './random.ts';
import { separation } from './separation.ts';
import type { FeatureSelection } from './trained-model.ts';

/** Forests that only have to be compared need fewer trees. */
const TRIAL_TREES = 60;

/** A third of the baseline is held out; with fewer held-out rows an area under the curve is noise. */
const HELD_OUT_EVERY = 3;
const FEWEST_HELD_OUT = 20;

const ALL_FEATURES: readonly number[] = Array.from({ length: FEATURE_COUNT }, (_, feature) => feature);

export interface SelectionInput {
  /** Raw features of the baseline and of attacks, row-major n x 25. Labels come from outside the forest. */
  readonly baseline: Float32Array;
  readonly attacks: Float32Array;
  readonly scaler: RobustScaler;
  readonly topK: number;
  readonly sampleSize: number;
  readonly seed: number;
}

/**
 * The features with the highest chi-square between baseline and attacks, provided that a forest on them tells held-out
 * attacks from held-out baseline better than one on all features; else all. Chosen on the part that is not held out.
 */
export function selectFeatures(input: SelectionInput): {
  readonly selected: readonly number[];
  readonly chiSquare: Float64Array;
  readonly selection: FeatureSelection;
} {
  const { baseline, attacks, scaler, topK } = input;
  const [known, heldOut] = holdOut(baseline);
  const [knownAttacks, heldOutAttacks] = holdOut(attacks);
  const chiSquare = chiSquareOf(scaler, known, knownAttacks);
  const chosen = selectTopK(chiSquare, topK);
  if (chosen.length === FEATURE_COUNT) return { ...keepAll(null, 'CHI2_TOP_K asks for all'), chiSquare };
  if (rowsIn(heldOut) < FEWEST_HELD_OUT || rowsIn(heldOutAttacks) < FEWEST_HELD_OUT) {
    const held = `${rowsIn(heldOut)} baseline windows and ${rowsIn(heldOutAttacks)} attacks`;
    const reason = `too little to hold out: ${held}, wanted ${FEWEST_HELD_OUT} of each`;
    return { ...keepAll(null, reason), chiSquare };
  }
  const aucOf = (selected: readonly number[]): number =>
    trialAuc({ ...input, selected, known, heldOut, heldOutAttacks });
  const [selectedAuc, allAuc] = [aucOf(chosen), aucOf(ALL_FEATURES)];
  const compared = `held-out ROC-AUC ${selectedAuc.toFixed(3)} with ${chosen.length} features, ${allAuc.toFixed(3)} with all`;
  if (selectedAuc <= allAuc) return { ...keepAll({ selectedAuc, allAuc }, compared), chiSquare };
  return {
    selected: chosen,
    chiSquare,
    selection: { kind: 'chi-square', selectedAuc, allAuc, reason: compared },
  };
}

function keepAll(
  aucs: { readonly selectedAuc: number; readonly allAuc: number } | null,
  reason: string,
): { readonly selected: readonly number[]; readonly selection: FeatureSelection } {
  return {
    selected: ALL_FEATURES,
    selection: { kind: 'all', selectedAuc: null, allAuc: null, ...aucs, reason },
  };
}

function rowsIn(values: Float32Array): number {
  return values.length / FEATURE_COUNT;
}

/** Every third row apart, whatever their number: the first part, the held-out part. */
function holdOut(values: Float32Array): [Float32Array, Float32Array] {
  const isHeldOut = (row: number): boolean => row % HELD_OUT_EVERY === HELD_OUT_EVERY - 1;
  const rows = Array.from({ length: rowsIn(values) }, (_, row) => row);
  const select = (chosen: readonly number[]): Float32Array =>
    selectRows({ rows: values, width: FEATURE_COUNT, chosen });
  return [select(rows.filter((row) => !isHeldOut(row))), select(rows.filter(isHeldOut))];
}

function chiSquareOf(scaler: RobustScaler, baseline: Float32Array, attacks: Float32Array): Float64Array {
  const rowCount = rowsIn(baseline) + rowsIn(attacks);
  const values = new Float64Array(rowCount * FEATURE_COUNT);
  values.set(scaleRows({ scaler, values: baseline, rowCount: rowsIn(baseline) }));
  values.set(scaleRows({ scaler, values: attacks, rowCount: rowsIn(attacks) }), baseline.length);
  const labels = new Uint8Array(rowCount).fill(1, rowsIn(baseline));
  return chiSquareScores({ values, rowCount, columnCount: FEATURE_COUNT, labels });
}

function trialAuc({
  selected,
  known,
  heldOut,
  heldOutAttacks,
  scaler,
  sampleSize,
  seed,
}: SelectionInput & {
  readonly selected: readonly number[];
  readonly known: Float32Array;
  readonly heldOut: Float32Array;
  readonly heldOutAttacks: Float32Array;
}): number {
  const scaled = (values: Float32Array): Float64Array =>
    scaleRows({ scaler, values, rowCount: rowsIn(values), selected });
  const forest = fitExtendedIsolationForest({
    rows: scaled(known),
    rowCount: rowsIn(known),
    dimensions: selected.length,
    treeCount: TRIAL_TREES,
    sampleSize,
    seed: deriveSeed(seed, 'trial forest'),
  });
  const score = (values: Float32Array): Float64Array =>
    scoreExtendedIsolationForest(forest, scaled(values), rowsIn(values));
  return separation(score(heldOut), score(heldOutAttacks));
}
