import type { AddressListEntry } from '../decisions/address-list-entry.ts';

/** One line of a menu as the API prints it: property by name, flags as `true` and `false`. */
export type MenuRow = Readonly<Record<string, string>>;

export const SNAPSHOT_MENUS = [
  '/system/resource',
  '/system/clock',
  '/ip/service',
  '/user',
  '/user/group',
  '/user/active',
  '/ipv6/settings',
  '/ipv6/address',
  '/ip/firewall/raw',
  '/ip/firewall/filter',
  '/ipv6/firewall/raw',
  '/ipv6/firewall/filter',
] as const;

export type SnapshotMenu = (typeof SNAPSHOT_MENUS)[number];

/** `rows` null: this router has no such menu; `refused`: the router's own words. */
export type MenuReading =
  | { readonly rows: readonly MenuRow[] | null }
  | { readonly rows: null; readonly refused: string };

/** What the doctor knows of the way to the router: its configuration without the password. */
export interface CheckedRouter {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly tls: 'plain' | 'verified' | 'unverified';
  readonly addressListV4: string;
  readonly addressListV6: string;
  readonly families: readonly (4 | 6)[];
  /** Entries this router is meant to hold at most. */
  readonly maxEntries: number;
}

/** Everything one look at a router brought. */
export interface RouterSnapshot {
  readonly menus: Readonly<Record<SnapshotMenu, MenuReading>>;
  /** Both lists, whoever made the entries. */
  readonly entries: readonly AddressListEntry[];
  /** Our clock when the router's was read, Unix ms. */
  readonly readAtMs: number;
}

export function rowsOf(snapshot: RouterSnapshot, menu: SnapshotMenu): readonly MenuRow[] {
  return snapshot.menus[menu].rows ?? [];
}

export function refusalOf(snapshot: RouterSnapshot, menu: SnapshotMenu): string | null {
  const reading = snapshot.menus[menu];
  return 'refused' in reading ? reading.refused : null;
}

/** Flags come as `true` and `false` over the API; some versions leave a false one out. */
export function isSet(row: MenuRow, flag: string): boolean {
  return row[flag] === 'true' || row[flag] === 'yes';
}

/** The address the router sees our session come from, or null when it does not tell. */
export function sessionAddress(snapshot: RouterSnapshot, user: string): string | null {
  const own = rowsOf(snapshot, '/user/active').find(
    (row) => row['name'] === user && (row['via'] ?? '').startsWith('api'),
  );
  const address = own?.['address'] ?? '';
  return address === '' ? null : address;
}
