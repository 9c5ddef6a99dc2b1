import type { CicidsRecord } from './cicids2017-line.ts';
import { cicidsDayStartMs } from './cicids2017-timestamp.ts';
import type { CicidsDay } from './cicids2017-week.ts';

/**
 * Holds the flows of one day in 29 bytes each and gives them back in order of time: the published files are in order
 * of addresses, not of time, and what depends on neighbouring records (gaps, active minutes) needs the order.
 * Sorting takes 4 bytes a flow more; the largest day, Friday, has 703,245 flows: 23 MB.
 *
 * Times are cut to the whole minute. Only Monday, the training day, has seconds; with them the model would learn a
 * timing that no other day can show. Flows of one minute stay at one time and in the order of the files; nothing is
 * invented between them.
 */
export interface CicidsDayBuffer {
  readonly flowCount: number;
  add(record: CicidsRecord, attack: string | null): void;
  /** Visits every flow, earliest first. The record is one object that is written anew for each visit. */
  visitInOrder(visit: (record: CicidsRecord, attack: string | null) => void): void;
}

const MINUTE_MS = 60_000;
const MINUTES_PER_DAY = 1440;
const BLOCK_BITS = 16;
const BLOCK_SIZE = 1 << BLOCK_BITS;

interface Block {
  readonly minutes: Uint16Array;
  readonly sources: Uint32Array;
  readonly destinations: Uint32Array;
  readonly sourcePorts: Uint16Array;
  readonly destinationPorts: Uint16Array;
  readonly protocols: Uint8Array;
  readonly bytes: Float64Array;
  readonly packets: Uint32Array;
  readonly attacks: Uint16Array;
}

/** @throws RangeError from `add` for a record of another day */
export function createCicidsDayBuffer(day: CicidsDay): CicidsDayBuffer {
  const dayStartMs = cicidsDayStartMs(day);
  const blocks: Block[] = [];
  const addresses = createDictionary<string>();
  const protocols = createDictionary<string | null>();
  const attacks = createDictionary<string | null>();
  let flowCount = 0;

  return {
    get flowCount() {
      return flowCount;
    },
    add(record, attack) {
      const minute = Math.floor((record.timestampMs - dayStartMs) / MINUTE_MS);
      if (!(minute >= 0 && minute < MINUTES_PER_DAY))
        throw new RangeError(`no time of ${day}: ${record.timestampMs}`);
      const row = flowCount & (BLOCK_SIZE - 1);
      if (row === 0) blocks.push(createBlock());
      const block = blocks[flowCount >>> BLOCK_BITS]!;
      block.minutes[row] = minute;
      block.sources[row] = addresses.indexOf(record.sourceIp);
      block.destinations[row] = addresses.indexOf(record.destinationIp);
      block.sourcePorts[row] = record.sourcePort;
      block.destinationPorts[row] = record.destinationPort;
      block.protocols[row] = protocols.indexOf(record.protocol);
      block.bytes[row] = record.bytes;
      block.packets[row] = record.packets;
      block.attacks[row] = attacks.indexOf(attack);
      flowCount += 1;
    },
    visitInOrder(visit) {
      const record: CicidsRecord = {
        timestampMs: 0,
        sourceIp: '',
        sourcePort: 0,
        destinationIp: '',
        destinationPort: 0,
        protocol: null,
        action: 'accept',
        bytes: 0,
        packets: 0,
      };
      for (const flow of orderByMinute(blocks, flowCount)) {
        const block = blocks[flow >>> BLOCK_BITS]!;
        const row = flow & (BLOCK_SIZE - 1);
        record.timestampMs = dayStartMs + block.minutes[row]! * MINUTE_MS;
        record.sourceIp = addresses.values[block.sources[row]!]!;
        record.sourcePort = block.sourcePorts[row]!;
        record.destinationIp = addresses.values[block.destinations[row]!]!;
        record.destinationPort = block.destinationPorts[row]!;
        record.protocol = protocols.values[block.protocols[row]!]!;
        record.bytes = block.bytes[row]!;
        record.packets = block.packets[row]!;
        visit(record, attacks.values[block.attacks[row]!]!);
      }
    },
  };
}

function createBlock(): Block {
  return {
    minutes: new Uint16Array(BLOCK_SIZE),
    sources: new Uint32Array(BLOCK_SIZE),
    destinations: new Uint32Array(BLOCK_SIZE),
    sourcePorts: new Uint16Array(BLOCK_SIZE),
    destinationPorts: new Uint16Array(BLOCK_SIZE),
    protocols: new Uint8Array(BLOCK_SIZE),
    bytes: new Float64Array(BLOCK_SIZE),
    packets: new Uint32Array(BLOCK_SIZE),
    attacks: new Uint16Array(BLOCK_SIZE),
  };
}

/** Counting sort, stable: a day has no more than 1,440 different times. */
function orderByMinute(blocks: readonly Block[], flowCount: number): Uint32Array {
  const next = new Uint32Array(MINUTES_PER_DAY + 1);
  const minuteOf = (flow: number): number => blocks[flow >>> BLOCK_BITS]!.minutes[flow & (BLOCK_SIZE - 1)]!;
  for (let flow = 0; flow < flowCount; flow += 1) next[minuteOf(flow) + 1]! += 1;
  for (let minute = 0; minute < MINUTES_PER_DAY; minute += 1) next[minute + 1]! += next[minute]!;
  const order = new Uint32Array(flowCount);
  for (let flow = 0; flow < flowCount; flow += 1) {
    const minute = minuteOf(flow);
    order[next[minute]!] = flow;
    next[minute]! += 1;
  }
  return order;
}

interface Dictionary<T> {
  readonly values: readonly T[];
  indexOf(value: T): number;
}

function createDictionary<T>(): Dictionary<T> {
  const values: T[] = [];
  const known = new Map<T, number>();
  return {
    values,
    indexOf(value) {
      const index = known.get(value);
      if (index !== undefined) return index;
      known.set(value, values.length);
      return values.push(value) - 1;
    },
  };
}
