import type { Pool, PoolClient } from 'pg';
import { AutoblockError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { databaseError } from '../postgres/database-errors.ts';
import { refuseForeignTable } from './detections-schema.ts';
import { parseRelationName } from './relation-name.ts';

export { inspectLogsRelation, type LogsRelation } from './logs-relation.ts';

interface Migration {
  readonly id: number;
  readonly name: string;
  /** The relation it creates; one of that name that exists already is the operator's and left as it is. */
  readonly creates: string;
  readonly sql: string;
}

/** Only ever appended to: what ran on somebody's database is history. */
const MIGRATIONS: readonly Migration[] = [
  {
    id: 1,
    name: 'network_logs',
    creates: 'network_logs',
    sql: `
      CREATE TABLE network_logs (
        id bigserial PRIMARY KEY,
        router_id text,
        "timestamp" timestamptz NOT NULL,
        source_ip inet NOT NULL,
        source_port int,
        destination_ip inet NOT NULL,
        destination_port int,
        protocol text,
        action text,
        bytes bigint,
        packets int
      );
      CREATE INDEX network_logs_timestamp ON network_logs ("timestamp");`,
  },
  {
    id: 2,
    name: 'detections',
    creates: 'detections',
    sql: `
      CREATE TABLE detections (
        id bigserial PRIMARY KEY,
        detected_at timestamptz NOT NULL,
        window_start timestamptz NOT NULL,
        window_end timestamptz NOT NULL,
        source_ip inet NOT NULL,
        risk_score double precision NOT NULL CHECK (risk_score BETWEEN 0 AND 100),
        confidence text NOT NULL CHECK (confidence IN ('high', 'medium', 'low')),
        anomaly_type text NOT NULL,
        reasons jsonb NOT NULL,
        log_count bigint NOT NULL,
        first_seen timestamptz NOT NULL,
        last_seen timestamptz NOT NULL,
        blocked boolean NOT NULL DEFAULT false,
        blocked_at timestamptz,
        is_false_positive boolean NOT NULL DEFAULT false,
        detector text NOT NULL CHECK (detector IN ('hybrid', 'legacy')),
        model_version text,
        country text,
        country_code text,
        city text,
        asn bigint,
        as_name text
      );
      CREATE UNIQUE INDEX detections_once ON detections (source_ip, window_start, window_end, detector);
      CREATE INDEX detections_detected_at ON detections (detected_at);
      CREATE INDEX detections_source ON detections (source_ip, detected_at);`,
  },
  {
    id: 3,
    name: 'shadow_detections',
    creates: 'shadow_detections',
    // Apart from detections: what reads those (dashboards, SQL reports) takes every row for one that was acted on.
    sql: `
      CREATE TABLE shadow_detections (
        id bigserial PRIMARY KEY,
        shadow_detector text NOT NULL CHECK (shadow_detector IN ('hybrid', 'legacy')),
        detected_at timestamptz NOT NULL,
        window_start timestamptz NOT NULL,
        window_end timestamptz NOT NULL,
        source_ip inet NOT NULL,
        risk_score double precision NOT NULL CHECK (risk_score BETWEEN 0 AND 100),
        confidence text NOT NULL CHECK (confidence IN ('high', 'medium', 'low')),
        anomaly_type text NOT NULL,
        reasons jsonb NOT NULL,
        log_count bigint NOT NULL,
        first_seen timestamptz NOT NULL,
        last_seen timestamptz NOT NULL,
        detector text NOT NULL CHECK (detector IN ('hybrid', 'legacy')),
        model_version text
      );
      CREATE UNIQUE INDEX shadow_detections_once
        ON shadow_detections (source_ip, window_start, window_end, shadow_detector);
      CREATE INDEX shadow_detections_detected_at ON shadow_detections (detected_at);`,
  },
];

const DEFAULT_LOGS_RELATION = 'network_logs';
/** One autoblock process migrates at a time. */
const MIGRATION_LOCK = [0x6175746f, 2] as const;

/**
 * Brings the database to the schema this version knows: `network_logs` (only where LOGS_RELATION is that name) and
 * `detections`. A relation of either name that exists without us having made it is never touched; it must have what
 * we need.
 *
 * @returns names of the migrations applied now, in order
 * @throws AutoblockError SCHEMA_NEWER, SCHEMA_MISMATCH (somebody else's `detections` that does not fit),
 *   DATABASE_REFUSED, DATABASE_UNAVAILABLE, DATABASE_TIMEOUT
 */
export async function migrateDatabase(options: {
  pool: Pool;
  logsRelation: string;
  logger: Logger;
}): Promise<readonly string[]> {
  const { pool, logger } = options;
  const wantsLogs = parseRelationName(options.logsRelation).text === DEFAULT_LOGS_RELATION;
  const wanted = MIGRATIONS.filter(
    ({ name }) => name === 'detections' || (name === 'network_logs' && wantsLogs),
  );
  return migrate({ pool, wanted, logger });
}

/**
 * Makes `shadow_detections`, asked when the first shadow detection is to be delivered: not with the rest, because a
 * role that may create nothing must be able to run without a shadow, and a shadow may not hold detection up.
 *
 * @throws AutoblockError as `migrateDatabase`
 */
export async function migrateShadow(options: { pool: Pool; logger: Logger }): Promise<void> {
  await migrate({ ...options, wanted: MIGRATIONS.filter(({ name }) => name === 'shadow_detections') });
}

async function migrate(given: {
  pool: Pool;
  wanted: readonly Migration[];
  logger: Logger;
}): Promise<readonly string[]> {
  const { pool, wanted, logger } = given;
  try {
    const applied = await withMigrationLock(pool, (client) => applyMissing(client, wanted));
    for (const { creates } of wanted) await refuseForeignTable(pool, creates);
    if (applied.length > 0) logger.info({ migrations: applied }, 'database schema migrated');
    return applied;
  } catch (thrown) {
    throw databaseError(thrown, 'preparing the database schema');
  }
}

async function withMigrationLock<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('SELECT pg_advisory_lock($1, $2)', [...MIGRATION_LOCK]);
    const result = await work(client);
    await client.query('SELECT pg_advisory_unlock($1, $2)', [...MIGRATION_LOCK]);
    return result;
  } catch (thrown) {
    broken = thrown instanceof Error ? thrown : new Error(String(thrown));
    throw thrown;
  } finally {
    // A connection that failed halfway may still hold the lock: it is closed instead of given back to the pool.
    client.release(broken);
  }
}

