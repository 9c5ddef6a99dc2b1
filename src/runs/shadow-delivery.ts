import type { Detection, DetectorName } from '../detector/detection.ts';
import type { Logger } from '../logger.ts';

interface PendingShadowDetection {
  readonly id: number;
  readonly shadowDetector: DetectorName;
  readonly detection: Detection;
  readonly detectedAtMs: number;
}

/** Shadow detections that are safe in the ledger but not yet in PostgreSQL. */
interface ShadowDeliveryLedger {
  pendingShadowDetections(limit: number): readonly PendingShadowDetection[];
  dropPendingShadowDetections(ids: readonly number[]): void;
}

/** The table `shadow_detections`. Every call is idempotent, so delivering twice after a crash changes nothing. */
interface ShadowTable {
  write(rows: readonly PendingShadowDetection[]): Promise<number>;
  prune(beforeMs: number): Promise<number>;
}

const BATCH_ROWS = 1000;

/**
 * Carries what the shadow detector found over to PostgreSQL and forgets there what was detected before `keepFromMs`.
 * Throws when PostgreSQL is away; everything stays in the ledger for the next try.
 */
export async function deliverShadowDetections({
  ledger,
  table,
  keepFromMs,
  logger,
}: {
  ledger: ShadowDeliveryLedger;
  table: ShadowTable;
  keepFromMs: number;
  logger: Logger;
}): Promise<{ delivered: number; pruned: number }> {
  let delivered = 0;
  for (;;) {
    const batch = ledger.pendingShadowDetections(BATCH_ROWS);
    if (batch.length === 0) break;
    await table.write(batch);
    ledger.dropPendingShadowDetections(batch.map((row) => row.id));
    delivered += batch.length;
  }
  const pruned = await table.prune(keepFromMs);
  if (delivered + pruned > 0)
    logger.debug({ delivered, pruned }, 'shadow detections delivered to PostgreSQL');
  return { delivered, pruned };
}
