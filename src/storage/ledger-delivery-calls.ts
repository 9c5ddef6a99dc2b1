import type { Guards } from './ledger-guards.ts';
import type { BlockedMark, FalsePositiveMark, PendingDetection } from './ledger-outbox.ts';
import type { LedgerRows } from './ledger-rows.ts';
import { unknownRun } from './ledger-run-calls.ts';
import type { PendingShadowDetection, ShadowRecord } from './ledger-shadow.ts';

/** What PostgreSQL has still to be told. */
export interface DeliveryCalls {
  pendingDetections(limit: number): PendingDetection[];
  dropPendingDetections(ids: readonly number[]): void;
  /** Confirmed blocks PostgreSQL does not know of; `id` is for `markBlocksMarked` and is not the block's id. */
  unmarkedConfirmedBlocks(): BlockedMark[];
  markBlocksMarked(ids: readonly number[]): void;
  pendingFalsePositives(): FalsePositiveMark[];
  dropPendingFalsePositives(ids: readonly number[]): void;

  /**
   * What the shadow detector made of a run recorded before: a note in the run history and detections for PostgreSQL.
   * No block, review or count depends on it. NOT_FOUND
   */
  recordShadow(record: ShadowRecord): void;
  pendingShadowDetections(limit: number): PendingShadowDetection[];
  dropPendingShadowDetections(ids: readonly number[]): void;
}

export function deliveryCalls(
  { outbox, shadow }: LedgerRows,
  { inTransaction, reading }: Guards,
): DeliveryCalls {
  return {
    pendingDetections: reading((limit) => outbox.detections(limit)),
    dropPendingDetections: inTransaction((ids) => outbox.dropDetections(ids)),
    unmarkedConfirmedBlocks: reading(() => outbox.blockedMarks()),
    markBlocksMarked: inTransaction((ids) => outbox.dropMarks(ids)),
    pendingFalsePositives: reading(() => outbox.falsePositives()),
    dropPendingFalsePositives: inTransaction((ids) => outbox.dropMarks(ids)),
    recordShadow: inTransaction((record) => {
      if (!shadow.record(record)) throw unknownRun(record.runId);
    }),
    pendingShadowDetections: reading((limit) => shadow.pending(limit)),
    dropPendingShadowDetections: inTransaction((ids) => shadow.drop(ids)),
  };
}
