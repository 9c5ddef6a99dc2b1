import { describe, expect, it } from 'vitest';
import { AutoblockError } from '../../src/errors.ts';
import { collectProtected, type PrintMenu, type UnreadPart } from '../../src/routers/protected-addresses.ts';
import { RouterRefusedError } from '../../src/routers/router-answers.ts';
import type { ReplyRow } from '../../src/routers/router-session.ts';

type Menus = Readonly<Record<string, readonly ReplyRow[] | null | Error>>;

/** A router that has exactly these menus. */
function printOf(menus: Menus): PrintMenu {
  return (menu) => {
    const rows = menus[menu] ?? null;
    return rows instanceof Error ? Promise.reject(rows) : Promise.resolve(rows);
  };
}

async function collected(menus: Menus): Promise<Record<string, string>> {
  const found = await collectProtected(printOf(menus));
  return Object.fromEntries(found.map(({ address, why }) => [address, why]));
}

describe('what a router must never block', () => {
  it('holds its own addresses, not the networks around them', async () => {
    const menus = {
      '/ip/address': [
        { address: '203.0.113.10/29', network: '203.0.113.8', interface: 'ether1' },
        { address: '192.0.2.1/24', network: '192.0.2.0', interface: 'old', disabled: 'true' },
      ],
      '/ipv6/address': [{ address: '2001:db8:1::1/64', interface: 'bridge' }],
    };
    expect(await collected(menus)).toEqual({
      '203.0.113.10': "the router's own address (ether1)",
      '2001:db8:1::1': "the router's own address (bridge)",
    });
  });

  it.each([{ address: '203.0.113.10/32' }, { address: '203.0.113.10' }])(
    'holds the far end of a point-to-point link, which stands as the network of $address',
    async ({ address }) => {
      const row = { address, network: '198.51.100.1', interface: 'pppoe-out1' };
      expect(await collected({ '/ip/address': [row] })).toMatchObject({
        '198.51.100.1': 'far end of a point-to-point link (pppoe-out1)',
      });
    },
  );

  it.each([
    ['an address', { gateway: '198.51.100.1' }, ['198.51.100.1']],
    ['an address with its interface', { gateway: '198.51.100.1%ether1' }, ['198.51.100.1']],
    ['an address in another table', { gateway: '198.51.100.1@isp2' }, ['198.51.100.1']],
    ['several ways', { gateway: '198.51.100.1,198.51.100.2%ether2' }, ['198.51.100.1', '198.51.100.2']],
    ['an interface, as PPP has it', { gateway: 'pppoe-out1' }, []],
    [
      'a recursive gateway, with the one it goes through',
      { gateway: '8.8.8.8', 'immediate-gw': '198.51.100.1%ether1' },
      ['8.8.8.8', '198.51.100.1'],
    ],
    [
      'the status text of RouterOS 6',
      { gateway: 'ether1', 'gateway-status': '198.51.100.1 reachable via  ether1' },
      ['198.51.100.1'],
    ],
    ['an IPv6 address on a link', { gateway: 'fe80::1%ether1' }, ['fe80::1']],
  ])('holds the gateway of a route given as %s', async (_how, row, expected) => {
    const route = { 'dst-address': '0.0.0.0/0', active: 'true', ...row };
    const found = await collected({ '/ip/route': [route] });
    expect(found).toEqual(Object.fromEntries(expected.map((address) => [address, 'gateway of 0.0.0.0/0'])));
  });

  it('holds the gateway of a line in reserve: unheard, its check by ping would never bring it back', async () => {
    const rows = [
      { 'dst-address': '0.0.0.0/0', gateway: '198.51.100.1', active: 'true' },
      { 'dst-address': '0.0.0.0/0', gateway: '198.51.100.2', active: 'false', distance: '2' },
      { 'dst-address': '0.0.0.0/0', gateway: '198.51.100.3', disabled: 'true' },
    ];
    expect(Object.keys(await collected({ '/ip/route': rows }))).toEqual(['198.51.100.1', '198.51.100.2']);
  });

  it('holds the far ends of tunnels that proved to hold the key, and nobody who only knocks', async () => {
    const menus = {
      '/interface/wireguard/peers': [
        { interface: 'wg0', 'current-endpoint-address': '198.51.100.1', 'endpoint-address': '' },
        { interface: 'wg0', 'endpoint-address': '198.51.100.2', 'current-endpoint-address': '' },
        { interface: 'wg1', 'endpoint-address': 'site.example.net', disabled: 'false' },
        { interface: 'wg1', 'endpoint-address': '198.51.100.9', disabled: 'true' },
      ],
      '/ip/ipsec/active-peers': [
        { 'remote-address': '198.51.100.3', state: 'established' },
        { 'remote-address': '203.0.113.66', state: 'message-1-sent' },
      ],
      '/ppp/active': [
        { name: 'alice', service: 'l2tp', 'caller-id': '198.51.100.4' },
        { name: 'flat7', service: 'pppoe', 'caller-id': '48:8F:5A:00:11:22' },
      ],
      '/interface/gre': [{ name: 'gre-hq', 'remote-address': '198.51.100.5' }],
      '/interface/eoip': [{ name: 'eoip1', 'remote-address': '0.0.0.0' }],
    };
    expect(await collected(menus)).toEqual({
      '198.51.100.1': 'WireGuard peer (wg0)',
      '198.51.100.2': 'WireGuard peer (wg0)',
      '198.51.100.3': 'IPsec peer',
      '198.51.100.4': 'alice is connected from there (l2tp)',
      '198.51.100.5': 'far end of tunnel (gre-hq)',
    });
  });

  it('holds a DNS-over-HTTPS server given by name at the addresses the router knows it by', async () => {
    const asked: (readonly string[] | undefined)[] = [];
    const menus: Menus = {
      '/ip/dns': [{ servers: '9.9.9.9', 'use-doh-server': 'https://dns.example/dns-query' }],
      '/ip/dns/cache': [
        { name: 'dns.example', data: '198.51.100.53' },
        { name: 'dns.example', data: 'ns.example' },
      ],
      '/ip/dns/static': [
        { name: 'dns.example', address: '2001:db8::53' },
        { name: 'dns.example', address: '198.51.100.54', disabled: 'true' },
      ],
    };
    const found = await collectProtected((menu, options) => {
      if (menu.startsWith('/ip/dns/')) asked.push(options?.queries);
      return printOf(menus)(menu);
    });
    expect(asked).toEqual([['?name=dns.example'], ['?name=dns.example']]);
    expect(found).toEqual([
      { address: '9.9.9.9', why: 'DNS server' },
      { address: '198.51.100.53', why: 'DNS-over-HTTPS server dns.example' },
      { address: '2001:db8::53', why: 'DNS-over-HTTPS server dns.example' },
    ]);
  });

  it('asks for near and default routes only: a full table of the Internet is not printed', async () => {
    const asked = new Map<string, readonly string[]>();
    await collectProtected((menu, options) => {
      asked.set(menu, options?.queries ?? []);
      return Promise.resolve([]);
    });
    expect(asked.get('/ip/route')).toEqual(['?dst-address=0.0.0.0/0', '?<distance=20', '?#|']);
    expect(asked.get('/ipv6/route')).toEqual(['?dst-address=::/0', '?<distance=20', '?#|']);
    // Nor the thousands of PPPoE sessions of a concentrator.
    expect(asked.get('/ppp/active')).toEqual(['?service=pppoe', '?#!']);
  });

  it('holds DNS servers, of both kinds and over HTTPS', async () => {
    const row = {
      servers: '9.9.9.9,2620:fe::fe',
      'dynamic-servers': '198.51.100.53',
      'use-doh-server': 'https://[2606:4700::1111]/dns-query',
    };
    expect(await collected({ '/ip/dns': [row] })).toEqual({
      '9.9.9.9': 'DNS server',
      '2620:fe::fe': 'DNS server',
      '198.51.100.53': 'DNS server',
      '2606:4700::1111': 'DNS-over-HTTPS server',
    });
  });

  it('holds whoever is logged in to the router, but no console and no MAC address', async () => {
    const rows = [
      { name: 'alice', address: '198.51.100.77', via: 'winbox' },
      { name: 'root', address: '0.0.0.0', via: 'local' },
      { name: 'root', address: '', via: 'console' },
      { name: 'bob', address: '48:8F:5A:00:11:22', via: 'mac-telnet' },
      { name: 'carol', address: '::ffff:198.51.100.78', via: 'ssh' },
    ];
    expect(await collected({ '/user/active': rows })).toEqual({
      '198.51.100.77': 'alice is logged in from there (winbox)',
      '198.51.100.78': 'carol is logged in from there (ssh)',
    });
  });

  it('holds DHCP servers and BGP neighbours, but not a network that neighbours are accepted from', async () => {
    const menus = {
      '/ip/dhcp-client': [
        {
          interface: 'ether1',
          gateway: '198.51.100.1',
          'dhcp-server': '198.51.100.2',
          'primary-dns': '198.51.100.3',
        },
      ],
      '/routing/bgp/peer': [{ 'remote-address': '198.51.100.4' }],
      '/routing/bgp/connection': [{ 'remote.address': '198.51.100.5/32' }, { 'remote.address': '0.0.0.0/0' }],
    };
    expect(Object.keys(await collected(menus))).toEqual([
      '198.51.100.1',
      '198.51.100.2',
      '198.51.100.3',
      '198.51.100.4',
      '198.51.100.5',
    ]);
  });

  it('names an address once, by its first reason', async () => {
    const found = await collectProtected(
      printOf({
        '/ip/route': [{ 'dst-address': '0.0.0.0/0', gateway: '198.51.100.1', active: 'true' }],
        '/ip/dns': [{ servers: '198.51.100.1' }],
      }),
    );
    expect(found).toEqual([{ address: '198.51.100.1', why: 'gateway of 0.0.0.0/0' }]);
  });

  it('keeps the rest when a menu is refused or missing, and says which', async () => {
    const refusal = new RouterRefusedError({
      where: 'edge',
      command: '/user/active/print',
      routerMessage: 'not enough permissions (9)',
      category: null,
    });
    const unread: UnreadPart[] = [];
    const menus = { '/ip/address': [], '/ip/dns': [{ servers: '9.9.9.9' }], '/user/active': refusal };
    const found = await collectProtected(printOf(menus), { onUnread: (part) => unread.push(part) });
    expect(found).toEqual([{ address: '9.9.9.9', why: 'DNS server' }]);
    expect(unread).toEqual([
      { menu: '/ip/route', message: 'this router has no such menu' },
      { menu: '/user/active', message: 'not enough permissions (9)' },
    ]);
  });

  it('does not take a lost connection for a router without gateways', async () => {
    const lost = new AutoblockError('ROUTER_CONNECTION_LOST', 'the connection to router edge was lost');
    await expect(collectProtected(printOf({ '/ip/dns': lost }))).rejects.toBe(lost);
  });
});
