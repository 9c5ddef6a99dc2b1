import type { Detection } from '../detector/detection.ts';
import type { LedgerDatabase } from './ledger-database.ts';

/** A detection that is decided but not yet in PostgreSQL. */
export interface PendingDetection {
  readonly id: number;
  readonly detection: Detection;
  readonly detectedAtMs: number;
  readonly isFalsePositive: boolean;
}

/** The detections of `address` are to be marked blocked, since a router was read back with it at `confirmedAtMs`. */
export interface BlockedMark {
  readonly id: number;
  /** Address or network. */
  readonly address: string;
  readonly confirmedAtMs: number;
}

/** The detections of `address` are to carry is_false_positive = `value`. */
export interface FalsePositiveMark {
  readonly id: number;
  readonly address: string;
  readonly value: boolean;
}

/**
 * What PostgreSQL has still to be told, because it may be away when something is decided. Delivered at least once:
 * the reader writes idempotently there, then drops the ids it wrote here. Ids are never used twice.
 */
export interface Outbox {
  putDetection(pending: Omit<PendingDetection, 'id'>): void;
  putBlockedMark(mark: Omit<BlockedMark, 'id'>): void;
  putFalsePositive(mark: Omit<FalsePositiveMark, 'id'>): void;
  detections(limit: number): PendingDetection[];
  blockedMarks(): BlockedMark[];
  falsePositives(): FalsePositiveMark[];
  dropDetections(ids: readonly number[]): void;
  dropMarks(ids: readonly number[]): void;
}

interface DetectionRow {
  readonly id: number;
  readonly detection: string;
  readonly detectedAtMs: number;
  readonly isFalsePositive: number;
}

interface MarkRow {
  readonly id: number;
  readonly address: string;
  readonly value: number;
}

export function outbox(db: LedgerDatabase): Outbox {
  return { ...detectionRows(db), ...markRows(db) };
}

function detectionRows(db: LedgerDatabase): Pick<Outbox, 'putDetection' | 'detections' | 'dropDetections'> {
  // Each run reads the last hour again: the newer sight of a window takes the older one's place.
  const put = db.prepare(
    `INSERT OR REPLACE INTO pending_detections
       (source_ip, window_start_ms, window_end_ms, detector, detection, detected_at_ms, is_false_positive)
     VALUES (@sourceIp, @windowStartMs, @windowEndMs, @detector, @json, @detectedAtMs, @flag)`,
  );
  const list = db.prepare<[number], DetectionRow>(
    `SELECT id, detection, detected_at_ms AS detectedAtMs, is_false_positive AS isFalsePositive
     FROM pending_detections ORDER BY id LIMIT ?`,
  );
  const drop = db.prepare<[number]>('DELETE FROM pending_detections WHERE id = ?');
  return {
    putDetection({ detection, detectedAtMs, isFalsePositive }) {
      const { sourceIp, windowStartMs, windowEndMs, detector } = detection;
      const json = JSON.stringify(detection);
      put.run({
        sourceIp,
        windowStartMs,
        windowEndMs,
        detector,
        json,
        detectedAtMs,
        flag: isFalsePositive ? 1 : 0,
      });
    },
    detections: (limit) =>
      list.all(limit).map((row) => ({
        ...row,
        detection: JSON.parse(row.detection) as Detection,
        isFalsePositive: row.isFalsePositive === 1,
      })),
    dropDetections: (ids) => ids.forEach((id) => drop.run(id)),
  };
}

function markRows(
  db: LedgerDatabase,
): Pick<Outbox, 'putBlockedMark' | 'putFalsePositive' | 'blockedMarks' | 'falsePositives' | 'dropMarks'> {
  type Kind = 'blocked' | 'false_positive';
  const put = db.prepare<[Kind, string, number]>(
    'INSERT OR REPLACE INTO pending_marks (kind, address, value) VALUES (?, ?, ?)',
  );
  const flagPending = db.prepare<[number, string]>(
    'UPDATE pending_detections SET is_false_positive = ? WHERE source_ip = ?',
  );
  const list = db.prepare<[Kind], MarkRow>(
    'SELECT id, address, value FROM pending_marks WHERE kind = ? ORDER BY id',
  );
  const drop = db.prepare<[number]>('DELETE FROM pending_marks WHERE id = ?');
  return {
    putBlockedMark: ({ address, confirmedAtMs }) => void put.run('blocked', address, confirmedAtMs),
    putFalsePositive({ address, value }) {
      put.run('false_positive', address, value ? 1 : 0);
      flagPending.run(value ? 1 : 0, address);
    },
    blockedMarks: () =>
      list.all('blocked').map(({ id, address, value }) => ({ id, address, confirmedAtMs: value })),
    falsePositives: () =>
      list.all('false_positive').map(({ id, address, value }) => ({ id, address, value: value === 1 })),
    dropMarks: (ids) => ids.forEach((id) => drop.run(id)),
  };
}
