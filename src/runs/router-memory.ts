import type { UptimeReading } from '../decisions/router-reboot.ts';

/** What one process remembers of one router from sync to sync; the ledger holds what has to outlive it. */
export interface RouterMemory {
  uptime: UptimeReading | null;
  /** When the kept session broke, monotonic ms; null since the last sync that worked. */
  lostAtMs: number | null;
  /** When a reboot was noticed that the router is not protected again after, monotonic ms. */
  rebootNoticedAtMs: number | null;
  /** A reboot was noticed that the ledger has not been told of: the sync that noticed it may have failed. */
  rebootUntold: boolean;
  /** Own entries as last read back. */
  entries: number | null;
  /** Entries of unknown addresses that were told about. */
  unknownTold: ReadonlySet<string>;
  /** Alert code → the text last raised, null when cleared. Absent: not known, an earlier process may have raised it. */
  readonly alerts: Map<string, string | null>;
  /** What the router last said must never be blocked, as written into the ledger. */
  neverBlock: string | null;
  /** When that was, monotonic ms. */
  neverBlockAtMs: number;
  /** Menus that could not be read for it and were told about. */
  readonly unreadTold: Set<string>;
  /** Failures of the same kind in a row. */
  failures: { readonly code: string; readonly count: number };
}

export function createRouterMemory(): RouterMemory {
  return {
    uptime: null,
    lostAtMs: null,
    rebootNoticedAtMs: null,
    rebootUntold: false,
    entries: null,
    unknownTold: new Set(),
    alerts: new Map(),
    neverBlock: null,
    neverBlockAtMs: 0,
    unreadTold: new Set(),
    failures: { code: '', count: 0 },
  };
}
