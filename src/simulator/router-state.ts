import { AddressListStore, type EntryValues } from './address-list-store.ts';
import { CommandRefusal, TRAP } from './command-refusal.ts';
import { noFaults, type SimulatorFaults } from './faults.ts';
import type { MenuRow, MenuTable } from './menu-table.ts';
import { type GivenMenus, routerMenus } from './router-menus.ts';
import { isAtLeast } from './router-version.ts';

/** What the commands of a simulated router act on. */
export interface RouterState {
  readonly identity: string;
  /** For example `7.20.1`. */
  readonly version: string;
  /** The API user's name. */
  readonly user: string;
  readonly hasIpv6: boolean;
  /** Whether a print without rows is answered with `!empty` (since 7.18). */
  readonly saysEmpty: boolean;
  /** The router's own addresses with prefix, IPv4 and IPv6. */
  readonly addresses: readonly string[];
  readonly lists: Readonly<Record<4 | 6, AddressListStore>>;
  /** Menus other than address lists, by path. */
  readonly tables: ReadonlyMap<string, MenuTable>;
  readonly faults: SimulatorFaults;
  readonly nowMs: () => number;
  bootedAtMs: number;
  /** Rows of `/user/active/print` for those logged in over the API. */
  sessions(): MenuRow[];
  /** Returns the new id. Throws CommandRefusal. */
  addEntry(family: 4 | 6, values: EntryValues): string;
}

export interface RouterStateOptions {
  readonly user: string;
  /** RouterOS version to imitate; default 7.20.1. */
  readonly version?: string;
  readonly identity?: string;
  /** The router's own addresses with prefix; default `192.168.88.1/24` and `fd00:88::1/64`. */
  readonly addresses?: readonly string[];
  /** False: the `/ipv6` menus do not exist, as on RouterOS 6 without its IPv6 package. Default true. */
  readonly ipv6?: boolean;
  /**
   * What these menus hold instead of a router's defaults; rows with RouterOS' property names. The rows of
   * `/user/active` come beside the API's own sessions.
   */
  readonly menus?: GivenMenus;
  /** The router's clock: entries expire by it. Default: the system's. */
  readonly nowMs?: () => number;
}

export function createRouterState(
  options: RouterStateOptions & { hasCertificate: boolean; sessions: () => MenuRow[] },
): RouterState {
  const { nowMs = Date.now, version = '7.20.1', ipv6: hasIpv6 = true } = options;
  const faults = noFaults();
  const lists = {
    4: new AddressListStore({ family: 4, nowMs, version }),
    6: new AddressListStore({ family: 6, nowMs, version }),
  };
  return {
    identity: options.identity ?? 'simulator',
    version,
    user: options.user,
    hasIpv6,
    saysEmpty: isAtLeast(version, [7, 18]),
    addresses: options.addresses ?? ['192.168.88.1/24', 'fd00:88::1/64'],
    lists,
    tables: routerMenus({ ...options, version, hasIpv6, given: options.menus ?? {} }),
    faults,
    nowMs,
    bootedAtMs: nowMs(),
    sessions: options.sessions,
    addEntry: (family, values) => {
      if (faults.listFull !== null && lists[family].size >= faults.listFull) {
        // No manual says how a router out of room words it; this is our assumption, and its only place.
        throw new CommandRefusal(TRAP.general, 'failure: no more entries can be added: out of memory');
      }
      return lists[family].add(values, faults.clockSkewMs);
    },
  };
}
