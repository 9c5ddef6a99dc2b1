import { describe, expect, it } from 'vitest';
import type { AddressListEntry } from '../../src/decisions/address-list-entry.ts';
import { buildProtection } from '../../src/decisions/protected-networks.ts';
import { checkRouter, unreachableFinding } from '../../src/router-check/check-router.ts';
import type { Finding } from '../../src/router-check/finding.ts';
import type { CheckedRouter } from '../../src/router-check/router-snapshot.ts';
import { ROUTER, snapshot } from './snapshots.ts';

const site = {
  ownMark: 'autoblock:0a1b2c3d ',
  protection: buildProtection({
    internalNetworks: [],
    allowlist: [],
    extraProtected: [{ address: '198.51.100.1', why: 'router edge: gateway of 0.0.0.0/0' }],
  }),
};

function find(
  check: string,
  given: {
    router?: Partial<CheckedRouter>;
    menus?: Parameters<typeof snapshot>[0];
    entries?: readonly AddressListEntry[];
  },
): Finding {
  const taken = snapshot(given.menus, given.entries);
  const found = checkRouter({ ...ROUTER, ...given.router }, taken, site).find((one) => one.check === check);
  if (found === undefined) throw new Error(`nothing said about ${check}`);
  return found;
}

function entry(values: Partial<AddressListEntry>): AddressListEntry {
  return {
    ...{ id: '*1', list: 'autoblock', address: '203.0.113.7', family: 4, timeoutSeconds: 3600 },
    ...{ comment: 'autoblock:0a1b2c3d port_scan #1', dynamic: true, disabled: false },
    ...values,
  };
}

describe('a router in good order', () => {
  it('has nothing but ok', () => {
    const findings = checkRouter(ROUTER, snapshot(), site);
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(findings.length).toBeGreaterThanOrEqual(14);
  });
});

describe('the way in', () => {
  it.each(['plain', 'unverified'] as const)('warns of TLS that is %s, with a certificate to make', (tls) => {
    const found = find('tls', { router: { tls } });
    expect(found.level).toBe('warn');
    expect(found.commands).toContain('/ip service set api-ssl certificate=autoblock-api disabled=no');
    expect(found.commands).toContain(
      '/certificate add name=autoblock-api common-name=192.0.2.1 subject-alt-name=IP:192.0.2.1 days-valid=3650',
    );
    expect(found.commands.at(-1)).toBe('autoblock routers fingerprint edge');
  });

  it('misses a policy the user needs', () => {
    const menus = { '/user/group': [{ name: 'autoblock', policy: 'read,api,!write' }] };
    expect(find('policies', { menus })).toMatchObject({
      level: 'error',
      message: 'group "autoblock" of user "autoblock" lacks write',
      commands: ['/user group set autoblock policy=api,read,write', '/user set autoblock group=autoblock'],
    });
  });

  it('warns of rights nobody needs, and changes no group that others may be in', () => {
    const menus = {
      '/user': [{ name: 'autoblock', group: 'full' }],
      '/user/group': [{ name: 'full', policy: 'local,ftp,reboot,read,write,policy,api,sensitive' }],
    };
    expect(find('policies', { menus })).toMatchObject({
      level: 'warn',
      message: expect.stringContaining('local, ftp, reboot, policy, sensitive') as string,
      commands: [
        '/user group add name=autoblock policy=api,read,write',
        '/user set autoblock group=autoblock',
      ],
    });
  });

  it('says that rights may not be read, or are not the router’s own', () => {
    expect(find('policies', { menus: { '/user': 'not enough permissions (9)' } })).toMatchObject({
      level: 'warn',
      message: 'the rights of user "autoblock" cannot be read: not enough permissions (9)',
    });
    expect(find('policies', { menus: { '/user': [] } }).message).toContain('RADIUS');
  });

  it.each([undefined, '', '0.0.0.0/0'])('warns of a user who may log in from anywhere (%j)', (address) => {
    const row = { name: 'autoblock', group: 'autoblock', ...(address === undefined ? {} : { address }) };
    expect(find('user-address', { menus: { '/user': [row] } })).toMatchObject({
      level: 'warn',
      commands: ['/user set autoblock address=192.0.2.50'],
    });
  });

  it('warns of an API that answers anybody, and of plain services beside it', () => {
    const menus = {
      '/ip/service': [
        { name: 'telnet', disabled: 'false' },
        { name: 'ftp' },
        { name: 'api', disabled: 'false' },
        { name: 'api-ssl', disabled: 'false', address: '' },
      ],
    };
    expect(find('service-address', { menus })).toMatchObject({
      level: 'warn',
      commands: ['/ip service set api-ssl address=192.0.2.50'],
    });
    expect(find('plain-services', { menus })).toMatchObject({
      level: 'warn',
      commands: [
        '/ip service set telnet disabled=yes',
        '/ip service set ftp disabled=yes',
        '/ip service set api disabled=yes',
      ],
    });
  });

  it('does not advise to close the very service it comes in by', () => {
    const menus = { '/ip/service': [{ name: 'api', disabled: 'false', address: '192.0.2.50' }] };
    expect(find('plain-services', { router: { tls: 'plain' }, menus }).level).toBe('ok');
  });
});

