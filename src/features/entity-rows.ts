import { allocateReleasable, type ReleasableBuffer, release } from './releasable-buffer.ts';

/**
 * What is remembered of each entity while log records are folded: one row of 9 doubles and one of 34 counters, 208
 * bytes. Rows lie in blocks of fixed size, so that growing never copies, one log record touches neighbouring cache
 * lines, and blocks can be let go one by one while the feature table is written.
 */

/** Columns of the double rows. */
export const SUM = {
  windowStartMs: 0,
  firstSeenMs: 1,
  lastSeenMs: 2,
  /** Time of the record folded last. */
  previousMs: 3,
  gapSeconds: 4,
  gapSecondsSquared: 5,
  bytes: 6,
  packets: 7,
  bytesSquared: 8,
} as const;
const SUM_WIDTH = 9;

/** Columns of the counter rows. */
export const COUNT = {
  source: 0,
  flows: 1,
  tcp: 2,
  udp: 3,
  icmp: 4,
  established: 5,
  dropped: 6,
  unansweredTcp: 7,
  answeredTcp: 8,
  login: 9,
  establishedLogin: 10,
  uncommonPort: 11,
  bytesKnown: 12,
  packetsKnown: 13,
  rapidGaps: 14,
  /** Minute of the window that the record folded last lies in, and the flows in it so far. */
  minute: 15,
  minuteFlows: 16,
  peakMinuteFlows: 17,
  activeMinutes: 18,
  destinations: 19,
  ports: 20,
  targetPairs: 21,
  loginDestinations: 22,
  /**
   * The first destination and port stay here instead of in the hash table: most sources have one flow or one
   * destination only, and then need no hash entry at all.
   */
  firstDestinationHash: 23,
  /** Port of the first record, NO_PORT included; together with firstDestinationHash the first pair. */
  firstTargetPort: 24,
  /** First known port. */
  firstPort: 25,
  firstPortFlows: 26,
  topPort: 27,
  topPortFlows: 28,
  previousSourcePort: 29,
  sourcePortRepeats: 30,
  udpExchanges: 31,
  longFlows: 32,
  serviceReplies: 33,
} as const;
const COUNT_WIDTH = 34;

/** Stands for "no port": ICMP, or a port the log does not know. */
export const NO_PORT = 65_536;

const BLOCK_BITS = 12;
const BLOCK_SIZE = 1 << BLOCK_BITS;

interface Block {
  readonly memory: ReleasableBuffer;
  readonly sums: Float64Array;
  readonly counts: Uint32Array;
}

/** Points at the rows of one entity: its sums at `sums[sumAt + SUM.…]`, its counters at `counts[countAt + COUNT.…]`. */
export interface EntityCursor {
  entity: number;
  sums: Float64Array;
  sumAt: number;
  counts: Uint32Array;
  countAt: number;
}

export interface EntityRows {
  readonly length: number;
  /** Adds a row of zeros and returns its entity index. */
  add(): number;
  moveTo(cursor: EntityCursor, entity: number): void;
  /** Lets go of the memory of all entities below this one; they cannot be read any more. */
  releaseBelow(entity: number): void;
}

export function createEntityCursor(): EntityCursor {
  return { entity: 0, sums: new Float64Array(0), sumAt: 0, counts: new Uint32Array(0), countAt: 0 };
}

export function createEntityRows(): EntityRows {
  const blocks: Block[] = [];
  let length = 0;
  let released = 0;
  return {
    get length() {
      return length;
    },
    add() {
      if ((length & (BLOCK_SIZE - 1)) === 0) blocks.push(createBlock());
      length += 1;
      return length - 1;
    },
    moveTo(cursor, entity) {
      const block = blocks[entity >>> BLOCK_BITS]!;
      const row = entity & (BLOCK_SIZE - 1);
      cursor.entity = entity;
      cursor.sums = block.sums;
      cursor.sumAt = row * SUM_WIDTH;
      cursor.counts = block.counts;
      cursor.countAt = row * COUNT_WIDTH;
    },
    releaseBelow(entity) {
      for (; released < entity >>> BLOCK_BITS; released += 1) release(blocks[released]!.memory);
    },
  };
}

function createBlock(): Block {
  const sumBytes = BLOCK_SIZE * SUM_WIDTH * Float64Array.BYTES_PER_ELEMENT;
  const countBytes = BLOCK_SIZE * COUNT_WIDTH * Uint32Array.BYTES_PER_ELEMENT;
  const memory = allocateReleasable(sumBytes + countBytes);
  return {
    memory,
    sums: new Float64Array(memory, 0, BLOCK_SIZE * SUM_WIDTH),
    counts: new Uint32Array(memory, sumBytes, BLOCK_SIZE * COUNT_WIDTH),
  };
}
