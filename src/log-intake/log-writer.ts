import { pipeline } from 'node:stream/promises';
import type { Pool, PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { AutoblockError } from '../errors.ts';
import { LOG_RECORD_COLUMNS, type LogRecord } from '../features/log-record.ts';
import { databaseError } from '../postgres/database-errors.ts';
import { inTransaction } from '../postgres/transaction.ts';

/** Columns of network_logs in the order they are written; those the relation lacks are left out. */
const WRITE_COLUMNS = ['router_id', ...LOG_RECORD_COLUMNS] as const;

type WriteColumn = (typeof WRITE_COLUMNS)[number];

/** What the writer must know of the relation. */
export interface WritableRelation {
  /** For messages. */
  readonly name: string;
  /** Quoted for SQL. */
  readonly quotedName: string;
  /** Rows can be copied into it: a table, not a view. */
  readonly writable: boolean;
  /** null: the relation has no such column. */
  readonly columns: Readonly<Record<WriteColumn, string | null>>;
}

export interface LogWriting {
  readonly pool: Pool;
  readonly relation: WritableRelation;
  readonly records: Iterable<LogRecord> | AsyncIterable<LogRecord>;
  /** Goes into router_id. */
  readonly routerId: string | null;
  /** Called now and then with the rows handed over so far. */
  readonly onProgress?: (rows: number) => void;
  readonly signal: AbortSignal;
}

/** Text is handed to the server in pieces of about this many characters. */
const CHUNK_CHARACTERS = 64 * 1024;

/**
 * Copies log records into the relation in one transaction: all of them are there afterwards, or none.
 *
 * @returns rows, as the server counted them
 * @throws AutoblockError SCHEMA_MISMATCH (a view cannot be written), DATABASE_UNAVAILABLE, DATABASE_TIMEOUT,
 *   DATABASE_REFUSED; whatever `records` throws; the signal's reason on abort
 */
export async function writeLogRecords(writing: LogWriting): Promise<number> {
  const { pool, relation, signal } = writing;
  if (!relation.writable) {
    throw new AutoblockError(
      'SCHEMA_MISMATCH',
      `${relation.name} is no table: nothing can be written into it`,
    );
  }
  signal.throwIfAborted();
  try {
    // However large the import: it is the caller who can give it up.
    return await inTransaction(pool, { readOnly: false, statementTimeoutMs: 0 }, (client) =>
      copyRecords(client, writing),
    );
  } catch (thrown) {
    signal.throwIfAborted();
    throw databaseError(thrown, `writing ${relation.name}`);
  }
}

async function copyRecords(client: PoolClient, writing: LogWriting): Promise<number> {
  const columns = WRITE_COLUMNS.filter((name) => writing.relation.columns[name] !== null);
  const names = columns.map((name) => `"${name}"`).join(', ');
  const stream = client.query(copyFrom(`COPY ${writing.relation.quotedName} (${names}) FROM STDIN`));
  await pipeline(copyText(writing, columns), stream, { signal: writing.signal });
  return stream.rowCount;
}

async function* copyText(writing: LogWriting, columns: readonly WriteColumn[]): AsyncGenerator<string> {
  const { records, routerId, onProgress } = writing;
  const router = routerId === null ? '\\N' : escapeText(routerId);
  let chunk = '';
  let rows = 0;
  for await (const record of records) {
    const fields = fieldsOf(record, router);
    chunk += `${columns.map((name) => fields[name]).join('\t')}\n`;
    rows += 1;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = '';
    onProgress?.(rows);
  }
  if (chunk !== '') yield chunk;
  onProgress?.(rows);
}

function fieldsOf(record: LogRecord, router: string): Readonly<Record<WriteColumn, string>> {
  return {
    router_id: router,
    timestamp: timestampText(record.timestampMs),
    source_ip: record.sourceIp,
    source_port: numberText(record.sourcePort),
    destination_ip: record.destinationIp,
    destination_port: numberText(record.destinationPort),
    protocol: record.protocol === null ? '\\N' : escapeText(record.protocol),
    action: record.action === null ? '\\N' : escapeText(record.action),
    bytes: numberText(record.bytes),
    packets: numberText(record.packets),
  };
}

function numberText(value: number | null): string {
  return value === null ? '\\N' : String(value);
}

/** PostgreSQL manual, COPY, "Text Format". */
function escapeText(text: string): string {
  return text
    .replace(/[\\\b\f\n\r\t\v]/g, (character) => ESCAPES[character] ?? character)
    .replaceAll('\0', '');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** ISO 8601 with microseconds; the fraction of the milliseconds carries them. */
function timestampText(unixMs: number): string {
  const microseconds = Math.round(unixMs * 1000);
  const ms = Math.floor(microseconds / 1000);
  const iso = new Date(ms).toISOString();
  return `${iso.slice(0, -1)}${String(microseconds - ms * 1000).padStart(3, '0')}Z`;
}
