import type { Pool } from 'pg';
import type { AnomalyType, ConfidenceTier, DetectorName, Reason } from '../detector/detection.ts';
import { databaseError } from '../postgres/database-errors.ts';
import { hasShadowTable } from './shadow-detections-table.ts';

/** What was detected of one source over a period: counts, and its best tier's riskiest (then latest) detection. */
interface DetectedSource {
  readonly sourceIp: string;
  /** Source windows detected, by tier. */
  readonly windows: Readonly<Record<ConfidenceTier, number>>;
  readonly confidence: ConfidenceTier;
  readonly riskScore: number;
  readonly anomalyType: AnomalyType;
  readonly reasons: readonly string[];
  /** Most log records its detections have within HOURS_BACK: as many as one run can have decided by. */
  readonly flows: number;
  /** A router was read back with it; never true of what a shadow found. */
  readonly blocked: boolean;
  /** `is_false_positive` of a row in `detections`. */
  readonly markedFalsePositive: boolean;
}

/** The active detector of each run by its time of detection: `detections` itself only tells who judged a row. */
interface ActiveRun {
  readonly detectedAtMs: number;
  readonly detector: DetectorName;
}

interface TimeSpan {
  readonly fromMs: number;
  /** Not included. */
  readonly toMs: number;
}

/**
 * What both tables of detections say of a period, per source. Calls reject with AutoblockError DATABASE_UNAVAILABLE,
 * DATABASE_TIMEOUT or DATABASE_REFUSED.
 */
export interface DetectionHistory {
  /** What was detected for good since, whichever detector was active. */
  acted(query: { sinceMs: number }): Promise<DetectedSource[]>;
  /**
   * What `detector` found in windows that start within one of `spans`, be it as the active one or as the shadow: it may
   * have been either in turn. A window it saw in both parts counts once, with the judgement on more log records.
   */
  foundBy(query: {
    detector: DetectorName;
    runs: readonly ActiveRun[];
    spans: readonly TimeSpan[];
  }): Promise<DetectedSource[]>;
}

const MS_PER_SECOND = 1000;

/** @param hoursBack how far back one detection run reads */
export function createDetectionHistory(pool: Pool, hoursBack: number): DetectionHistory {
  const sources = (judged: string, values: readonly unknown[]): Promise<DetectedSource[]> =>
    sourcesOf(pool, judged, { values, hoursBack });
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      throw databaseError(thrown, 'reading the history of detections');
    }
  };
  return {
    acted: ({ sinceMs }) => guarded(() => sources(ACTED, [sinceMs / MS_PER_SECOND])),
    foundBy: ({ detector, runs, spans }) =>
      guarded(async () => {
        if (spans.length === 0) return [];
        const shadow = (await hasShadowTable(pool)) ? FOUND_AS_SHADOW : '';
        return sources(foundBy(shadow), [
          detector,
          runs.map((run) => run.detectedAtMs / MS_PER_SECOND),
          runs.map((run) => run.detector),
          spans.map((span) => span.fromMs / MS_PER_SECOND),
          spans.map((span) => span.toMs / MS_PER_SECOND),
        ]);
      }),
  };
}

const JUDGEMENT = 'source_ip, window_start, window_end, confidence, risk_score, anomaly_type, reasons';

const ACTED = `
  SELECT ${JUDGEMENT}, blocked, is_false_positive, log_count FROM detections WHERE detected_at >= to_timestamp($1)`;

const IN_SPANS = `EXISTS (SELECT FROM unnest($4::float8[], $5::float8[]) AS span (start, stop)
      WHERE window_start >= to_timestamp(span.start) AND window_start < to_timestamp(span.stop))`;

const FOUND_AS_SHADOW = `
    UNION ALL
    SELECT ${JUDGEMENT}, false, false, log_count, detected_at FROM shadow_detections
    WHERE shadow_detector = $1 AND ${IN_SPANS}`;

/** A row of a run the ledger does not know belongs to the detector that judged it. */
function foundBy(foundAsShadow: string): string {
  return `
  SELECT DISTINCT ON (source_ip, window_start, window_end) * FROM (
    SELECT ${JUDGEMENT}, blocked, is_false_positive, log_count, detected_at FROM detections
    LEFT JOIN (SELECT to_timestamp(at) AS at, active FROM unnest($2::float8[], $3::text[]) AS given (at, active)) AS run
      ON run.at = detected_at
    WHERE coalesce(run.active, detector) = $1 AND ${IN_SPANS}${foundAsShadow}
  ) AS found
  ORDER BY source_ip, window_start, window_end, log_count DESC, detected_at DESC`;
}

interface SourceRow {
  readonly source_ip: string;
  readonly high: number;
  readonly medium: number;
  readonly low: number;
  readonly confidence: ConfidenceTier;
  readonly risk_score: number;
  readonly anomaly_type: AnomalyType;
  readonly reasons: readonly Reason[];
  readonly flows: number;
  readonly blocked: boolean;
  readonly is_false_positive: boolean;
}

/** One row per source. Counting and choosing happen in the server: a week may hold a million detections. */
async function sourcesOf(
  pool: Pool,
  judged: string,
  { values, hoursBack }: { values: readonly unknown[]; hoursBack: number },
): Promise<DetectedSource[]> {
  const { rows } = await pool.query<SourceRow>(
    `WITH judged AS (${judged}),
     best AS (
       SELECT DISTINCT ON (source_ip) source_ip, confidence, risk_score, anomaly_type, reasons FROM judged
       ORDER BY source_ip, array_position(ARRAY['high', 'medium', 'low'], confidence::text), risk_score DESC,
         window_start DESC),
     counts AS (
       SELECT source_ip, count(*) FILTER (WHERE confidence = 'high')::int AS high,
         count(*) FILTER (WHERE confidence = 'medium')::int AS medium,
         count(*) FILTER (WHERE confidence = 'low')::int AS low, max(flows)::float8 AS flows,
         bool_or(blocked) AS blocked, bool_or(is_false_positive) AS is_false_positive
       FROM (
         SELECT *, sum(log_count) OVER (PARTITION BY source_ip ORDER BY window_start
           RANGE BETWEEN make_interval(hours => $${values.length + 1}) PRECEDING AND CURRENT ROW) AS flows
         FROM judged) AS run_by_run
       GROUP BY source_ip)
     SELECT host(source_ip) AS source_ip, high, medium, low, confidence, risk_score::float8 AS risk_score,
       anomaly_type, reasons, flows, blocked, is_false_positive
     FROM best JOIN counts USING (source_ip) ORDER BY best.source_ip`,
    [...values, hoursBack],
  );
  return rows.map((row) => ({
    sourceIp: row.source_ip,
    windows: { high: row.high, medium: row.medium, low: row.low },
    confidence: row.confidence,
    riskScore: row.risk_score,
    anomalyType: row.anomaly_type,
    reasons: row.reasons.map((reason) => reason.text),
    flows: row.flows,
    blocked: row.blocked,
    markedFalsePositive: row.is_false_positive,
  }));
}
