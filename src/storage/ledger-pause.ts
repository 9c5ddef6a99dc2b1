import type { AuditRows } from './ledger-audit.ts';
import { isoTime } from './ledger-audit.ts';
import type { LedgerDatabase } from './ledger-database.ts';

/** Blocking is stopped: nothing is wanted on any router and nothing new is blocked. */
export interface Pause {
  readonly sinceMs: number;
  readonly actor: string;
  readonly reason: string | null;
}

export interface PauseRow {
  /** Null while blocking goes on. */
  current(): Pause | null;
  /** Keeps an earlier pause as it is. */
  begin(pause: { actor: string; reason: string | null; nowMs: number }): Pause;
  end(resumption: { actor: string; reason: string | null; nowMs: number; lifted: number }): void;
}

export function pauseRow(db: LedgerDatabase, audit: AuditRows): PauseRow {
  const current = db.prepare<[], Pause>('SELECT since_ms AS sinceMs, actor, reason FROM pause');
  const begin = db.prepare<[number, string, string | null]>(
    'INSERT INTO pause (one, since_ms, actor, reason) VALUES (1, ?, ?, ?) ON CONFLICT (one) DO NOTHING',
  );
  const end = db.prepare('DELETE FROM pause');
  return {
    current: () => current.get() ?? null,
    begin({ actor, reason, nowMs }) {
      if (begin.run(nowMs, actor, reason).changes > 0) {
        audit.add({ atMs: nowMs, actor, action: 'paused', reason });
      }
      return current.get()!;
    },
    end({ actor, reason, nowMs, lifted }) {
      const before = current.get();
      end.run();
      audit.add({
        atMs: nowMs,
        actor,
        action: 'resumed',
        before:
          before === undefined ? null : { pausedSince: isoTime(before.sinceMs), pausedBy: before.actor },
        after: { lifted },
        reason,
      });
    },
  };
}
