import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FEATURE_COUNT, featureIndex } from '../../src/features/catalogue.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import {
  createTrafficAccumulator,
  longWindowOf,
  selectTraffic,
  type TrafficWindows,
} from '../../src/features/traffic-windows.ts';
import { at, START_MS } from './one-source.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function fold(
  records: readonly LogRecord[],
  windows: { windowMs: number; longEndsAtMs?: number } = { windowMs: 5 * MINUTE_MS },
): TrafficWindows {
  const accumulator = createTrafficAccumulator(windows);
  for (const record of records) accumulator.add(record);
  expect(accumulator.recordCount).toBe(records.length);
  return accumulator.finish();
}

/** Source, start of the short and of the long window in minutes after START_MS, flows of both: of each short entity. */
function pairsOf({ short, long, longOf }: TrafficWindows): unknown[] {
  const minutes = (startMs: number): number => (startMs - START_MS) / MINUTE_MS;
  return Array.from(longOf, (row, entity) => [
    short.sourceIps[entity],
    minutes(short.windowStartMs[entity]!),
    minutes(long.windowStartMs[row]!),
    short.logCount[entity],
    long.logCount[row],
  ]);
}

describe('the long window', () => {
  it('is an hour where the short one divides it, and else the next multiple', () => {
    expect([1, 5, 60].map((minutes) => longWindowOf(minutes * MINUTE_MS))).toEqual([
      HOUR_MS,
      HOUR_MS,
      HOUR_MS,
    ]);
    expect(longWindowOf(7 * MINUTE_MS)).toBe(63 * MINUTE_MS);
    expect(longWindowOf(90 * MINUTE_MS)).toBe(90 * MINUTE_MS);
  });

  it('holds every short window of its source, and nothing of another', () => {
    // START_MS lies 15 minutes past a full hour.
    const traffic = fold([
      at(0, { sourceIp: '203.0.113.1' }),
      at(60, { sourceIp: '203.0.113.2' }),
      at(61, { sourceIp: '203.0.113.1' }),
      at(44 * 60, { sourceIp: '203.0.113.1' }),
      at(45 * 60, { sourceIp: '203.0.113.1' }),
    ]);
    expect(START_MS % HOUR_MS).toBe(15 * MINUTE_MS);
    expect(pairsOf(traffic)).toEqual([
      ['203.0.113.1', 0, -15, 2, 3],
      ['203.0.113.2', 0, -15, 1, 1],
      ['203.0.113.1', 40, -15, 1, 3],
      ['203.0.113.1', 45, 45, 1, 1],
    ]);
  });

  it('ends where it is told, so that the newest short windows have a whole one before them', () => {
    const records = [-51, -49, 8, 9.9].map((minute) => at(minute * 60, {}));
    const ended = fold(records, { windowMs: 5 * MINUTE_MS, longEndsAtMs: START_MS + 10 * MINUTE_MS });
    expect(pairsOf(ended)).toEqual([
      ['203.0.113.7', -55, -110, 1, 1],
      ['203.0.113.7', -50, -50, 1, 3],
      ['203.0.113.7', 5, -50, 2, 3],
    ]);
    // A time within a short window means the end of that window.
    const rounded = fold(records, { windowMs: 5 * MINUTE_MS, longEndsAtMs: START_MS + 6 * MINUTE_MS });
    expect(pairsOf(rounded)).toEqual(pairsOf(ended));
  });

  it('sees together what no short window holds enough of', () => {
    const slow = Array.from({ length: 10 }, (_, index) =>
      at(45 * 60 + index * 300, { protocol: 'tcp', destinationPort: 1000 + index }),
    );
    const { short, long } = fold(slow);
    const ports = featureIndex('distinct_destination_ports');
    expect(short.entityCount).toBe(10);
    expect(short.values.filter((_, position) => position % FEATURE_COUNT === ports)).toEqual(
      new Float32Array(10).fill(1),
    );
    expect(long.values[ports]).toBe(10);
  });

  it('of nothing is nothing', () => {
    const nothing = fold([]);
    expect([nothing.short.entityCount, nothing.long.entityCount, nothing.longOf.length]).toEqual([0, 0, 0]);
  });
});

const anyRecord = fc
  .record({
    sourceIp: fc.constantFrom('203.0.113.1', '203.0.113.2', '2001:db8::1'),
    second: fc.double({ min: -20_000, max: 20_000, noNaN: true }),
  })
  .map(({ sourceIp, second }) => at(second, { sourceIp }));
const anyWindows = fc.record({
  windowMs: fc.integer({ min: 1, max: 120 }).map((minutes) => minutes * MINUTE_MS),
  longEndsAtMs: fc.double({ min: START_MS - 1e8, max: START_MS + 1e8, noNaN: true }),
});

describe('whatever the records and wherever the long windows end', () => {
  it('every short entity lies in its long window, and these hold the same records', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 40 }), anyWindows, (records, windows) => {
        const { short, long, longOf } = fold(records, windows);
        const flows = new Uint32Array(long.entityCount);
        longOf.forEach((row, entity) => {
          expect(long.sourceIps[row]).toBe(short.sourceIps[entity]);
          const offsetMs = short.windowStartMs[entity]! - long.windowStartMs[row]!;
          expect(offsetMs >= 0 && offsetMs + short.windowMs <= long.windowMs).toBe(true);
          flows[row]! += short.logCount[entity]!;
        });
        expect(flows).toEqual(long.logCount);
      }),
    );
  });

  it('one of the long windows ends in the short window they are told to', () => {
    fc.assert(
      fc.property(anyWindows, ({ windowMs, longEndsAtMs }) => {
        const endMs = Math.ceil(longEndsAtMs / windowMs) * windowMs;
        const { long } = fold([at((endMs - 1 - START_MS) / 1000, {})], { windowMs, longEndsAtMs });
        expect(long.windowStartMs[0]! + long.windowMs).toBe(endMs);
      }),
    );
  });

  it('a selection keeps what belongs to the chosen entities, in their order', () => {
    fc.assert(
      fc.property(
        fc.array(anyRecord, { minLength: 1, maxLength: 40 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (records, draws) => {
          const traffic = fold(records);
          const chosen = Int32Array.from(draws, (draw) => draw % traffic.short.entityCount);
          const selected = selectTraffic(traffic, chosen);
          const pairs = pairsOf(traffic);
          expect(pairsOf(selected)).toEqual(Array.from(chosen, (entity) => pairs[entity]));
          expect(selected.long.entityCount).toBe(new Set(selected.longOf).size);
        },
      ),
    );
  });
});

describe('a selection', () => {
  it('is refused where an index is no entity', () => {
    const traffic = fold([at(0, {})]);
    expect(() => selectTraffic(traffic, Int32Array.of(1))).toThrow(RangeError);
    expect(() => selectTraffic(traffic, Int32Array.of(-1))).toThrow(RangeError);
  });
});
