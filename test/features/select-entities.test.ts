import { describe, expect, it } from 'vitest';
import { FEATURE_COUNT, featureIndex } from '../../src/features/catalogue.ts';
import { EVIDENCE_COUNT, evidenceIndex } from '../../src/features/evidence.ts';
import type { FeatureTable } from '../../src/features/feature-table.ts';
import { selectEntities } from '../../src/features/select-entities.ts';
import { createWindowAccumulator } from '../../src/features/window-accumulator.ts';

/** Three sources with 1, 2 and 3 flows. */
function threeEntities(): FeatureTable {
  const accumulator = createWindowAccumulator({ windowMs: 60_000 });
  ['203.0.113.1', '203.0.113.2', '203.0.113.3'].forEach((sourceIp, index) => {
    for (let flow = 0; flow <= index; flow += 1) {
      accumulator.add({
        timestampMs: index * 60_000 + flow,
        sourceIp,
        sourcePort: null,
        destinationIp: '198.51.100.1',
        destinationPort: 80 + index,
        protocol: 'tcp',
        action: null,
        bytes: null,
        packets: null,
      });
    }
  });
  return accumulator.finish();
}

describe('selecting entities', () => {
  it('copies everything that belongs to them, in the order asked for', () => {
    const table = threeEntities();
    const part = selectEntities(table, [2, 0]);
    expect(part.entityCount).toBe(2);
    expect(part.windowMs).toBe(60_000);
    expect(part.sourceIps).toEqual(['203.0.113.3', '203.0.113.1']);
    expect(Array.from(part.windowStartMs)).toEqual([120_000, 0]);
    expect(Array.from(part.firstSeenMs)).toEqual([120_000, 0]);
    expect(Array.from(part.lastSeenMs)).toEqual([120_002, 0]);
    expect(Array.from(part.logCount)).toEqual([3, 1]);
    expect(part.values[featureIndex('flow_count')]).toBe(3);
    expect(part.values[FEATURE_COUNT + featureIndex('flow_count')]).toBe(1);
    expect(part.evidence[evidenceIndex('top_port')]).toBe(82);
    expect(part.evidence[EVIDENCE_COUNT + evidenceIndex('top_port')]).toBe(80);
  });

  it('leaves the original alone', () => {
    const table = threeEntities();
    selectEntities(table, [1]).values.fill(0);
    expect(table.values[FEATURE_COUNT + featureIndex('flow_count')]).toBe(2);
  });

  it('of none is an empty table', () => {
    expect(selectEntities(threeEntities(), []).values).toHaveLength(0);
  });

  it.each([3, -1, 0.5])('refuses the index %d', (index) => {
    expect(() => selectEntities(threeEntities(), [index])).toThrow(RangeError);
  });
});
