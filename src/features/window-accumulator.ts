import { createEntityIndex, type EntityIndex } from './entity-index.ts';
import {
  COUNT,
  createEntityCursor,
  createEntityRows,
  type EntityCursor,
  type EntityRows,
  NO_PORT,
  SUM,
} from './entity-rows.ts';
import type { FeatureTable } from './feature-table.ts';
import type { LogRecord } from './log-record.ts';
import {
  isAnsweredTcp,
  isDropped,
  isEstablishedTcp,
  isEverydayPort,
  isIcmp,
  isLoginPort,
  isLongFlow,
  isServiceReply,
  isSmallFlow,
  isUdpExchange,
} from './record-facts.ts';
import { createTargetCounts, type Target, type TargetCounts } from './target-counts.ts';
import { writeFeatureTable } from './write-feature-table.ts';

/** Folds log records into one row of features and evidence per (source, window), in one pass. */
export interface WindowAccumulator {
  /**
   * Folds one record; the object is not kept, so the caller may reuse it.
   *
   * @throws RangeError when the timestamp is not a finite number
   */
  add(record: LogRecord): void;
  /**
   * The result; entities in order of first appearance. Lets go of everything while it writes the table.
   *
   * @throws Error when called a second time
   */
  finish(): FeatureTable;
  /** Records added so far. */
  readonly recordCount: number;
}

const MS_PER_SECOND = 1000;
const MS_PER_MINUTE = 60_000;
const LAST_PORT = 65_535;

interface Fold {
  readonly rows: EntityRows;
  readonly index: EntityIndex;
  readonly targets: TargetCounts;
}

/**
 * Windows start at `originMs` (Unix ms, the epoch when left out) and at multiples of windowMs from it. Records should
 * come in time order, ascending or descending, at least per source. Disorder loses nothing, but distorts what depends on neighbours: each gap is the distance |Δt| to the
 * record of the entity that was folded before, so going back and forth counts as long gaps, and a minute that is
 * left and entered again is counted as two (peak_flows_per_minute too low, active_minute_share too high, at most 1).
 *
 * Fields outside their range (negative bytes, port 70000) count as unknown.
 *
 * @throws RangeError when windowMs is not a positive finite number
 */
export function createWindowAccumulator({
  windowMs,
  originMs = 0,
}: {
  readonly windowMs: number;
  readonly originMs?: number;
}): WindowAccumulator {
  if (!(windowMs > 0 && Number.isFinite(windowMs))) {
    throw new RangeError(`windowMs must be a positive number, got ${windowMs}`);
  }
  let fold: Fold | null = createFold(windowMs);
  const cursor = createEntityCursor();
  const target: Target = { address: '', port: NO_PORT, isLogin: false };
  let recordCount = 0;

  return {
    get recordCount() {
      return recordCount;
    },
    add(record) {
      if (fold === null) throw new Error('this accumulator is finished');
      if (!Number.isFinite(record.timestampMs)) throw new RangeError(`no time: ${record.timestampMs}`);
      recordCount += 1;
      const windowStartMs = Math.floor((record.timestampMs - originMs) / windowMs) * windowMs + originMs;
      fold.index.seek(cursor, record.sourceIp, windowStartMs);
      noteTime(cursor, record.timestampMs);
      noteKind(cursor, record);
      noteVolume(cursor, record);
      noteSourcePort(cursor, record);
      fold.targets.note(cursor, readTarget(record, target));
    },
    finish() {
      if (fold === null) throw new Error('this accumulator is finished');
      const { rows, index, targets } = fold;
      fold = null;
      targets.release();
      return writeFeatureTable({ rows, sources: index.sources, windowMs });
    },
  };
}

function createFold(windowMs: number): Fold {
  const rows = createEntityRows();
  return { rows, index: createEntityIndex({ rows, windowMs }), targets: createTargetCounts() };
}

