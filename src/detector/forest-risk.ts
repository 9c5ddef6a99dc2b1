import { FEATURE_COUNT } from '../features/catalogue.ts';
import type { FeatureTable } from '../features/feature-table.ts';
import { scaleRows } from '../features/robust-scaler.ts';
import { selectRows } from '../features/select-entities.ts';
import { groupAlike } from './alike-rows.ts';
import { scoreExtendedIsolationForest } from './extended-isolation-forest.ts';
import type { ScaleModel } from './trained-model.ts';

/** Rows scaled and scored at a time: 4096 x 25 doubles stay under a megabyte, whatever the size of the table. */
const CHUNK_ROWS = 4096;

type Forest = Pick<ScaleModel, 'scaler' | 'selected' | 'forest'>;

/**
 * Raw anomaly scores of the given entities in their order, in (0,1), higher is more anomalous. Entities whose selected
 * features are bit for bit the same get the same score from one scoring.
 *
 * @param entities rows of the table, all of the model's group
 */
export function anomalyScores({
  model,
  table,
  entities,
}: {
  readonly model: Forest;
  readonly table: FeatureTable;
  readonly entities: Int32Array;
}): Float64Array {
  const { representatives, representativeOf } = groupAlike({ table, entities, selected: model.selected });
  const distinctScores = scoreInChunks(representatives, (chunk) => scoreRaw(model, table, chunk));
  return Float64Array.from(representativeOf, (index) => distinctScores[index]!);
}

/** Applies a scoring to parts of the entities at a time and puts the scores one after the other. */
export function scoreInChunks(
  entities: Int32Array,
  score: (chunk: Int32Array) => Float64Array,
): Float64Array {
  const scores = new Float64Array(entities.length);
  for (let from = 0; from < entities.length; from += CHUNK_ROWS)
    scores.set(score(entities.subarray(from, from + CHUNK_ROWS)), from);
  return scores;
}

/** Raw features of the given entities, row-major n x 25. */
export function featureRows(table: FeatureTable, entities: ArrayLike<number>): Float32Array {
  return selectRows({ rows: table.values, width: FEATURE_COUNT, chosen: entities });
}

function scoreRaw(
  { scaler, selected, forest }: Forest,
  table: FeatureTable,
  entities: Int32Array,
): Float64Array {
  const values = featureRows(table, entities);
  const rows = scaleRows({ scaler, values, rowCount: entities.length, selected });
  return scoreExtendedIsolationForest(forest, rows, entities.length);
}
