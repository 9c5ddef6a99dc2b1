import { createRandom, type Random } from '../detector/random.ts';
import type { SourceGroup } from '../detector/trained-model.ts';
import type { LogRecord } from '../features/log-record.ts';

/** One harmless connection before it is written down. */
interface Flow {
  readonly destinationIp: string;
  readonly destinationPort: number;
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  readonly packets: number;
  readonly bytes: number;
}

interface Role {
  readonly group: SourceGroup;
  /** Relative frequency among the samples. */
  readonly weight: number;
  /** Flows of one window. */
  readonly flows: (random: Random) => Flow[];
  /** Share of the window the flows are spread over, at most. */
  readonly spread: number;
}

const PUBLISHED_SERVER = '198.51.100.10';
const RESOLVER = '10.0.0.53';

/** What people and machines do in five minutes; loud ones included, because they are what detectors trip over. */
const ROLES: Readonly<Record<string, Role>> = {
  officePc: { group: 'internal', weight: 30, spread: 1, flows: (random) => browse(random, 15, 180) },
  quietPc: { group: 'internal', weight: 14, spread: 1, flows: (random) => browse(random, 1, 15) },
  device: { group: 'internal', weight: 8, spread: 1, flows: deviceChatter },
  resolver: { group: 'internal', weight: 1, spread: 1, flows: resolveNames },
  backupServer: { group: 'internal', weight: 1, spread: 1, flows: backUp },
  monitoring: { group: 'internal', weight: 1, spread: 1, flows: watch },
  administrator: { group: 'internal', weight: 2, spread: 0.8, flows: administer },
  webClient: { group: 'external', weight: 26, spread: 0.6, flows: (random) => visit(random, 1, 60) },
  officeBehindNat: { group: 'external', weight: 3, spread: 1, flows: (random) => visit(random, 80, 500) },
  mailServer: { group: 'external', weight: 8, spread: 0.8, flows: deliverMail },
  vpnClient: { group: 'external', weight: 4, spread: 1, flows: keepTunnel },
  forgetfulUser: { group: 'external', weight: 2, spread: 0.5, flows: mistypePassword },
};

const ROLE_LIST = Object.values(ROLES);
const TOTAL_WEIGHT = ROLE_LIST.reduce((sum, role) => sum + role.weight, 0);

/**
 * Harmless entities, each a source of its own within one window starting at 0, with loud ones in their true
 * proportion. Inside sources lie in 10.1.0.0/16 and up, outside ones in 100.128.0.0/9. Deterministic by seed.
 */
export function* generateNormalSamples({
  count,
  windowMs,
  seed,
}: {
  readonly count: number;
  readonly windowMs: number;
  readonly seed: number;
}): Generator<{ readonly sourceIp: string; readonly records: readonly LogRecord[] }> {
  const random = createRandom(seed);
  for (let index = 0; index < count; index += 1) {
    const role = pickRole(random);
    const low = `${(index >>> 8) & 255}.${index & 255}`;
    const sourceIp =
      role.group === 'internal' ? `10.${1 + (index >>> 16)}.${low}` : `100.${128 + (index >>> 16)}.${low}`;
    const startMs = random.next() * (1 - role.spread) * windowMs;
    const records = role
      .flows(random)
      .map((flow) =>
        toRecord({ flow, sourceIp, random, timestampMs: startMs + random.next() * role.spread * windowMs }),
      )
      .sort((left, right) => left.timestampMs - right.timestampMs);
    yield { sourceIp, records };
  }
}

function pickRole(random: Random): Role {
  let left = random.next() * TOTAL_WEIGHT;
  for (const role of ROLE_LIST) {
    left -= role.weight;
    if (left < 0) return role;
  }
  return ROLE_LIST.at(-1)!;
}

function browse(random: Random, fewest: number, most: number): Flow[] {
  return repeat(between(random, fewest, most), () => {
    const what = random.next();
    if (what < 0.3)
      return { destinationIp: RESOLVER, destinationPort: 53, protocol: 'udp', packets: 2, bytes: 220 };
    if (what < 0.34)
      return { ...webTarget(random), protocol: 'tcp', packets: 1 + random.nextInt(3), bytes: 120 };
    if (what < 0.5) return { ...webTarget(random), protocol: 'udp', ...volume(random, 60, 900) };
    return { ...webTarget(random), protocol: 'tcp', ...volume(random, 40, 700) };
  });
}

function webTarget(random: Random): Pick<Flow, 'destinationIp' | 'destinationPort'> {
  const destinationPort = random.next() < 0.92 ? 443 : random.next() < 0.8 ? 80 : 993;
  return { destinationIp: `203.0.${random.nextInt(4)}.${random.nextInt(20)}`, destinationPort };
}