/** Counts the flow and places it in time. */
function noteTime({ sums, sumAt, counts, countAt }: EntityCursor, timestampMs: number): void {
  const minute = Math.floor((timestampMs - sums[sumAt + SUM.windowStartMs]!) / MS_PER_MINUTE);
  const flows = counts[countAt + COUNT.flows]! + 1;
  counts[countAt + COUNT.flows] = flows;
  if (flows === 1) {
    sums[sumAt + SUM.firstSeenMs] = timestampMs;
    sums[sumAt + SUM.lastSeenMs] = timestampMs;
  } else {
    const gapSeconds = Math.abs(timestampMs - sums[sumAt + SUM.previousMs]!) / MS_PER_SECOND;
    sums[sumAt + SUM.gapSeconds]! += gapSeconds;
    sums[sumAt + SUM.gapSecondsSquared]! += gapSeconds * gapSeconds;
    if (gapSeconds < 1) counts[countAt + COUNT.rapidGaps]! += 1;
    if (timestampMs < sums[sumAt + SUM.firstSeenMs]!) sums[sumAt + SUM.firstSeenMs] = timestampMs;
    if (timestampMs > sums[sumAt + SUM.lastSeenMs]!) sums[sumAt + SUM.lastSeenMs] = timestampMs;
  }
  sums[sumAt + SUM.previousMs] = timestampMs;
  if (flows === 1 || counts[countAt + COUNT.minute] !== minute) {
    counts[countAt + COUNT.minute] = minute;
    counts[countAt + COUNT.minuteFlows] = 0;
    counts[countAt + COUNT.activeMinutes]! += 1;
  }
  const minuteFlows = counts[countAt + COUNT.minuteFlows]! + 1;
  counts[countAt + COUNT.minuteFlows] = minuteFlows;
  if (minuteFlows > counts[countAt + COUNT.peakMinuteFlows]!)
    counts[countAt + COUNT.peakMinuteFlows] = minuteFlows;
}

/** Protocol, outcome and the well-known meaning of the destination port. */
function noteKind({ counts, countAt }: EntityCursor, record: LogRecord): void {
  const dropped = isDropped(record.action);
  if (dropped) counts[countAt + COUNT.dropped]! += 1;
  const port = destinationPortOf(record);
  if (port !== NO_PORT && !isEverydayPort(port)) counts[countAt + COUNT.uncommonPort]! += 1;
  if (isIcmp(record.protocol)) counts[countAt + COUNT.icmp]! += 1;
  else if (record.protocol === 'udp') counts[countAt + COUNT.udp]! += 1;
  if (isUdpExchange(record)) counts[countAt + COUNT.udpExchanges]! += 1;
  if (isLongFlow(record)) counts[countAt + COUNT.longFlows]! += 1;
  if (isServiceReply(record)) counts[countAt + COUNT.serviceReplies]! += 1;
  if (record.protocol !== 'tcp') return;

  counts[countAt + COUNT.tcp]! += 1;
  const small = isSmallFlow(record);
  const established = isEstablishedTcp(record);
  if (isAnsweredTcp(record)) counts[countAt + COUNT.answeredTcp]! += 1;
  if (small || dropped) counts[countAt + COUNT.unansweredTcp]! += 1;
  if (established) counts[countAt + COUNT.established]! += 1;
  if (!isLoginPort(port)) return;
  counts[countAt + COUNT.login]! += 1;
  if (established) counts[countAt + COUNT.establishedLogin]! += 1;
}

function noteVolume({ sums, sumAt, counts, countAt }: EntityCursor, { bytes, packets }: LogRecord): void {
  if (isAmount(bytes)) {
    sums[sumAt + SUM.bytes]! += bytes;
    sums[sumAt + SUM.bytesSquared]! += bytes * bytes;
    counts[countAt + COUNT.bytesKnown]! += 1;
  }
  if (isAmount(packets)) {
    sums[sumAt + SUM.packets]! += packets;
    counts[countAt + COUNT.packetsKnown]! += 1;
  }
}

function noteSourcePort({ counts, countAt }: EntityCursor, record: LogRecord): void {
  const port = isIcmp(record.protocol) ? NO_PORT : portOrNone(record.sourcePort);
  // The row begins with zeros, and 0 is a port too: the first record has no predecessor to repeat.
  const repeats = port !== NO_PORT && counts[countAt + COUNT.previousSourcePort] === port;
  if (repeats && counts[countAt + COUNT.flows]! > 1) counts[countAt + COUNT.sourcePortRepeats]! += 1;
  counts[countAt + COUNT.previousSourcePort] = port;
}

function readTarget(record: LogRecord, target: Target): Target {
  target.address = record.destinationIp;
  target.port = destinationPortOf(record);
  target.isLogin = record.protocol === 'tcp' && isLoginPort(target.port);
  return target;
}

/** ICMP has no ports; what some exporters write there is its type and code. */
function destinationPortOf(record: LogRecord): number {
  return isIcmp(record.protocol) ? NO_PORT : portOrNone(record.destinationPort);
}

function portOrNone(port: number | null): number {
  return port !== null && port >= 0 && port <= LAST_PORT ? port : NO_PORT;
}

/** False for null, NaN, negative and infinite. */
function isAmount(value: number | null): value is number {
  return value !== null && value >= 0 && value < Number.POSITIVE_INFINITY;
}
