import { EVIDENCE_COLUMNS, type EvidenceColumn } from '../../src/features/evidence.ts';
import type { FeatureTable } from '../../src/features/feature-table.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { createTrafficAccumulator, type TrafficWindows } from '../../src/features/traffic-windows.ts';
import { createWindowAccumulator } from '../../src/features/window-accumulator.ts';

export const WINDOW_MS = 300_000;

/** A completed HTTPS exchange; every test says only what differs. */
export function flow(changes: Partial<LogRecord> = {}): LogRecord {
  return {
    timestampMs: 0,
    sourceIp: '203.0.113.7',
    sourcePort: 40_000,
    destinationIp: '198.51.100.10',
    destinationPort: 443,
    protocol: 'tcp',
    action: 'accept',
    bytes: 9000,
    packets: 20,
    ...changes,
  };
}

/** Refused: SYN and RST. */
export const refused = { bytes: 80, packets: 2 } as const;
/** Dropped SYN. */
export const dropped = { bytes: 44, packets: 1, action: 'drop' } as const;

/** `count` flows spread evenly over the window from `fromMs` to `toMs`. */
export function flows(
  count: number,
  change: (index: number) => Partial<LogRecord>,
  { fromMs = 0, toMs = WINDOW_MS - 1 }: { fromMs?: number; toMs?: number } = {},
): LogRecord[] {
  return Array.from({ length: count }, (_, index) =>
    flow({ timestampMs: fromMs + ((toMs - fromMs) * index) / Math.max(1, count - 1), ...change(index) }),
  );
}

export function fold(records: readonly LogRecord[], windowMs = WINDOW_MS): FeatureTable {
  const accumulator = createWindowAccumulator({ windowMs });
  for (const record of records) accumulator.add(record);
  return accumulator.finish();
}

/** The same at both time scales, as detectors and training want it. */
export function foldTraffic(records: readonly LogRecord[], windowMs = WINDOW_MS): TrafficWindows {
  const accumulator = createTrafficAccumulator({ windowMs });
  for (const record of records) accumulator.add(record);
  return accumulator.finish();
}

/** Evidence made by hand: what is not given is 0. */
export function evidence(
  values: Partial<Record<EvidenceColumn, number>>,
): (column: EvidenceColumn) => number {
  return (column) => {
    if (!EVIDENCE_COLUMNS.includes(column)) throw new Error(`no evidence column ${column}`);
    return values[column] ?? 0;
  };
}
