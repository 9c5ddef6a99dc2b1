import type { LedgerDatabase } from './ledger-database.ts';

/** An address a router needs itself (its own, a gateway, an administrator's). */
export interface RouterProtected {
  readonly router: string;
  readonly address: string;
  readonly why: string;
  /** Last time the router was known to report it. */
  readonly seenAtMs: number;
}

export interface RouterProtectedRows {
  /** The whole of what one router reports now. */
  record(collection: {
    router: string;
    entries: readonly { readonly address: string; readonly why: string }[];
    nowMs: number;
  }): void;
  list(): RouterProtected[];
  /** Forgets what its router stopped reporting a day ago. */
  expire(nowMs: number): void;
  /** Forgets those of routers the ledger knows no more. */
  prune(beforeMs: number): number;
}

/** An administrator who logged out, a gateway that flaps: still never blocked for this long. */
const KEPT_AFTER_LAST_SEEN_MS = 86_400_000;

export function routerProtectedRows(db: LedgerDatabase): RouterProtectedRows {
  // Missing from now on: it was there until the collection before, or later; now is the careful reading.
  const leave = db.prepare<[number, string, string]>(
    `UPDATE router_protected SET is_current = 0, seen_at_ms = ?
     WHERE router = ? AND is_current = 1 AND address NOT IN (SELECT value FROM json_each(?))`,
  );
  const put = db.prepare<[string, string, string, number]>(
    `INSERT INTO router_protected (router, address, why, seen_at_ms, is_current) VALUES (?, ?, ?, ?, 1)
     ON CONFLICT (router, address) DO UPDATE SET
       why = excluded.why, seen_at_ms = excluded.seen_at_ms, is_current = 1`,
  );
  const list = db.prepare<[], RouterProtected>(
    'SELECT router, address, why, seen_at_ms AS seenAtMs FROM router_protected ORDER BY router, address',
  );
  const expire = db.prepare<[number]>('DELETE FROM router_protected WHERE is_current = 0 AND seen_at_ms < ?');
  const prune = db.prepare<[number]>(
    'DELETE FROM router_protected WHERE seen_at_ms < ? AND router NOT IN (SELECT router FROM router_state)',
  );
  return {
    record({ router, entries, nowMs }) {
      leave.run(nowMs, router, JSON.stringify(entries.map(({ address }) => address)));
      for (const { address, why } of entries) put.run(router, address, why, nowMs);
      expire.run(nowMs - KEPT_AFTER_LAST_SEEN_MS);
    },
    list: () => list.all(),
    expire: (nowMs) => void expire.run(nowMs - KEPT_AFTER_LAST_SEEN_MS),
    prune: (beforeMs) => prune.run(beforeMs).changes,
  };
}
