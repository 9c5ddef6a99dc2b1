import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FEATURE_COUNT, FEATURE_NAMES, featureIndex } from '../../src/features/catalogue.ts';
import type { FeatureTable } from '../../src/features/feature-table.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { createWindowAccumulator } from '../../src/features/window-accumulator.ts';

const WINDOW_MS = 300_000;
const START_MS = 5_666_667 * WINDOW_MS;

function fold(records: readonly LogRecord[]): FeatureTable {
  const accumulator = createWindowAccumulator({ windowMs: WINDOW_MS });
  for (const record of records) accumulator.add(record);
  return accumulator.finish();
}

const port = fc.option(fc.integer({ min: -5, max: 70_000 }));
const amount = fc.option(
  fc.oneof(fc.nat(), fc.constantFrom(0, -1, 2 ** 63, Number.MAX_VALUE, Number.NaN, Number.POSITIVE_INFINITY)),
);
const anyRecord: fc.Arbitrary<LogRecord> = fc.record({
  timestampMs: fc.oneof(
    fc.integer({ min: 0, max: 3 }).map((step) => START_MS + step * 1000),
    fc.double({ min: START_MS - 1e6, max: START_MS + 1e6, noNaN: true }),
  ),
  sourceIp: fc.constantFrom('203.0.113.7', '203.0.113.8', '2001:db8::7'),
  sourcePort: port,
  destinationIp: fc.oneof(fc.ipV4(), fc.constantFrom('198.51.100.1', '2001:db8::1')),
  destinationPort: port,
  protocol: fc.option(fc.constantFrom('tcp', 'udp', 'icmp', 'ipv6-icmp', 'gre')),
  action: fc.option(fc.constantFrom('accept', 'drop', 'reject', 'tarpit', 'something')),
  bytes: amount,
  packets: amount,
});

const SHARES = FEATURE_NAMES.filter((name) => /_share$|_per_flow$/.test(name));

describe('whatever the records say', () => {
  it('every value is finite, not negative, and every share at most 1', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 60 }), (records) => {
        const table = fold(records);
        expect(table.values.every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
        expect(table.evidence.every((value) => Number.isFinite(value) && value >= -1)).toBe(true);
        expect(table.logCount.reduce((sum, count) => sum + count, 0)).toBe(records.length);
        for (let entity = 0; entity < table.entityCount; entity += 1) {
          for (const name of SHARES) {
            expect(table.values[entity * FEATURE_COUNT + featureIndex(name)]).toBeLessThanOrEqual(1);
          }
        }
      }),
    );
  });

  it('reading in descending order gives the same features as in ascending order', () => {
    const byEntity = (table: FeatureTable): Map<string, Float32Array> =>
      new Map(
        table.sourceIps.map((ip, entity) => [
          `${ip} ${table.windowStartMs[entity]}`,
          table.values.subarray(entity * FEATURE_COUNT, (entity + 1) * FEATURE_COUNT),
        ]),
      );
    // Whole seconds and amounts that doubles add exactly, so that the order of additions makes no difference.
    const exact = anyRecord.map((record) => ({
      ...record,
      timestampMs: Math.floor(record.timestampMs / 1000) * 1000,
      bytes: record.bytes !== null && record.bytes < 2 ** 40 ? record.bytes : null,
      packets: record.packets !== null && record.packets < 2 ** 40 ? record.packets : null,
    }));
    fc.assert(
      fc.property(fc.array(exact, { minLength: 1, maxLength: 40 }), (records) => {
        const ascending = records.toSorted((a, b) => a.timestampMs - b.timestampMs);
        expect(byEntity(fold(ascending.toReversed()))).toEqual(byEntity(fold(ascending)));
      }),
    );
  });
});
