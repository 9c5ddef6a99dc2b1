import type { AnomalyType } from '../detector/detection.ts';
import { createRandom, deriveSeed, type Random, shuffled } from '../detector/random.ts';
import type { LogRecord } from '../features/log-record.ts';
import { between, completedFlow, droppedProbe, pick, refusedProbe, waitMs } from './synthetic-flows.ts';
import { BASTION, MAIL_SERVER, PUBLISHED_PREFIX, WEB_SERVER } from './synthetic-site.ts';

export type CampaignKind =
  | 'port_scan'
  | 'horizontal_scan'
  | 'brute_force'
  | 'syn_udp_flood'
  | 'http_flood'
  | 'slow_scan';

/** One attacker at work. */
export interface SyntheticCampaign {
  readonly kind: CampaignKind;
  /** Canonical; attacks over its own address family. Used by one campaign only. */
  readonly sourceIp: string;
  readonly startMs: number;
  /** No flow at or after it. */
  readonly endMs: number;
}

/** What the detector should call each kind. */
export const ATTACK_OF_KIND: Readonly<Record<CampaignKind, AnomalyType>> = {
  port_scan: 'port_scan',
  horizontal_scan: 'horizontal_scan',
  brute_force: 'brute_force',
  syn_udp_flood: 'flood',
  http_flood: 'flood',
  slow_scan: 'slow_scan',
};

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
/** Attacks that are to be found now begin within this time before the end. */
const RECENT_MS = HOUR_MS;
/** Below this there is no "earlier in the week". */
const MIN_HISTORY_MS = 6 * HOUR_MS;

/** Minutes before the end at which each recent attacker starts, and minutes it lasts. */
const RECENT: readonly { kind: CampaignKind; v6?: true; startsMinutes: number; lastsMinutes: number }[] = [
  { kind: 'slow_scan', startsMinutes: 59, lastsMinutes: 58 },
  { kind: 'port_scan', startsMinutes: 52, lastsMinutes: 5 },
  { kind: 'brute_force', startsMinutes: 48, lastsMinutes: 40 },
  { kind: 'horizontal_scan', startsMinutes: 41, lastsMinutes: 5 },
  { kind: 'syn_udp_flood', startsMinutes: 33, lastsMinutes: 4 },
  { kind: 'port_scan', v6: true, startsMinutes: 26, lastsMinutes: 4 },
  { kind: 'http_flood', startsMinutes: 18, lastsMinutes: 5 },
];

/** Place in the history (0 = its start, 1 = the last hour) and minutes of the attackers of the days before. */
const EARLIER: readonly { kind: CampaignKind; v6?: true; place: number; lastsMinutes: number }[] = [
  { kind: 'port_scan', place: 0.11, lastsMinutes: 5 },
  { kind: 'brute_force', place: 0.23, lastsMinutes: 90 },
  { kind: 'horizontal_scan', place: 0.34, lastsMinutes: 5 },
  { kind: 'syn_udp_flood', place: 0.48, lastsMinutes: 2 },
  { kind: 'brute_force', v6: true, place: 0.57, lastsMinutes: 45 },
  { kind: 'slow_scan', place: 0.66, lastsMinutes: 240 },
  { kind: 'http_flood', place: 0.82, lastsMinutes: 2 },
];

/** The attackers of a demo week: some earlier, so that what the detector learns from is not clean, and the recent ones. */
export function planCampaigns(span: { startMs: number; endMs: number; seed: number }): SyntheticCampaign[] {
  const random = createRandom(deriveSeed(span.seed, 'campaigns'));
  const address = attackerAddresses(random);
  const historyMs = span.endMs - RECENT_MS - span.startMs;
  const jitter = (): number => (random.next() - 0.5) * MINUTE_MS;
  const earlier = historyMs < MIN_HISTORY_MS ? [] : EARLIER;
  const plan = (kind: CampaignKind, v6: true | undefined, startMs: number, lastsMinutes: number) => ({
    kind,
    sourceIp: address(v6 === true),
    startMs: Math.max(span.startMs, startMs),
    endMs: Math.min(span.endMs, startMs + lastsMinutes * MINUTE_MS),
  });
  return [
    ...earlier.map(({ kind, v6, place, lastsMinutes }) =>
      plan(kind, v6, span.startMs + (place + 0.04 * random.next()) * historyMs, lastsMinutes),
    ),
    ...RECENT.map(({ kind, v6, startsMinutes, lastsMinutes }) =>
      plan(kind, v6, span.endMs - startsMinutes * MINUTE_MS + jitter(), lastsMinutes),
    ),
  ];
}

/** Attackers live in 198.51.100.0/24 and 2001:db8:bad::/48; no address is given out twice. */
function attackerAddresses(random: Random): (v6: boolean) => string {
  const hosts = Array.from({ length: 240 }, (_, i) => 1 + i);
  return (v6) => {
    const [host] = hosts.splice(random.nextInt(hosts.length), 1);
    return v6 ? `2001:db8:bad::${host!.toString(16)}` : `198.51.100.${host!}`;
  };
}

/** The flows of one campaign in order of time. */
export function campaignFlows(campaign: SyntheticCampaign, seed: number): Iterable<LogRecord> {
  const random = createRandom(deriveSeed(seed, `campaign ${campaign.sourceIp}`));
  return STEPS[campaign.kind](campaign, random);
}

type Steps = (campaign: SyntheticCampaign, random: Random) => Generator<LogRecord>;

const STEPS: Readonly<Record<CampaignKind, Steps>> = {
  port_scan: portScan,
  horizontal_scan: horizontalScan,
  brute_force: bruteForce,
  syn_udp_flood: synUdpFlood,
  http_flood: httpFlood,
  slow_scan: slowScan,
};

