import ipaddr from 'ipaddr.js';
import { ipv6Text, plainIpv4Bytes, plainIpv6Bytes } from './plain-address.ts';

/**
 * A single address or a network in canonical text: IPv4 dotted, IPv6 compressed lower case (RFC 5952), host bits
 * cleared, a full-length prefix left out, IPv4-mapped IPv6 turned into IPv4. Two texts are equal exactly when the
 * addresses are.
 */
export interface IpNetwork {
  readonly text: string;
  readonly family: 4 | 6;
  /** 0-32 or 0-128. */
  readonly prefixLength: number;
  /** Network bytes, 4 or 16, big endian. */
  readonly bytes: readonly number[];
}

const FAMILY_BITS = { 4: 32, 6: 128 } as const;
const MAPPED_PREFIX_BITS = 96;

/**
 * Reads `203.0.113.7`, `203.0.113.0/24`, `2001:db8::1` or `2001:db8::/64`.
 * Returns null for anything else: host names, leading zeros, shortened IPv4 (`10.1`), zone ids, prefixes out of range.
 */
export function parseNetwork(text: string): IpNetwork | null {
  const [addressText = '', prefixText, ...rest] = text.trim().split('/');
  if (rest.length > 0 || addressText.includes('%')) return null;
  if (prefixText !== undefined && !/^\d{1,3}$/.test(prefixText)) return null;

  const plainBytes = addressText.includes(':') ? plainIpv6Bytes(addressText) : plainIpv4Bytes(addressText);
  if (plainBytes === null) return parseUnusual(addressText, prefixText);
  const family = plainBytes.length === 4 ? 4 : 6;
  const prefixLength = prefixText === undefined ? FAMILY_BITS[family] : Number(prefixText);
  return networkOf(plainBytes, prefixLength);
}

/** What the quick reader leaves open: addresses in odd but valid spelling, and everything that is no address. */
function parseUnusual(addressText: string, prefixText: string | undefined): IpNetwork | null {
  if (!ipaddr.IPv4.isValidFourPartDecimal(addressText) && !ipaddr.IPv6.isValid(addressText)) return null;
  const parsed = ipaddr.parse(addressText);
  const mapped = parsed.kind() === 'ipv6' && (parsed as ipaddr.IPv6).isIPv4MappedAddress();
  const plain = mapped ? (parsed as ipaddr.IPv6).toIPv4Address() : parsed;
  const family = plain.kind() === 'ipv4' ? 4 : 6;
  const givenPrefix =
    prefixText === undefined ? null : Number(prefixText) - (mapped ? MAPPED_PREFIX_BITS : 0);
  return networkOf(plain.toByteArray(), givenPrefix ?? FAMILY_BITS[family]);
}

function networkOf(addressBytes: readonly number[], prefixLength: number): IpNetwork | null {
  const family = addressBytes.length === 4 ? 4 : 6;
  const isSingle = prefixLength === FAMILY_BITS[family];
  if (prefixLength < 0 || prefixLength > FAMILY_BITS[family]) return null;
  const bytes = isSingle ? addressBytes : clearHostBits(addressBytes, prefixLength);
  const address = family === 4 ? bytes.join('.') : ipv6Text(bytes);
  return { text: isSingle ? address : `${address}/${prefixLength}`, family, prefixLength, bytes };
}

/** Reads a single address; null when it is not one (a network with host bits left open is not). */
export function parseAddress(text: string): IpNetwork | null {
  const network = parseNetwork(text);
  return network !== null && network.prefixLength === FAMILY_BITS[network.family] ? network : null;
}

/** Canonical text of an address or network, or null when it is neither. */
export function canonicalText(text: string): string | null {
  return parseNetwork(text)?.text ?? null;
}

/** True when every address of `inner` lies in `outer`. */
export function containsNetwork(outer: IpNetwork, inner: IpNetwork): boolean {
  return outer.prefixLength <= inner.prefixLength && overlaps(outer, inner);
}

/** True when the two networks share at least one address. */
export function overlaps(a: IpNetwork, b: IpNetwork): boolean {
  if (a.family !== b.family) return false;
  const shared = Math.min(a.prefixLength, b.prefixLength);
  for (let bit = 0; bit < shared; bit += 8) {
    const mask = shared - bit >= 8 ? 0xff : (0xff << (8 - (shared - bit))) & 0xff;
    if (((a.bytes[bit >> 3]! ^ b.bytes[bit >> 3]!) & mask) !== 0) return false;
  }
  return true;
}

function clearHostBits(bytes: readonly number[], prefixLength: number): number[] {
  const cleared = [...bytes];
  for (let index = prefixLength >> 3; index < cleared.length; index += 1) {
    const kept = Math.max(0, prefixLength - index * 8);
    cleared[index] = cleared[index]! & ((0xff << (8 - kept)) & 0xff);
  }
  return cleared;
}
