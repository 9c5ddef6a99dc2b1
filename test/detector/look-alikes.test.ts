import { describe, expect, it } from 'vitest';
import { createHybridDetector } from '../../src/detector/hybrid-detector.ts';
import { createLegacyDetector } from '../../src/detector/legacy-detector.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { isInternal, siteModel, thresholds } from './site.ts';
import { dropped, flows, fold, WINDOW_MS } from './traffic.ts';

/** Harmless sources outside that the model has never seen, as loud and as many-sided as attackers. */
const sourceIp = '192.0.2.80';
const work = { sourceIp, packets: 200, bytes: 160_000 } as const;
const call = { sourceIp, protocol: 'udp', packets: 3000, bytes: 600_000 } as const;
const signalling = flows(2, () => ({ sourceIp, destinationPort: 5061, packets: 30, bytes: 9000 }));
/** In one direction only, as NetFlow writes it. */
const answers = (port: number, count: number, change: Partial<LogRecord>): LogRecord[] =>
  flows(count, (i) => ({ sourceIp, sourcePort: port, destinationPort: 2000 + 97 * i, ...change }));

const LOOK_ALIKES: readonly [string, LogRecord[]][] = [
  ['a content network fetching a thousand pages a minute', flows(5000, () => work)],
  [
    'a build machine pulling over SSH twenty times a minute',
    flows(100, () => ({ ...work, destinationPort: 22 })),
  ],
  [
    'automation at work on a hundred machines over SSH',
    flows(100, (i) => ({ ...work, destinationIp: `198.51.100.${i}`, destinationPort: 22 })),
  ],
  [
    'a telephone provider with fifty calls and its signalling',
    [...flows(100, (i) => ({ ...call, destinationPort: 10_000 + 2 * i })), ...signalling],
  ],
  [
    'a name server answering by UDP and TCP, seen in one direction',
    [
      ...answers(53, 500, { protocol: 'udp', packets: 1, bytes: 200 }),
      ...answers(53, 3, { packets: 8, bytes: 3000 }),
    ],
  ],
  [
    'a web site answering, half of it keeping idle connections alive, seen in one direction',
    [
      ...answers(443, 40, { packets: 2, bytes: 104, action: null }),
      ...answers(443, 20, { ...work, action: null }),
    ],
  ],
  [
    'a web site whose late packets the firewall drops, and that calls back',
    [
      ...answers(443, 40, { ...dropped, bytes: 52 }),
      ...flows(5, () => ({ sourceIp, packets: 30, bytes: 20_000 })),
    ],
  ],
];

describe.each([
  ['hybrid', createHybridDetector({ model: siteModel, thresholds, isInternal })],
  ['legacy', createLegacyDetector({ thresholds, isInternal })],
])('the %s detector', (_name, detector) => {
  it.each(LOOK_ALIKES)('does not call high: %s', (_what, records) => {
    const inOrder = records.toSorted((left, right) => left.timestampMs - right.timestampMs);
    const table = fold(inOrder);
    expect(table).toMatchObject({ entityCount: 1, windowMs: WINDOW_MS });
    expect(detector.detect(table).filter(({ confidence }) => confidence === 'high')).toEqual([]);
  });
});
