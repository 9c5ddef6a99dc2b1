import { describe, expect, it } from 'vitest';
import type { AnomalyType, Detection } from '../../src/detector/detection.ts';
import { evidenceOf } from '../../src/detector/evidence-row.ts';
import { createHybridDetector } from '../../src/detector/hybrid-detector.ts';
import { matchSignature } from '../../src/detector/signatures.ts';
import type { SourceGroup } from '../../src/detector/trained-model.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { isInternal, siteModel, thresholds } from './site.ts';
import { dropped, flows, foldTraffic, refused, WINDOW_MS } from './traffic.ts';

const detector = createHybridDetector({ model: siteModel, thresholds, isInternal });
const outside = '192.0.2.66';
const inside = '10.200.0.66';
const login = { packets: 22, bytes: 4000 } as const;
const hour = { toMs: 12 * WINDOW_MS - 1 };
/** So much has nobody in the training moved in a window. */
const highest = siteModel.groups.internal!.short.evidenceHighest;
const mostBytes = Math.max(...highest);

function strongest(records: LogRecord[]): Detection | undefined {
  return detector.detect(foldTraffic(records))[0];
}

describe('every named type of attack within one short window', () => {
  it.each<[AnomalyType, string, LogRecord[]]>([
    [
      'port_scan',
      outside,
      flows(300, (i) => ({ sourceIp: outside, destinationPort: 1 + i, ...refused }), { toMs: 60_000 }),
    ],
    [
      'horizontal_scan',
      outside,
      flows(
        200,
        (i) => ({ sourceIp: outside, destinationIp: `198.51.100.${i}`, destinationPort: 23, ...refused }),
        { toMs: 60_000 },
      ),
    ],
    ['brute_force', outside, flows(100, () => ({ sourceIp: outside, destinationPort: 22, ...login }))],
    ['flood', outside, flows(2000, () => ({ sourceIp: outside, packets: 9, bytes: 1800 }), { toMs: 59_000 })],
    ['slow_scan', outside, flows(20, (i) => ({ sourceIp: outside, destinationPort: 1000 + i, ...dropped }))],
    [
      'beaconing',
      inside,
      flows(40, () => ({
        sourceIp: inside,
        destinationIp: '198.51.100.50',
        destinationPort: 50,
        packets: 1,
        bytes: 60,
      })),
    ],
    [
      'exfiltration',
      inside,
      flows(6, () => ({ sourceIp: inside, destinationIp: '198.51.100.99', packets: 9e6, bytes: mostBytes })),
    ],
    [
      'unclassified',
      outside,
      flows(120, (i) => ({
        sourceIp: outside,
        destinationIp: `198.51.100.${i}`,
        destinationPort: null,
        protocol: 'icmp',
        packets: 1,
        bytes: 28,
      })),
    ],
  ])('%s from %s is named and reaches at least an operator', (anomalyType, sourceIp, records) => {
    const found = strongest(records);
    expect(found).toMatchObject({ sourceIp, anomalyType });
    expect(found?.confidence).not.toBe('low');
    expect(found!.reasons.length).toBeGreaterThan(0);
  });
});

describe('what only the hour shows', () => {
  it.each<[string, AnomalyType, SourceGroup, LogRecord[]]>([
    [
      'one probe every 4 minutes',
      'slow_scan',
      'external',
      flows(15, (i) => ({ sourceIp: outside, destinationPort: 1000 + i, ...dropped }), hour),
    ],
    [
      'a call in vain every 2 minutes',
      'beaconing',
      'internal',
      flows(
        30,
        () => ({
          sourceIp: inside,
          destinationIp: '198.51.100.50',
          destinationPort: 50,
          packets: 1,
          bytes: 60,
        }),
        hour,
      ),
    ],
    [
      'a password every 90 seconds',
      'brute_force',
      'external',
      flows(40, () => ({ sourceIp: outside, destinationPort: 22, ...login }), hour),
    ],
    [
      'a host every 30 seconds asked for telnet, a fifth of them open',
      'horizontal_scan',
      'external',
      flows(
        120,
        (i) => ({
          sourceIp: outside,
          destinationIp: `198.51.100.${i}`,
          destinationPort: 23,
          ...(i % 5 === 0 ? login : refused),
        }),
        hour,
      ),
    ],
    [
      'as much in an hour as the busiest window had, five times over',
      'exfiltration',
      'internal',
      flows(
        12,
        () => ({
          sourceIp: inside,
          destinationIp: '198.51.100.99',
          packets: 9e6,
          bytes: (5 * mostBytes) / 12,
        }),
        hour,
      ),
    ],
  ])('%s is named, and no single short window shows it', (_what, anomalyType, group, records) => {
    const { short } = foldTraffic(records);
    for (let entity = 0; entity < short.entityCount; entity += 1) {
      const row = evidenceOf(short, entity);
      const typical = { high: () => 0, highest: () => mostBytes };
      expect(matchSignature({ row, group, windowMs: short.windowMs, typical })).toBeNull();
    }
    const found = strongest(records);
    expect(found).toMatchObject({ anomalyType });
    expect(found?.confidence).not.toBe('low');
    expect(found?.reasons[0]?.text).toMatch(/\b(in|within) 1 h\b/);
  });
});
