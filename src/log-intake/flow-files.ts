import { AutoblockError, messageOf } from '../errors.ts';
import { type FlowColumns, type FlowLine, parseFlowHeader, parseFlowLine } from '../evaluation/flow-csv.ts';
import type { LogRecord } from '../features/log-record.ts';
import { readLines } from './text-lines.ts';

interface LineFault {
  /** Counted from 1, the header included. */
  readonly line: number;
  readonly reason: string;
}

/** A line left out because it is no flow. */
export interface BadLine extends LineFault {
  readonly file: string;
}

export interface FlowFileReading {
  readonly path: string;
  readonly signal: AbortSignal;
  readonly onBadLine: (bad: LineFault) => void;
}

type ReadableFlow = Extract<FlowLine, { ok: true }>;

/**
 * The flows of one canonical flow CSV (gzip or plain), streamed. Empty lines are passed over.
 *
 * @throws AutoblockError INPUT_FILE when the file or its header cannot be read; the signal's reason on abort
 */
export async function* readFlows(reading: FlowFileReading): AsyncGenerator<LogRecord, void> {
  for await (const flow of readFlowLines(reading)) yield flow.record;
}

/** Flows of a labelled file; what has no label cannot be held against anything and is left out. */
export interface LabelledFlow {
  readonly record: LogRecord;
  readonly label: 0 | 1;
  readonly attack: string | null;
}

/** What a labelled file held. */
interface LabelledReading {
  readonly flows: number;
  readonly badLines: number;
  /** Why the first bad line is none: the others mostly share the fault. */
  readonly firstBadLine: LineFault | null;
  readonly unlabelled: number;
  /** Flows older than one before them. Gaps, bursts and active minutes are not measured right where there are many. */
  readonly outOfOrder: number;
}

/**
 * Gives every labelled flow of a canonical flow CSV to `onFlow`.
 *
 * @throws AutoblockError INPUT_FILE, also for a file without a single labelled flow; the signal's reason on abort
 */
export async function readLabelledFlows({
  path,
  signal,
  onFlow,
}: {
  readonly path: string;
  readonly signal: AbortSignal;
  readonly onFlow: (flow: LabelledFlow) => void;
}): Promise<LabelledReading> {
  const found = { flows: 0, badLines: 0, unlabelled: 0, outOfOrder: 0 };
  let firstBadLine: LineFault | null = null;
  let newestMs = -Infinity;
  const onBadLine = (bad: LineFault): void => {
    found.badLines += 1;
    firstBadLine ??= bad;
  };
  for await (const { record, label, attack } of readFlowLines({ path, signal, onBadLine })) {
    if (label === null) {
      found.unlabelled += 1;
      continue;
    }
    found.flows += 1;
    if (record.timestampMs < newestMs) found.outOfOrder += 1;
    newestMs = Math.max(newestMs, record.timestampMs);
    onFlow({ record, label, attack });
  }
  if (found.flows > 0) return { ...found, firstBadLine };
  if (found.unlabelled === 0) throw noFlows(path, { badLines: found.badLines, firstBadLine });
  throw new AutoblockError(
    'INPUT_FILE',
    `${path} has no labels: ${found.unlabelled} flows, none with 0 or 1 in a column named label`,
  );
}

async function* readFlowLines({
  path,
  signal,
  onBadLine,
}: FlowFileReading): AsyncGenerator<ReadableFlow, void> {
  let columns: FlowColumns | null = null;
  for await (const { firstLine, lines } of readLines({ path, signal })) {
    for (const [index, line] of lines.entries()) {
      if (columns === null) {
        columns = headerOf(path, line);
        continue;
      }
      if (line === '') continue;
      const flow = parseFlowLine(line, columns);
      if (flow.ok) yield flow;
      else onBadLine({ line: firstLine + index, reason: reasonText(flow) });
    }
  }
  if (columns === null) throw new AutoblockError('INPUT_FILE', `${path} is empty`);
}

function headerOf(path: string, line: string): FlowColumns {
  try {
    return parseFlowHeader(line);
  } catch (cause) {
    throw new AutoblockError('INPUT_FILE', `${path}: ${messageOf(cause)}`, { cause });
  }
}

function reasonText({ reason }: Extract<FlowLine, { ok: false }>): string {
  return `${reason.column}: got ${JSON.stringify(reason.found)}, wanted ${reason.wanted}`;
}

/**
 * Gives every flow of the files to `onRecord`, file after file, without a database.
 *
 * @returns rows given, bad lines left out, and the period the rows cover (Unix ms)
 * @throws AutoblockError INPUT_FILE, also for a file without a single flow
 */
export async function readFlowFiles(options: {
  files: readonly string[];
  onRecord: (record: LogRecord) => void;
  signal?: AbortSignal;
}): Promise<{ rows: number; badLineCount: number; fromMs: number; toMs: number }> {
  const total = { rows: 0, badLineCount: 0, fromMs: Infinity, toMs: -Infinity };
  for (const path of options.files) {
    const found = await surveyFlows({
      path,
      signal: options.signal ?? new AbortController().signal,
      onRecord: options.onRecord,
    });
    total.rows += found.rows;
    total.badLineCount += found.badLineCount;
    total.fromMs = Math.min(total.fromMs, found.fromMs);
    total.toMs = Math.max(total.toMs, found.toMs);
  }
  return total;
}

/** Reads a file through once and says what is in it. */
export async function surveyFlows(options: {
  path: string;
  signal: AbortSignal;
  onRecord?: (record: LogRecord) => void;
}): Promise<{ rows: number; badLineCount: number; fromMs: number; toMs: number }> {
  const found = { rows: 0, badLineCount: 0, fromMs: Infinity, toMs: -Infinity };
  let firstBadLine: LineFault | null = null;
  const onBadLine = (bad: LineFault): void => {
    found.badLineCount += 1;
    firstBadLine ??= bad;
  };
  for await (const record of readFlows({ path: options.path, signal: options.signal, onBadLine })) {
    found.rows += 1;
    found.fromMs = Math.min(found.fromMs, record.timestampMs);
    found.toMs = Math.max(found.toMs, record.timestampMs);
    options.onRecord?.(record);
  }
  if (found.rows === 0) throw noFlows(options.path, { badLines: found.badLineCount, firstBadLine });
  return found;
}

export function noFlows(
  path: string,
  { badLines, firstBadLine }: { badLines: number; firstBadLine: LineFault | null },
): AutoblockError {
  const why = firstBadLine === null ? '' : `; line ${firstBadLine.line}: ${firstBadLine.reason}`;
  return new AutoblockError(
    'INPUT_FILE',
    `${path} holds no flow: ${badLines} lines, none of them readable${why}`,
  );
}
