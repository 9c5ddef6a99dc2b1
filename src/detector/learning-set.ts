import { FEATURE_COUNT } from '../features/catalogue.ts';
import { selectRows } from '../features/select-entities.ts';
import type { TrafficWindows } from '../features/traffic-windows.ts';
import type { TimeScale } from './trained-model.ts';

/** Entities that teach one thing, all of one table. */
export interface Batch {
  readonly traffic: TrafficWindows;
  /** Rows of traffic.short. */
  readonly entities: Int32Array;
  /** 1 = attack, 0 = harmless. */
  readonly label: 0 | 1;
  /** What one of them counts beside others of its label, above 0. */
  readonly weight: number;
  /** Part of the data each is held out with, 0 to FOLDS - 1. */
  readonly folds: Uint8Array;
}

/** What boosting learns from at one time scale: one row per distinct window. */
export interface LearningSet {
  /** Row-major rowCount x 25, raw features. */
  readonly rows: Float32Array;
  readonly rowCount: number;
  readonly labels: Uint8Array;
  /** Both labels weigh the same in all. */
  readonly weights: Float64Array;
  readonly folds: Uint8Array;
  /** Per batch: the row of each of its entities. Several entities share a long window. */
  readonly rowOf: readonly Int32Array[];
}

/**
 * @param batches the most trustworthy first: a long window that holds entities of several batches is what the first of
 *   them says
 */
export function createLearningSet(batches: readonly Batch[], scale: TimeScale): LearningSet {
  const known = new Map<TrafficWindows, Map<number, number>>();
  const origins: { readonly batch: Batch; readonly tableRow: number; readonly fold: number }[] = [];
  const rowOf = batches.map((batch) => {
    const { traffic, entities, folds } = batch;
    const rowsOfTable = known.get(traffic) ?? new Map<number, number>();
    known.set(traffic, rowsOfTable);
    return entities.map((entity, position) => {
      const tableRow = scale === 'short' ? entity : traffic.longOf[entity]!;
      const present = rowsOfTable.get(tableRow);
      if (present !== undefined) return present;
      rowsOfTable.set(tableRow, origins.length);
      return origins.push({ batch, tableRow, fold: folds[position]! }) - 1;
    });
  });
  const rows = new Float32Array(origins.length * FEATURE_COUNT);
  origins.forEach(({ batch, tableRow }, row) => {
    const { values } = batch.traffic[scale];
    rows.set(values.subarray(tableRow * FEATURE_COUNT, (tableRow + 1) * FEATURE_COUNT), row * FEATURE_COUNT);
  });
  const labels = Uint8Array.from(origins, ({ batch }) => batch.label);
  const weights = Float64Array.from(origins, ({ batch }) => batch.weight);
  return {
    rows,
    rowCount: origins.length,
    labels,
    weights: balance(labels, weights),
    folds: Uint8Array.from(origins, ({ fold }) => fold),
    rowOf,
  };
}

/** The part of a set whose rows are kept. `rowOf` is dropped: rows move. */
export function filterLearningSet(
  set: LearningSet,
  keep: (row: number) => boolean,
): Omit<LearningSet, 'rowOf'> {
  const kept: number[] = [];
  for (let row = 0; row < set.rowCount; row += 1) if (keep(row)) kept.push(row);
  const rows = selectRows({ rows: set.rows, width: FEATURE_COUNT, chosen: kept });
  const labels = Uint8Array.from(kept, (row) => set.labels[row]!);
  const weights = Float64Array.from(kept, (row) => set.weights[row]!);
  const folds = Uint8Array.from(kept, (row) => set.folds[row]!);
  return { rows, rowCount: kept.length, labels, weights: balance(labels, weights), folds };
}

/** Scales the weights so that each label has as many in all as the larger label has rows. */
function balance(labels: Uint8Array, weights: Float64Array): Float64Array {
  const sums: [number, number] = [0, 0];
  let attacks = 0;
  labels.forEach((label, row) => {
    sums[label === 1 ? 1 : 0] += weights[row]!;
    attacks += label;
  });
  const wanted = Math.max(attacks, labels.length - attacks);
  return weights.map((weight, row) => {
    const sum = sums[labels[row] === 1 ? 1 : 0];
    return sum === 0 ? weight : (weight * wanted) / sum;
  });
}
