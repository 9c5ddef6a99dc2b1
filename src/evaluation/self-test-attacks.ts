import type { LogTraits } from '../detector/attack-injection.ts';
import type { AnomalyType } from '../detector/detection.ts';
import { createRandom, type Random } from '../detector/random.ts';
import type { SourceGroup } from '../detector/trained-model.ts';
import type { LogRecord } from '../features/log-record.ts';

const SELF_TEST_ATTACK_TYPES = [
  'port_scan',
  'horizontal_scan',
  'brute_force',
  'flood',
  'slow_scan',
  'beaconing',
  'exfiltration',
] as const satisfies readonly AnomalyType[];

type SelfTestAttackType = (typeof SELF_TEST_ATTACK_TYPES)[number];

/** Beacons and exfiltration go from the inside out; the other attacks come from either side. */
const TYPES_FROM: Readonly<Record<SourceGroup, readonly SelfTestAttackType[]>> = {
  internal: SELF_TEST_ATTACK_TYPES,
  external: SELF_TEST_ATTACK_TYPES.filter((type) => type !== 'beaconing' && type !== 'exfiltration'),
};

interface SelfTestAttack {
  readonly sourceIp: string;
  readonly type: SelfTestAttackType;
}

/** One connection attempt of an attack before it is written down as a log record. */
interface Flow {
  readonly offsetMs: number;
  readonly destinationIp: string;
  readonly destinationPort: number;
  readonly protocol: 'tcp' | 'udp';
  /** Packets both ways: 1 unanswered, 2 refused (SYN and RST), 4 and more a completed exchange. */
  readonly packets: number;
  readonly bytes: number;
}

const LOGIN_TARGETS = [22, 23, 3389, 5900, 2323, 21];
const SWEEP_TARGETS = [22, 23, 80, 443, 445, 1433, 3389, 5555, 8080];
const BEACON_TARGETS = [50, 443, 4444, 6667, 8080, 8443, 1337];
const FLOOD_TARGETS = [80, 443, 53, 22, 8080];
const SYN_BYTES = 44;

export interface SelfTestAttackPlan {
  readonly count: number;
  readonly windowMs: number;
  readonly seed: number;
  readonly traits: LogTraits;
  /** Which side the attackers are on. */
  readonly group: SourceGroup;
  /** Unix ms, a multiple of windowMs; 0 when left out. */
  readonly windowStartMs?: number;
  /** Address of the n-th attacker; 240.0.0.0/4 when left out. */
  readonly sourceIpOf?: (index: number) => string;
}

/**
 * Attacks as log records, as many as asked for and of all types in turn, at intensities spread evenly over orders of
 * magnitude, each by a source of its own within one window; one source after the other, each in time order. Another
 * generator than the one training injects from, so that a model is not asked for what it was shown. Sources lie in
 * 240.0.0.0/4, which nobody uses (RFC 1112). Deterministic by seed.
 */
export function* generateAttacks({
  count,
  windowMs,
  seed,
  traits,
  group,
  windowStartMs = 0,
  sourceIpOf = reservedAddress,
}: SelfTestAttackPlan): Generator<{
  readonly attack: SelfTestAttack;
  readonly records: readonly LogRecord[];
}> {
  const random = createRandom(seed);
  for (let index = 0; index < count; index += 1) {
    const types = TYPES_FROM[group];
    const type = types[index % types.length]!;
    const sourceIp = sourceIpOf(index);
    const flows = FLOWS_OF[type]({ random, windowMs }).toSorted((a, b) => a.offsetMs - b.offsetMs);
    const records = flows.map((flow) => toRecord({ flow, sourceIp, windowStartMs, traits, random }));
    yield { attack: { sourceIp, type }, records };
  }
}

interface AttackContext {
  readonly random: Random;
  readonly windowMs: number;
}

