import type { LedgerDatabase } from './ledger-database.ts';

/** Something a person should look at, open until it is cleared. */
export interface Alert {
  readonly id: number;
  /** As in the log, for example `MASS_REMOVAL_HELD`. */
  readonly code: string;
  /** What it is about: a router, an address. */
  readonly subject: string;
  /** Of the latest time it was raised. */
  readonly message: string;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** How often it was raised since it is open. */
  readonly count: number;
}

export interface AlertRows {
  /** One open alert per code and subject: raised again, it is counted. */
  raise(alert: { code: string; subject: string; message: string; nowMs: number }): void;
  isOpen(alert: { code: string; subject: string }): boolean;
  /** Nothing happens when none is open. */
  clear(alert: { code: string; subject: string; nowMs: number }): void;
  /** Latest first. */
  open(): Alert[];
  /** Forgets what was cleared before, and what nobody has raised since: its cause is gone. */
  prune(beforeMs: number): number;
}

export function alertRows(db: LedgerDatabase): AlertRows {
  const raise = db.prepare<[{ code: string; subject: string; message: string; nowMs: number }]>(
    `INSERT INTO alerts (code, subject, message, first_at_ms, last_at_ms)
     VALUES (@code, @subject, @message, @nowMs, @nowMs)
     ON CONFLICT (code, subject) WHERE cleared_at_ms IS NULL DO UPDATE SET
       message = excluded.message, last_at_ms = excluded.last_at_ms, count = count + 1`,
  );
  const isOpen = db.prepare<[string, string]>(
    'SELECT 1 FROM alerts WHERE code = ? AND subject = ? AND cleared_at_ms IS NULL',
  );
  const clear = db.prepare<[{ code: string; subject: string; nowMs: number }]>(
    `UPDATE alerts SET cleared_at_ms = @nowMs
     WHERE code = @code AND subject = @subject AND cleared_at_ms IS NULL`,
  );
  const open = db.prepare<[], Alert>(
    `SELECT id, code, subject, message, first_at_ms AS firstAtMs, last_at_ms AS lastAtMs, count
     FROM alerts WHERE cleared_at_ms IS NULL ORDER BY last_at_ms DESC, id DESC`,
  );
  const prune = db.prepare<[{ beforeMs: number }]>(
    'DELETE FROM alerts WHERE cleared_at_ms < @beforeMs OR last_at_ms < @beforeMs',
  );
  return {
    raise: (alert) => void raise.run(alert),
    isOpen: ({ code, subject }) => isOpen.get(code, subject) !== undefined,
    clear: (alert) => void clear.run(alert),
    open: () => open.all(),
    prune: (beforeMs) => prune.run({ beforeMs }).changes,
  };
}
