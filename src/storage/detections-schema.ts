import type { Pool } from 'pg';
import { AutoblockError } from '../errors.ts';

/** What the table `detections` is asked for, whoever made it: column → type names that will do. */
const NEEDED_COLUMNS: Readonly<Record<string, readonly string[]>> = {
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
  blocked: ['bool'],
  blocked_at: ['timestamptz'],
  is_false_positive: ['bool'],
  detector: ['text', 'varchar'],
  model_version: ['text', 'varchar'],
};

const UNIQUE_KEY = ['detector', 'source_ip', 'window_end', 'window_start'];

/**
 * A `detections` table somebody else made is left as it is, but must hold what we write.
 *
 * @throws AutoblockError SCHEMA_MISMATCH naming all that is missing
 */
export async function refuseForeignDetections(pool: Pool): Promise<void> {
  const { rows: columns } = await pool.query<{ name: string; type: string }>(
    `SELECT a.attname AS name, t.typname AS type FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
     WHERE a.attrelid = to_regclass('detections') AND a.attnum > 0 AND NOT a.attisdropped`,
  );
  const problems = Object.entries(NEEDED_COLUMNS).flatMap(([name, types]) => {
    const found = columns.find((column) => column.name === name);
    if (found === undefined) return [`column ${name} is missing`];
    return types.includes(found.type)
      ? []
      : [`column ${name} is ${found.type}, wanted ${types.join(' or ')}`];
  });
  if (!(await hasUniqueKey(pool))) problems.push(`no unique index on (${UNIQUE_KEY.join(', ')})`);
  if (problems.length > 0) throw new AutoblockError('SCHEMA_MISMATCH', `detections: ${problems.join('; ')}`);
}

async function hasUniqueKey(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ columns: string[] }>(
    `SELECT array_agg(a.attname::text ORDER BY a.attname::text) AS columns
     FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
     WHERE i.indrelid = to_regclass('detections') AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
     GROUP BY i.indexrelid`,
  );
  return rows.some(({ columns }) => columns.join() === UNIQUE_KEY.join());
}
