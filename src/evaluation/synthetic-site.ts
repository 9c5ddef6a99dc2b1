import { createRandom, deriveSeed, type Random } from '../detector/random.ts';
import { pick } from './synthetic-flows.ts';

/** The made-up site: an office network with a published web and mail server. Documentation addresses (RFC 5737, 3849). */
export const SYNTHETIC_INTERNAL_NETWORKS: readonly string[] = [
  '192.168.10.0/24',
  '203.0.113.0/24',
  '2001:db8:10::/48',
];

export const WEB_SERVER = { v4: '203.0.113.10', v6: '2001:db8:10::10' } as const;
export const MAIL_SERVER = { v4: '203.0.113.25', v6: '2001:db8:10::25' } as const;
export const BASTION = { v4: '203.0.113.22', v6: '2001:db8:10::22' } as const;
export const RESOLVER = '192.168.10.53';
export const FILE_SERVER = '192.168.10.5';
export const OFFSITE_BACKUP = '198.51.100.250';
/** First three bytes of the published network, scanned as a whole by horizontal scans. */
export const PUBLISHED_PREFIX = '203.0.113.';

export type BenignRole =
  | 'lan_host'
  | 'dns_resolver'
  | 'backup_server'
  | 'nat_gateway'
  | 'published_server'
  | 'web_client'
  | 'mail_relay'
  | 'office_nat'
  | 'crawler'
  | 'monitor'
  | 'background_noise';

export interface SiteSize {
  readonly lanHostCount: number;
  readonly externalClientCount: number;
  readonly noiseSourceCount: number;
}

/** Addresses of everyone harmless, and of the servers of the world they talk to. */
export interface Site {
  readonly sources: ReadonlyMap<BenignRole, readonly string[]>;
  readonly websites: readonly string[];
  readonly nameServers: readonly string[];
}

const CLIENT_PREFIXES = ['46.140.', '77.56.', '85.195.', '91.198.', '178.82.', '213.55.'];
const NOISE_PREFIXES = ['45.142.', '89.248.', '141.98.', '167.94.', '185.220.', '193.32.'];
const WEBSITE_PREFIXES = ['13.107.', '52.96.', '104.18.', '142.250.', '151.101.'];
const WEBSITE_COUNT = 600;
const NAME_SERVER_COUNT = 700;
/** Of the external clients: one in ten delivers mail, one in fifty crawls, two watch the web server. */
const MAIL_RELAY_SHARE = 0.1;
const CRAWLER_SHARE = 0.02;
const MONITOR_COUNT = 2;
/** One in six hosts and clients speaks IPv6. */
const V6_EVERY = 6;

/** The harmless side of the site, the same for the same seed and size. */
export function planSite(seed: number, size: SiteSize): Site {
  const random = createRandom(deriveSeed(seed, 'site'));
  const taken = new Set<string>();
  const relays = Math.round(size.externalClientCount * MAIL_RELAY_SHARE);
  const crawlers = Math.max(1, Math.round(size.externalClientCount * CRAWLER_SHARE));
  const webClients = Math.max(0, size.externalClientCount - relays - crawlers - MONITOR_COUNT);
  const draw = (prefixes: readonly string[], count: number): string[] =>
    Array.from({ length: count }, () => drawAddress(random, prefixes, taken));
  const sources = new Map<BenignRole, readonly string[]>([
    ['lan_host', Array.from({ length: size.lanHostCount }, (_, i) => lanAddress(i))],
    ['dns_resolver', [RESOLVER]],
    ['backup_server', ['192.168.10.6']],
    ['nat_gateway', ['192.168.10.2']],
    ['published_server', [WEB_SERVER.v4, MAIL_SERVER.v4, MAIL_SERVER.v6]],
    ['web_client', draw(CLIENT_PREFIXES, webClients).map(everySixthV6('2001:db8:c11e:'))],
    ['mail_relay', draw(CLIENT_PREFIXES, relays).map(everySixthV6('2001:db8:2525:'))],
    ['office_nat', [`192.0.2.${1 + random.nextInt(254)}`]],
    ['crawler', draw(CLIENT_PREFIXES, crawlers)],
    ['monitor', draw(CLIENT_PREFIXES, MONITOR_COUNT)],
    ['background_noise', draw(NOISE_PREFIXES, size.noiseSourceCount)],
  ]);
  const websites = draw(WEBSITE_PREFIXES, WEBSITE_COUNT).map(everySixthV6('2001:db8:f000:'));
  return { sources, websites, nameServers: draw(WEBSITE_PREFIXES, NAME_SERVER_COUNT) };
}

/** Office hosts live in one /24 from .60 on, servers below; every sixth one, and those beyond its end, have an IPv6 address. */
function lanAddress(index: number): string {
  const v4 = 60 + index;
  return index % V6_EVERY === V6_EVERY - 1 || v4 > 250 ? `2001:db8:10:1::${hex(v4)}` : `192.168.10.${v4}`;
}

function drawAddress(random: Random, prefixes: readonly string[], taken: Set<string>): string {
  for (;;) {
    const address = `${pick(random, prefixes)}${random.nextInt(256)}.${1 + random.nextInt(254)}`;
    if (taken.has(address)) continue;
    taken.add(address);
    return address;
  }
}

function everySixthV6(prefix: string): (address: string, index: number) => string {
  return (address, index) => (index % V6_EVERY === V6_EVERY - 1 ? `${prefix}:${hex(index + 1)}` : address);
}

function hex(value: number): string {
  return value.toString(16);
}
