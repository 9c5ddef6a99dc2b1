import type { Random } from './random.ts';

/** One connection attempt. */
export interface CampaignFlow {
  /** Milliseconds from the start of the campaign's time, in [0, spanMs). */
  readonly offsetMs: number;
  readonly destinationIp: string;
  readonly destinationPort: number;
  /** For icmp the port is 0 and means nothing. */
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  /** Both directions. */
  readonly packets: number;
  readonly bytes: number;
}

/** The randomness of a campaign and the time it may take. */
export interface CampaignContext {
  readonly random: Random;
  readonly spanMs: number;
}

type Body = Omit<CampaignFlow, 'offsetMs'>;
type Volume = Pick<CampaignFlow, 'packets' | 'bytes'>;

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

/** What Internet-wide scans ask for most (the services of the yearly Shadowserver and GreyNoise reports). */
const SCANNED_PORTS = [
  22, 23, 80, 443, 445, 1433, 3389, 5555, 8080, 8443, 5900, 3306, 6379, 2375, 9200, 27_017, 5060, 81, 8000,
  8888, 7547, 37_215, 52_869, 2323, 25, 110, 143, 21, 53, 123, 161, 1900, 11_211, 8728, 8291,
];
const CONTROL_PORTS = [443, 80, 4444, 6667, 8080, 8443, 1604, 9001, 5552, 7777, 3333, 2404];
/** Bytes of a bare SYN with the usual options over IPv4. */
const SYN_SIZES = [40, 44, 48, 52, 60];
const RST_BYTES = 40;
/** IPv4 and UDP headers: no datagram is smaller. */
const UDP_HEADER_BYTES = 28;

/** Flows at random moments of a stretch that lasts from seconds to the whole span. */
export function burst({ random, spanMs }: CampaignContext, count: number, body: () => Body): CampaignFlow[] {
  const lengthMs = pick(random, [20 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, 20 * MINUTE_MS, spanMs]);
  return within(random, { count, lengthMs: Math.min(spanMs, lengthMs), spanMs }, body);
}

export function within(
  random: Random,
  { count, lengthMs, spanMs }: { readonly count: number; readonly lengthMs: number; readonly spanMs: number },
  body: () => Body,
): CampaignFlow[] {
  const startMs = (spanMs - lengthMs) * random.next();
  return Array.from({ length: count }, () => ({ offsetMs: startMs + random.next() * lengthMs, ...body() }));
}

/** Flows at a fixed period, each moved by up to half a `jitter` of periods either way. */
export function periodic(
  { random, spanMs }: CampaignContext,
  { periodMs, jitter }: { readonly periodMs: number; readonly jitter: number },
  body: () => Body,
): CampaignFlow[] {
  const flows: CampaignFlow[] = [];
  for (let atMs = periodMs * random.next(); atMs < spanMs; atMs += periodMs) {
    const moved = atMs + jitter * periodMs * (random.next() - 0.5);
    flows.push({ offsetMs: Math.max(0, moved), ...body() });
  }
  return flows;
}

/** How the targets of a campaign answer: share of open services, and silence or refusal otherwise. */
interface Answer {
  readonly openShare: number;
  readonly isSilent: boolean;
}

export function drawAnswer(random: Random, mostOpen: number): Answer {
  return { openShare: random.next() * mostOpen, isSilent: random.next() < 0.5 };
}

export function attempt(random: Random, { openShare, isSilent }: Answer): Volume {
  if (random.next() < openShare) return exchange(random, 4, 12, 90);
  return isSilent ? unanswered(random) : refused(random);
}

/** SYNs only. */
function unanswered(random: Random): Volume {
  const packets = random.next() < 0.7 ? 1 : 1 + random.nextInt(3);
  return { packets, bytes: packets * pick(random, SYN_SIZES) };
}

/** SYN and RST, now and then repeated. */
export function refused(random: Random): Volume {
  const times = random.next() < 0.8 ? 1 : 1 + random.nextInt(3);
  return { packets: 2 * times, bytes: times * (pick(random, SYN_SIZES) + RST_BYTES) };
}

/** A completed exchange of a number of packets spread evenly over orders of magnitude. */
export function exchange(random: Random, fewest: number, most: number, packetBytes: number): Volume {
  const packets = spread(random, fewest, most);
  return { packets, bytes: Math.round(packets * packetBytes * (0.6 + 0.8 * random.next())) };
}

/** Datagrams of one flow; `bytes` are those of all of them. */
export function datagrams(
  random: Random,
  mostPackets: number,
  bytes: { from: number; spread: number },
): Volume {
  const packets = 1 + random.nextInt(mostPackets);
  return { packets, bytes: Math.max(packets * UDP_HEADER_BYTES, bytes.from + random.nextInt(bytes.spread)) };
}

export function floodVolume(random: Random, shape: 'syn' | 'udp' | 'http'): Volume {
  if (shape === 'syn') return { packets: 1, bytes: 44 };
  if (shape === 'udp') return datagrams(random, 3, { from: 60, spread: 1200 });
  return exchange(random, 4, 16, 200);
}

/** Calls in vain, calls of one size, or calls of any size. */
export function beaconVolume(random: Random): () => Volume {
  const kind = pick(random, ['vain', 'alike', 'any'] as const);
  if (kind === 'vain') return () => unanswered(random);
  if (kind === 'any') return () => exchange(random, 4, 60, 150);
  const volume = exchange(random, 4, 40, 140);
  return () => volume;
}

export function controlVolume(random: Random): Volume {
  const part = random.next();
  if (part < 0.4) return exchange(random, 4, 40, 120);
  return part < 0.7 ? exchange(random, 40, 4000, 700) : unanswered(random);
}

export function scannedPort(random: Random): number {
  return random.next() < 0.5 ? pick(random, SCANNED_PORTS) : 1 + random.nextInt(65_535);
}

export function controlPort(random: Random): number {
  return random.next() < 0.5 ? pick(random, CONTROL_PORTS) : 1 + random.nextInt(65_535);
}

/** In the range for benchmarks, which no site has (RFC 2544). */
export function targetAddress(random: Random): string {
  return `198.${18 + random.nextInt(2)}.${random.nextInt(256)}.${random.nextInt(256)}`;
}

export function targetAddresses(random: Random, count: number): string[] {
  return Array.from({ length: count }, () => targetAddress(random));
}

export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[random.nextInt(choices.length)]!;
}

/** An integer between `low` and `high`, evenly spread over orders of magnitude. */
export function spread(random: Random, low: number, high: number): number {
  return Math.round(low * (high / low) ** random.next());
}
