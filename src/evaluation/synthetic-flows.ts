import { naturalLog } from '../detector/portable-math.ts';
import type { Random } from '../detector/random.ts';
import type { LogRecord } from '../features/log-record.ts';

/** One flow about to be written: when, between whom. */
export interface FlowStart {
  readonly atMs: number;
  readonly sourceIp: string;
  readonly destinationIp: string;
  readonly destinationPort: number;
}

/** Closed range of whole numbers. */
export type Range = readonly [min: number, max: number];

const HOUR_MS = 3_600_000;
const FIRST_EPHEMERAL_PORT = 32_768;
const LAST_EPHEMERAL_PORT = 60_999;
/** A TCP connection is opened and closed in no fewer packets, both directions together. */
const MIN_COMPLETED_PACKETS = 4;
const SYN_BYTES = 60;
const RST_BYTES = 40;

/** Flow that both sides took part in: handshake, data, close. Packets and bytes are both directions together. */
export function completedFlow(
  random: Random,
  start: FlowStart,
  size: {
    readonly protocol: 'tcp' | 'udp';
    readonly packets: Range;
    readonly bytesPerPacket: Range;
  },
): LogRecord {
  const drawn = between(random, size.packets);
  const packets = size.protocol === 'tcp' ? Math.max(MIN_COMPLETED_PACKETS, drawn) : drawn;
  const bytes = Math.round(packets * between(random, size.bytesPerPacket) * (0.9 + 0.2 * random.next()));
  return flow(random, start, { protocol: size.protocol, action: 'accept', packets, bytes });
}

/** First packet of a connection that the firewall threw away. */
export function droppedProbe(random: Random, start: FlowStart, protocol: 'tcp' | 'udp' = 'tcp'): LogRecord {
  return flow(random, start, { protocol, action: 'drop', packets: 1, bytes: SYN_BYTES });
}

/** SYN that the host itself refused with a reset. */
export function refusedProbe(random: Random, start: FlowStart): LogRecord {
  return flow(random, start, { protocol: 'tcp', action: 'accept', packets: 2, bytes: SYN_BYTES + RST_BYTES });
}

function flow(
  random: Random,
  { atMs, sourceIp, destinationIp, destinationPort }: FlowStart,
  rest: Pick<LogRecord, 'protocol' | 'action' | 'bytes' | 'packets'>,
): LogRecord {
  const sourcePort = between(random, [FIRST_EPHEMERAL_PORT, LAST_EPHEMERAL_PORT]);
  return { timestampMs: atMs, sourceIp, sourcePort, destinationIp, destinationPort, ...rest };
}

/** Whole number of the range, each as likely. */
export function between(random: Random, [min, max]: Range): number {
  return min + random.nextInt(max - min + 1);
}

/** One of the items, each as likely. */
export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.nextInt(items.length)]!;
}

/** One of the items, the early ones far more often: names and sites are visited by their rank. */
export function pickPopular<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(items.length * random.next() ** 3)]!;
}

/** Exponentially distributed waiting time with this mean. */
export function waitMs(random: Random, meanMs: number): number {
  return -meanMs * naturalLog(1 - random.next());
}

/** Times of a Poisson process whose rate follows the clock: `perHour` times `activity(t)`, activity in 0..1. */
export function* arrivals(
  random: Random,
  span: { readonly startMs: number; readonly endMs: number },
  rate: { readonly perHour: number; readonly activity: (atMs: number) => number },
): Generator<number> {
  const meanMs = HOUR_MS / rate.perHour;
  // Thinning (Lewis and Shedler 1979): draw at the highest rate, keep each time with its share of it.
  for (let at = span.startMs + waitMs(random, meanMs); at < span.endMs; at += waitMs(random, meanMs))
    if (random.next() < rate.activity(at)) yield at;
}