const FLOWS_OF: Readonly<Record<SelfTestAttackType, (context: AttackContext) => Flow[]>> = {
  port_scan: ({ random, windowMs }) => {
    const target = targetAddress(random);
    const openShare = random.next() * 0.1;
    return burst({ random, windowMs, count: spread(random, 12, 400) }, () => ({
      destinationIp: target,
      destinationPort: 1 + random.nextInt(65_535),
      ...probeOutcome(random, openShare),
    }));
  },
  horizontal_scan: ({ random, windowMs }) => {
    const port = pick(random, SWEEP_TARGETS);
    const openShare = random.next() * 0.1;
    return burst({ random, windowMs, count: spread(random, 12, 400) }, () => ({
      destinationIp: targetAddress(random),
      destinationPort: port,
      ...probeOutcome(random, openShare),
    }));
  },
  brute_force: ({ random, windowMs }) => {
    const target = targetAddress(random);
    const port = pick(random, LOGIN_TARGETS);
    const completedShare = 0.3 + random.next() * 0.7;
    return burst({ random, windowMs, count: spread(random, 12, 300) }, () => ({
      destinationIp: target,
      destinationPort: port,
      ...probeOutcome(random, completedShare),
    }));
  },
  flood: ({ random, windowMs }) => {
    const target = targetAddress(random);
    const port = pick(random, FLOOD_TARGETS);
    const shape = pick(random, ['syn', 'udp', 'http'] as const);
    const perMinute = spread(random, 200, 1000);
    const count = Math.max(200, Math.round((perMinute * Math.min(windowMs, 120_000)) / 60_000));
    return burst({ random, windowMs: Math.min(windowMs, 120_000), count }, () => ({
      destinationIp: target,
      destinationPort: port,
      ...floodOutcome(random, shape),
    }));
  },
  slow_scan: ({ random, windowMs }) => {
    const target = targetAddress(random);
    const periodMs = Math.min(15_000 + random.next() * 15_000, windowMs / 10);
    return periodic({ random, windowMs, periodMs, jitter: 0.3 }, () => ({
      destinationIp: target,
      destinationPort: 1 + random.nextInt(65_535),
      ...probeOutcome(random, 0),
    }));
  },
  beaconing: ({ random, windowMs }) => {
    const target = targetAddress(random);
    const port = pick(random, BEACON_TARGETS);
    const periodMs = Math.min(5000 + random.next() * 15_000, windowMs / 15);
    const answered = random.next() < 0.5;
    return periodic({ random, windowMs, periodMs, jitter: random.next() * 0.1 }, () => ({
      destinationIp: target,
      destinationPort: port,
      ...(answered ? completed(random, 6, 120) : { protocol: 'tcp', packets: 1, bytes: SYN_BYTES }),
    }));
  },
  exfiltration: ({ random, windowMs }) => {
    const target = targetAddress(random);
    const flowBytes = spread(random, 100e6, 2e9);
    return burst({ random, windowMs, count: 2 + random.nextInt(10) }, () => ({
      destinationIp: target,
      destinationPort: 443,
      protocol: 'tcp',
      packets: Math.round(flowBytes / 1100),
      bytes: flowBytes,
    }));
  },
};

type FlowBody = Omit<Flow, 'offsetMs'>;

/** Flows at random moments of a random stretch of the window. */
function burst(
  { random, windowMs, count }: AttackContext & { readonly count: number },
  body: () => FlowBody,
): Flow[] {
  const lengthMs = windowMs * (0.2 + 0.75 * random.next());
  const startMs = (windowMs - lengthMs) * random.next();
  return Array.from({ length: count }, () => ({ offsetMs: startMs + random.next() * lengthMs, ...body() }));
}

/** Flows at a fixed period over the whole window, each moved by up to `jitter` periods. */
function periodic(
  {
    random,
    windowMs,
    periodMs,
    jitter,
  }: AttackContext & { readonly periodMs: number; readonly jitter: number },
  body: () => FlowBody,
): Flow[] {
  const flows: Flow[] = [];
  for (let offsetMs = periodMs * random.next(); offsetMs < windowMs - periodMs; offsetMs += periodMs) {
    flows.push({ offsetMs: offsetMs + random.next() * jitter * periodMs, ...body() });
  }
  return flows;
}

function probeOutcome(random: Random, completedShare: number): Pick<Flow, 'protocol' | 'packets' | 'bytes'> {
  if (random.next() < completedShare) return completed(random, 12, 130);
  const packets = random.next() < 0.5 ? 1 : 2;
  return { protocol: 'tcp', packets, bytes: SYN_BYTES * packets };
}

function floodOutcome(
  random: Random,
  shape: 'syn' | 'udp' | 'http',
): Pick<Flow, 'protocol' | 'packets' | 'bytes'> {
  if (shape === 'syn') return { protocol: 'tcp', packets: 1, bytes: SYN_BYTES };
  if (shape === 'udp') return { protocol: 'udp', packets: 1, bytes: 60 + random.nextInt(1200) };
  return completed(random, 8, 200);
}

/** A completed exchange of about `typicalPackets` packets (at least 4) of about `packetBytes` bytes. */
function completed(
  random: Random,
  typicalPackets: number,
  packetBytes: number,
): Pick<Flow, 'protocol' | 'packets' | 'bytes'> {
  const packets = 4 + random.nextInt(2 * typicalPackets - 4);
  return { protocol: 'tcp', packets, bytes: Math.round(packets * packetBytes * (0.7 + 0.6 * random.next())) };
}

function toRecord({
  flow,
  sourceIp,
  windowStartMs,
  traits,
  random,
}: {
  readonly flow: Flow;
  readonly sourceIp: string;
  readonly windowStartMs: number;
  readonly traits: LogTraits;
  readonly random: Random;
}): LogRecord {
  return {
    timestampMs: windowStartMs + flow.offsetMs,
    sourceIp,
    sourcePort: 1024 + random.nextInt(64_512),
    destinationIp: flow.destinationIp,
    destinationPort: flow.destinationPort,
    protocol: flow.protocol,
    action: traits.hasDrops && flow.packets === 1 ? 'drop' : 'accept',
    bytes: traits.hasVolumes ? flow.bytes : null,
    packets: traits.hasVolumes ? flow.packets : null,
  };
}

function reservedAddress(index: number): string {
  return `240.${(index >>> 16) & 255}.${(index >>> 8) & 255}.${index & 255}`;
}

function targetAddress(random: Random): string {
  return `198.18.${random.nextInt(256)}.${random.nextInt(256)}`;
}

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[random.nextInt(choices.length)]!;
}

/** An integer between `low` and `high`, evenly spread over orders of magnitude. */
function spread(random: Random, low: number, high: number): number {
  return Math.round(low * (high / low) ** random.next());
}
