import { DEFAULT_RULES, RULE_MENUS, ruleTable } from './firewall-rules.ts';
import { type MenuRow, MenuTable } from './menu-table.ts';
import { defaultGroups } from './policies.ts';
import { isAtLeast } from './router-version.ts';

/** Menus that hold one set of settings and no numbered items. */
export const SETTINGS_MENUS = ['/ip/dns', '/ipv6/settings', '/system/ntp/client'] as const;

/** Menus whose rows can be given to the simulator; property names and spellings are those of the manual. */
export type TableMenu = (typeof RULE_MENUS)[number] | (typeof SETTINGS_MENUS)[number] | keyof DefaultItems;

interface DefaultItems {
  '/ip/service': readonly MenuRow[];
  '/user': readonly MenuRow[];
  '/user/group': readonly MenuRow[];
  '/user/active': readonly MenuRow[];
  '/ip/route': readonly MenuRow[];
  '/ipv6/route': readonly MenuRow[];
  '/ip/dhcp-client': readonly MenuRow[];
  '/interface/list': readonly MenuRow[];
  '/interface/list/member': readonly MenuRow[];
  '/certificate': readonly MenuRow[];
  '/system/package': readonly MenuRow[];
}

export type GivenMenus = Partial<Record<TableMenu, readonly MenuRow[]>>;

/** One table per menu: what was given, else what a router out of the box shows. */
export function routerMenus(options: {
  version: string;
  /** Of the API user. */
  user: string;
  hasCertificate: boolean;
  hasIpv6: boolean;
  given: GivenMenus;
}): Map<string, MenuTable> {
  const { given, hasIpv6 } = options;
  const tables = new Map<string, MenuTable>();
  for (const menu of RULE_MENUS) tables.set(menu, ruleTable(menu, given[menu] ?? DEFAULT_RULES[menu]));
  const readOnly: Record<string, readonly MenuRow[]> = {
    ...defaultItems(options),
    ...DEFAULT_SETTINGS,
    ...given,
  };
  for (const [menu, rows] of Object.entries(readOnly)) {
    if (!tables.has(menu)) tables.set(menu, new MenuTable(null, rows));
  }
  for (const menu of [...tables.keys()]) if (!hasIpv6 && menu.startsWith('/ipv6/')) tables.delete(menu);
  return tables;
}

const DEFAULT_SETTINGS: Record<(typeof SETTINGS_MENUS)[number], readonly MenuRow[]> = {
  '/ip/dns': [{ servers: '10.255.255.1', 'dynamic-servers': '', 'allow-remote-requests': 'true' }],
  '/ipv6/settings': [{ 'disable-ipv6': 'false', forward: 'true' }],
  '/system/ntp/client': [
    { enabled: 'true', mode: 'unicast', servers: 'pool.ntp.org', status: 'synchronized' },
  ],
};

function defaultItems(options: { version: string; user: string; hasCertificate: boolean }): DefaultItems {
  const { version, user, hasCertificate } = options;
  return {
    '/ip/service': services(hasCertificate),
    '/user': [
      { name: 'admin', group: 'full', address: '', disabled: 'false', comment: 'system default user' },
      { name: user, group: 'autoblock', address: '', disabled: 'false' },
    ],
    '/user/group': defaultGroups(version),
    '/user/active': [],
    '/ip/route': [
      route(version, { destination: '0.0.0.0/0', gateway: '10.255.255.1', port: 'ether1' }),
      route(version, { destination: '192.168.88.0/24', gateway: null, port: 'bridge' }),
    ],
    '/ipv6/route': [
      route(version, { destination: '::/0', gateway: 'fe80::1', port: 'ether1' }),
      route(version, { destination: 'fd00:88::/64', gateway: null, port: 'bridge' }),
    ],
    '/ip/dhcp-client': [],
    '/interface/list': [{ name: 'WAN' }, { name: 'LAN' }],
    '/interface/list/member': [
      { list: 'WAN', interface: 'ether1', dynamic: 'false', disabled: 'false' },
      { list: 'LAN', interface: 'bridge', dynamic: 'false', disabled: 'false' },
    ],
    '/certificate': hasCertificate ? [{ name: 'api-ssl', 'common-name': 'localhost', expired: 'false' }] : [],
    '/system/package': [{ name: 'routeros', version, disabled: 'false' }],
  };
}

function services(hasCertificate: boolean): MenuRow[] {
  const service = (name: string, port: number, rest: MenuRow = {}): MenuRow => {
    return { name, port: String(port), address: '', invalid: 'false', disabled: 'false', ...rest };
  };
  const tls = { certificate: hasCertificate ? 'api-ssl' : 'none', 'tls-version': 'any' };
  return [
    service('telnet', 23),
    service('ftp', 21),
    service('www', 80),
    service('ssh', 22),
    service('www-ssl', 443, { certificate: 'none', 'tls-version': 'any', disabled: 'true' }),
    service('api', 8728),
    service('winbox', 8291),
    service('api-ssl', 8729, tls),
  ];
}

/** RouterOS 7 names the next hop in `immediate-gw`, 6 in the words of `gateway-status`. A null gateway: connected. */
function route(
  version: string,
  { destination, gateway, port }: { destination: string; gateway: string | null; port: string },
): MenuRow {
  // A link-local gateway is of no use without its interface, so RouterOS keeps it in the name.
  const printed = gateway?.startsWith('fe80:') === true ? `${gateway}%${port}` : (gateway ?? port);
  const hop = isAtLeast(version, [7, 0])
    ? { 'routing-table': 'main', 'immediate-gw': gateway === null ? port : `${gateway}%${port}` }
    : { 'gateway-status': gateway === null ? `${port} reachable` : `${gateway} reachable via  ${port}` };
  const isStatic = gateway !== null;
  return {
    'dst-address': destination,
    gateway: printed,
    ...hop,
    distance: isStatic ? '1' : '0',
    scope: isStatic ? '30' : '10',
    active: 'true',
    ...(isStatic ? { static: 'true' } : { connect: 'true' }),
    dynamic: String(!isStatic),
    disabled: 'false',
  };
}
