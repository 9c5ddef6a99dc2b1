import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DatabaseError, type Pool } from 'pg';
import { AutoblockError, messageOf } from '../errors.ts';
import type { LogRecord } from '../features/log-record.ts';
import { type BadLine, noFlows, readFlows, surveyFlows } from './flow-files.ts';
import { type WritableRelation, writeLogRecords } from './log-writer.ts';

export interface FlowImport {
  readonly pool: Pool;
  readonly relation: WritableRelation;
  /** Canonical flow CSV, gzip or plain; `-` is standard input. */
  readonly files: readonly string[];
  /**
   * Unix ms; every file is moved in time as a whole so that its own newest record falls on it (captures of different
   * years then overlap). null leaves the times as they are.
   */
  readonly shiftToMs: number | null;
  readonly routerId: string | null;
  readonly onProgress: (progress: { file: string; rows: number }) => void;
  readonly signal: AbortSignal;
  /** What `-` reads; the process' own standard input when left out. */
  readonly stdin?: Readable;
}

interface ImportedFile {
  readonly file: string;
  /** As the server counted them. */
  readonly rows: number;
  readonly badLineCount: number;
  /** Added to every time of the file. */
  readonly shiftMs: number;
  /** Oldest and newest record as written, Unix ms. */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface FlowImportResult {
  readonly rows: number;
  readonly badLineCount: number;
  /** The first of them. */
  readonly badLines: readonly BadLine[];
  readonly files: readonly ImportedFile[];
}

const BAD_LINES_KEPT = 20;
const STDIN = '-';

/**
 * Imports flow files, each in a transaction of its own: wholly (without its bad lines, which are counted and told) or
 * not at all. Files before a failing one stay imported.
 *
 * @throws AutoblockError INPUT_FILE (unreadable, columns missing, no flow in it, a value the table refuses), and what
 *   writeLogRecords throws; the signal's reason on abort
 */
export async function importFlowFiles(flowImport: FlowImport): Promise<FlowImportResult> {
  const badLines: BadLine[] = [];
  const files: ImportedFile[] = [];
  for (const file of flowImport.files) {
    const noteBadLine = (bad: Omit<BadLine, 'file'>): void => {
      if (badLines.length < BAD_LINES_KEPT) badLines.push({ file, ...bad });
    };
    files.push(
      await withPath(flowImport, file, (path) => importFile({ flowImport, file, path, noteBadLine })),
    );
  }
  return {
    rows: files.reduce((sum, { rows }) => sum + rows, 0),
    badLineCount: files.reduce((sum, { badLineCount }) => sum + badLineCount, 0),
    badLines,
    files,
  };
}

/** Standard input is set down in a file first: moving times needs the newest one before the first is written. */
async function withPath<T>(
  { stdin, signal }: FlowImport,
  file: string,
  work: (path: string) => Promise<T>,
): Promise<T> {
  if (file !== STDIN) return await work(file);
  const directory = await mkdtemp(join(tmpdir(), 'autoblock-import-'));
  try {
    const path = join(directory, 'standard-input');
    await pipeline(stdin ?? process.stdin, createWriteStream(path, { mode: 0o600 }), { signal }).catch(
      (cause: unknown) => {
        signal.throwIfAborted();
        throw new AutoblockError('INPUT_FILE', `standard input cannot be read: ${messageOf(cause)}`, {
          cause,
        });
      },
    );
    return await work(path);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function importFile(options: {
  flowImport: FlowImport;
  file: string;
  path: string;
  noteBadLine: (bad: { line: number; reason: string }) => void;
}): Promise<ImportedFile> {
  const { flowImport, file, path, noteBadLine } = options;
  const { pool, relation, routerId, signal, shiftToMs } = flowImport;
  const shiftMs = shiftToMs === null ? 0 : shiftToMs - (await surveyFlows({ path, signal })).toMs;
  const period = { fromMs: Infinity, toMs: -Infinity };
  let badLineCount = 0;
  let firstBadLine: { line: number; reason: string } | null = null;
  const onBadLine = (bad: { line: number; reason: string }): void => {
    badLineCount += 1;
    firstBadLine ??= bad;
    noteBadLine(bad);
  };

  async function* shifted(): AsyncGenerator<LogRecord> {
    for await (const record of readFlows({ path, signal, onBadLine })) {
      record.timestampMs += shiftMs;
      period.fromMs = Math.min(period.fromMs, record.timestampMs);
      period.toMs = Math.max(period.toMs, record.timestampMs);
      yield record;
    }
    // Thrown inside the transaction, so that nothing of it remains.
    if (period.toMs === -Infinity) throw noFlows(file, { badLines: badLineCount, firstBadLine });
  }

  const rows = await writeLogRecords({
    pool,
    relation,
    routerId,
    signal,
    records: shifted(),
    onProgress: (written) => flowImport.onProgress({ file, rows: written }),
  }).catch((thrown: unknown) => {
    throw refusedValue(thrown, file);
  });
  return { file, rows, badLineCount, shiftMs, ...period };
}

/** SQLSTATE class 22, "data exception", 23, "integrity constraint violation": the operator's table takes less than ours. */
function refusedValue(thrown: unknown, file: string): unknown {
  if (!(thrown instanceof DatabaseError) || !/^2[23]/.test(thrown.code ?? '')) return thrown;
  const where = thrown.where === undefined ? '' : ` (${thrown.where})`;
  return new AutoblockError('INPUT_FILE', `${file}: the table refuses a value: ${thrown.message}${where}`, {
    cause: thrown,
  });
}
