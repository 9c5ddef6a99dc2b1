import { parseAddress } from '../ip/address.ts';
import { RouterRefusedError } from './router-answers.ts';
import type { ReplyRow } from './router-session.ts';

/** An address the router itself needs, or whose loss would lock its operator out. */
export interface RouterProtectedAddress {
  /** Canonical, always a single address. */
  readonly address: string;
  /** Without the router's name, for example `gateway of 0.0.0.0/0`. */
  readonly why: string;
}

/** A print of one menu; null when this router has no such menu (IPv6 package off, another version). */
export type PrintMenu = (
  menu: string,
  options?: { readonly properties?: readonly string[]; readonly queries?: readonly string[] },
) => Promise<readonly ReplyRow[] | null>;

/** A part of the set this router did not tell. */
export interface UnreadPart {
  readonly menu: string;
  readonly message: string;
}

interface Source {
  readonly menu: string;
  readonly properties: readonly string[];
  readonly queries?: readonly string[];
  /** A router without this menu is missing nothing. */
  readonly optional?: true;
  read(row: ReplyRow): RouterProtectedAddress[];
}

/**
 * Default routes, and every route near enough (static, DHCP, VPN, connected) to have an administrative distance below
 * that of the dynamic routing protocols (eBGP 20, OSPF 110, RIP 120, iBGP 200: manual, "IP Routing"). A router with the
 * whole Internet's table must not be asked to print it at every sync; BGP neighbours are read from their own menus.
 */
const nearRoutes = (everything: string): readonly string[] => [
  `?dst-address=${everything}`,
  '?<distance=20',
  '?#|',
];

const ROUTE_PROPERTIES = ['dst-address', 'gateway', 'gateway-status', 'immediate-gw', 'active', 'disabled'];

const SOURCES: readonly Source[] = [
  { menu: '/ip/address', properties: ['address', 'network', 'interface', 'disabled'], read: ownAddresses },
  {
    menu: '/ipv6/address',
    properties: ['address', 'interface', 'disabled'],
    optional: true,
    read: ownAddresses,
  },
  { menu: '/ip/route', properties: ROUTE_PROPERTIES, queries: nearRoutes('0.0.0.0/0'), read: gateways },
  {
    menu: '/ipv6/route',
    properties: ROUTE_PROPERTIES,
    queries: nearRoutes('::/0'),
    optional: true,
    read: gateways,
  },
  { menu: '/ip/dns', properties: ['servers', 'dynamic-servers', 'use-doh-server'], read: dnsServers },
  { menu: '/user/active', properties: ['name', 'address', 'via'], read: loggedInUsers },
  {
    menu: '/ip/dhcp-client',
    properties: ['interface', 'disabled', 'gateway', 'dhcp-server', 'primary-dns', 'secondary-dns'],
    optional: true,
    read: dhcpServers,
  },
  {
    menu: '/routing/bgp/peer',
    properties: ['remote-address', 'disabled'],
    optional: true,
    read: bgpNeighbours,
  },
  {
    menu: '/routing/bgp/connection',
    properties: ['remote.address', 'disabled'],
    optional: true,
    read: bgpNeighbours,
  },
];

/**
 * What one router must never block, asked of the router itself: its addresses and the far ends of its point-to-point
 * links, gateways, DNS servers, who is logged in, DHCP servers, BGP neighbours. Each address once, with its first
 * reason. A menu that is missing or not permitted costs its own part only and is told to `onUnread`; a lost
 * connection rejects.
 */
export async function collectProtected(
  print: PrintMenu,
  options: { readonly onUnread?: (part: UnreadPart) => void } = {},
): Promise<RouterProtectedAddress[]> {
  const parts = await Promise.all(SOURCES.map((source) => readSource(print, source, options.onUnread)));
  const first = new Map<string, RouterProtectedAddress>();
  for (const found of parts.flat()) if (!first.has(found.address)) first.set(found.address, found);
  return [...first.values()];
}

