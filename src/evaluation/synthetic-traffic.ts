import type { AnomalyType } from '../detector/detection.ts';
import { createRandom, deriveSeed } from '../detector/random.ts';
import type { LogRecord } from '../features/log-record.ts';
import { mergeByTime } from './merge-by-time.ts';
import { ATTACK_OF_KIND, campaignFlows, planCampaigns, type SyntheticCampaign } from './synthetic-attacks.ts';
import { BEHAVIOURS } from './synthetic-benign.ts';
import { createSiteClock } from './synthetic-clock.ts';
import { type BenignRole, planSite, type Site, type SiteSize } from './synthetic-site.ts';

/**
 * Made-up traffic of an office network, for the demo and for self-tests. It is as realistic as its behaviours, no more:
 * what a detector reaches on it says that the machinery works, not how well it does on real traffic.
 */
export interface SyntheticTrafficOptions {
  /** Unix ms of the first and (exclusive) of the last possible record; at least one hour apart. */
  readonly startMs: number;
  readonly endMs: number;
  /** Another seed is another week: other addresses, times and sizes. */
  readonly seed: number;
  /** Hosts of the office network; 120 when left out. */
  readonly lanHostCount?: number;
  /** Web clients, mail relays, crawlers and monitors outside; 300 when left out. */
  readonly externalClientCount?: number;
  /** Outside addresses that send one to three dropped packets in all; 1,500 when left out. */
  readonly noiseSourceCount?: number;
  /** Who attacks; the demo's attackers when left out, nobody when empty. Addresses must differ. */
  readonly campaigns?: readonly SyntheticCampaign[];
}

/** What is true of one source address of the generated traffic. */
export interface SyntheticSource {
  readonly sourceIp: string;
  readonly role: BenignRole | 'attacker';
  /** What it does; null for everyone but attackers. Background noise is unwanted, but no attack. */
  readonly attack: AnomalyType | null;
  /** Unix ms between which it sends. */
  readonly activeFromMs: number;
  readonly activeToMs: number;
}

const MIN_SPAN_MS = 3_600_000;

/**
 * The records in order of time, made while they are read. The same options give the same records.
 * Seven days at the default sizes are about 275,000. Throws RangeError when the span is under an hour.
 */
export function* generateSyntheticTraffic(options: SyntheticTrafficOptions): Generator<LogRecord> {
  const { seed } = options;
  const { site, campaigns } = plan(options);
  yield* mergeByTime([
    ...benignStreams(options, site),
    ...campaigns.map((campaign) => campaignFlows(campaign, seed)),
  ]);
}

/** The truth about every source address that may occur in the traffic of the same options. Throws as above. */
export function listSyntheticSources(options: SyntheticTrafficOptions): SyntheticSource[] {
  const { site, campaigns } = plan(options);
  const benign = [...site.sources].flatMap(([role, addresses]) =>
    addresses.map((sourceIp) => ({
      sourceIp,
      role,
      attack: null,
      activeFromMs: options.startMs,
      activeToMs: options.endMs,
    })),
  );
  const attackers = campaigns.map(({ kind, sourceIp, startMs, endMs }) => ({
    sourceIp,
    role: 'attacker' as const,
    attack: ATTACK_OF_KIND[kind],
    activeFromMs: startMs,
    activeToMs: endMs,
  }));
  return [...benign, ...attackers];
}

function plan(options: SyntheticTrafficOptions): { site: Site; campaigns: readonly SyntheticCampaign[] } {
  const { startMs, endMs, seed } = options;
  if (!(endMs - startMs >= MIN_SPAN_MS))
    throw new RangeError(`synthetic traffic needs an hour or more, got ${startMs} to ${endMs}`);
  const size: SiteSize = {
    lanHostCount: options.lanHostCount ?? 120,
    externalClientCount: options.externalClientCount ?? 300,
    noiseSourceCount: options.noiseSourceCount ?? 1500,
  };
  return {
    site: planSite(seed, size),
    campaigns: options.campaigns ?? planCampaigns({ startMs, endMs, seed }),
  };
}

function* benignStreams(options: SyntheticTrafficOptions, site: Site): Generator<Iterable<LogRecord>> {
  const { startMs, endMs, seed } = options;
  const clock = createSiteClock(endMs);
  for (const [role, addresses] of site.sources) {
    for (const sourceIp of addresses) {
      const random = createRandom(deriveSeed(seed, `${role} ${sourceIp}`));
      yield BEHAVIOURS[role]({ sourceIp, random, site, clock, startMs, endMs });
    }
  }
}
