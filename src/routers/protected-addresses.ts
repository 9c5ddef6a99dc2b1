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
  /** What is to be asked next, knowing the answer. */
  follow?(row: ReplyRow): readonly Source[];
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

const ROUTE_PROPERTIES = ['dst-address', 'gateway', 'gateway-status', 'immediate-gw', 'disabled'];

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
  {
    menu: '/ip/dns',
    properties: ['servers', 'dynamic-servers', 'use-doh-server'],
    read: dnsServers,
    follow: dohByName,
  },
  { menu: '/user/active', properties: ['name', 'address', 'via'], read: loggedInUsers },
  {
    menu: '/ip/dhcp-client',
    properties: ['interface', 'disabled', 'gateway', 'dhcp-server', 'primary-dns', 'secondary-dns'],
    optional: true,
    read: dhcpServers,
  },
  {
    menu: '/interface/wireguard/peers',
    properties: ['interface', 'disabled', 'endpoint-address', 'current-endpoint-address'],
    optional: true,
    read: wireguardPeers,
  },
  {
    menu: '/ip/ipsec/active-peers',
    properties: ['remote-address', 'state'],
    optional: true,
    read: ipsecPeers,
  },
  {
    menu: '/ppp/active',
    properties: ['name', 'service', 'caller-id'],
    // A concentrator holds thousands of PPPoE sessions; their callers are MAC addresses.
    queries: ['?service=pppoe', '?#!'],
    optional: true,
    read: vpnCallers,
  },
  ...['gre', 'ipip', 'eoip'].map(
    (kind): Source => ({
      menu: `/interface/${kind}`,
      properties: ['name', 'remote-address', 'disabled'],
      optional: true,
      read: tunnelEnds,
    }),
  ),
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
 * links, gateways, DNS servers, who is logged in, DHCP servers, the far ends of its tunnels and BGP neighbours. A far end
 * of a tunnel has proved that it holds the key: to drop it cuts a site, or the operator on the way in. Each address
 * once, with its first reason. A menu that is missing or not permitted costs its own part only and is told to `onUnread`; a lost
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
    const enabled = (rows ?? []).filter((row) => row['disabled'] !== 'true');
    const next = enabled.flatMap((row) => source.follow?.(row) ?? []);
    const further = await Promise.all(next.map((one) => readSource(print, one, onUnread)));
    return [...enabled.flatMap((row) => source.read(row)), ...further.flat()];
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

/**
 * Also of routes that are not in use now: the line kept in reserve comes back only while its gateway answers
 * check-gateway=ping, and those answers are dropped with everything else.
 * `1.2.3.4`, `1.2.3.4%ether1`, `1.2.3.4@table`, several of them by commas, `1.2.3.4 reachable via ether1`, or an interface.
 */
function gateways(row: ReplyRow): RouterProtectedAddress[] {
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

/** A resolver given by name: its addresses as the router itself knows them. `address` until RouterOS 6, `data` since 7. */
function dohByName(row: ReplyRow): Source[] {
  const host = hostOfUrl(row['use-doh-server'] ?? '');
  if (host === '' || parseAddress(host) !== null) return [];
  const read = ({ data, address }: ReplyRow) => single(data ?? address, `DNS-over-HTTPS server ${host}`);
  return ['/ip/dns/cache', '/ip/dns/static'].map((menu) => {
    const properties = ['name', 'data', 'address', 'disabled'];
    return { menu, properties, queries: [`?name=${host}`], optional: true, read };
  });
}

function hostOfUrl(text: string): string {
  const match = /^https?:\/\/(?:\[([^\]]*)\]|([^/:]*))/i.exec(text);
  return match?.[1] ?? match?.[2] ?? '';
}

function loggedInUsers(row: ReplyRow): RouterProtectedAddress[] {
  const via = row['via'] === undefined ? '' : ` (${row['via']})`;
  // The console has no address, which RouterOS writes as the unspecified one.
  return single(row['address'], `${row['name'] ?? 'somebody'} is logged in from there${via}`).filter(
    isSpecified,
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

/** The name or address configured, and the address the last packet with a valid key came from. */
function wireguardPeers(row: ReplyRow): RouterProtectedAddress[] {
  const why = `WireGuard peer${onInterface(row['interface'])}`;
  return [...single(row['current-endpoint-address'], why), ...single(row['endpoint-address'], why)];
}

/** One that is not established has proved nothing: anybody may knock at port 500. */
function ipsecPeers(row: ReplyRow): RouterProtectedAddress[] {
  return row['state'] === 'established' ? single(row['remote-address'], 'IPsec peer') : [];
}

function vpnCallers(row: ReplyRow): RouterProtectedAddress[] {
  return single(
    row['caller-id'],
    `${row['name'] ?? 'somebody'} is connected from there (${row['service'] ?? 'ppp'})`,
  );
}

function tunnelEnds(row: ReplyRow): RouterProtectedAddress[] {
  return single(row['remote-address'], `far end of tunnel${onInterface(row['name'])}`).filter(isSpecified);
}

/** `remote.address` may be a network that neighbours are accepted from: only a single one is a neighbour. */
function bgpNeighbours(row: ReplyRow): RouterProtectedAddress[] {
  return single(row['remote-address'] ?? row['remote.address'], 'BGP neighbour');
}

function isSpecified({ address }: RouterProtectedAddress): boolean {
  return address !== '0.0.0.0' && address !== '::';
}

function onInterface(name: string | undefined): string {
  return name === undefined ? '' : ` (${name})`;
}

/** Nothing for interface names, host names, MAC addresses and networks. */
function single(text: string | undefined, why: string): RouterProtectedAddress[] {
  const address = text === undefined ? null : parseAddress(text);
  return address === null ? [] : [{ address: address.text, why }];
}
