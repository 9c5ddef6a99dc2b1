import { describe, expect, it } from 'vitest';
import { buildProtection, protectionOf } from '../../src/decisions/protected-networks.ts';

const nothingExtra = { internalNetworks: [], allowlist: [], extraProtected: [] };

describe('the networks that are never blocked', () => {
  const protection = buildProtection(nothingExtra);

  it.each([
    ['0.0.0.0', '0.0.0.0/8'],
    ['127.0.0.53', '127.0.0.0/8'],
    ['169.254.1.1', '169.254.0.0/16'],
    ['255.255.255.255', '255.255.255.255'],
    ['239.255.255.250', '224.0.0.0/4'],
    ['250.1.1.1', '240.0.0.0/4'],
    ['10.1.2.3', '10.0.0.0/8'],
    ['172.31.255.255', '172.16.0.0/12'],
    ['192.168.88.1', '192.168.0.0/16'],
    ['100.127.255.255', '100.64.0.0/10'],
    ['::', '::'],
    ['::1', '::1'],
    ['fe80::1', 'fe80::/10'],
    ['fd00::1', 'fc00::/7'],
    ['ff02::1', 'ff00::/8'],
    ['::ffff:10.0.0.1', '10.0.0.0/8'],
  ])('protect %s because of %s', (address, network) => {
    expect(protectionOf(protection, address)).toMatchObject({ kind: 'protected', network });
  });

  it.each([
    '8.8.8.8',
    '172.32.0.1',
    '100.128.0.1',
    '192.0.2.1',
    '198.51.100.7',
    '203.0.113.7',
    '2001:db8::1',
    '2606:4700::1',
    '::ffff:203.0.113.7',
  ])('leave %s open to blocking', (address) => {
    expect(protectionOf(protection, address)).toBeNull();
  });

  it('protect a network that only touches a protected one', () => {
    expect(protectionOf(protection, '8.0.0.0/5')).toMatchObject({ kind: 'protected', network: '10.0.0.0/8' });
    expect(protectionOf(protection, '0.0.0.0/0')).toMatchObject({ kind: 'protected' });
    expect(protectionOf(protection, '::/0')).toMatchObject({ kind: 'protected' });
  });
});

describe('protection of a site', () => {
  const protection = buildProtection({
    internalNetworks: ['198.51.100.0/25'],
    allowlist: ['203.0.113.7', '10.9.0.0/16', '2001:db8:1::/48'],
    extraProtected: [{ address: '192.0.2.1', why: 'address of router edge' }],
  });

  it('names the allowlist first, also for an address that is protected anyway', () => {
    expect(protectionOf(protection, '203.0.113.7')?.kind).toBe('allowlisted');
    expect(protectionOf(protection, '10.9.1.1')).toEqual({
      kind: 'allowlisted',
      network: '10.9.0.0/16',
      why: 'allowlist',
    });
    expect(protectionOf(protection, '10.8.1.1')?.kind).toBe('protected');
    expect(protectionOf(protection, '2001:DB8:1::5')?.kind).toBe('allowlisted');
  });

  it('refuses to block a network around one allowlisted host', () => {
    expect(protectionOf(protection, '203.0.113.0/24')?.network).toBe('203.0.113.7');
    expect(protectionOf(protection, '203.0.113.8')).toBeNull();
  });

  it('tells why a host of the site is protected', () => {
    expect(protectionOf(protection, '192.0.2.1')?.why).toBe('address of router edge');
    expect(protectionOf(protection, '198.51.100.126')?.why).toBe('internal network');
    expect(protectionOf(protection, '198.51.100.128')).toBeNull();
  });

  it('blocks inside addresses where the operator wants an infected host cut off, and nothing else of what it protects', () => {
    const site = {
      internalNetworks: ['198.51.100.0/25'],
      allowlist: ['10.0.0.5'],
      extraProtected: [{ address: '10.0.0.1', why: 'gateway of router edge' }],
    };
    const asked = ['10.0.0.9', '172.20.1.1', '192.168.1.9', '100.70.0.1', 'fd00::9', '198.51.100.9'];
    const blocking = buildProtection({ ...site, blockInternal: true });
    expect(asked.map((address) => protectionOf(blocking, address))).toEqual(asked.map(() => null));
    const kept = ['10.0.0.1', '10.0.0.5', '10.0.0.0/24', '127.0.0.1', '169.254.1.1', 'fe80::1', '224.0.0.1'];
    for (const address of kept) expect(protectionOf(blocking, address), address).not.toBeNull();
    const usual = buildProtection(site);
    for (const address of asked) expect(protectionOf(usual, address)?.kind, address).toBe('protected');
  });

  it('blocks no part of the Internet that a slip of the hand names', () => {
    expect(protectionOf(protection, '40.0.0.0/7')).toEqual({
      kind: 'protected',
      network: '40.0.0.0/7',
      why: 'wider than anything one attacker holds',
    });
    expect(protectionOf(protection, '41.0.0.0/8')).toBeNull();
    expect(protectionOf(protection, '2a00::/15')?.kind).toBe('protected');
    expect(protectionOf(protection, '2a00::/16')).toBeNull();
  });

  it('never takes a text it cannot read for an unprotected address', () => {
    expect(() => protectionOf(protection, 'router.example')).toThrow(
      expect.objectContaining({ code: 'ADDRESS_INVALID' }) as Error,
    );
    expect(() => buildProtection({ ...nothingExtra, allowlist: ['10.0.0'] })).toThrow(
      expect.objectContaining({ code: 'ADDRESS_INVALID' }) as Error,
    );
  });
});
