import type { LedgerDatabase } from './ledger-database.ts';

/** How one attempt to make a router equal the ledger ended. */
export interface RouterSyncOutcome {
  readonly router: string;
  readonly nowMs: number;
  readonly ok: boolean;
  /** Own entries on the list as read back. */
  readonly entries: number;
  readonly added: number;
  readonly extended: number;
  readonly removed: number;
  readonly errorCode?: string;
  readonly error?: string;
}

/** What the ledger knows of a router: its last attempt, and when one last succeeded. */
export interface RouterState {
  readonly router: string;
  /** How the last attempt ended. */
  readonly ok: boolean;
  readonly attemptedAtMs: number;
  /** Null when no sync ever succeeded. */
  readonly succeededAtMs: number | null;
  readonly consecutiveFailures: number;
  /** Own entries as last read back. */
  readonly entries: number;
  readonly added: number;
  readonly extended: number;
  readonly removed: number;
  readonly errorCode: string | null;
  readonly error: string | null;
}

export interface RouterRows {
  record(outcome: RouterSyncOutcome): void;
  list(): RouterState[];
  /** Forgets routers nobody has tried to reach since. */
  prune(beforeMs: number): number;
}

export function routerRows(db: LedgerDatabase): RouterRows {
  // A router that could not be read keeps the number of entries it was last seen with.
  const record = db.prepare<[Record<string, string | number | null>]>(
    `INSERT INTO router_state (router, attempted_at_ms, succeeded_at_ms, consecutive_failures, entries, added,
       extended, removed, error_code, error)
     VALUES (@router, @nowMs, iif(@ok, @nowMs, NULL), iif(@ok, 0, 1), @entries, @added, @extended, @removed,
       @errorCode, @error)
     ON CONFLICT (router) DO UPDATE SET
       attempted_at_ms = excluded.attempted_at_ms,
       succeeded_at_ms = coalesce(excluded.succeeded_at_ms, succeeded_at_ms),
       consecutive_failures = iif(@ok, 0, consecutive_failures + 1),
       entries = iif(@ok OR excluded.entries > 0, excluded.entries, entries),
       added = excluded.added, extended = excluded.extended, removed = excluded.removed,
       error_code = excluded.error_code, error = excluded.error`,
  );
  const list = db.prepare<[], Omit<RouterState, 'ok'>>(
    `SELECT router, attempted_at_ms AS attemptedAtMs, succeeded_at_ms AS succeededAtMs,
       consecutive_failures AS consecutiveFailures, entries, added, extended, removed, error_code AS errorCode, error
     FROM router_state ORDER BY router`,
  );
  const prune = db.prepare<[number]>('DELETE FROM router_state WHERE attempted_at_ms < ?');
  return {
    record: ({ router, nowMs, ok, entries, added, extended, removed, errorCode = null, error = null }) =>
      void record.run({ router, nowMs, ok: ok ? 1 : 0, entries, added, extended, removed, errorCode, error }),
    list: () => list.all().map((state) => ({ ...state, ok: state.consecutiveFailures === 0 })),
    prune: (beforeMs) => prune.run(beforeMs).changes,
  };
}
