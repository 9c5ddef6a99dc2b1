import { AutoblockError } from '../errors.ts';
import type { Guards } from './ledger-guards.ts';
import type { LedgerRows } from './ledger-rows.ts';
import type { RunKind, RunRecord } from './ledger-runs.ts';

/** The history of runs. */
export interface RunCalls {
  beginRun(kind: RunKind, nowMs: number): number;
  /** NOT_FOUND */
  finishRun(end: { id: number; status: 'ok' | 'failed'; details: unknown; nowMs: number }): void;
  /** Latest first. */
  recentRuns(query: { kind?: RunKind; limit: number }): RunRecord[];
  /** Those that ended at `sinceMs` or later, oldest first. */
  runsSince(query: { kind: RunKind; sinceMs: number }): RunRecord[];
  /** For the daemon at its start: runs that began and never ended were killed. Returns how many. */
  closeInterruptedRuns(nowMs: number): number;
}

export function runCalls({ runs }: LedgerRows, { inTransaction, reading }: Guards): RunCalls {
  return {
    beginRun: inTransaction((kind, nowMs) => runs.begin(kind, nowMs)),
    finishRun: inTransaction((end) => {
      if (!runs.finish(end)) throw unknownRun(end.id);
    }),
    recentRuns: reading(({ kind, limit }) => runs.recent({ kind: kind ?? null, limit })),
    runsSince: reading((query) => runs.finishedSince(query)),
    closeInterruptedRuns: inTransaction((nowMs) => runs.closeInterrupted(nowMs)),
  };
}

export function unknownRun(id: number): AutoblockError {
  return new AutoblockError('NOT_FOUND', `no run ${id} in the ledger`);
}
