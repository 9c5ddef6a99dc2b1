import type {
  CheckedRouter,
  MenuReading,
  MenuRow,
  RouterSnapshot,
} from '../../src/router-check/router-snapshot.ts';
import { SNAPSHOT_MENUS } from '../../src/router-check/router-snapshot.ts';

const NOW = Date.UTC(2026, 10, 22, 20, 0, 0);

export const ROUTER: CheckedRouter = {
  name: 'edge',
  host: '192.0.2.1',
  port: 8729,
  user: 'autoblock',
  tls: 'verified',
  addressListV4: 'autoblock',
  addressListV6: 'autoblock',
  families: [4, 6],
  maxEntries: 30_000,
};

/** A router with nothing to complain about: RouterOS 7, raw rules, no IPv6, least rights. */
const HEALTHY: Partial<Record<(typeof SNAPSHOT_MENUS)[number], readonly MenuRow[] | null>> = {
  '/system/resource': [
    { version: '7.20.1 (stable)', 'free-memory': '900000000', 'total-memory': '1073741824' },
  ],
  '/system/clock': [{ date: '2026-11-22', time: '21:00:00', 'gmt-offset': '+01:00' }],
  '/ip/service': [
    { name: 'telnet', disabled: 'true' },
    { name: 'api', disabled: 'true' },
    { name: 'api-ssl', disabled: 'false', address: '192.0.2.50/32' },
    { name: 'telnet', disabled: 'false', dynamic: 'true' },
  ],
  '/user': [{ name: 'autoblock', group: 'autoblock', address: '192.0.2.50/32' }],
  '/user/group': [{ name: 'autoblock', policy: 'read,write,api,!local,!telnet,!ssh,!policy' }],
  '/user/active': [{ name: 'autoblock', address: '192.0.2.50', via: 'api-ssl' }],
  '/ipv6/address': [],
  '/ip/firewall/raw': [
    { '.id': '*1', chain: 'prerouting', action: 'drop', 'src-address-list': 'autoblock', disabled: 'false' },
  ],
};

export function snapshot(
  menus: Partial<Record<(typeof SNAPSHOT_MENUS)[number], readonly MenuRow[] | null | string>> = {},
  entries: RouterSnapshot['entries'] = [],
): RouterSnapshot {
  const all = { ...HEALTHY, ...menus };
  const readings = SNAPSHOT_MENUS.map((menu): [string, MenuReading] => {
    const rows = all[menu];
    return [menu, typeof rows === 'string' ? { rows: null, refused: rows } : { rows: rows ?? null }];
  });
  return { menus: Object.fromEntries(readings) as RouterSnapshot['menus'], entries, readAtMs: NOW };
}
