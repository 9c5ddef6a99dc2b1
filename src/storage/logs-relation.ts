import type { Pool } from 'pg';
import { AutoblockError } from '../errors.ts';
import { LOG_RECORD_COLUMNS } from '../features/log-record.ts';
import { databaseError } from '../postgres/database-errors.ts';
import { parseRelationName } from './relation-name.ts';

const LOG_COLUMNS = ['router_id', ...LOG_RECORD_COLUMNS] as const;

type LogColumn = (typeof LOG_COLUMNS)[number];

/**
 * How a column's values are to be read. `timestamp` is a timestamp without time zone and means UTC; `text` in an
 * address column is parsed by the reader, row by row; `float` covers numeric, real and double precision.
 */
type ColumnKind = 'timestamptz' | 'timestamp' | 'inet' | 'text' | 'integer' | 'float';

/** The relation holding the logs, as it was found. */
export interface LogsRelation {
  /** For messages, unquoted. */
  readonly name: string;
  /** Quoted, ready for SQL. */
  readonly quotedName: string;
  /** Rows can be copied into it: a table, not a view. */
  readonly writable: boolean;
  /** null: there is no such column, its values are null. */
  readonly columns: Readonly<Record<LogColumn, ColumnKind | null>>;
}

const NEEDED: readonly LogColumn[] = ['timestamp', 'source_ip', 'destination_ip'];

const USABLE_KINDS: Readonly<Record<LogColumn, readonly ColumnKind[]>> = {
  router_id: ['text', 'integer', 'float', 'inet', 'timestamp', 'timestamptz'],
  timestamp: ['timestamptz', 'timestamp'],
  source_ip: ['inet', 'text'],
  source_port: ['integer', 'float'],
  destination_ip: ['inet', 'text'],
  destination_port: ['integer', 'float'],
  protocol: ['text', 'integer'],
  action: ['text'],
  bytes: ['integer', 'float'],
  packets: ['integer', 'float'],
};

const KIND_OF_TYPE: Readonly<Record<string, ColumnKind>> = {
  timestamptz: 'timestamptz',
  timestamp: 'timestamp',
  inet: 'inet',
  cidr: 'inet',
  text: 'text',
  varchar: 'text',
  bpchar: 'text',
  name: 'text',
  int2: 'integer',
  int4: 'integer',
  int8: 'integer',
  numeric: 'float',
  float4: 'float',
  float8: 'float',
};

/** Relation kinds of pg_class that hold rows: table, partitioned table, view, materialised view, foreign table. */
const READABLE_RELKINDS = ['r', 'p', 'v', 'm', 'f'];
const WRITABLE_RELKINDS = ['r', 'p', 'f'];

interface FoundColumn {
  readonly name: string;
  readonly type: string;
  readonly isEnum: boolean;
  readonly typeText: string;
}

/**
 * Looks at the table or view that holds the logs. Needed are `timestamp` (timestamptz; a plain timestamp is taken as
 * UTC), `source_ip` and `destination_ip` (inet, cidr or text); every other column may be missing.
 *
 * @throws AutoblockError SCHEMA_MISMATCH naming everything that is missing or of an unusable type
 * @throws AutoblockError CONFIG_INVALID, DATABASE_UNAVAILABLE, DATABASE_TIMEOUT
 */
export async function inspectLogsRelation(options: { pool: Pool; relation: string }): Promise<LogsRelation> {
  const { text, quoted } = parseRelationName(options.relation);
  const found = await describe(options.pool, quoted).catch((thrown: unknown) => {
    throw databaseError(thrown, `looking at ${text}`);
  });
  if (found === null) throw new AutoblockError('SCHEMA_MISMATCH', `${text} does not exist`);
  const columns = Object.fromEntries(
    LOG_COLUMNS.map((name) => [name, kindOf(found.columns.find((column) => column.name === name))]),
  ) as Record<LogColumn, ColumnKind | null>;
  const problems = [...relationProblems(found), ...columnProblems(found.columns, columns)];
  if (problems.length > 0) throw new AutoblockError('SCHEMA_MISMATCH', `${text}: ${problems.join('; ')}`);
  return { name: text, quotedName: quoted, writable: WRITABLE_RELKINDS.includes(found.relkind), columns };
}

interface FoundRelation {
  readonly relkind: string;
  readonly selectable: boolean;
  readonly columns: readonly FoundColumn[];
}

async function describe(pool: Pool, quoted: string): Promise<FoundRelation | null> {
  const { rows } = await pool.query<FoundRelation>(
    `SELECT c.relkind::text AS relkind, has_table_privilege(c.oid, 'SELECT') AS selectable,
       coalesce((
         SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'type', base.typname,
                  'isEnum', base.typtype = 'e', 'typeText', format_type(a.atttypid, a.atttypmod)))
         FROM pg_attribute a
         JOIN pg_type t ON t.oid = a.atttypid
         JOIN pg_type base ON base.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS columns
     FROM pg_class c WHERE c.oid = to_regclass($1)`,
    [quoted],
  );
  return rows[0] ?? null;
}

function kindOf(column: FoundColumn | undefined): ColumnKind | null {
  if (column === undefined) return null;
  return column.isEnum ? 'text' : (KIND_OF_TYPE[column.type] ?? null);
}

function relationProblems(found: FoundRelation): string[] {
  const problems = [];
  if (!READABLE_RELKINDS.includes(found.relkind)) problems.push('is neither a table nor a view');
  if (!found.selectable) problems.push('this role may not SELECT from it');
  return problems;
}

function columnProblems(
  found: readonly FoundColumn[],
  kinds: Readonly<Record<LogColumn, ColumnKind | null>>,
): string[] {
  return LOG_COLUMNS.flatMap((name) => {
    const column = found.find((candidate) => candidate.name === name);
    if (column === undefined) return NEEDED.includes(name) ? [`column ${name} is missing`] : [];
    const kind = kinds[name];
    // Which router a row came from is never read back: whatever type it has is fine.
    if (name === 'router_id' || (kind !== null && USABLE_KINDS[name].includes(kind))) return [];
    return [`column ${name} is ${column.typeText}, wanted ${USABLE_KINDS[name].join(' or ')}`];
  });
}
