/**
 * The result of folding log records: one row per entity, an entity being a (source IP, window) pair.
 * Column-oriented so that a million log lines cost a few typed arrays, not a million objects.
 */
export interface FeatureTable {
  /** Length of a window in milliseconds; windows start at multiples of it from a common origin. */
  readonly windowMs: number;
  readonly entityCount: number;
  /** Canonical source address of each entity. Length entityCount. */
  readonly sourceIps: readonly string[];
  /** Unix ms of each entity's window start. Length entityCount. */
  readonly windowStartMs: Float64Array;
  /** Unix ms of the first and the last record of each entity. Length entityCount. */
  readonly firstSeenMs: Float64Array;
  readonly lastSeenMs: Float64Array;
  /** Log records folded into each entity. Length entityCount. */
  readonly logCount: Uint32Array;
  /**
   * Features in catalogue order, row-major: entity i, feature j at [i * 25 + j]. Raw units, never NaN or infinite.
   * Single precision: with 700,000 entities (a million records of 100,000 sources) doubles would take 250 MB, more
   * than half of what the process may use. Counts are exact up to 16.7 million, everything else to 7 digits.
   */
  readonly values: Float32Array;
  /** What signatures ask beyond the features, row-major, columns in EVIDENCE_COLUMNS order. Precision as values. */
  readonly evidence: Float32Array;
}
