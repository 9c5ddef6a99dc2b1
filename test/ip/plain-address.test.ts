import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { type IpNetwork, overlaps, parseNetwork } from '../../src/ip/address.ts';
import { networkTrie } from '../../src/ip/network-trie.ts';

const FAMILY_BITS = { 4: 32, 6: 128 } as const;

/** The reader as it was when the library read everything: slow, and right. */
function parsedByTheLibrary(text: string): IpNetwork | null {
  const [addressText = '', prefixText, ...rest] = text.trim().split('/');
  if (rest.length > 0 || addressText.includes('%')) return null;
  if (prefixText !== undefined && !/^\d{1,3}$/.test(prefixText)) return null;
  if (!ipaddr.IPv4.isValidFourPartDecimal(addressText) && !ipaddr.IPv6.isValid(addressText)) return null;
  const parsed = ipaddr.parse(addressText);
  const mapped = parsed.kind() === 'ipv6' && (parsed as ipaddr.IPv6).isIPv4MappedAddress();
  const plain = mapped ? (parsed as ipaddr.IPv6).toIPv4Address() : parsed;
  const family = plain.kind() === 'ipv4' ? 4 : 6;
  const given = prefixText === undefined ? null : Number(prefixText) - (mapped ? 96 : 0);
  const prefixLength = given ?? FAMILY_BITS[family];
  if (prefixLength < 0 || prefixLength > FAMILY_BITS[family]) return null;
  const bytes = plain.toByteArray().map((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefixLength - index * 8));
    return byte & ((0xff << (8 - kept)) & 0xff);
  });
  const address = ipaddr.fromByteArray(bytes).toString();
  return {
    text: prefixLength === FAMILY_BITS[family] ? address : `${address}/${prefixLength}`,
    family,
    prefixLength,
    bytes,
  };
}

const octet = fc.integer({ min: 0, max: 255 }).map(String);
const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
/** Many zeros, so that runs to shorten, ties between them and mapped addresses come up. */
const group = fc.oneof(
  { weight: 3, arbitrary: fc.constant('0') },
  fc.constantFrom('ffff', 'FFFF', '00', '0001', '00001', '10000', 'g', ''),
  fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16)),
);
const ipv6 = fc
  .tuple(
    fc.array(group, { maxLength: 8 }),
    fc.option(fc.array(group, { maxLength: 7 })),
    fc.option(ipv4, { freq: 8 }),
  )
  .map(([head, tail, dotted]) => {
    const end = dotted === null ? [] : [dotted];
    return tail === null ? [...head, ...end].join(':') : `${head.join(':')}::${[...tail, ...end].join(':')}`;
  });
const fullIpv6 = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(':'));
const almost = fc.stringMatching(/^[0-9a-fA-F:./% ]{0,24}$/);
const text = fc
  .tuple(fc.oneof(ipv4, ipv6, fullIpv6, almost), fc.option(fc.integer({ min: 0, max: 140 })))
  .map(([address, prefix]) => (prefix === null ? address : `${address}/${prefix}`));

describe('the quick reader', () => {
  it('reads and refuses every text as the library does', () => {
    fc.assert(
      fc.property(text, (given) => {
        expect(parseNetwork(given)).toEqual(parsedByTheLibrary(given));
      }),
      { numRuns: 20_000, seed: 20_261_122 },
    );
  });
});

const network = fc
  .tuple(
    fc.constantFrom(
      '10.0.0.0',
      '10.0.0.1',
      '10.128.3.0',
      '203.0.113.7',
      '2001:db8::',
      '2001:db8:0:1::5',
      '::1',
    ),
    fc.integer({ min: 0, max: 128 }),
  )
  .map(([address, prefix]) => parseNetwork(`${address}/${address.includes(':') ? prefix : prefix % 33}`)!);

describe('the trie of networks', () => {
  it('names the network a search from the head of the list would find first', () => {
    fc.assert(
      fc.property(fc.array(network, { maxLength: 30 }), network, (networks, candidate) => {
        const position = networks.findIndex((held) => overlaps(held, candidate));
        expect(networkTrie(networks).firstOverlapping(candidate)).toBe(position === -1 ? null : position);
      }),
      { numRuns: 5000, seed: 20_261_122 },
    );
  });
});
