import { FEATURE_COUNT } from '../features/catalogue.ts';
import type { FeatureTable } from '../features/feature-table.ts';

/**
 * Finds entities with equal selected features, so that each is scored once: most sources of a window sent one small
 * flow each, alike. Through an open-addressing table at most half full. Compared are the
 * bits of the stored values, so equal means equal and 0 beside -0 merely costs a second scoring.
 */
export function groupAlike({
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