/** A scanner that finds a port open asks what speaks there. */
const BANNER_GRAB = { protocol: 'tcp', packets: [6, 12], bytesPerPacket: [100, 200] } as const;
const LOGIN_ATTEMPT = { protocol: 'tcp', packets: [14, 26], bytesPerPacket: [110, 190] } as const;
const PAGE_REQUEST = { protocol: 'tcp', packets: [7, 12], bytesPerPacket: [120, 500] } as const;
const HALF_OPEN = { protocol: 'udp', packets: [1, 3], bytesPerPacket: [60, 1200] } as const;

const OPEN_PORTS: ReadonlySet<number> = new Set([22, 80, 443]);
const SCANNED_SERVICES = [23, 445, 2323, 3389];

/** Times from the start of the campaign to its end with exponential gaps. */
function* beats(campaign: SyntheticCampaign, random: Random, meanGapMs: number): Generator<number> {
  for (let at = campaign.startMs; at < campaign.endMs; at += waitMs(random, meanGapMs)) yield at;
}

function target(campaign: SyntheticCampaign, server: { readonly v4: string; readonly v6: string }): string {
  return campaign.sourceIp.includes(':') ? server.v6 : server.v4;
}

/** 500 to 900 ports of one server without a firewall of its own, each once: most meet a reset, the open ones answer. */
function* portScan(campaign: SyntheticCampaign, random: Random): Generator<LogRecord> {
  const { sourceIp } = campaign;
  const destinationIp = target(campaign, WEB_SERVER);
  const ports = shuffled(
    Array.from({ length: between(random, [500, 900]) }, (_, i) => 1 + i),
    random,
  );
  const meanGapMs = (campaign.endMs - campaign.startMs) / (ports.length * 1.1);
  for (const atMs of beats(campaign, random, meanGapMs)) {
    const destinationPort = ports.pop();
    if (destinationPort === undefined) return;
    const start = { atMs, sourceIp, destinationIp, destinationPort };
    if (OPEN_PORTS.has(destinationPort)) yield completedFlow(random, start, BANNER_GRAB);
    else yield random.next() < 0.85 ? refusedProbe(random, start) : droppedProbe(random, start);
  }
}

/** One service on every address of the published network. */
function* horizontalScan(campaign: SyntheticCampaign, random: Random): Generator<LogRecord> {
  const { sourceIp } = campaign;
  const destinationPort = pick(random, SCANNED_SERVICES);
  const hosts = shuffled(
    Array.from({ length: 254 }, (_, i) => 1 + i),
    random,
  );
  const meanGapMs = (campaign.endMs - campaign.startMs) / (hosts.length * 1.1);
  for (const atMs of beats(campaign, random, meanGapMs)) {
    const host = hosts.pop();
    if (host === undefined) return;
    yield droppedProbe(random, {
      atMs,
      sourceIp,
      destinationIp: `${PUBLISHED_PREFIX}${host}`,
      destinationPort,
    });
  }
}

/** One login attempt after the other on the SSH bastion, every one a short completed connection. */
function* bruteForce(campaign: SyntheticCampaign, random: Random): Generator<LogRecord> {
  const { sourceIp } = campaign;
  const destinationIp = target(campaign, BASTION);
  const meanGapMs = between(random, [1500, 3500]);
  for (const atMs of beats(campaign, random, meanGapMs))
    yield completedFlow(random, { atMs, sourceIp, destinationIp, destinationPort: 22 }, LOGIN_ATTEMPT);
}

/** SYNs and UDP datagrams as fast as they go; a rate limit drops two thirds. */
function* synUdpFlood(campaign: SyntheticCampaign, random: Random): Generator<LogRecord> {
  const { sourceIp } = campaign;
  const destinationIp = target(campaign, WEB_SERVER);
  const meanGapMs = SECOND_MS / between(random, [20, 30]);
  for (const atMs of beats(campaign, random, meanGapMs)) {
    const start = { atMs, sourceIp, destinationIp, destinationPort: random.next() < 0.8 ? 443 : 80 };
    const kind = random.next();
    if (kind < 0.67) yield droppedProbe(random, start, kind < 0.4 ? 'tcp' : 'udp');
    else yield kind < 0.85 ? refusedProbe(random, start) : completedFlow(random, start, HALF_OPEN);
  }
}

/** Small complete page requests, many a second: nothing about a single one is wrong. */
function* httpFlood(campaign: SyntheticCampaign, random: Random): Generator<LogRecord> {
  const { sourceIp } = campaign;
  const destinationIp = target(campaign, WEB_SERVER);
  // A browser with a page of many parts asks this often for a second; only a machine does for minutes.
  const meanGapMs = SECOND_MS / between(random, [25, 40]);
  for (const atMs of beats(campaign, random, meanGapMs))
    yield completedFlow(random, { atMs, sourceIp, destinationIp, destinationPort: 443 }, PAGE_REQUEST);
}

/** One dropped probe every 20 to 25 seconds, on any port of a few servers: under every rate limit. */
function* slowScan(campaign: SyntheticCampaign, random: Random): Generator<LogRecord> {
  const { sourceIp } = campaign;
  const servers = [WEB_SERVER, MAIL_SERVER, BASTION];
  let atMs = campaign.startMs + random.next() * SECOND_MS;
  for (; atMs < campaign.endMs; atMs += between(random, [20_000, 25_000])) {
    const destinationIp = target(campaign, pick(random, servers));
    // From 1024 on nothing is published, so every probe is dropped.
    yield droppedProbe(random, {
      atMs,
      sourceIp,
      destinationIp,
      destinationPort: between(random, [1024, 49_151]),
    });
  }
}
