import {
  attempt,
  beaconVolume,
  burst,
  type CampaignContext,
  type CampaignFlow,
  controlPort,
  controlVolume,
  datagrams,
  drawAnswer,
  exchange,
  floodVolume,
  periodic,
  pick,
  refused,
  scannedPort,
  spread,
  targetAddress,
  targetAddresses,
  within,
} from './campaign-flows.ts';
import type { AnomalyType } from './detection.ts';
import type { SourceGroup } from './trained-model.ts';

/**
 * Attacks as one would see them in an hour of logs, made up flow by flow, for training to put into the site's own
 * traffic. They are meant to be broad rather than true to any one tool: every kind comes at intensities and lengths
 * spread over orders of magnitude, with silent and with refusing targets, because what is learnt from them must hold
 * for attackers nobody has seen.
 */

export interface Campaign {
  /** What an operator would call it; unclassified for a few stray probes. */
  readonly type: AnomalyType;
  /** In time order, at least one. */
  readonly flows: readonly CampaignFlow[];
}

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

const LOGIN_TARGETS = [22, 23, 3389, 5900, 2323, 21, 445, 2222, 8291];
/** Echo requests without data, of most scanners, and with the data of Linux and Windows. */
const PING_SIZES = [28, 60, 84];
const FLOODED_PORTS = [80, 443, 53, 22, 8080, 25_565];
/** Each kind makes its own share of the campaigns of a group: the list is walked in turn. */
const KINDS_FROM: Readonly<Record<SourceGroup, readonly (keyof typeof CAMPAIGNS)[]>> = {
  external: [
    'portScan',
    'udpScan',
    'horizontalScan',
    'bruteForce',
    'flood',
    'probe',
    'pingSweep',
    'slowScan',
    'probe',
    'bruteForce',
    'probe',
    'slowScan',
  ],
  internal: [
    'portScan',
    'udpScan',
    'horizontalScan',
    'bruteForce',
    'pingSweep',
    'flood',
    'fatFlow',
    'probe',
    'slowScan',
    'beacon',
    'control',
    'exfiltration',
    'horizontalScan',
    'beacon',
    'control',
  ],
};

/** The `index`-th campaign of attackers on that side, over `spanMs`. */
export function drawCampaign({
  random,
  spanMs,
  group,
  index,
}: CampaignContext & { readonly group: SourceGroup; readonly index: number }): Campaign {
  const kinds = KINDS_FROM[group];
  const kind = kinds[index % kinds.length]!;
  const { type, draw } = CAMPAIGNS[kind];
  const flows = draw({ random, spanMs }).filter(({ offsetMs }) => offsetMs >= 0 && offsetMs < spanMs);
  // A slow rhythm can miss a short span altogether: then it is a single stray probe.
  const drawn = flows.length > 0 ? flows : CAMPAIGNS.probe.draw({ random, spanMs });
  return { type, flows: drawn.toSorted((a, b) => a.offsetMs - b.offsetMs) };
}

