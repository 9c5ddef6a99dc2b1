import type { Pool } from 'pg';
import type { AnomalyType, ConfidenceTier, Detection, DetectorName, Reason } from '../detector/detection.ts';
import { databaseError } from '../postgres/database-errors.ts';

/** A detection to be recorded. */
interface DetectionToWrite {
  readonly detection: Detection;
  readonly detectedAtMs: number;
  /** The operator already said so when it was made (a standing rejection). */
  readonly isFalsePositive?: boolean;
}

/** A row of `detections` as read back. */
interface RecordedDetection {
  readonly id: number;
  readonly detection: Detection;
  readonly detectedAtMs: number;
  readonly blocked: boolean;
  readonly blockedAtMs: number | null;
  readonly isFalsePositive: boolean;
}

/**
 * The PostgreSQL table `detections`. Every write is idempotent; all counts come back from the server. Calls reject
 * with AutoblockError DATABASE_UNAVAILABLE, DATABASE_TIMEOUT or DATABASE_REFUSED.
 */
export interface DetectionsTable {
  /**
   * Records detections, one row per (source, window, detector): a window judged again brings risk, confidence and
   * reasons up to date and never resets `blocked`, `blocked_at` or `is_false_positive`. A judgement on fewer log records
   * than the recorded one changes nothing: where MAX_RECORDS cuts the reading short, every window is seen once more
   * as its last part, and that must not be what stays of it.
   *
   * @returns rows inserted or updated
   */
  write(rows: readonly DetectionToWrite[]): Promise<number>;
  /** Marks every not yet marked detection of the blocked sources; a network marks all sources in it. @returns rows changed */
  markBlocked(marks: readonly { address: string; blockedAtMs: number }[]): Promise<number>;
  /** Sets the operator's word for all detections of an address or network. @returns rows changed */
  markFalsePositive(marks: readonly { address: string; value: boolean }[]): Promise<number>;
  /** Detections recorded since, newest and riskiest first. */
  recent(query: { sinceMs: number; limit: number }): Promise<readonly RecordedDetection[]>;
  /** Detections recorded since, per tier. */
  countsByTier(query: { sinceMs: number }): Promise<Readonly<Record<ConfidenceTier, number>>>;
}

const BATCH_ROWS = 1000;
const MS_PER_SECOND = 1000;

export function createDetectionsTable(pool: Pool): DetectionsTable {
  return {
    write: (rows) => guarded('writing detections', () => writeAll(pool, rows)),
    markBlocked: (marks) => guarded('marking blocked detections', () => markBlocked(pool, marks)),
    markFalsePositive: (marks) => guarded('marking false positives', () => markFalsePositive(pool, marks)),
    recent: (query) => guarded('reading detections', () => recent(pool, query)),
    countsByTier: (query) => guarded('counting detections', () => countsByTier(pool, query)),
  };
}

async function guarded<T>(whatIsDone: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw databaseError(thrown, whatIsDone);
  }
}

async function writeAll(pool: Pool, rows: readonly DetectionToWrite[]): Promise<number> {
  const once = latestPerKey(rows);
  let written = 0;
  for (let start = 0; start < once.length; start += BATCH_ROWS) {
    const batch = once.slice(start, start + BATCH_ROWS).map(detectionColumns);
    const { rowCount } = await pool.query(UPSERT, [JSON.stringify(batch)]);
    written += rowCount ?? 0;
  }
  return written;
}

/** One statement may not update a row twice; of several judgements of a window the last given counts. */
function latestPerKey(rows: readonly DetectionToWrite[]): readonly DetectionToWrite[] {
  const byKey = new Map<string, DetectionToWrite>();
  for (const row of rows) {
    const { sourceIp, windowStartMs, windowEndMs, detector } = row.detection;
    byKey.set(`${sourceIp} ${windowStartMs} ${windowEndMs} ${detector}`, row);
  }
  return [...byKey.values()];
}

/** One row as `jsonb_to_recordset` reads it; times in seconds since the Unix epoch. */
export function detectionColumns({
  detection,
  detectedAtMs,
  isFalsePositive,
}: DetectionToWrite): Record<string, unknown> {
  return {
    detected_at: detectedAtMs / MS_PER_SECOND,
    window_start: detection.windowStartMs / MS_PER_SECOND,
    window_end: detection.windowEndMs / MS_PER_SECOND,
    source_ip: detection.sourceIp,
    risk_score: detection.riskScore,
    confidence: detection.confidence,
    anomaly_type: detection.anomalyType,
    reasons: detection.reasons,
    log_count: detection.logCount,
    first_seen: detection.firstSeenMs / MS_PER_SECOND,
    last_seen: detection.lastSeenMs / MS_PER_SECOND,
    detector: detection.detector,
    model_version: detection.modelVersion,
    is_false_positive: isFalsePositive ?? false,
  };
}

