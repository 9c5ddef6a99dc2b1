import { describe, expect, it } from 'vitest';
import { chooseBaseline } from '../../src/detector/baseline.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { dropped, flow, flows, fold, refused, WINDOW_MS } from './traffic.ts';

function choose(records: LogRecord[], excludedSources: ReadonlySet<string> = new Set()) {
  const table = fold(records);
  const entities = Int32Array.from({ length: table.entityCount }, (_, index) => index);
  const baseline = chooseBaseline({ table, entities, group: 'external', excludedSources, seed: 1 });
  const sources = (rows: Int32Array) => Array.from(rows, (row) => table.sourceIps[row]);
  return { baseline, sources };
}

const client = flows(5, () => ({ sourceIp: '203.0.113.1' }));
const scanner = flows(40, (i) => ({ sourceIp: '203.0.113.2', destinationPort: 1 + i, ...refused }));
const knocker = flows(3, () => ({ sourceIp: '203.0.113.3', ...dropped }));
const probe = [flow({ sourceIp: '203.0.113.4', ...dropped })];

describe('training baseline', () => {
  it('learns from traffic that came through and leaves out attacks, the refused and single probes', () => {
    const { baseline, sources } = choose([...client, ...scanner, ...knocker, ...probe]);
    expect(sources(baseline.kept)).toEqual(['203.0.113.1']);
    expect(sources(baseline.attackLike)).toEqual(['203.0.113.2']);
    expect(baseline.exclusions).toEqual({
      knownBadSources: 0,
      attackSignatures: 1,
      nothingCompleted: 2,
      sampledAway: 0,
    });
  });

  it('learns nothing from sources known as bad', () => {
    const { baseline } = choose([...client, ...scanner], new Set(['203.0.113.1', '203.0.113.2']));
    expect(baseline.kept).toHaveLength(0);
    expect(baseline.notKnownBad).toHaveLength(0);
    expect(baseline.exclusions.knownBadSources).toBe(2);
  });

  it('takes at most 200 windows of one source, the same ones for the same seed', () => {
    const everyWindow = Array.from({ length: 300 }, (_, i) => flow({ timestampMs: i * WINDOW_MS }));
    const first = choose(everyWindow).baseline;
    expect(first.kept).toHaveLength(200);
    expect(first.exclusions.sampledAway).toBe(100);
    expect(choose(everyWindow).baseline.kept).toEqual(first.kept);
  });
});
