import type { Detection, DetectorName } from '../detector/detection.ts';
import type { LedgerDatabase } from './ledger-database.ts';

/** What the shadow detector made of a run that is recorded already. */
export interface ShadowRecord {
  readonly runId: number;
  /** Kept with the run as `details.shadow`. */
  readonly figures: { readonly detector: DetectorName };
  readonly detections: readonly Detection[];
  readonly detectedAtMs: number;
}

/** A detection of the shadow detector that is not yet in PostgreSQL. */
export interface PendingShadowDetection {
  readonly id: number;
  /** Who was asked; `detection.detector` is who judged (legacy where hybrid has no model for the group). */
  readonly shadowDetector: DetectorName;
  readonly detection: Detection;
  readonly detectedAtMs: number;
}

export interface ShadowRows {
  /** False when there is no such run. */
  record(record: ShadowRecord): boolean;
  pending(limit: number): PendingShadowDetection[];
  drop(ids: readonly number[]): void;
  prune(beforeMs: number): number;
}

type PendingRow = Omit<PendingShadowDetection, 'detection'> & { readonly detection: string };

/** The shadow's part of the ledger: its own outbox and a note in the run history, nothing else. */
export function shadowRows(db: LedgerDatabase): ShadowRows {
  const note = db.prepare<[{ runId: number; figures: string }]>(
    "UPDATE runs SET details = json_set(details, '$.shadow', json(@figures)) WHERE id = @runId",
  );
  // Each run reads the last hour again: the newer sight of a window takes the older one's place, under a new id.
  const put = db.prepare(
    `INSERT OR REPLACE INTO pending_shadow_detections
       (source_ip, window_start_ms, window_end_ms, shadow_detector, detection, detected_at_ms)
     VALUES (@sourceIp, @windowStartMs, @windowEndMs, @shadowDetector, @json, @detectedAtMs)`,
  );
  const list = db.prepare<[number], PendingRow>(
    `SELECT id, shadow_detector AS shadowDetector, detection, detected_at_ms AS detectedAtMs
     FROM pending_shadow_detections ORDER BY id LIMIT ?`,
  );
  const drop = db.prepare<[number]>('DELETE FROM pending_shadow_detections WHERE id = ?');
  const prune = db.prepare<[number]>('DELETE FROM pending_shadow_detections WHERE detected_at_ms < ?');
  return {
    record({ runId, figures, detections, detectedAtMs }) {
      if (note.run({ runId, figures: JSON.stringify(figures) }).changes === 0) return false;
      for (const detection of detections) {
        const { sourceIp, windowStartMs, windowEndMs } = detection;
        const key = { sourceIp, windowStartMs, windowEndMs, shadowDetector: figures.detector };
        put.run({ ...key, json: JSON.stringify(detection), detectedAtMs });
      }
      return true;
    },
    pending: (limit) =>
      list.all(limit).map((row) => ({ ...row, detection: JSON.parse(row.detection) as Detection })),
    drop: (ids) => ids.forEach((id) => drop.run(id)),
    prune: (beforeMs) => prune.run(beforeMs).changes,
  };
}
