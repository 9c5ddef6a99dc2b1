import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCicidsDayBuffer } from '../../src/evaluation/cicids2017-day-buffer.ts';
import type { CicidsRecord } from '../../src/evaluation/cicids2017-line.ts';
import { cicidsDayStartMs } from '../../src/evaluation/cicids2017-timestamp.ts';

const START_MS = cicidsDayStartMs('tuesday');

interface Flow {
  readonly record: CicidsRecord;
  readonly attack: string | null;
}

function flowAt(seconds: number, changes: Partial<CicidsRecord> = {}): CicidsRecord {
  return {
    timestampMs: START_MS + seconds * 1000,
    sourceIp: '192.168.10.5',
    sourcePort: 50_000,
    destinationIp: '104.16.207.165',
    destinationPort: 443,
    protocol: 'tcp',
    action: 'accept',
    bytes: 780,
    packets: 5,
    ...changes,
  };
}

function visited(flows: readonly Flow[]): Flow[] {
  const buffer = createCicidsDayBuffer('tuesday');
  for (const { record, attack } of flows) buffer.add(record, attack);
  const seen: Flow[] = [];
  buffer.visitInOrder((record, attack) => seen.push({ record: { ...record }, attack }));
  expect(buffer.flowCount).toBe(flows.length);
  return seen;
}

const flow: fc.Arbitrary<Flow> = fc.record({
  record: fc.record({
    timestampMs: fc.integer({ min: START_MS, max: START_MS + 86_399_999 }),
    sourceIp: fc.ipV4(),
    sourcePort: fc.nat(65_535),
    destinationIp: fc.ipV4(),
    destinationPort: fc.nat(65_535),
    protocol: fc.constantFrom('tcp', 'udp', 'icmp', null),
    action: fc.constant('accept'),
    bytes: fc.nat(Number.MAX_SAFE_INTEGER),
    packets: fc.nat(2 ** 31 - 1),
  }),
  attack: fc.constantFrom(null, 'DoS Hulk', 'PortScan'),
});

describe('the flows of a day', () => {
  it('come back whole, cut to the minute, sorted by it and otherwise in the order they came in', () => {
    fc.assert(
      fc.property(fc.array(flow, { maxLength: 60 }), (flows) => {
        const expected = flows
          .map(({ record, attack }) => ({
            record: { ...record, timestampMs: record.timestampMs - (record.timestampMs % 60_000) },
            attack,
          }))
          .sort((a, b) => a.record.timestampMs - b.record.timestampMs);
        expect(visited(flows)).toEqual(expected);
      }),
    );
  });

  it('are none when none came', () => {
    expect(visited([])).toEqual([]);
  });

  it('stay in order over more than one block of memory', () => {
    const count = 150_000;
    const seen = visited(
      Array.from({ length: count }, (_, index) => ({
        record: flowAt((count - index) % 80_000, { bytes: index }),
        attack: index % 7 === 0 ? 'Bot' : null,
      })),
    );
    expect(new Set(seen.map(({ record }) => record.bytes)).size).toBe(count);
    let last = flowAt(0, { bytes: -1 });
    for (const { record, attack } of seen) {
      const isLater = record.timestampMs > last.timestampMs;
      const isNamed = attack === (record.bytes % 7 === 0 ? 'Bot' : null);
      const keepsOrder = isLater || (record.timestampMs === last.timestampMs && record.bytes > last.bytes);
      if (!isNamed || !keepsOrder) throw new Error(`${record.bytes} after ${last.bytes}`);
      last = record;
    }
  });

  it('take no record of another day', () => {
    const buffer = createCicidsDayBuffer('tuesday');
    for (const timestampMs of [START_MS - 1, START_MS + 86_400_000, NaN])
      expect(() => buffer.add(flowAt(0, { timestampMs }), null)).toThrow(RangeError);
    expect(buffer.flowCount).toBe(0);
  });
});
