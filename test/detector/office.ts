import { trainModel } from '../../src/detector/train-model.ts';
import type { TrainedModel } from '../../src/detector/trained-model.ts';
import { generateSyntheticTraffic } from '../../src/evaluation/synthetic-traffic.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import type { TrafficWindows } from '../../src/features/traffic-windows.ts';
import { info, settings } from './site.ts';
import { flows, foldTraffic } from './traffic.ts';

/** An office whose hosts are at work for hours, so that its long windows hold more than its short ones. */
const HOUR_MS = 3_600_000;

/** The hour after the training, in which its long windows begin. */
export const HOUR_START_MS = 480_000 * HOUR_MS;
export const HOUR_END_MS = HOUR_START_MS + HOUR_MS - 1;

export const isOfficeHost = (ip: string): boolean =>
  ip.startsWith('192.168.10.') || ip.startsWith('203.0.113.') || ip.startsWith('2001:db8:10:');

/** Twelve hours with attackers among them. */
export const officeTraffic: TrafficWindows = foldTraffic(
  [
    ...inhabitants(),
    ...generateSyntheticTraffic({
      startMs: HOUR_START_MS - 12 * HOUR_MS,
      endMs: HOUR_START_MS,
      seed: 11,
      lanHostCount: 60,
      externalClientCount: 200,
      noiseSourceCount: 300,
    }),
  ].sort((left, right) => left.timestampMs - right.timestampMs),
);

export const officeModel: TrainedModel = trainModel({
  traffic: officeTraffic,
  isInternal: isOfficeHost,
  settings,
  info,
});

/** Machines that the made-up office lacks and every real one has, each with a number and a rhythm of its own. */
function inhabitants(): LogRecord[] {
  const span = { fromMs: HOUR_START_MS - 12 * HOUR_MS, toMs: HOUR_START_MS - 1 };
  const machine = (host: number, count: number, change: (index: number) => Partial<LogRecord>): LogRecord[] =>
    flows(count, (index) => ({ sourceIp: `192.168.10.${host}`, ...change(index) }), span);
  return [
    ...[210, 211, 212].flatMap((host) =>
      machine(host, 12 * (40 + 5 * (host - 210)), () => ({
        destinationIp: '104.18.9.9',
        destinationPort: 8883,
        packets: 10 + (host % 7),
        bytes: 2100 + 90 * (host % 7),
      })),
    ),
    ...machine(215, 12 * 1700, (i) => ({
      destinationIp: `192.168.10.${i % 36}`,
      ...[
        { destinationPort: 161, protocol: 'udp', packets: 4, bytes: 500 },
        { destinationPort: null, protocol: 'icmp', packets: 2, bytes: 168 },
        { destinationPort: 443, packets: 13, bytes: 3500 },
      ][(i >>> 2) % 3]!,
    })),
    ...machine(216, 12 * 9, (i) => ({
      destinationIp: `192.168.10.${3 + (i % 8)}`,
      destinationPort: 22,
      packets: 24 + 70 * (i % 6),
      bytes: 5000 + 12_000 * (i % 6),
    })),
  ];
}