function deviceChatter(random: Random): Flow[] {
  return repeat(between(random, 1, 8), () =>
    random.next() < 0.4
      ? { destinationIp: '203.0.113.123', destinationPort: 123, protocol: 'udp', packets: 2, bytes: 152 }
      : { destinationIp: '203.0.113.88', destinationPort: 8883, protocol: 'tcp', ...volume(random, 14, 180) },
  );
}

function resolveNames(random: Random): Flow[] {
  return repeat(between(random, 150, 600), () => ({
    destinationIp: `192.${random.nextInt(200)}.${random.nextInt(256)}.53`,
    destinationPort: 53,
    protocol: random.next() < 0.97 ? 'udp' : 'tcp',
    packets: 2 + random.nextInt(8),
    bytes: 1500,
  }));
}

function backUp(random: Random): Flow[] {
  return repeat(between(random, 1, 5), () => ({
    destinationIp: '10.0.0.40',
    destinationPort: 445,
    protocol: 'tcp',
    ...volume(random, 2_000_000, 1200),
  }));
}

function watch(random: Random): Flow[] {
  return repeat(between(random, 30, 120), () => {
    const destinationIp = `10.0.1.${random.nextInt(60)}`;
    if (random.next() < 0.4)
      return { destinationIp, destinationPort: 8, protocol: 'icmp', packets: 2, bytes: 168 };
    if (random.next() < 0.6)
      return { destinationIp, destinationPort: 161, protocol: 'udp', packets: 4, bytes: 480 };
    return { destinationIp, destinationPort: 443, protocol: 'tcp', ...volume(random, 12, 250) };
  });
}

function administer(random: Random): Flow[] {
  const logins = repeat(between(random, 1, 5), () => ({
    destinationIp: `10.0.1.${random.nextInt(60)}`,
    destinationPort: random.next() < 0.7 ? 22 : 3389,
    protocol: 'tcp' as const,
    ...volume(random, 400, 180),
  }));
  return [...logins, ...browse(random, 3, 40)];
}

function visit(random: Random, fewest: number, most: number): Flow[] {
  return repeat(between(random, fewest, most), () => {
    const target = { destinationIp: PUBLISHED_SERVER, destinationPort: random.next() < 0.9 ? 443 : 80 };
    if (random.next() < 0.05)
      return { ...target, protocol: 'tcp', packets: 1 + random.nextInt(3), bytes: 120 };
    return { ...target, protocol: 'tcp', ...volume(random, 20, 600) };
  });
}

function deliverMail(random: Random): Flow[] {
  return repeat(between(random, 1, 12), () => ({
    destinationIp: '198.51.100.25',
    destinationPort: 25,
    protocol: 'tcp',
    ...volume(random, 30, 500),
  }));
}

function keepTunnel(random: Random): Flow[] {
  return repeat(between(random, 1, 4), () => ({
    destinationIp: PUBLISHED_SERVER,
    destinationPort: 51_820,
    protocol: 'udp',
    ...volume(random, 3000, 600),
  }));
}

function mistypePassword(random: Random): Flow[] {
  return repeat(between(random, 1, 4), () => ({
    destinationIp: '198.51.100.22',
    destinationPort: 22,
    protocol: 'tcp',
    ...volume(random, 25, 150),
  }));
}

/** Packets around `typical` over a decade, at least 5, and the bytes that go with them. */
function volume(random: Random, typical: number, packetBytes: number): Pick<Flow, 'packets' | 'bytes'> {
  const packets = Math.max(5, Math.round(typical * 10 ** (random.next() - 0.5)));
  return { packets, bytes: Math.round(packets * packetBytes * (0.7 + 0.6 * random.next())) };
}

function toRecord({
  flow,
  sourceIp,
  timestampMs,
  random,
}: {
  readonly flow: Flow;
  readonly sourceIp: string;
  readonly timestampMs: number;
  readonly random: Random;
}): LogRecord {
  return {
    timestampMs,
    sourceIp,
    sourcePort: 1024 + random.nextInt(64_512),
    destinationIp: flow.destinationIp,
    destinationPort: flow.destinationPort,
    protocol: flow.protocol,
    action: 'accept',
    bytes: flow.bytes,
    packets: flow.packets,
  };
}

function repeat(count: number, make: () => Flow): Flow[] {
  return Array.from({ length: count }, make);
}

/** An integer between `low` and `high`, evenly spread over orders of magnitude. */
function between(random: Random, low: number, high: number): number {
  return Math.round(low * (high / low) ** random.next());
}
