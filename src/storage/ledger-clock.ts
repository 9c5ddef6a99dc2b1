import { type AuditRows, DAEMON_ACTOR, isoTime } from './ledger-audit.ts';
import type { LedgerDatabase } from './ledger-database.ts';

/** What a clock that was ahead for a while had done, and what was taken back of it. */
export interface ClockRepair {
  /** Blocks that had been closed as run out although their time was still to come. */
  readonly blocksReopened: number;
  readonly reviewsReopened: number;
  /** Times written while the clock was ahead, brought back to now. */
  readonly timesMended: number;
}

export interface ClockRepairs {
  /** Call it inside a transaction, before closing what expired. Does nothing while the clock only goes on. */
  repair(nowMs: number): ClockRepair;
}

/** Clocks of two processes, and NTP's steps, differ by less. */
const TOLERANCE_MS = 60_000;

const NOTHING: ClockRepair = { blocksReopened: 0, reviewsReopened: 0, timesMended: 0 };

/**
 * Running out is the clock's doing, and clocks jump: a server that boots with a date in the future would end every block
 * and every review for good. What such a clock closed is opened again once it is right, and what was written in the
 * future is brought back, for it would hold an address for a year, or its evidence back for as long.
 */
export function clockRepairs(db: LedgerDatabase, audit: AuditRows): ClockRepairs {
  // Two indexed looks: whoever wrote with such a clock left a row of the audit or of the run history.
  const latest = db
    .prepare<[], number | null>(
      `SELECT max(coalesce((SELECT max(at_ms) FROM audit), 0),
         coalesce((SELECT started_at_ms FROM runs ORDER BY id DESC LIMIT 1), 0))`,
    )
    .pluck();
  // Of several closed blocks of an address only the latest: there is one active block of an address at most.
  const reopenBlocks = db.prepare<
    [number],
    { id: number; address: string; origin: string; offence: number; expiresAtMs: number }
  >(
    `UPDATE blocks SET closed_at_ms = NULL
     WHERE id IN (
       SELECT max(id) FROM blocks WHERE closed_at_ms > ? AND lifted_at_ms IS NULL GROUP BY address)
       AND NOT EXISTS (SELECT 1 FROM blocks other WHERE other.address = blocks.address AND other.closed_at_ms IS NULL)
     RETURNING id, address, origin, offence, expires_at_ms AS expiresAtMs`,
  );
  const reopenReviews = db.prepare<[{ nowMs: number }]>(
    `UPDATE reviews SET status = 'pending', note = NULL
     WHERE id IN (
       SELECT max(id) FROM reviews WHERE status = 'expired' AND expires_at_ms > @nowMs AND updated_at_ms > @nowMs
       GROUP BY address)
       AND NOT EXISTS (SELECT 1 FROM reviews other WHERE other.address = reviews.address AND other.status = 'pending')`,
  );
  const mends = [
    `UPDATE blocks SET expires_at_ms = @nowMs + (expires_at_ms - created_at_ms), created_at_ms = @nowMs
     WHERE closed_at_ms IS NULL AND created_at_ms > @aheadMs`,
    'UPDATE blocks SET lifted_at_ms = @nowMs, closed_at_ms = @nowMs WHERE lifted_at_ms > @aheadMs',
    'UPDATE blocks SET evidence_until_ms = @nowMs WHERE evidence_until_ms > @aheadMs',
    `UPDATE reviews SET expires_at_ms = @nowMs + (expires_at_ms - created_at_ms), created_at_ms = @nowMs
     WHERE status = 'pending' AND created_at_ms > @aheadMs`,
    `UPDATE reviews SET expires_at_ms = @nowMs + max(0, expires_at_ms - decided_at_ms), decided_at_ms = @nowMs
     WHERE decided_at_ms > @aheadMs`,
    'UPDATE reviews SET evidence_until_ms = @nowMs WHERE evidence_until_ms > @aheadMs',
  ].map((statement) => db.prepare<[{ nowMs: number; aheadMs: number }]>(statement));
  return {
    repair(nowMs) {
      if ((latest.get() ?? 0) <= nowMs + TOLERANCE_MS) return NOTHING;
      const reopened = reopenBlocks.all(nowMs);
      for (const { id, address, origin, offence, expiresAtMs } of reopened) {
        audit.add({
          ...{ atMs: nowMs, actor: DAEMON_ACTOR, action: 'block_reopened', address },
          after: { block: id, origin, offence, expiresAt: isoTime(expiresAtMs) },
          reason: 'closed by a clock that was ahead',
        });
      }
      const times = { nowMs, aheadMs: nowMs + TOLERANCE_MS };
      return {
        blocksReopened: reopened.length,
        reviewsReopened: reopenReviews.run({ nowMs }).changes,
        timesMended: mends.reduce((sum, mend) => sum + mend.run(times).changes, 0),
      };
    },
  };
}
