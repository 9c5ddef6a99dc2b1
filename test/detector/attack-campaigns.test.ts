import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Campaign, drawCampaign } from '../../src/detector/attack-campaigns.ts';
import { createRandom } from '../../src/detector/random.ts';
import type { SourceGroup } from '../../src/detector/trained-model.ts';

const HOUR_MS = 3_600_000;

function campaigns(group: SourceGroup, { count = 180, spanMs = HOUR_MS, seed = 1 } = {}): Campaign[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, index) => drawCampaign({ random, spanMs, group, index }));
}

function ofType(type: Campaign['type'], group: SourceGroup = 'internal'): Campaign[] {
  return campaigns(group, { count: 600 }).filter((campaign) => campaign.type === type);
}

describe('attack campaigns', () => {
  it('come in all kinds from either side; what leaves the network only from inside', () => {
    const typesOf = (group: SourceGroup): unknown[] =>
      [...new Set(campaigns(group).map(({ type }) => type))].toSorted();
    const fromAnywhere = [
      'brute_force',
      'flood',
      'horizontal_scan',
      'port_scan',
      'slow_scan',
      'unclassified',
    ] as const;
    expect(typesOf('external')).toEqual(fromAnywhere);
    expect(typesOf('internal')).toEqual([...fromAnywhere, 'beaconing', 'exfiltration'].toSorted());
  });

  it('come at intensities over orders of magnitude, so that no volume gives them away', () => {
    const sizes = campaigns('external', { count: 600 }).map(({ flows }) => flows.length);
    expect(Math.min(...sizes)).toBe(1);
    expect(Math.max(...sizes)).toBeGreaterThan(1000);
    expect(sizes.filter((size) => size <= 10).length).toBeGreaterThan(150);
  });

  it('named port scan ask one or few hosts for many ports, named horizontal scan many hosts for few', () => {
    for (const { flows } of ofType('port_scan'))
      expect(new Set(flows.map((flow) => flow.destinationIp)).size).toBeLessThanOrEqual(5);
    for (const { flows } of ofType('horizontal_scan'))
      expect(new Set(flows.map((flow) => flow.destinationPort)).size).toBeLessThanOrEqual(2);
    for (const { flows } of ofType('brute_force'))
      expect(new Set(flows.map((flow) => `${flow.destinationIp} ${flow.destinationPort}`)).size).toBe(1);
  });

  it('named exfiltration move more than any attempt', () => {
    for (const { flows } of ofType('exfiltration'))
      expect(flows.every(({ packets, bytes }) => packets >= 3000 && bytes > 1e6)).toBe(true);
  });

  it('named flood make hundreds of connections within two minutes, or are summed up in a fat flow', () => {
    for (const { flows } of ofType('flood')) {
      const lengthMs = flows.at(-1)!.offsetMs - flows[0]!.offsetMs;
      const isFat = flows.length <= 3 && flows.every(({ packets }) => packets >= 10_000);
      expect(isFat || (flows.length >= 150 && lengthMs <= 120_000)).toBe(true);
    }
  });

  it('keep to the span, in time order, with possible ports and volumes, whatever span and seed', () => {
    const spans = fc.constantFrom(60_000, HOUR_MS, 63 * 60_000, 24 * HOUR_MS);
    const groups = fc.constantFrom<SourceGroup>('internal', 'external');
    fc.assert(
      fc.property(spans, groups, fc.integer(), (spanMs, group, seed) => {
        for (const { flows } of campaigns(group, { count: 30, spanMs, seed })) {
          expect(flows.length).toBeGreaterThan(0);
          const offsets = flows.map(({ offsetMs }) => offsetMs);
          expect(offsets).toEqual(offsets.toSorted((left, right) => left - right));
          expect(offsets[0]! >= 0 && offsets.at(-1)! < spanMs).toBe(true);
          expect(
            flows.every(
              ({ destinationPort: port, packets, bytes, protocol }) =>
                Number.isInteger(port) &&
                port >= (protocol === 'icmp' ? 0 : 1) &&
                port <= 65_535 &&
                Number.isInteger(packets) &&
                packets >= 1 &&
                Number.isInteger(bytes) &&
                // No IPv4 packet with a header of a transport is smaller.
                bytes >= 28 * packets,
            ),
          ).toBe(true);
          expect(flows.every(({ destinationIp }) => /^198\.1[89]\./.test(destinationIp))).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });
});