const UPSERT = `
  INSERT INTO detections (detected_at, window_start, window_end, source_ip, risk_score, confidence, anomaly_type,
    reasons, log_count, first_seen, last_seen, detector, model_version, is_false_positive)
  SELECT to_timestamp(detected_at), to_timestamp(window_start), to_timestamp(window_end), source_ip, risk_score,
    confidence, anomaly_type, reasons, log_count, to_timestamp(first_seen), to_timestamp(last_seen), detector,
    model_version, is_false_positive
  FROM jsonb_to_recordset($1::jsonb) AS given (detected_at float8, window_start float8, window_end float8,
    source_ip inet, risk_score float8, confidence text, anomaly_type text, reasons jsonb, log_count bigint,
    first_seen float8, last_seen float8, detector text, model_version text, is_false_positive boolean)
  ON CONFLICT (source_ip, window_start, window_end, detector) DO UPDATE SET
    detected_at = excluded.detected_at,
    risk_score = excluded.risk_score,
    confidence = excluded.confidence,
    anomaly_type = excluded.anomaly_type,
    reasons = excluded.reasons,
    log_count = excluded.log_count,
    first_seen = excluded.first_seen,
    last_seen = excluded.last_seen,
    model_version = excluded.model_version,
    is_false_positive = detections.is_false_positive OR excluded.is_false_positive
  WHERE excluded.log_count >= detections.log_count`;

/** Single hosts go through the index at once; a network is a range of its own per statement, which the index serves too. */
async function markBlocked(
  pool: Pool,
  marks: readonly { address: string; blockedAtMs: number }[],
): Promise<number> {
  const hosts = marks.filter(({ address }) => !address.includes('/'));
  const networks = marks.filter(({ address }) => address.includes('/'));
  const ofHosts = await pool.query(
    `UPDATE detections SET blocked = true, blocked_at = to_timestamp(mark.at)
     FROM unnest($1::inet[], $2::float8[]) AS mark (address, at)
     WHERE source_ip = mark.address AND NOT blocked`,
    [hosts.map(({ address }) => address), hosts.map(({ blockedAtMs }) => blockedAtMs / MS_PER_SECOND)],
  );
  let changed = ofHosts.rowCount ?? 0;
  for (const { address, blockedAtMs } of networks) {
    const { rowCount } = await pool.query(
      'UPDATE detections SET blocked = true, blocked_at = to_timestamp($2) WHERE source_ip <<= $1::inet AND NOT blocked',
      [address, blockedAtMs / MS_PER_SECOND],
    );
    changed += rowCount ?? 0;
  }
  return changed;
}

async function markFalsePositive(
  pool: Pool,
  marks: readonly { address: string; value: boolean }[],
): Promise<number> {
  let changed = 0;
  // In order: a later word about the same address counts.
  for (const { address, value } of marks) {
    const { rowCount } = await pool.query(
      'UPDATE detections SET is_false_positive = $2 WHERE source_ip <<= $1::inet AND is_false_positive <> $2',
      [address, value],
    );
    changed += rowCount ?? 0;
  }
  return changed;
}

interface DetectionRow {
  id: string;
  detected_at: number;
  window_start: number;
  window_end: number;
  source_ip: string;
  risk_score: number;
  confidence: ConfidenceTier;
  anomaly_type: AnomalyType;
  reasons: readonly Reason[];
  log_count: string;
  first_seen: number;
  last_seen: number;
  blocked: boolean;
  blocked_at: number | null;
  is_false_positive: boolean;
  detector: DetectorName;
  model_version: string | null;
}

async function recent(
  pool: Pool,
  { sinceMs, limit }: { sinceMs: number; limit: number },
): Promise<readonly RecordedDetection[]> {
  const { rows } = await pool.query<DetectionRow>(
    `SELECT id, ${epochMs('detected_at')}, ${epochMs('window_start')}, ${epochMs('window_end')},
       host(source_ip) AS source_ip, risk_score::float8 AS risk_score, confidence, anomaly_type, reasons, log_count,
       ${epochMs('first_seen')}, ${epochMs('last_seen')}, blocked, ${epochMs('blocked_at')}, is_false_positive,
       detector, model_version
     FROM detections WHERE detected_at >= to_timestamp($1)
     ORDER BY detections.detected_at DESC, detections.risk_score DESC, id LIMIT $2`,
    [sinceMs / MS_PER_SECOND, limit],
  );
  return rows.map(fromRow);
}

function epochMs(column: string): string {
  return `(extract(epoch FROM ${column}) * 1000)::float8 AS ${column}`;
}

function fromRow(row: DetectionRow): RecordedDetection {
  return {
    id: Number(row.id),
    detectedAtMs: row.detected_at,
    blocked: row.blocked,
    blockedAtMs: row.blocked_at,
    isFalsePositive: row.is_false_positive,
    detection: {
      sourceIp: row.source_ip,
      windowStartMs: row.window_start,
      windowEndMs: row.window_end,
      riskScore: row.risk_score,
      confidence: row.confidence,
      anomalyType: row.anomaly_type,
      reasons: row.reasons,
      logCount: Number(row.log_count),
      firstSeenMs: row.first_seen,
      lastSeenMs: row.last_seen,
      detector: row.detector,
      modelVersion: row.model_version,
    },
  };
}

async function countsByTier(
  pool: Pool,
  { sinceMs }: { sinceMs: number },
): Promise<Readonly<Record<ConfidenceTier, number>>> {
  const { rows } = await pool.query<{ confidence: ConfidenceTier; count: string }>(
    'SELECT confidence, count(*) AS count FROM detections WHERE detected_at >= to_timestamp($1) GROUP BY confidence',
    [sinceMs / MS_PER_SECOND],
  );
  const counts = { high: 0, medium: 0, low: 0 };
  for (const { confidence, count } of rows) counts[confidence] = Number(count);
  return counts;
}
