import { describe, expect, it } from 'vitest';
import { indexNeighbours, type Neighbours } from '../../src/detector/neighbours.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { dropped, flow, foldTraffic, refused } from './traffic.ts';

const HOUR_MS = 3_600_000;

/** Neighbours of each source in its first long window. */
function neighboursBySource(records: readonly LogRecord[]): Map<string, Neighbours | null> {
  const traffic = foldTraffic(records);
  const rows = Int32Array.from({ length: traffic.long.entityCount }, (_, row) => row);
  const neighboursOf = indexNeighbours(traffic, rows);
  const found = new Map<string, Neighbours | null>();
  traffic.long.sourceIps.forEach((sourceIp, row) => {
    if (!found.has(sourceIp)) found.set(sourceIp, neighboursOf(row));
  });
  return found;
}

const probe = (sourceIp: string, destinationPort: number, timestampMs = 0): LogRecord =>
  flow({ sourceIp, destinationPort, timestampMs, ...dropped });

describe('neighbours of a probe', () => {
  it('are the others of its /24, and the others asking for its port, in the same hour', () => {
    const found = neighboursBySource([
      probe('203.0.113.1', 23),
      probe('203.0.113.200', 8080),
      probe('203.0.114.1', 23),
      probe('192.0.2.1', 23),
      probe('203.0.113.3', 23, HOUR_MS),
    ]);
    expect(found.get('203.0.113.1')).toEqual({ sameNetwork: 1, samePort: 2 });
    expect(found.get('203.0.113.200')).toEqual({ sameNetwork: 1, samePort: 0 });
    expect(found.get('192.0.2.1')).toEqual({ sameNetwork: 0, samePort: 2 });
    expect(found.get('203.0.113.3')).toEqual({ sameNetwork: 0, samePort: 0 });
  });

  it('are the others of its /64 with IPv6', () => {
    const found = neighboursBySource([
      probe('2001:db8:0:1::1', 23),
      probe('2001:db8:0:1:ffff::9', 24),
      probe('2001:db8:0:2::1', 25),
    ]);
    expect(found.get('2001:db8:0:1::1')).toEqual({ sameNetwork: 1, samePort: 0 });
    expect(found.get('2001:db8:0:2::1')).toEqual({ sameNetwork: 0, samePort: 0 });
  });

  it('are counted once, however many windows and probes each fills', () => {
    const found = neighboursBySource([
      probe('203.0.113.1', 23),
      ...[0, 1, 2].map((window) => probe('203.0.113.2', 23, window * 300_000)),
    ]);
    expect(found.get('203.0.113.1')).toEqual({ sameNetwork: 1, samePort: 1 });
  });

  it('are none of those of whom something came through, and these have none', () => {
    const found = neighboursBySource([
      probe('203.0.113.1', 443),
      flow({ sourceIp: '203.0.113.2' }),
      probe('203.0.113.3', 443),
      flow({ sourceIp: '203.0.113.3' }),
      flow({ sourceIp: '203.0.113.4', ...refused }),
    ]);
    expect(found.get('203.0.113.1')).toEqual({ sameNetwork: 1, samePort: 1 });
    expect(found.get('203.0.113.4')).toEqual({ sameNetwork: 1, samePort: 1 });
    expect(found.get('203.0.113.2')).toBeNull();
    expect(found.get('203.0.113.3')).toBeNull();
  });

  it('are looked for among the given windows only', () => {
    const traffic = foldTraffic([probe('203.0.113.1', 23), probe('203.0.113.2', 23)]);
    const neighboursOf = indexNeighbours(traffic, Int32Array.of(0));
    expect(neighboursOf(0)).toEqual({ sameNetwork: 0, samePort: 0 });
    expect(neighboursOf(1)).toBeNull();
  });
});
