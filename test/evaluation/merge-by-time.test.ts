import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeByTime } from '../../src/evaluation/merge-by-time.ts';
import type { LogRecord } from '../../src/features/log-record.ts';

const recordAt = (timestampMs: number): LogRecord => ({
  timestampMs,
  sourceIp: '192.0.2.1',
  sourcePort: null,
  destinationIp: '192.0.2.2',
  destinationPort: null,
  protocol: null,
  action: null,
  bytes: null,
  packets: null,
});

describe('mergeByTime', () => {
  it('gives every record of every stream once, in order of time', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.integer({ min: 0, max: 50 }))), (streams) => {
        const ordered = streams.map((times) => times.sort((a, b) => a - b).map(recordAt));
        const merged = [...mergeByTime(ordered)].map((record) => record.timestampMs);
        expect(merged).toEqual(streams.flat().sort((a, b) => a - b));
      }),
    );
  });
});