const CAMPAIGNS = {
  portScan: {
    type: 'port_scan',
    draw: (context: CampaignContext): CampaignFlow[] => {
      const { random } = context;
      const targets = targetAddresses(random, random.next() < 0.7 ? 1 : 2 + random.nextInt(4));
      const answer = drawAnswer(random, 0.1);
      const highestPort = random.next() < 0.5 ? 1024 : 65_535;
      return burst(context, spread(random, 4, 600), () => ({
        destinationIp: pick(random, targets),
        destinationPort: 1 + random.nextInt(highestPort),
        protocol: 'tcp',
        ...attempt(random, answer),
      }));
    },
  },
  udpScan: {
    type: 'port_scan',
    draw: (context: CampaignContext): CampaignFlow[] => {
      const { random } = context;
      const target = targetAddress(random);
      return burst(context, spread(random, 4, 300), () => ({
        destinationIp: target,
        destinationPort: scannedPort(random),
        protocol: 'udp',
        ...datagrams(random, 2, { from: 40, spread: 150 }),
      }));
    },
  },
  horizontalScan: {
    type: 'horizontal_scan',
    draw: (context: CampaignContext): CampaignFlow[] => {
      const { random } = context;
      const ports = random.next() < 0.7 ? [scannedPort(random)] : [scannedPort(random), scannedPort(random)];
      const answer = drawAnswer(random, 0.15);
      return burst(context, spread(random, 4, 600), () => ({
        destinationIp: targetAddress(random),
        destinationPort: pick(random, ports),
        protocol: 'tcp',
        ...attempt(random, answer),
      }));
    },
  },
  pingSweep: {
    type: 'horizontal_scan',
    draw: (context: CampaignContext): CampaignFlow[] => {
      const { random } = context;
      return burst(context, spread(random, 2, 600), () => {
        const packets = 1 + random.nextInt(2);
        return {
          destinationIp: targetAddress(random),
          destinationPort: 0,
          protocol: 'icmp',
          packets,
          bytes: packets * pick(random, PING_SIZES),
        };
      });
    },
  },
  bruteForce: {
    type: 'brute_force',
    draw: (context: CampaignContext): CampaignFlow[] => {
      const { random, spanMs } = context;
      const target = targetAddress(random);
      const port = pick(random, LOGIN_TARGETS);
      const served = random.next() < 0.5 ? 1 : random.next();
      const body = (): Omit<CampaignFlow, 'offsetMs'> => ({
        destinationIp: target,
        destinationPort: port,
        protocol: 'tcp',
        ...(random.next() < served ? exchange(random, 6, 30, 120) : refused(random)),
      });
      if (random.next() < 0.5) return burst(context, spread(random, 3, 400), body);
      return periodic(context, { periodMs: spanMs / spread(random, 6, 300), jitter: random.next() }, body);
    },
  },
  flood: {
    type: 'flood',
    draw: ({ random, spanMs }: CampaignContext): CampaignFlow[] => {
      const target = targetAddress(random);
      const port = random.next() < 0.85 ? pick(random, FLOODED_PORTS) : scannedPort(random);
      const shape = pick(random, ['syn', 'udp', 'http'] as const);
      const lengthMs = Math.min(spanMs, pick(random, [20 * SECOND_MS, MINUTE_MS, 2 * MINUTE_MS]));
      return within(random, { count: spread(random, 150, 1500), lengthMs, spanMs }, () => ({
        destinationIp: target,
        destinationPort: port,
        protocol: shape === 'udp' ? 'udp' : 'tcp',
        ...floodVolume(random, shape),
      }));
    },
  },
  /** A flood whose packets the log sums up in a flow or two. */
  fatFlow: {
    type: 'flood',
    draw: (context: CampaignContext): CampaignFlow[] => {
      const { random } = context;
      const target = targetAddress(random);
      const port = scannedPort(random);
      return burst(context, 1 + random.nextInt(3), () => ({
        destinationIp: target,
        destinationPort: port,
        protocol: random.next() < 0.6 ? 'udp' : 'tcp',
        ...exchange(random, 10_000, 1_000_000, 600),
      }));
    },
  },
  probe: {
    type: 'unclassified',
    draw: (context: CampaignContext): CampaignFlow[] => {
      const { random, spanMs } = context;
      const target = targetAddress(random);
      const answer = drawAnswer(random, 0.25);
      const port = scannedPort(random);
      const changesPort = random.next() < 0.5;
      const isUdp = random.next() < 0.15;
      const lengthMs = Math.min(spanMs, pick(random, [5 * SECOND_MS, MINUTE_MS, 20 * MINUTE_MS, spanMs]));
      return within(random, { count: 1 + random.nextInt(3), lengthMs, spanMs }, () => ({
        destinationIp: target,
        destinationPort: changesPort ? scannedPort(random) : port,
        ...(isUdp
          ? { protocol: 'udp', ...datagrams(random, 2, { from: 30, spread: 200 }) }
          : { protocol: 'tcp', ...attempt(random, answer) }),
      }));
    },
  },
  slowScan: {
    type: 'slow_scan',
    draw: (context: CampaignContext): CampaignFlow[] => {
      const { random, spanMs } = context;
      const targets = targetAddresses(random, random.next() < 0.5 ? 1 : spread(random, 2, 60));
      const answer = drawAnswer(random, 0.1);
      const onePort = random.next() < 0.4 ? scannedPort(random) : null;
      const rhythm = { periodMs: spanMs / spread(random, 4, 240), jitter: random.next() };
      return periodic(context, rhythm, () => ({
        destinationIp: pick(random, targets),
        destinationPort: onePort ?? scannedPort(random),
        protocol: 'tcp',
        ...attempt(random, answer),
      }));
    },
  },
  beacon: {
    type: 'beaconing',
    draw: ({ random, spanMs }: CampaignContext): CampaignFlow[] => {
      const targets = targetAddresses(random, random.next() < 0.7 ? 1 : 2);
      const port = controlPort(random);
      const volumeOf = beaconVolume(random);
      const activeMs = random.next() < 0.7 ? spanMs : spanMs / 6;
      const rhythm = { periodMs: spread(random, 4 * SECOND_MS, 10 * MINUTE_MS), jitter: random.next() * 0.3 };
      return periodic({ random, spanMs: activeMs }, rhythm, () => ({
        destinationIp: pick(random, targets),
        destinationPort: port,
        protocol: 'tcp',
        ...volumeOf(),
      }));
    },
  },
  /** A session of remote control: orders, downloads, calls in vain. */
  control: {
    type: 'beaconing',
    draw: (context: CampaignContext): CampaignFlow[] => {
      const { random } = context;
      const target = targetAddress(random);
      const port = controlPort(random);
      return burst(context, spread(random, 1, 40), () => ({
        destinationIp: target,
        destinationPort: port,
        protocol: 'tcp',
        ...controlVolume(random),
      }));
    },
  },
  exfiltration: {
    type: 'exfiltration',
    draw: (context: CampaignContext): CampaignFlow[] => {
      const { random } = context;
      const target = targetAddress(random);
      const port = scannedPort(random);
      return burst(context, spread(random, 1, 20), () => ({
        destinationIp: target,
        destinationPort: port,
        protocol: 'tcp',
        ...exchange(random, 3000, 300_000, 900),
      }));
    },
  },
} as const satisfies Readonly<
  Record<string, { readonly type: AnomalyType; readonly draw: (context: CampaignContext) => CampaignFlow[] }>
>;