async function readSource(
  print: PrintMenu,
  source: Source,
  onUnread: ((part: UnreadPart) => void) | undefined,
): Promise<RouterProtectedAddress[]> {
  const { menu, properties, queries } = source;
  try {
    const rows = await print(menu, { properties, ...(queries === undefined ? {} : { queries }) });
    if (rows === null && source.optional !== true)
      onUnread?.({ menu, message: 'this router has no such menu' });
    return (rows ?? []).filter((row) => row['disabled'] !== 'true').flatMap((row) => source.read(row));
  } catch (thrown) {
    if (!(thrown instanceof RouterRefusedError)) throw thrown;
    onUnread?.({ menu, message: thrown.routerMessage });
    return [];
  }
}

/** The addresses themselves: neighbours in a connected network may be anybody (a provider's shared segment). */
function ownAddresses(row: ReplyRow): RouterProtectedAddress[] {
  const on = row['interface'] === undefined ? '' : ` (${row['interface']})`;
  const withPrefix = row['address'] ?? '';
  const own = single(withPrefix.replace(/\/\d+$/, ''), `the router's own address${on}`);
  // A point-to-point link names its far end, the provider's gateway, as the network of a single address.
  const isPointToPoint = !/\/(?!32$)\d+$/.test(withPrefix) && row['network'] !== undefined;
  return isPointToPoint ? [...own, ...single(row['network'], `far end of a point-to-point link${on}`)] : own;
}

/** `1.2.3.4`, `1.2.3.4%ether1`, `1.2.3.4@table`, several of them by commas, `1.2.3.4 reachable via ether1`, or an interface. */
function gateways(row: ReplyRow): RouterProtectedAddress[] {
  if (row['active'] !== 'true') return [];
  const why = `gateway of ${row['dst-address'] ?? 'a route'}`;
  return [row['gateway'], row['immediate-gw'], row['gateway-status']]
    .flatMap((text) => (text ?? '').split(/[\s,]+/))
    .flatMap((token) => single(token.replace(/[%@].*$/, ''), why));
}

function dnsServers(row: ReplyRow): RouterProtectedAddress[] {
  const servers = `${row['servers'] ?? ''},${row['dynamic-servers'] ?? ''}`.split(/[\s,]+/);
  // With a port (`1.1.1.1#5353`) or a zone the address stands first.
  const plain = servers.flatMap((text) => single(text.replace(/[%#@].*$/, ''), 'DNS server'));
  return [...plain, ...single(hostOfUrl(row['use-doh-server'] ?? ''), 'DNS-over-HTTPS server')];
}

function hostOfUrl(text: string): string {
  const match = /^https?:\/\/(?:\[([^\]]*)\]|([^/:]*))/i.exec(text);
  return match?.[1] ?? match?.[2] ?? '';
}

function loggedInUsers(row: ReplyRow): RouterProtectedAddress[] {
  const via = row['via'] === undefined ? '' : ` (${row['via']})`;
  return single(row['address'], `${row['name'] ?? 'somebody'} is logged in from there${via}`).filter(
    // The console has no address, which RouterOS writes as the unspecified one.
    ({ address }) => address !== '0.0.0.0' && address !== '::',
  );
}

function dhcpServers(row: ReplyRow): RouterProtectedAddress[] {
  const on = row['interface'] === undefined ? '' : ` (${row['interface']})`;
  return [
    ...single(row['gateway'], `gateway by DHCP${on}`),
    ...single(row['dhcp-server'], `DHCP server${on}`),
    ...single(row['primary-dns'], `DNS server by DHCP${on}`),
    ...single(row['secondary-dns'], `DNS server by DHCP${on}`),
  ];
}

/** `remote.address` may be a network that neighbours are accepted from: only a single one is a neighbour. */
function bgpNeighbours(row: ReplyRow): RouterProtectedAddress[] {
  return single(row['remote-address'] ?? row['remote.address'], 'BGP neighbour');
}

/** Nothing for interface names, host names, MAC addresses and networks. */
function single(text: string | undefined, why: string): RouterProtectedAddress[] {
  const address = text === undefined ? null : parseAddress(text);
  return address === null ? [] : [{ address: address.text, why }];
}
