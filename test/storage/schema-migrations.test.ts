import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inspectLogsRelation, migrateDatabase, migrateShadow } from '../../src/storage/schema-migrations.ts';
import { silentLogger, startTestPostgres, type TestPostgres } from '../support/postgres.ts';

let server: TestPostgres;
let pool: pg.Pool;

beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  pool = await server.database();
});

const migrate = (logsRelation = 'network_logs'): Promise<readonly string[]> =>
  migrateDatabase({ pool, logsRelation, logger: silentLogger });

async function columnsOf(relation: string): Promise<string[]> {
  const { rows } = await pool.query<{ text: string }>(
    `SELECT attname || ' ' || format_type(atttypid, atttypmod) AS text FROM pg_attribute
     WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [relation],
  );
  return rows.map(({ text }) => text);
}

describe('migrating the database', () => {
  it('makes network_logs and detections in an empty database, and nothing the second time', async () => {
    expect(await migrate()).toEqual(['network_logs', 'detections']);
    expect(await columnsOf('network_logs')).toEqual([
      'id bigint',
      'router_id text',
      'timestamp timestamp with time zone',
      'source_ip inet',
      'source_port integer',
      'destination_ip inet',
      'destination_port integer',
      'protocol text',
      'action text',
      'bytes bigint',
      'packets integer',
    ]);
    expect((await columnsOf('detections')).map((column) => column.split(' ')[0])).toEqual(
      (
        'id detected_at window_start window_end source_ip risk_score confidence anomaly_type reasons log_count ' +
        'first_seen last_seen blocked blocked_at is_false_positive detector model_version country country_code city asn as_name'
      ).split(' '),
    );
    expect(await migrate()).toEqual([]);
    expect((await pool.query('SELECT id, name FROM autoblock_migrations ORDER BY id')).rows).toEqual([
      { id: 1, name: 'network_logs' },
      { id: 2, name: 'detections' },
    ]);
  });

  it('makes a table anew that was dropped since', async () => {
    await migrate();
    await migrateShadow({ pool, logger: silentLogger });
    await pool.query('DROP TABLE detections, shadow_detections');
    expect(await migrate()).toEqual(['detections']);
    await migrateShadow({ pool, logger: silentLogger });
    expect(await columnsOf('shadow_detections')).toContain('shadow_detector text');
    expect(await migrate()).toEqual([]);
  });

  it('lets several processes migrate at once', async () => {
    const all = await Promise.all([migrate(), migrate(), migrate()]);
    expect(all.flat().sort()).toEqual(['detections', 'network_logs']);
  });

  it('leaves the operator’s own table of that name exactly as it is', async () => {
    await pool.query(`
      CREATE TABLE network_logs (timestamp timestamptz, source_ip inet, destination_ip inet, note text);
      INSERT INTO network_logs VALUES (now(), '10.0.0.1', '10.0.0.2', 'mine')`);
    const before = await columnsOf('network_logs');
    expect(await migrate()).toEqual(['detections']);
    expect(await columnsOf('network_logs')).toEqual(before);
    expect((await pool.query('SELECT note FROM network_logs')).rows).toEqual([{ note: 'mine' }]);
    expect((await pool.query(`SELECT 1 FROM pg_indexes WHERE tablename = 'network_logs'`)).rowCount).toBe(0);
  });

  it('makes no network_logs where the logs are elsewhere, but does once they are not', async () => {
    expect(await migrate('ids.flows')).toEqual(['detections']);
    expect(await columnsOf('network_logs')).toEqual([]);
    expect(await migrate()).toEqual(['network_logs']);
  });

  it('refuses a detections table of somebody else with all that is missing, and does not touch it', async () => {
    await pool.query('CREATE TABLE detections (id int, source_ip text, reasons jsonb)');
    const refused = migrate();
    await expect(refused).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' });
    await expect(refused).rejects.toThrow(
      /column detected_at is missing.*source_ip is text, wanted inet.*no unique index/,
    );
    expect(await columnsOf('detections')).toEqual(['id integer', 'source_ip text', 'reasons jsonb']);
  });

  it('refuses a database a newer version has migrated', async () => {
    await migrate();
    await pool.query(`INSERT INTO autoblock_migrations (id, name) VALUES (99, 'from the future')`);
    await expect(migrate()).rejects.toMatchObject({ code: 'SCHEMA_NEWER' });
  });

  it('says what right a weak role lacks, and works with it once its administrator made the tables', async () => {
    await pool.query('DROP ROLE IF EXISTS weak');
    await pool.query(`CREATE ROLE weak LOGIN PASSWORD 'weak'`);
    const url = new URL(server.connectionString);
    url.username = 'weak';
    url.password = 'weak';
    url.pathname = `/${(await pool.query<{ name: string }>('SELECT current_database() AS name')).rows[0]!.name}`;
    const { testPool } = await import('../support/postgres.ts');
    const weakPool = testPool(url.toString());
    try {
      const asWeak = (): Promise<readonly string[]> =>
        migrateDatabase({ pool: weakPool, logsRelation: 'network_logs', logger: silentLogger });
      await expect(asWeak()).rejects.toMatchObject({ code: 'DATABASE_REFUSED' });
      await migrate();
      await pool.query('GRANT SELECT ON ALL TABLES IN SCHEMA public TO weak');
      expect(await asWeak()).toEqual([]);
    } finally {
      await weakPool.end();
    }
  });
});

describe('looking at the logs relation', () => {
  it('finds kinds of all columns, through domains and enums, and which are absent', async () => {
    await pool.query(`
      CREATE DOMAIN port AS int CHECK (VALUE BETWEEN 0 AND 65535);
      CREATE TYPE verdict AS ENUM ('accept', 'drop');
      CREATE TABLE flows (timestamp timestamp, source_ip cidr, destination_ip varchar(39), source_port port,
        action verdict, bytes numeric(20), protocol smallint, extra point)`);
    expect(await inspectLogsRelation({ pool, relation: 'flows' })).toEqual({
      name: 'flows',
      quotedName: '"flows"',
      writable: true,
      columns: {
        router_id: null,
        timestamp: 'timestamp',
        source_ip: 'inet',
        source_port: 'integer',
        destination_ip: 'text',
        destination_port: null,
        protocol: 'integer',
        action: 'text',
        bytes: 'float',
        packets: null,
      },
    });
  });

  it('takes views, materialised views and quoted names in any schema', async () => {
    await migrate();
    await pool.query(`
      CREATE SCHEMA "My IDS";
      CREATE VIEW "My IDS"."Odd ""name""" AS SELECT * FROM network_logs;
      CREATE MATERIALIZED VIEW frozen AS SELECT * FROM network_logs`);
    expect(await inspectLogsRelation({ pool, relation: '"My IDS"."Odd ""name"""' })).toMatchObject({
      quotedName: '"My IDS"."Odd ""name"""',
      writable: false,
    });
    expect(await inspectLogsRelation({ pool, relation: 'PUBLIC.Frozen' })).toMatchObject({
      name: 'public.frozen',
      writable: false,
    });
  });

  it('names everything that is missing or of an unusable type at once', async () => {
    await pool.query(
      'CREATE TABLE events (timestamp date, source_ip bigint, source_port text, bytes boolean)',
    );
    await expect(inspectLogsRelation({ pool, relation: 'events' })).rejects.toMatchObject({
      code: 'SCHEMA_MISMATCH',
      message:
        'events: column timestamp is date, wanted timestamptz or timestamp; column source_ip is bigint, wanted inet or text; ' +
        'column source_port is text, wanted integer or float; column destination_ip is missing; ' +
        'column bytes is boolean, wanted integer or float',
    });
    await expect(inspectLogsRelation({ pool, relation: 'nowhere' })).rejects.toMatchObject({
      code: 'SCHEMA_MISMATCH',
      message: 'nowhere does not exist',
    });
  });
});
