import { AutoblockError } from '../errors.ts';
import { type IpNetwork, parseNetwork } from '../ip/address.ts';
import { type NetworkTrie, networkTrie } from '../ip/network-trie.ts';

/** A network that is never blocked, and the words for the operator who asks why. */
interface ProtectedNetwork {
  readonly network: IpNetwork;
  readonly why: string;
}

/** In the order in which a reason is looked for, with an index over it: it is asked for every entry of every router. */
interface ProtectedNetworks {
  readonly networks: readonly ProtectedNetwork[];
  readonly index: NetworkTrie;
}

export interface Protection {
  readonly allowlisted: ProtectedNetworks;
  readonly neverBlocked: ProtectedNetworks;
}

/** Why an address is not to be blocked. */
export interface ProtectionFinding {
  readonly kind: 'allowlisted' | 'protected';
  /** Canonical text of the network that protects it. */
  readonly network: string;
  readonly why: string;
}

/**
 * Special-purpose ranges of the IANA registries (RFC 6890 and the RFCs named) that never are an attacker on the
 * Internet. The documentation networks are left out on purpose: nobody routes them, and demonstrations use them as attackers.
 * IPv4-mapped IPv6 (::ffff:0:0/96) needs no line: addresses are read as the IPv4 address they carry.
 */
const NEVER_BLOCKED: readonly (readonly [text: string, why: string])[] = [
  ['0.0.0.0/8', 'unspecified or "this network" (RFC 791)'],
  ['127.0.0.0/8', 'loopback (RFC 1122)'],
  ['169.254.0.0/16', 'link-local (RFC 3927)'],
  ['255.255.255.255', 'broadcast (RFC 919)'],
  ['224.0.0.0/4', 'multicast (RFC 5771)'],
  ['240.0.0.0/4', 'reserved (RFC 1112)'],
  ['192.0.0.0/24', 'IETF protocol assignments (RFC 6890)'],
  ['::', 'unspecified (RFC 4291)'],
  ['::1', 'loopback (RFC 4291)'],
  ['::/96', 'IPv4-compatible (RFC 4291)'],
  ['::ffff:0:0:0/96', 'IPv4-translated (RFC 2765)'],
  ['100::/64', 'discard-only (RFC 6666)'],
  ['fe80::/10', 'link-local (RFC 4291)'],
  ['fec0::/10', 'site-local (RFC 3879)'],
  ['ff00::/8', 'multicast (RFC 4291)'],
];

/** Where one's own hosts live: blocked only where the operator wants an infected one cut off. */
const PRIVATE: readonly (readonly [text: string, why: string])[] = [
  ['10.0.0.0/8', 'private network (RFC 1918)'],
  ['172.16.0.0/12', 'private network (RFC 1918)'],
  ['192.168.0.0/16', 'private network (RFC 1918)'],
  ['100.64.0.0/10', 'carrier-grade NAT (RFC 6598)'],
  ['fc00::/7', 'unique local (RFC 4193)'],
];

/** Shortest prefixes that may be blocked: a mistyped `40.0.0.0/5` or `2000::/3` would cut off much of the Internet. */
const WIDEST_PREFIX = { 4: 8, 6: 16 } as const;

/**
 * Everything that must not be blocked on this site. `extraProtected` are the hosts autoblock itself would be cut off
 * from: routers, own addresses, the database. Host names are resolved by the caller. `blockInternal`: internal and private
 * networks may be blocked; all else stays protected.
 * @throws AutoblockError ADDRESS_INVALID on a text that is neither address nor network.
 */
export function buildProtection(site: {
  internalNetworks: readonly string[];
  allowlist: readonly string[];
  extraProtected: readonly { readonly address: string; readonly why: string }[];
  blockInternal?: boolean;
}): Protection {
  const inside = [...site.internalNetworks.map((text) => [text, 'internal network'] as const), ...PRIVATE];
  const networks = site.blockInternal === true ? NEVER_BLOCKED : [...inside, ...NEVER_BLOCKED];
  return {
    allowlisted: indexed(site.allowlist.map((text) => protectedNetwork(text, 'allowlist'))),
    // Most telling words first: the first network that touches an address names the reason.
    neverBlocked: indexed([
      ...site.extraProtected.map(({ address, why }) => protectedNetwork(address, why)),
      ...networks.map(([text, why]) => protectedNetwork(text, why)),
    ]),
  };
}

/**
 * The network that forbids blocking `address` (an address or a network, as text or read before), or null. A network that only touches a
 * protected one is protected too: blocking a /24 must not cut off one protected host in it. The allowlist is named first.
 * @throws AutoblockError ADDRESS_INVALID on a text that is neither address nor network: it must not pass as unprotected.
 */
export function protectionOf(protection: Protection, address: string | IpNetwork): ProtectionFinding | null {
  const candidate = typeof address === 'string' ? readNetwork(address, 'address to check') : address;
  const allowlisted = firstTouching(protection.allowlisted, candidate);
  if (allowlisted !== null) return finding('allowlisted', allowlisted);
  const found = firstTouching(protection.neverBlocked, candidate);
  if (found !== null) return finding('protected', found);
  if (candidate.prefixLength >= WIDEST_PREFIX[candidate.family]) return null;
  return { kind: 'protected', network: candidate.text, why: 'wider than anything one attacker holds' };
}

function indexed(networks: readonly ProtectedNetwork[]): ProtectedNetworks {
  return { networks, index: networkTrie(networks.map(({ network }) => network)) };
}

function firstTouching(
  { networks, index }: ProtectedNetworks,
  candidate: IpNetwork,
): ProtectedNetwork | null {
  const position = index.firstOverlapping(candidate);
  return position === null ? null : networks[position]!;
}

function finding(kind: ProtectionFinding['kind'], found: ProtectedNetwork): ProtectionFinding {
  return { kind, network: found.network.text, why: found.why };
}

function protectedNetwork(text: string, why: string): ProtectedNetwork {
  return { network: readNetwork(text, why), why };
}

function readNetwork(text: string, role: string): IpNetwork {
  const network = parseNetwork(text);
  if (network === null) {
    throw new AutoblockError('ADDRESS_INVALID', `"${text}" (${role}) is neither an address nor a network`);
  }
  return network;
}
