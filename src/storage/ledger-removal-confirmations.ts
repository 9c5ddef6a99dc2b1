import { type AuditRows, isoTime } from './ledger-audit.ts';
import type { LedgerDatabase } from './ledger-database.ts';

/** An operator's word that one sync of a router may take off many entries at once. */
export interface RemovalConfirmation {
  readonly actor: string;
  readonly confirmedAtMs: number;
  readonly validUntilMs: number;
}

export interface RemovalConfirmationRows {
  confirm(confirmation: { router: string; actor: string; nowMs: number; validMs: number }): void;
  has(router: string): boolean;
  /** Good for one time: it is gone afterwards, also when it was too old. */
  take(request: { router: string; nowMs: number }): RemovalConfirmation | null;
  prune(beforeMs: number): number;
}

export function removalConfirmationRows(db: LedgerDatabase, audit: AuditRows): RemovalConfirmationRows {
  const confirm = db.prepare<[string, string, number, number]>(
    `INSERT OR REPLACE INTO removal_confirmations (router, actor, confirmed_at_ms, valid_until_ms)
     VALUES (?, ?, ?, ?)`,
  );
  const has = db.prepare<[string]>('SELECT 1 FROM removal_confirmations WHERE router = ?');
  const take = db.prepare<[string], RemovalConfirmation>(
    `DELETE FROM removal_confirmations WHERE router = ?
     RETURNING actor, confirmed_at_ms AS confirmedAtMs, valid_until_ms AS validUntilMs`,
  );
  const prune = db.prepare<[number]>('DELETE FROM removal_confirmations WHERE valid_until_ms < ?');
  return {
    confirm({ router, actor, nowMs, validMs }) {
      const validUntilMs = nowMs + validMs;
      confirm.run(router, actor, nowMs, validUntilMs);
      const after = { validUntil: isoTime(validUntilMs) };
      audit.add({ atMs: nowMs, actor, action: 'removal_confirmed', router, after });
    },
    has: (router) => has.get(router) !== undefined,
    take({ router, nowMs }) {
      const taken = take.get(router);
      if (taken === undefined) return null;
      // A clock that was set back must not make an hour's word last for a year.
      return taken.confirmedAtMs <= nowMs && nowMs < taken.validUntilMs ? taken : null;
    },
    prune: (beforeMs) => prune.run(beforeMs).changes,
  };
}
