import { FEATURE_COUNT } from '../features/catalogue.ts';
import { selectRows } from '../features/select-entities.ts';
import type { BoostingSettings } from './boosting-input.ts';
import {
  fitGradientBoostedTrees,
  type GradientBoostedTrees,
  predictLogOdds,
} from './gradient-boosted-trees.ts';
import { filterLearningSet, type LearningSet } from './learning-set.ts';
import { deriveSeed } from './random.ts';

/** Parts the data are cut into; each is judged by a model of the others. */
export const FOLDS = 4;

/** Small trees, slow steps, many bins left out at random: made for a few hundred rows, good for thousands. */
const BOOSTING_SETTINGS: BoostingSettings = {
  rounds: 120,
  learningRate: 0.08,
  maxLeaves: 12,
  minLeafRows: 5,
  minLeafHessian: 1,
  l2: 2,
  maxBins: 64,
  columnShare: 0.5,
  rowShare: 0.8,
};

type Rows = Pick<LearningSet, 'rows' | 'rowCount' | 'labels' | 'weights'>;

/** Trees that tell the attacks of a set from its baseline by all 25 raw features. */
export function fitBoosting({ rows, rowCount, labels, weights }: Rows, seed: number): GradientBoostedTrees {
  return fitGradientBoostedTrees({
    rows,
    rowCount,
    columnCount: FEATURE_COUNT,
    labels,
    weights,
    settings: BOOSTING_SETTINGS,
    seed,
  });
}

/**
 * Log-odds of each row by trees that learnt from the other folds only: what the row's own label would have said of it
 * is not in there. Rows not kept teach nothing, but are judged all the same.
 */
export function crossFitLogOdds(
  set: LearningSet,
  { seed, keep = () => true }: { readonly seed: number; readonly keep?: (row: number) => boolean },
): Float64Array {
  const logOdds = new Float64Array(set.rowCount);
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const held: number[] = [];
    for (let row = 0; row < set.rowCount; row += 1) if (set.folds[row] === fold) held.push(row);
    if (held.length === 0) continue;
    const others = filterLearningSet(set, (row) => set.folds[row] !== fold && keep(row));
    if (others.rowCount === 0) continue;
    const trees = fitBoosting(others, deriveSeed(seed, `fold ${fold}`));
    const rows = selectRows({ rows: set.rows, width: FEATURE_COUNT, chosen: held });
    const predicted = predictLogOdds(trees, rows, held.length);
    held.forEach((row, at) => {
      logOdds[row] = predicted[at]!;
    });
  }
  return logOdds;
}
