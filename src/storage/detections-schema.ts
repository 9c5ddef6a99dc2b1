import type { Pool } from 'pg';
import { AutoblockError } from '../errors.ts';

type Columns = Readonly<Record<string, readonly string[]>>;

/** What both tables hold of a detection: column → type names that will do. */
const DETECTION_COLUMNS: Columns = {
  id: ['int8', 'int4'],
  detected_at: ['timestamptz'],
  window_start: ['timestamptz'],
  window_end: ['timestamptz'],
  source_ip: ['inet'],
  risk_score: ['float8', 'float4', 'numeric'],
  confidence: ['text', 'varchar'],
  anomaly_type: ['text', 'varchar'],
  reasons: ['jsonb'],
  log_count: ['int8', 'int4'],
  first_seen: ['timestamptz'],
  last_seen: ['timestamptz'],
  detector: ['text', 'varchar'],
  model_version: ['text', 'varchar'],
};

/** What a table of that name is asked for, whoever made it. The key is in alphabetical order. */
const NEEDED: Readonly<Record<string, { columns: Columns; key: readonly string[] }>> = {
  detections: {
    columns: {
      ...DETECTION_COLUMNS,
      blocked: ['bool'],
      blocked_at: ['timestamptz'],
      is_false_positive: ['bool'],
    },
    key: ['detector', 'source_ip', 'window_end', 'window_start'],
  },
  shadow_detections: {
    columns: { ...DETECTION_COLUMNS, shadow_detector: ['text', 'varchar'] },
    key: ['shadow_detector', 'source_ip', 'window_end', 'window_start'],
  },
};

/**
 * A table somebody else made is left as it is, but must hold what we write. Tables we only read are not looked at.
 *
 * @throws AutoblockError SCHEMA_MISMATCH naming all that is missing
 */
export async function refuseForeignTable(pool: Pool, table: string): Promise<void> {
  const needed = NEEDED[table];
  if (needed === undefined) return;
  const { rows: columns } = await pool.query<{ name: string; type: string }>(
    `SELECT a.attname AS name, t.typname AS type FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
     WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped`,
    [table],
  );
  const problems = Object.entries(needed.columns).flatMap(([name, types]) => {
    const found = columns.find((column) => column.name === name);
    if (found === undefined) return [`column ${name} is missing`];
    return types.includes(found.type)
      ? []
      : [`column ${name} is ${found.type}, wanted ${types.join(' or ')}`];
  });
  if (!(await hasUniqueKey(pool, { table, key: needed.key })))
    problems.push(`no unique index on (${needed.key.join(', ')})`);
  if (problems.length > 0) throw new AutoblockError('SCHEMA_MISMATCH', `${table}: ${problems.join('; ')}`);
}

async function hasUniqueKey(
  pool: Pool,
  { table, key }: { table: string; key: readonly string[] },
): Promise<boolean> {
  const { rows } = await pool.query<{ columns: string[] }>(
    `SELECT array_agg(a.attname::text ORDER BY a.attname::text) AS columns
     FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
     WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
     GROUP BY i.indexrelid`,
    [table],
  );
  return rows.some(({ columns }) => columns.join() === key.join());
}
