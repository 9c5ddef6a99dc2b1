import { describe, expect, it } from 'vitest';
import { crossFitLogOdds, FOLDS, fitBoosting } from '../../src/detector/cross-fitting.ts';
import { predictLogOdds } from '../../src/detector/gradient-boosted-trees.ts';
import type { LearningSet } from '../../src/detector/learning-set.ts';
import { createRandom } from '../../src/detector/random.ts';
import { separation } from '../../src/detector/separation.ts';
import { FEATURE_COUNT } from '../../src/features/catalogue.ts';

const ROWS = 240;

/** Attacks are two deviations higher in three features; folds in turn. */
function madeUpSet(): LearningSet {
  const random = createRandom(11);
  const labels = Uint8Array.from({ length: ROWS }, () => random.nextInt(2));
  const rows = Float32Array.from({ length: ROWS * FEATURE_COUNT }, (_, at) => {
    const isTelling = at % FEATURE_COUNT < 3 && labels[Math.floor(at / FEATURE_COUNT)] === 1;
    return random.nextGaussian() + (isTelling ? 2 : 0);
  });
  return {
    rows,
    rowCount: ROWS,
    labels,
    weights: new Float64Array(ROWS).fill(1),
    folds: Uint8Array.from({ length: ROWS }, (_, row) => row % FOLDS),
    rowOf: [Int32Array.from({ length: ROWS }, (_, row) => row)],
  };
}

const set = madeUpSet();
const fitted = crossFitLogOdds(set, { seed: 5 });
const ofFold = (values: Float64Array, fold: number): Float64Array =>
  values.filter((_, row) => set.folds[row] === fold);

describe('log-odds held out in turn', () => {
  it('of a fold stay bit for bit the same when its labels are turned round, and the others do not', () => {
    const flipped = set.labels.map((label, row) => (set.folds[row] === 2 ? 1 - label : label));
    const other = crossFitLogOdds({ ...set, labels: flipped }, { seed: 5 });
    expect(ofFold(other, 2)).toEqual(ofFold(fitted, 2));
    for (const fold of [0, 1, 3]) expect(ofFold(other, fold)).not.toEqual(ofFold(fitted, fold));
  });

  it('tell attacks from the rest all the same', () => {
    const harmless = fitted.filter((_, row) => set.labels[row] === 0);
    const attacks = fitted.filter((_, row) => set.labels[row] === 1);
    expect(separation(harmless, attacks)).toBeGreaterThan(0.95);
  });

  it('learn nothing from rows not kept, but judge them', () => {
    const keep = (row: number): boolean => row % 5 !== 0;
    const without = crossFitLogOdds(set, { seed: 5, keep });
    const mislabelled = set.labels.map((label, row) => (keep(row) ? label : 1 - label));
    expect(crossFitLogOdds({ ...set, labels: mislabelled }, { seed: 5, keep })).toEqual(without);
    expect(without.filter((value, row) => !keep(row) && value !== 0)).toHaveLength(ROWS / 5);
  });

  it('are the same for the same seed and others for another', () => {
    expect(crossFitLogOdds(set, { seed: 5 })).toEqual(fitted);
    expect(crossFitLogOdds(set, { seed: 6 })).not.toEqual(fitted);
  });

  it('say nothing where there is no other fold to learn from', () => {
    const alone = { ...set, folds: new Uint8Array(ROWS) };
    expect(crossFitLogOdds(alone, { seed: 5 })).toEqual(new Float64Array(ROWS));
  });
});

describe('boosting on all rows', () => {
  it('fits them better than trees that have not seen them', () => {
    const trees = fitBoosting(set, 5);
    const seen = predictLogOdds(trees, set.rows, ROWS);
    const loss = (logOdds: Float64Array): number =>
      logOdds.reduce(
        (sum, value, row) => sum + Math.log1p(Math.exp(set.labels[row] === 1 ? -value : value)),
        0,
      );
    expect(loss(seen)).toBeLessThan(loss(fitted));
  });
});
