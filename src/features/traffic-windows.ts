import type { FeatureTable } from './feature-table.ts';
import type { LogRecord } from './log-record.ts';
import { selectEntities } from './select-entities.ts';
import { createWindowAccumulator } from './window-accumulator.ts';

/**
 * The same log records folded at two time scales: short windows show bursts, long ones show what is spread so thinly
 * that no single short window holds enough of it. What is judged is the short window; the long one is its context.
 */
export interface TrafficWindows {
  readonly short: FeatureTable;
  readonly long: FeatureTable;
  /** Row of `long` with the period around each short entity. Length short.entityCount. */
  readonly longOf: Int32Array;
}

/** Folds log records at both scales, in one pass. As WindowAccumulator otherwise. */
export interface TrafficAccumulator {
  add(record: LogRecord): void;
  finish(): TrafficWindows;
  readonly recordCount: number;
}

/** What a slow campaign needs to show itself, and what one detection run reads by default. */
const LONG_MS = 3_600_000;

/** Length of the long window in milliseconds: the shortest multiple of the short one that holds an hour. */
export function longWindowOf(windowMs: number): number {
  return Math.ceil(LONG_MS / windowMs) * windowMs;
}

/**
 * @param windowMs length of the short window; short windows are aligned with the Unix epoch
 * @param longEndsAtMs a time (Unix ms) at which one of the long windows ends, at best the end of the period looked at:
 *   the newest short windows then have a whole long window before them. Rounded up to the end of a short window, so
 *   that each lies in one long window. Aligned with the epoch when left out.
 * @throws RangeError as createWindowAccumulator
 */
export function createTrafficAccumulator({
  windowMs,
  longEndsAtMs = 0,
}: {
  readonly windowMs: number;
  readonly longEndsAtMs?: number;
}): TrafficAccumulator {
  const longWindowMs = longWindowOf(windowMs);
  const longOriginMs = (Math.ceil(longEndsAtMs / windowMs) * windowMs) % longWindowMs;
  const short = createWindowAccumulator({ windowMs });
  const long = createWindowAccumulator({ windowMs: longWindowMs, originMs: longOriginMs });
  return {
    get recordCount() {
      return short.recordCount;
    },
    add(record) {
      short.add(record);
      long.add(record);
    },
    finish() {
      return joinScales(short.finish(), long.finish());
    },
  };
}

/**
 * Traffic of its own with the given short entities, in the given order, and the long windows around them.
 *
 * @throws RangeError as selectEntities
 */
export function selectTraffic({ short, long, longOf }: TrafficWindows, entities: Int32Array): TrafficWindows {
  const chosen = selectEntities(short, entities);
  const longRows = Int32Array.from(new Set(entities.map((entity) => longOf[entity]!)));
  const positionOf = new Map(Array.from(longRows, (row, position) => [row, position]));
  return {
    short: chosen,
    long: selectEntities(long, longRows),
    longOf: entities.map((entity) => positionOf.get(longOf[entity]!)!),
  };
}

/** Finds for every short entity the long one of the same source around it: both tables come from the same records. */
function joinScales(short: FeatureTable, long: FeatureTable): TrafficWindows {
  const rowsOfSource = new Map<string, Map<number, number>>();
  long.sourceIps.forEach((sourceIp, row) => {
    const rows = rowsOfSource.get(sourceIp) ?? new Map<number, number>();
    rowsOfSource.set(sourceIp, rows.set(long.windowStartMs[row]!, row));
  });
  const originMs = long.entityCount === 0 ? 0 : long.windowStartMs[0]!;
  const longOf = new Int32Array(short.entityCount);
  for (let entity = 0; entity < short.entityCount; entity += 1) {
    const windows = Math.floor((short.windowStartMs[entity]! - originMs) / long.windowMs);
    longOf[entity] = rowsOfSource.get(short.sourceIps[entity]!)!.get(originMs + windows * long.windowMs)!;
  }
  return { short, long, longOf };
}
