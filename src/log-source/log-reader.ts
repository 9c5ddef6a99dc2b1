import pg, { type Pool, type PoolClient } from 'pg';
import { type CopyToStreamQuery, to as copyTo } from 'pg-copy-streams';
import { AutoblockError } from '../errors.ts';
import { LOG_RECORD_COLUMNS, type LogRecord } from '../features/log-record.ts';
import { databaseError } from '../postgres/database-errors.ts';
import { inTransaction } from '../postgres/transaction.ts';
import { createCopyBinaryDecoder } from './copy-binary-decoder.ts';
import { copyLogsSql, type ReadableRelation } from './log-query.ts';
import { logRecordDecoder, SKIP_REASONS, type SkipReason } from './log-record-decoder.ts';

export interface LogReading {
  readonly pool: Pool;
  readonly relation: ReadableRelation;
  /** The period, Unix ms: from inclusive, to exclusive. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Newest rows read at most. */
  readonly maxRecords: number;
  /** The server gives the query up after this. */
  readonly statementTimeoutMs: number;
  /** Cancels the query on the server. */
  readonly signal: AbortSignal;
  /** Called per record, newest first. The object is reused: copy what is to stay. An error thrown here ends the reading. */
  readonly onRecord: (record: LogRecord) => void;
}

export interface LogReadResult {
  /** Given to onRecord. */
  readonly records: number;
  /** Older rows of the period were left out because of maxRecords. */
  readonly truncated: boolean;
  /** Times of the oldest and the newest record given; null where there was none. */
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
  /** Rows that are no log record, by reason; reasons that did not occur are absent. */
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
}

/** The server enforces the statement timeout; a server that does not even answer is given up this much later. */
const SILENCE_GRACE_MS = 10_000;
/** A cancelled query must end within this, or its connection is cut. */
const CANCEL_GRACE_MS = 2_000;

/**
 * Streams the logs of a period, newest first, through `onRecord`. Rows are decoded as they arrive: memory does not grow
 * with their number.
 *
 * @throws AutoblockError DATABASE_UNAVAILABLE (also when the connection breaks midway), DATABASE_TIMEOUT,
 *   DATABASE_REFUSED, SCHEMA_MISMATCH (the relation changed since it was inspected); the signal's reason on abort
 */
export async function readLogRecords(reading: LogReading): Promise<LogReadResult> {
  reading.signal.throwIfAborted();
  try {
    return await readInTransaction(reading);
  } catch (thrown) {
    reading.signal.throwIfAborted();
    throw readError(thrown, reading.relation.name);
  }
}

/** Undefined table or column, wrong type: SQLSTATE classes of "the relation is not what it was". */
const CHANGED_RELATION = new Set(['42P01', '42703', '42804', '42883', '42846', '0A000']);

function readError(thrown: unknown, relation: string): unknown {
  if (thrown instanceof pg.DatabaseError && CHANGED_RELATION.has(thrown.code ?? '')) {
    return new AutoblockError('SCHEMA_MISMATCH', `${relation} cannot be read: ${thrown.message}`, {
      cause: thrown,
    });
  }
  return databaseError(thrown, `reading ${relation}`);
}

function readInTransaction(reading: LogReading): Promise<LogReadResult> {
  const statementTimeoutMs = Math.max(1, Math.round(reading.statementTimeoutMs));
  return inTransaction(reading.pool, { readOnly: true, statementTimeoutMs }, (client) =>
    streamRows(client, reading),
  );
}

async function streamRows(client: PoolClient, reading: LogReading): Promise<LogReadResult> {
  const { relation, maxRecords, fromMs, toMs } = reading;
  reading.signal.throwIfAborted();
  const tally = createTally(reading);
  const decoder = createCopyBinaryDecoder({ fieldCount: LOG_RECORD_COLUMNS.length, onRow: tally.onRow });
  const stream = copyTo(copyLogsSql({ relation, fromMs, toMs, limit: maxRecords + 1 }));
  const stopWatching = watchReading({ client, stream, reading });
  try {
    await new Promise<void>((resolve, reject) => {
      // Stays on: a connection that breaks after the stream already failed reports through it once more.
      stream.on('error', reject);
      stream.once('end', resolve);
      stream.once('close', () => {
        reject(stream.errored ?? new Error('Connection terminated while reading'));
      });
      stream.on('data', (chunk: Buffer) => {
        try {
          decoder.push(chunk);
        } catch (thrown) {
          stream.removeAllListeners('data');
          reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
        }
      });
      client.query(stream);
    });
  } finally {
    stopWatching();
  }
  decoder.end();
  return tally.result();
}

/** Counts what passes; the row after the last allowed one only tells that there is more. */
function createTally(reading: LogReading): {
  onRow: ReturnType<typeof logRecordDecoder>;
  result: () => LogReadResult;
} {
  const skipped = Object.fromEntries(SKIP_REASONS.map((reason) => [reason, 0])) as Record<SkipReason, number>;
  let rows = 0;
  let records = 0;
  let newestMs: number | null = null;
  let oldestMs: number | null = null;
  const decodeRow = logRecordDecoder({
    relation: reading.relation,
    onRecord: (record) => {
      records += 1;
      newestMs ??= record.timestampMs;
      oldestMs = record.timestampMs;
      reading.onRecord(record);
    },
    onSkip: (reason) => {
      skipped[reason] += 1;
    },
  });
  return {
    onRow: (bytes, offsets, lengths) => {
      rows += 1;
      if (rows <= reading.maxRecords) decodeRow(bytes, offsets, lengths);
    },
    result: () => ({
      records,
      truncated: rows > reading.maxRecords,
      oldestMs,
      newestMs,
      skipped: Object.fromEntries(Object.entries(skipped).filter(([, count]) => count > 0)),
    }),
  };
}

/** Ends the reading from outside: on abort the server is asked to cancel; silence beyond the timeout cuts the line. */
function watchReading(watched: {
  client: PoolClient;
  stream: CopyToStreamQuery;
  reading: LogReading;
}): () => void {
  const { client, stream, reading } = watched;
  const timers: NodeJS.Timeout[] = [];
  const giveUp = (): void => {
    stream.destroy(
      new AutoblockError(
        'DATABASE_TIMEOUT',
        `reading ${reading.relation.name}: no end within ${reading.statementTimeoutMs} ms`,
      ),
    );
  };
  const onAbort = (): void => {
    timers.push(setTimeout(giveUp, CANCEL_GRACE_MS));
    // Where the second connection fails too, the timer above cuts the first one.
    void cancelOnServer(reading.pool, client).catch(giveUp);
  };
  timers.push(setTimeout(giveUp, reading.statementTimeoutMs + SILENCE_GRACE_MS));
  reading.signal.addEventListener('abort', onAbort, { once: true });
  return () => {
    reading.signal.removeEventListener('abort', onAbort);
    for (const timer of timers) clearTimeout(timer);
  };
}

/** Over a connection of its own: the pool may be used up, and closing ours is not noticed by a server busy sorting. */
async function cancelOnServer(pool: Pool, client: PoolClient): Promise<void> {
  const { processID } = client as unknown as { processID: number };
  const canceller = new pg.Client({
    ...pool.options,
    // Not enumerable in pg, so that it is not printed.
    password: pool.options.password,
    connectionTimeoutMillis: CANCEL_GRACE_MS,
  });
  canceller.on('error', () => undefined);
  try {
    await canceller.connect();
    await canceller.query('SELECT pg_cancel_backend($1)', [processID]);
  } finally {
    await canceller.end();
  }
}
