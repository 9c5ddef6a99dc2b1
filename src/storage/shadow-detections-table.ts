import type { Pool } from 'pg';
import type { Detection, DetectorName } from '../detector/detection.ts';
import type { Logger } from '../logger.ts';
import { databaseError } from '../postgres/database-errors.ts';
import { detectionColumns } from './detections-table.ts';
import { migrateShadow } from './schema-migrations.ts';

interface ShadowDetectionToWrite {
  readonly shadowDetector: DetectorName;
  readonly detection: Detection;
  readonly detectedAtMs: number;
}

/**
 * The PostgreSQL table `shadow_detections`: what the shadow detector found, which nobody acts on. It is made by the
 * first write. Calls reject with AutoblockError DATABASE_UNAVAILABLE, DATABASE_TIMEOUT, DATABASE_REFUSED or
 * SCHEMA_MISMATCH (a foreign table of that name).
 */
export interface ShadowDetectionsTable {
  /**
   * Records detections, one row per (source, window, shadow detector), with the rules of `detections`: a window judged
   * again is brought up to date, a judgement on fewer log records changes nothing. No key may come twice in one call.
   *
   * @returns rows inserted or updated
   */
  write(rows: readonly ShadowDetectionToWrite[]): Promise<number>;
  /** @returns rows removed; 0 where the table was never needed */
  prune(beforeMs: number): Promise<number>;
}

const MS_PER_SECOND = 1000;

export function createShadowDetectionsTable(parts: { pool: Pool; logger: Logger }): ShadowDetectionsTable {
  const { pool } = parts;
  let prepared = false;
  return {
    async write(rows) {
      try {
        if (!prepared) await migrateShadow(parts);
        prepared = true;
        const columns = rows.map((row) => ({
          ...detectionColumns(row),
          shadow_detector: row.shadowDetector,
        }));
        return (await pool.query(UPSERT, [JSON.stringify(columns)])).rowCount ?? 0;
      } catch (thrown) {
        // The table may be what is missing: the next write looks.
        prepared = false;
        throw databaseError(thrown, 'writing shadow detections');
      }
    },
    async prune(beforeMs) {
      try {
        if (!(await hasShadowTable(pool))) return 0;
        const old = 'DELETE FROM shadow_detections WHERE detected_at < to_timestamp($1)';
        return (await pool.query(old, [beforeMs / MS_PER_SECOND])).rowCount ?? 0;
      } catch (thrown) {
        throw databaseError(thrown, 'removing old shadow detections');
      }
    },
  };
}

/** False as long as no shadow detector ever found anything. */
export async function hasShadowTable(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ found: boolean }>(
    "SELECT to_regclass('shadow_detections') IS NOT NULL AS found",
  );
  return rows[0]?.found === true;
}

const UPSERT = `
  INSERT INTO shadow_detections (shadow_detector, detected_at, window_start, window_end, source_ip, risk_score,
    confidence, anomaly_type, reasons, log_count, first_seen, last_seen, detector, model_version)
  SELECT shadow_detector, to_timestamp(detected_at), to_timestamp(window_start), to_timestamp(window_end), source_ip,
    risk_score, confidence, anomaly_type, reasons, log_count, to_timestamp(first_seen), to_timestamp(last_seen),
    detector, model_version
  FROM jsonb_to_recordset($1::jsonb) AS given (shadow_detector text, detected_at float8, window_start float8,
    window_end float8, source_ip inet, risk_score float8, confidence text, anomaly_type text, reasons jsonb,
    log_count bigint, first_seen float8, last_seen float8, detector text, model_version text)
  ON CONFLICT (source_ip, window_start, window_end, shadow_detector) DO UPDATE SET
    detected_at = excluded.detected_at,
    risk_score = excluded.risk_score,
    confidence = excluded.confidence,
    anomaly_type = excluded.anomaly_type,
    reasons = excluded.reasons,
    log_count = excluded.log_count,
    first_seen = excluded.first_seen,
    last_seen = excluded.last_seen,
    detector = excluded.detector,
    model_version = excluded.model_version
  WHERE excluded.log_count >= shadow_detections.log_count`;
