import type { Detection } from '../detector/detection.ts';
import type { Logger } from '../logger.ts';

/** Detections that are decided and safe in the ledger but not yet in PostgreSQL. */
export interface DeliveryLedger {
  pendingDetections(limit: number): readonly PendingDetection[];
  dropPendingDetections(ids: readonly number[]): void;
  unmarkedConfirmedBlocks(): readonly { id: number; address: string; confirmedAtMs: number }[];
  markBlocksMarked(ids: readonly number[]): void;
  pendingFalsePositives(): readonly { id: number; address: string; value: boolean }[];
  dropPendingFalsePositives(ids: readonly number[]): void;
}

interface PendingDetection {
  readonly id: number;
  readonly detection: Detection;
  readonly detectedAtMs: number;
  readonly isFalsePositive: boolean;
}

/** The table `detections`. Every call is idempotent, so delivering twice after a crash changes nothing. */
export interface DetectionsTable {
  write(rows: readonly PendingDetection[]): Promise<number>;
  markBlocked(marks: readonly { address: string; blockedAtMs: number }[]): Promise<number>;
  markFalsePositive(marks: readonly { address: string; value: boolean }[]): Promise<number>;
}

const BATCH_ROWS = 1000;

/**
 * Carries what the ledger holds for PostgreSQL over to it: detections, then which of them are blocked on a router, then
 * the operator's "that was none". Throws when PostgreSQL is away; everything stays in the ledger for the next try.
 */
export async function deliverDetections({
  ledger,
  table,
  logger,
}: {
  ledger: DeliveryLedger;
  table: DetectionsTable;
  logger: Logger;
}): Promise<{ delivered: number }> {
  let delivered = 0;
  for (;;) {
    const batch = ledger.pendingDetections(BATCH_ROWS);
    if (batch.length === 0) break;
    await table.write(batch);
    ledger.dropPendingDetections(batch.map((row) => row.id));
    delivered += batch.length;
  }

  const blocked = ledger.unmarkedConfirmedBlocks();
  if (blocked.length > 0) {
    await table.markBlocked(
      blocked.map(({ address, confirmedAtMs }) => ({ address, blockedAtMs: confirmedAtMs })),
    );
    ledger.markBlocksMarked(blocked.map((block) => block.id));
  }

  const falsePositives = ledger.pendingFalsePositives();
  if (falsePositives.length > 0) {
    await table.markFalsePositive(falsePositives);
    ledger.dropPendingFalsePositives(falsePositives.map((mark) => mark.id));
  }
  logger.debug(
    { delivered, blocked: blocked.length, falsePositives: falsePositives.length },
    'detections delivered to PostgreSQL',
  );
  return { delivered };
}
