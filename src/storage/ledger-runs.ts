import type { LedgerDatabase } from './ledger-database.ts';

export type RunKind = 'detection' | 'training' | 'router_sync' | 'import';

type RunStatus = 'running' | 'ok' | 'failed' | 'interrupted';

/** One run of a job, as history for `status` and the API. */
export interface RunRecord {
  readonly id: number;
  readonly kind: RunKind;
  readonly status: RunStatus;
  readonly startedAtMs: number;
  readonly finishedAtMs: number | null;
  /** What the job had to tell: counts, model version, or code and message of its failure. */
  readonly details: unknown;
}

export interface RunRows {
  begin(kind: RunKind, nowMs: number): number;
  /** False when there is no such run. The last word counts: a run closed as interrupted may still come to its end. */
  finish(end: { id: number; status: 'ok' | 'failed'; details: unknown; nowMs: number }): boolean;
  recent(query: { kind: RunKind | null; limit: number }): RunRecord[];
  /** Those that ended at `sinceMs` or later, oldest first. */
  finishedSince(query: { kind: RunKind; sinceMs: number }): RunRecord[];
  closeInterrupted(nowMs: number): number;
  prune(beforeMs: number): number;
}

type RunRow = Omit<RunRecord, 'details'> & { readonly details: string };

export function runRows(db: LedgerDatabase): RunRows {
  const begin = db.prepare<[RunKind, number]>(
    "INSERT INTO runs (kind, status, started_at_ms) VALUES (?, 'running', ?)",
  );
  const finish = db.prepare<[{ id: number; status: RunStatus; details: string; nowMs: number }]>(
    'UPDATE runs SET status = @status, finished_at_ms = @nowMs, details = @details WHERE id = @id',
  );
  const recent = db.prepare<[{ kind: RunKind | null; limit: number }], RunRow>(
    `SELECT id, kind, status, started_at_ms AS startedAtMs, finished_at_ms AS finishedAtMs, details
     FROM runs WHERE @kind IS NULL OR kind = @kind ORDER BY id DESC LIMIT @limit`,
  );
  const finishedSince = db.prepare<[{ kind: RunKind; sinceMs: number }], RunRow>(
    `SELECT id, kind, status, started_at_ms AS startedAtMs, finished_at_ms AS finishedAtMs, details
     FROM runs WHERE kind = @kind AND finished_at_ms >= @sinceMs ORDER BY id`,
  );
  const closeInterrupted = db.prepare<[number]>(
    "UPDATE runs SET status = 'interrupted', finished_at_ms = ? WHERE status = 'running'",
  );
  const prune = db.prepare<[number]>('DELETE FROM runs WHERE finished_at_ms < ?');
  return {
    begin: (kind, nowMs) => Number(begin.run(kind, nowMs).lastInsertRowid),
    finish: (end) => finish.run({ ...end, details: JSON.stringify(end.details ?? {}) }).changes > 0,
    recent: (query) => recent.all(query).map(fromRow),
    finishedSince: (query) => finishedSince.all(query).map(fromRow),
    closeInterrupted: (nowMs) => closeInterrupted.run(nowMs).changes,
    prune: (beforeMs) => prune.run(beforeMs).changes,
  };
}

function fromRow(row: RunRow): RunRecord {
  return { ...row, details: JSON.parse(row.details) as unknown };
}
