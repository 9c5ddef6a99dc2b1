import { FEATURE_COUNT } from '../features/catalogue.ts';
import type { FeatureTable } from '../features/feature-table.ts';
import { scaleRows } from '../features/robust-scaler.ts';
import { scoreExtendedIsolationForest } from './extended-isolation-forest.ts';
import { riskOfScore } from './risk-calibration.ts';
import type { GroupModel } from './trained-model.ts';

/** Rows scaled and scored at a time: 4096 x 25 doubles stay under a megabyte, whatever the size of the table. */
const CHUNK_ROWS = 4096;

/**
 * Calibrated forest risk (0-100) of the given entities, in their order. Entities whose selected features are bit for
 * bit the same get the same risk from one scoring: most sources of a window sent one small flow each, alike.
 *
 * @param entities rows of the table, all of the model's group
 */
export function forestRisks({
  model,
  table,
  entities,
}: {
  readonly model: GroupModel;
  readonly table: FeatureTable;
  readonly entities: Int32Array;
}): Float64Array {
  const scores = anomalyScores({ model, table, entities });
  return scores.map((score) => riskOfScore(model.calibration, score));
}

/** The same as raw anomaly scores in (0,1), higher is more anomalous. */
export function anomalyScores({
  model,
  table,
  entities,
}: {
  readonly model: Pick<GroupModel, 'scaler' | 'selected' | 'forest'>;
  readonly table: FeatureTable;
  readonly entities: Int32Array;
}): Float64Array {
  const { representatives, representativeOf } = groupAlike({ table, entities, selected: model.selected });
  const distinctScores = new Float64Array(representatives.length);
  for (let from = 0; from < representatives.length; from += CHUNK_ROWS) {
    const chunk = representatives.subarray(from, from + CHUNK_ROWS);
    distinctScores.set(scoreRaw(model, table, chunk), from);
  }
  return Float64Array.from(representativeOf, (index) => distinctScores[index]!);
}

function scoreRaw(
  model: Pick<GroupModel, 'scaler' | 'selected' | 'forest'>,
  table: FeatureTable,
  entities: Int32Array,
): Float64Array {
  const values = new Float32Array(entities.length * FEATURE_COUNT);
  entities.forEach((entity, row) => {
    values.set(
      table.values.subarray(entity * FEATURE_COUNT, (entity + 1) * FEATURE_COUNT),
      row * FEATURE_COUNT,
    );
  });
  const { scaler, selected, forest } = model;
  const rows = scaleRows({ scaler, values, rowCount: entities.length, selected });
  return scoreExtendedIsolationForest(forest, rows, entities.length);
}

/**
 * Finds entities with equal selected features through an open-addressing table at most half full. Compared are the
 * bits of the stored values, so equal means equal and 0 beside -0 merely costs a second scoring.
 */
function groupAlike({
  table,
  entities,
  selected,
}: {
  readonly table: FeatureTable;
  readonly entities: Int32Array;
  readonly selected: readonly number[];
}): { readonly representatives: Int32Array; readonly representativeOf: Int32Array } {
  const bits = new Int32Array(table.values.buffer, table.values.byteOffset, table.values.length);
  const mask = 2 ** Math.ceil(Math.log2(Math.max(2, 2 * entities.length))) - 1;
  const slots = new Int32Array(mask + 1).fill(-1);
  const representatives = new Int32Array(entities.length);
  const representativeOf = new Int32Array(entities.length);
  let count = 0;
  for (let position = 0; position < entities.length; position += 1) {
    const base = entities[position]! * FEATURE_COUNT;
    let slot = hashRow(bits, base, selected) & mask;
    while (slots[slot]! >= 0) {
      if (isSameRow({ bits, left: base, right: representatives[slots[slot]!]! * FEATURE_COUNT, selected }))
        break;
      slot = (slot + 1) & mask;
    }
    if (slots[slot]! < 0) {
      slots[slot] = count;
      representatives[count] = entities[position]!;
      count += 1;
    }
    representativeOf[position] = slots[slot]!;
  }
  return { representatives: representatives.subarray(0, count), representativeOf };
}

/** MurmurHash3's 32-bit mixing (Austin Appleby) over the selected words. */
function hashRow(bits: Int32Array, base: number, selected: readonly number[]): number {
  let hash = 0x9747b28c;
  for (const feature of selected) {
    let word = Math.imul(bits[base + feature]!, 0xcc9e2d51);
    word = (word << 15) | (word >>> 17);
    hash ^= Math.imul(word, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function isSameRow({
  bits,
  left,
  right,
  selected,
}: {
  readonly bits: Int32Array;
  readonly left: number;
  readonly right: number;
  readonly selected: readonly number[];
}): boolean {
  for (const feature of selected) if (bits[left + feature] !== bits[right + feature]) return false;
  return true;
}
