import { allocateReleasable, type ReleasableBuffer, release } from './releasable-buffer.ts';

/**
 * Counts how often each key was seen, for all entities in one open-addressing hash table: a Set per entity would cost
 * hundreds of bytes each, this costs 12 bytes a slot. Keys are 64-bit hashes, never the values themselves: among n
 * keys two collide with probability n² / 2^65 (10^-6 for six million), and then one count is off by one.
 */
export interface PairCounter {
  /** Counts one more and returns how often the key was seen, this time included. Halves are taken as 32-bit. */
  increment(keyHigh: number, keyLow: number): number;
  /** Gives the memory back; nothing can be counted any more. */
  release(): void;
}

interface Slots {
  memory: ReleasableBuffer;
  /** High half, low half, count. A slot with count 0 is free. */
  cells: Uint32Array;
  /** Power of two. */
  capacity: number;
  used: number;
}

const SLOT_WIDTH = 3;
const FIRST_CAPACITY = 1 << 12;
/** Linear probing stays at a few steps up to here. */
const MAX_LOAD = 0.75;

export function createPairCounter(): PairCounter {
  const slots: Slots = { ...emptySlots(FIRST_CAPACITY), used: 0 };
  return {
    increment(keyHigh, keyLow) {
      if (slots.used >= slots.capacity * MAX_LOAD) grow(slots);
      const at = locate(slots, keyHigh, keyLow);
      const count = slots.cells[at + 2]! + 1;
      if (count === 1) {
        slots.used += 1;
        slots.cells[at] = keyHigh;
        slots.cells[at + 1] = keyLow;
      }
      slots.cells[at + 2] = count;
      return count;
    },
    release() {
      release(slots.memory);
    },
  };
}

function emptySlots(capacity: number): Omit<Slots, 'used'> {
  const memory = allocateReleasable(capacity * SLOT_WIDTH * Uint32Array.BYTES_PER_ELEMENT);
  return { memory, cells: new Uint32Array(memory), capacity };
}

/** Position of the key's slot, or of the free slot where it belongs. Positional arguments: called per log record. */
function locate(slots: Slots, keyHigh: number, keyLow: number): number {
  const { cells } = slots;
  const high = keyHigh >>> 0;
  const low = keyLow >>> 0;
  const mask = slots.capacity - 1;
  let slot = low & mask;
  for (;;) {
    const at = slot * SLOT_WIDTH;
    if (cells[at + 2] === 0 || (cells[at] === high && cells[at + 1] === low)) return at;
    slot = (slot + 1) & mask;
  }
}

function grow(slots: Slots): void {
  const { cells: old, memory: oldMemory } = slots;
  Object.assign(slots, emptySlots(slots.capacity * 2));
  for (let from = 0; from < old.length; from += SLOT_WIDTH) {
    if (old[from + 2] === 0) continue;
    const to = locate(slots, old[from]!, old[from + 1]!);
    slots.cells[to] = old[from]!;
    slots.cells[to + 1] = old[from + 1]!;
    slots.cells[to + 2] = old[from + 2]!;
  }
  release(oldMemory);
}
