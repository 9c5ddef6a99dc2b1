import { FEATURE_COUNT, FEATURE_NAMES, type FeatureName } from '../../src/features/catalogue.ts';
import { EVIDENCE_COLUMNS, EVIDENCE_COUNT, type EvidenceColumn } from '../../src/features/evidence.ts';
import type { FeatureTable } from '../../src/features/feature-table.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { createWindowAccumulator } from '../../src/features/window-accumulator.ts';

export const WINDOW_MS = 300_000;
/** Start of a five-minute window. */
export const START_MS = 5_666_667 * WINDOW_MS;

/** Says nothing but who and when; every test adds what it is about. */
export const RECORD: LogRecord = {
  timestampMs: START_MS,
  sourceIp: '203.0.113.7',
  sourcePort: null,
  destinationIp: '198.51.100.1',
  destinationPort: null,
  protocol: null,
  action: null,
  bytes: null,
  packets: null,
};

export function at(seconds: number, fields: Partial<LogRecord>): LogRecord {
  return { ...RECORD, timestampMs: START_MS + seconds * 1000, ...fields };
}

export function fold(records: readonly LogRecord[], windowMs = WINDOW_MS): FeatureTable {
  const accumulator = createWindowAccumulator({ windowMs });
  for (const record of records) accumulator.add(record);
  return accumulator.finish();
}

export function featuresOf(table: FeatureTable, entity = 0): Record<FeatureName, number> {
  return Object.fromEntries(
    FEATURE_NAMES.map((name, index) => [name, table.values[entity * FEATURE_COUNT + index]!]),
  ) as Record<FeatureName, number>;
}

export function evidenceOf(table: FeatureTable, entity = 0): Record<EvidenceColumn, number> {
  return Object.fromEntries(
    EVIDENCE_COLUMNS.map((name, index) => [name, table.evidence[entity * EVIDENCE_COUNT + index]!]),
  ) as Record<EvidenceColumn, number>;
}