describe('the system', () => {
  it.each([
    ['6.42.12 (long-term)', 'error'],
    ['6.48.6 (long-term)', 'warn'],
    ['6.49.17 (stable)', 'ok'],
    ['7.1', 'ok'],
    ['7.20.1 (stable)', 'ok'],
    ['', 'warn'],
  ])('judges version %s: %s', (version, level) => {
    expect(find('version', { menus: { '/system/resource': [{ version }] } }).level).toBe(level);
  });

  it.each([
    [{ date: '2026-11-22', time: '20:01:00', 'gmt-offset': '+00:00' }, 'ok', 'differs from ours by 60 s'],
    [{ date: '2026-11-22', time: '20:01:01', 'gmt-offset': '+00:00' }, 'warn', '61 s ahead of ours'],
    [{ date: 'nov/22/2026', time: '14:28:00', 'gmt-offset': '-05:30' }, 'warn', '120 s behind ours'],
    [{ date: 'nov/22/2026', time: '22:00:00', 'gmt-offset': '7200' }, 'ok', 'differs from ours by 0 s'],
    [{ date: 'jan/02/1970', time: '00:00:10', 'gmt-offset': '+00:00' }, 'warn', 'behind ours'],
    [{ date: 'soon', time: '00:00:10' }, 'warn', 'cannot be read'],
  ])('reads the clock %j as %s', (row, level, text) => {
    const found = find('clock', { menus: { '/system/clock': [row] } });
    expect(found.level).toBe(level);
    expect(found.message).toContain(text);
  });

  it('names the command for NTP in the words of either version', () => {
    const clock = [{ date: '2026-11-22', time: '00:00:00' }];
    expect(find('clock', { menus: { '/system/clock': clock } }).commands).toEqual([
      '/system ntp client servers add address=pool.ntp.org',
      '/system ntp client set enabled=yes',
    ]);
    const resource = [{ version: '6.49.17 (stable)' }];
    expect(
      find('clock', { menus: { '/system/clock': clock, '/system/resource': resource } }).commands,
    ).toEqual(['/system ntp client set enabled=yes server-dns-names=pool.ntp.org']);
  });

  it('warns of a router that is short of memory', () => {
    const short = { version: '7.20', 'free-memory': '20000000', 'total-memory': '268435456' };
    expect(find('memory', { menus: { '/system/resource': [short] } }).level).toBe('warn');
  });
});

describe('the lists', () => {
  it('warn when nearly as many of ours are there as may be', () => {
    const entries = Array.from({ length: 9 }, (_, index) => entry({ address: `203.0.113.${index}` }));
    expect(find('list-size', { router: { maxEntries: 10 }, entries })).toMatchObject({
      level: 'warn',
      message: expect.stringContaining('9 entries, 9 of them ours; at most 10') as string,
    });
    const others = entries.map((held) => ({ ...held, comment: 'by hand' }));
    expect(find('list-size', { router: { maxEntries: 10 }, entries: others }).level).toBe('ok');
  });

  it('show entries of ours that would never end, not those of others', () => {
    const entries = [
      entry({ timeoutSeconds: null }),
      entry({ address: '203.0.113.8', timeoutSeconds: null, comment: 'by hand' }),
    ];
    expect(find('static-entries', { entries })).toMatchObject({
      level: 'warn',
      commands: ['/ip firewall address-list remove [find list=autoblock address=203.0.113.7]'],
    });
  });

  it('show DNS names, escaped as the console wants them', () => {
    const entries = [
      entry({ list: 'my "list"', address: 'evil.example$', comment: '' }),
      entry({ address: '192.0.2.1-192.0.2.9', comment: '' }),
    ];
    expect(find('dns-names', { entries })).toMatchObject({
      level: 'warn',
      commands: ['/ip firewall address-list remove [find list="my \\"list\\"" address="evil.example\\$"]'],
    });
  });

  it('are an error where they hold what must not be blocked, whoever put it there', () => {
    const entries = [
      entry({ address: '198.51.100.0/24', comment: 'by hand' }),
      entry({ address: 'fd00::1/128', family: 6, comment: '' }),
      entry({ address: '10.0.0.1', disabled: true }),
    ];
    expect(find('protected-held', { entries })).toMatchObject({
      level: 'error',
      message:
        'blocked although it must not be: 198.51.100.0/24 (router edge: gateway of 0.0.0.0/0), fd00::1/128 (unique local (RFC 4193))',
      commands: [
        '/ip firewall address-list remove [find list=autoblock address=198.51.100.0/24]',
        '/ipv6 firewall address-list remove [find list=autoblock address=fd00::1/128]',
      ],
    });
  });

  it('name twenty and count the rest', () => {
    const entries = Array.from({ length: 25 }, (_, index) => entry({ address: `10.0.0.${index}` }));
    const found = find('protected-held', { entries });
    expect(found.message).toMatch(/, and 5 more$/);
    expect(found.commands).toHaveLength(20);
  });
});

describe('a router that could not be read', () => {
  it.each([
    ['ROUTER_UNREACHABLE', 'reachable', '/ip service set api-ssl disabled=no port=8729'],
    ['ROUTER_TIMEOUT', 'reachable', '/ip service print where name=api-ssl'],
    ['ROUTER_LOGIN_FAILED', 'login', '/user print'],
    ['ROUTER_TLS', 'tls', 'autoblock routers fingerprint edge'],
    ['ROUTER_REFUSED', 'policies', '/user group print'],
  ])('is an error: %s', (code, check, command) => {
    const found = unreachableFinding(ROUTER, { code, message: 'it was so', whatToDo: 'Do this.' });
    expect(found).toMatchObject({ check, level: 'error', message: 'it was so. Do this.' });
    expect(found.commands).toContain(command);
  });

  it('is named to the shell as one word', () => {
    const failure = { code: 'ROUTER_TLS', message: 'no', whatToDo: 'Look.' };
    const found = unreachableFinding({ ...ROUTER, name: "Bob's edge" }, failure);
    expect(found.commands[0]).toBe("autoblock routers fingerprint 'Bob'\\''s edge'");
  });
});
