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
  /** What the router told of itself; absent when it could not be asked. */
  readonly version?: string;
  readonly uptimeSeconds?: number;
  readonly bootedAtMs?: number;
  /** This sync found that the router has started anew. */
  readonly rebooted?: boolean;
  /** From noticing the reboot until every block was read back. */
  readonly reprotectedMs?: number;
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
  /** These three are of the latest sync that could ask; null before that. */
  readonly version: string | null;
  readonly uptimeSeconds: number | null;
  readonly uptimeAtMs: number | null;
  readonly bootedAtMs: number | null;
  /** When the latest reboot was noticed; null when none ever was. */
  readonly rebootedAtMs: number | null;
  /** How long the latest reboot left it without all blocks from then on; null while it does, or when none was. */
  readonly reprotectedMs: number | null;
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
  const record = db.prepare<[Record<string, unknown>]>(
    `INSERT INTO router_state (router, attempted_at_ms, succeeded_at_ms, consecutive_failures, entries, added,
       extended, removed, version, uptime_seconds, uptime_at_ms, booted_at_ms, rebooted_at_ms, reprotected_ms,
       error_code, error)
     VALUES (@router, @nowMs, iif(@ok, @nowMs, NULL), iif(@ok, 0, 1), @entries, @added, @extended, @removed,
       @version, @uptimeSeconds, iif(@uptimeSeconds IS NULL, NULL, @nowMs), @bootedAtMs, iif(@rebooted, @nowMs, NULL),
       @reprotectedMs, @errorCode, @error)
     ON CONFLICT (router) DO UPDATE SET
       attempted_at_ms = excluded.attempted_at_ms,
       succeeded_at_ms = coalesce(excluded.succeeded_at_ms, succeeded_at_ms),
       consecutive_failures = iif(@ok, 0, consecutive_failures + 1),
       entries = iif(@ok OR excluded.entries > 0, excluded.entries, entries),
       added = excluded.added, extended = excluded.extended, removed = excluded.removed,
       version = coalesce(excluded.version, version),
       uptime_seconds = coalesce(excluded.uptime_seconds, uptime_seconds),
       uptime_at_ms = coalesce(excluded.uptime_at_ms, uptime_at_ms),
       booted_at_ms = coalesce(excluded.booted_at_ms, booted_at_ms),
       rebooted_at_ms = coalesce(excluded.rebooted_at_ms, rebooted_at_ms),
       reprotected_ms = iif(@rebooted, @reprotectedMs, coalesce(@reprotectedMs, reprotected_ms)),
       error_code = excluded.error_code, error = excluded.error`,
  );
  const list = db.prepare<[], Omit<RouterState, 'ok'>>(
    `SELECT router, attempted_at_ms AS attemptedAtMs, succeeded_at_ms AS succeededAtMs,
       consecutive_failures AS consecutiveFailures, entries, added, extended, removed, version,
       uptime_seconds AS uptimeSeconds, uptime_at_ms AS uptimeAtMs, booted_at_ms AS bootedAtMs,
       rebooted_at_ms AS rebootedAtMs, reprotected_ms AS reprotectedMs, error_code AS errorCode, error
     FROM router_state ORDER BY router`,
  );
  const prune = db.prepare<[number]>('DELETE FROM router_state WHERE attempted_at_ms < ?');
  return {
    record(outcome) {
      const { ok, rebooted, version, uptimeSeconds, bootedAtMs, reprotectedMs, errorCode, error } = outcome;
      record.run({
        ...outcome,
        ok: ok ? 1 : 0,
        rebooted: rebooted ? 1 : 0,
        version: version ?? null,
        uptimeSeconds: uptimeSeconds ?? null,
        bootedAtMs: bootedAtMs ?? null,
        reprotectedMs: reprotectedMs ?? null,
        errorCode: errorCode ?? null,
        error: error ?? null,
      });
    },
    list: () => list.all().map((state) => ({ ...state, ok: state.consecutiveFailures === 0 })),
    prune: (beforeMs) => prune.run(beforeMs).changes,
  };
}
