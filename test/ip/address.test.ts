import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalText,
  containsNetwork,
  overlaps,
  parseAddress,
  parseNetwork,
} from '../../src/ip/address.ts';
import { addressSet, networkHolding, networkSet, networkTouching } from '../../src/ip/network-set.ts';

describe('canonical address text', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7/32', '203.0.113.7'],
    ['203.0.113.7/24', '203.0.113.0/24'],
    ['10.255.255.255/9', '10.128.0.0/9'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8::1/128', '2001:db8::1'],
    ['2001:db8::dead:beef/64', '2001:db8::/64'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1/120', '192.0.2.0/24'],
    [' 192.0.2.1 ', '192.0.2.1'],
  ])('writes %s as %s', (given, canonical) => {
    expect(canonicalText(given)).toBe(canonical);
  });

  it.each([
    '',
    'example.com',
    '10.1',
    '010.1.1.1',
    '1.2.3.4/33',
    '::1/129',
    '1.2.3.4/-1',
    '1.2.3.4/',
    'fe80::1%eth0',
    '1.2.3.4/8/8',
    '300.1.1.1',
    '1.2.3.4-1.2.3.9',
  ])('refuses %j', (given) => {
    expect(canonicalText(given)).toBeNull();
  });

  it('is stable: canonical text is its own canonical text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(128), (address, bits) => {
        const network = parseNetwork(`${address}/${address.includes(':') ? bits : bits % 33}`);
        if (network === null) return;
        expect(parseNetwork(network.text)).toEqual(network);
      }),
    );
  });
});

describe('containment', () => {
  it('holds exactly the addresses that share the prefix', () => {
    const lan = parseNetwork('192.168.4.0/22')!;
    expect(containsNetwork(lan, parseNetwork('192.168.7.255')!)).toBe(true);
    expect(containsNetwork(lan, parseNetwork('192.168.8.0')!)).toBe(false);
    expect(containsNetwork(lan, parseNetwork('192.168.0.0/16')!)).toBe(false);
    expect(overlaps(lan, parseNetwork('192.168.0.0/16')!)).toBe(true);
  });

  it('never mixes families', () => {
    expect(containsNetwork(parseNetwork('::/0')!, parseNetwork('192.0.2.1')!)).toBe(false);
  });

  it('names the network that protects an address or lies inside a candidate', () => {
    const set = networkSet(['10.0.0.0/8', '2001:db8::/32', '203.0.113.9']);
    expect(networkHolding(set, parseAddress('10.9.9.9')!)?.text).toBe('10.0.0.0/8');
    expect(networkHolding(set, parseAddress('2001:db8:1::5')!)?.text).toBe('2001:db8::/32');
    expect(networkHolding(set, parseAddress('203.0.113.8')!)).toBeNull();
    expect(networkTouching(set, parseNetwork('203.0.113.0/24')!)?.text).toBe('203.0.113.9');
  });

  it('knows single addresses and those inside its networks', () => {
    const bad = addressSet(['203.0.113.7', '198.51.100.0/25', '2001:db8:bad::/48']);
    const asked = ['203.0.113.7', '203.0.113.8', '198.51.100.127', '198.51.100.128', '2001:db8:bad:1::1'];
    expect(asked.map((address) => bad.has(address))).toEqual([true, false, true, false, true]);
  });

  it('reads a network only where a network is wanted', () => {
    expect(parseAddress('203.0.113.0/24')).toBeNull();
    expect(() => networkSet(['lan'])).toThrow(RangeError);
  });
});