async function applyMissing(client: PoolClient, wanted: readonly Migration[]): Promise<string[]> {
  const done = await appliedIds(client, wanted);
  const newest = Math.max(0, ...done);
  const newestKnown = MIGRATIONS.at(-1)!.id;
  if (newest > newestKnown) {
    throw new AutoblockError(
      'SCHEMA_NEWER',
      `the database has schema version ${newest}, this autoblock knows up to ${newestKnown}`,
    );
  }
  const applied: string[] = [];
  for (const migration of wanted) {
    // Not by the number alone: what somebody dropped since, a finished trial's table say, is made anew.
    if (await relationExists(client, migration.creates)) continue;
    await applyOne(client, migration);
    applied.push(migration.name);
  }
  return applied;
}

/** A role that may only read and write finds everything made by its administrator: then nothing is created here. */
async function appliedIds(client: PoolClient, wanted: readonly Migration[]): Promise<Set<number>> {
  if (!(await relationExists(client, 'autoblock_migrations'))) {
    const present = await Promise.all(wanted.map(({ creates }) => relationExists(client, creates)));
    if (present.every(Boolean)) return new Set();
    await client.query(`
      CREATE TABLE autoblock_migrations (
        id int PRIMARY KEY,
        name text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
      )`);
  }
  const { rows } = await client.query<{ id: number }>('SELECT id FROM autoblock_migrations');
  return new Set(rows.map(({ id }) => id));
}

async function applyOne(client: PoolClient, migration: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(migration.sql);
    await client.query(
      'INSERT INTO autoblock_migrations (id, name) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING',
      [migration.id, migration.name],
    );
    await client.query('COMMIT');
  } catch (thrown) {
    await client.query('ROLLBACK');
    throw thrown;
  }
}

async function relationExists(client: PoolClient, name: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [
    name,
  ]);
  return rows[0]?.found === true;
}
