import { LOG_RECORD_COLUMNS, type LogRecordColumn } from '../features/log-record.ts';

/** How a column is stored; null: it is not there and reads as null. */
type ReadColumnKind = 'timestamptz' | 'timestamp' | 'inet' | 'text' | 'integer' | 'float' | null;

/** What the reader must know of the relation. */
export interface ReadableRelation {
  /** For messages. */
  readonly name: string;
  /** Quoted for SQL. */
  readonly quotedName: string;
  readonly columns: Readonly<Record<LogRecordColumn, ReadColumnKind>>;
}

/**
 * COPY takes no parameters, so the period and the limit are written into the text, as literals made from numbers here;
 * nothing else is.
 *
 * @param query.limit rows at most, newest first
 */
export function copyLogsSql(query: {
  relation: ReadableRelation;
  fromMs: number;
  toMs: number;
  limit: number;
}): string {
  const { relation, fromMs, toMs, limit } = query;
  if (!Number.isSafeInteger(limit) || limit < 0) throw new RangeError(`not a number of rows: ${limit}`);
  const type = relation.columns.timestamp === 'timestamp' ? 'timestamp' : 'timestamptz';
  const selected = LOG_RECORD_COLUMNS.map((name) => expressionOf(name, relation.columns[name])).join(', ');
  return (
    `COPY (SELECT ${selected} FROM ${relation.quotedName} ` +
    `WHERE "timestamp" >= ${timestampLiteral(fromMs)}::${type} AND "timestamp" < ${timestampLiteral(toMs)}::${type} ` +
    `ORDER BY ${orderOf(relation)} LIMIT ${limit}) TO STDOUT (FORMAT binary)`
  );
}

/**
 * Newest first, and among rows of one time an order that does not depend on where PostgreSQL keeps them: the same logs
 * give the same records under a limit, and the same entities in the same order. On an index on the timestamp this costs
 * an incremental sort of the ties only.
 */
function orderOf({ columns }: ReadableRelation): string {
  const others = LOG_RECORD_COLUMNS.filter((name) => name !== 'timestamp' && columns[name] !== null);
  return ['"timestamp" DESC', ...others.map((name) => `"${name}"`)].join(', ');
}

function expressionOf(name: LogRecordColumn, kind: ReadColumnKind): string {
  if (kind === null) return 'NULL::text';
  const column = `"${name}"`;
  if (name === 'protocol' || name === 'action') return `${column}::text`;
  // cidr has inet's bytes; varchar, char and enum have text's once cast.
  if (kind === 'text') return `${column}::text`;
  return kind === 'float' ? `${column}::float8` : column;
}

/** `'2026-01-31T12:00:00.000001Z'`, microseconds kept; a plain timestamp column ignores the zone, and means UTC. */
function timestampLiteral(unixMs: number): string {
  const microseconds = Math.round(unixMs * 1000);
  const ms = Math.floor(microseconds / 1000);
  const rest = String(microseconds - ms * 1000).padStart(3, '0');
  return `'${new Date(ms).toISOString().replace('Z', `${rest}Z`)}'`;
}
