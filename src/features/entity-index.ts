import { COUNT, type EntityCursor, type EntityRows, SUM } from './entity-rows.ts';

/**
 * Finds the entity of a (source, window). Records come mostly in time order, so the entity a source used last is
 * nearly always the right one; the hash table is for the rest, in any order.
 */
export interface EntityIndex {
  /** Canonical addresses in order of first appearance; COUNT.source is an index into it. */
  readonly sources: readonly string[];
  /** Points the cursor at the entity, which is added with its source and window set if it is new. */
  seek(cursor: EntityCursor, sourceIp: string, windowStartMs: number): void;
}

interface Buckets {
  /** Hash and entity index + 1 in turn; an index of 0 marks a free slot. */
  cells: Uint32Array;
  capacity: number;
  used: number;
}

const FIRST_CAPACITY = 1 << 12;
const MAX_LOAD = 0.75;

export function createEntityIndex({
  rows,
  windowMs,
}: {
  readonly rows: EntityRows;
  readonly windowMs: number;
}): EntityIndex {
  const sources: string[] = [];
  const sourceOf = new Map<string, number>();
  const lastEntityOf: number[] = [];
  // Beside the entity and not read from its row: for every new window that would be a cache miss on the old row.
  const lastWindowOf: number[] = [];
  const buckets: Buckets = { cells: new Uint32Array(FIRST_CAPACITY * 2), capacity: FIRST_CAPACITY, used: 0 };

  function isAt(cursor: EntityCursor, source: number, windowStartMs: number): boolean {
    return (
      cursor.sums[cursor.sumAt + SUM.windowStartMs] === windowStartMs &&
      cursor.counts[cursor.countAt + COUNT.source] === source
    );
  }

  function seekInBuckets(cursor: EntityCursor, source: number, windowStartMs: number): void {
    if (buckets.used >= buckets.capacity * MAX_LOAD) grow(buckets);
    const hash = hashOf(source, windowStartMs / windowMs);
    let slot = freeOrSame(buckets, hash, hash);
    while (buckets.cells[slot * 2 + 1] !== 0) {
      rows.moveTo(cursor, buckets.cells[slot * 2 + 1]! - 1);
      if (isAt(cursor, source, windowStartMs)) return;
      slot = freeOrSame(buckets, hash, slot + 1);
    }
    rows.moveTo(cursor, rows.add());
    cursor.counts[cursor.countAt + COUNT.source] = source;
    cursor.sums[cursor.sumAt + SUM.windowStartMs] = windowStartMs;
    buckets.cells[slot * 2] = hash;
    buckets.cells[slot * 2 + 1] = cursor.entity + 1;
    buckets.used += 1;
  }

  return {
    sources,
    seek(cursor, sourceIp, windowStartMs) {
      let source = sourceOf.get(sourceIp);
      if (source === undefined) {
        source = sources.push(sourceIp) - 1;
        sourceOf.set(sourceIp, source);
      } else if (lastWindowOf[source] === windowStartMs) {
        rows.moveTo(cursor, lastEntityOf[source]!);
        return;
      }
      seekInBuckets(cursor, source, windowStartMs);
      lastEntityOf[source] = cursor.entity;
      lastWindowOf[source] = windowStartMs;
    },
  };
}

/** First slot from `start` on that is free or holds the same hash. */
function freeOrSame({ cells, capacity }: Buckets, hash: number, start: number): number {
  const mask = capacity - 1;
  let slot = start & mask;
  while (cells[slot * 2 + 1] !== 0 && cells[slot * 2] !== hash) slot = (slot + 1) & mask;
  return slot;
}

function grow(buckets: Buckets): void {
  const { cells: old } = buckets;
  buckets.capacity *= 2;
  buckets.cells = new Uint32Array(buckets.capacity * 2);
  const mask = buckets.capacity - 1;
  for (let from = 0; from < old.length; from += 2) {
    if (old[from + 1] === 0) continue;
    let slot = old[from]! & mask;
    while (buckets.cells[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
    buckets.cells[slot * 2] = old[from]!;
    buckets.cells[slot * 2 + 1] = old[from + 1]!;
  }
}

/** 32-bit hash, not negative, of a source number and a window number (taken modulo 2^32). */
function hashOf(source: number, windowNumber: number): number {
  let hash = Math.imul(source, 0x9e3779b1) ^ Math.imul(windowNumber | 0, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 16), 0xc2b2ae35);
  return (hash ^ (hash >>> 15)) >>> 0;
}
