import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LogRecord } from '../../src/features/log-record.ts';
import { type LogReading, type LogReadResult, readLogRecords } from '../../src/log-source/log-reader.ts';
import { inspectLogsRelation } from '../../src/storage/logs-relation.ts';
import { migrateDatabase } from '../../src/storage/schema-migrations.ts';
import { silentLogger, startTestPostgres, type TestPostgres } from '../support/postgres.ts';

const T0 = Date.UTC(2026, 0, 31, 12);
let server: TestPostgres;
let pool: pg.Pool;

beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  pool = await server.database();
  await migrateDatabase({ pool, logsRelation: 'network_logs', logger: silentLogger });
});

async function read(
  options: Partial<LogReading> & { from?: string } = {},
): Promise<LogReadResult & { given: LogRecord[] }> {
  const given: LogRecord[] = [];
  const result = await readLogRecords({
    pool,
    relation: await inspectLogsRelation({ pool, relation: options.from ?? 'network_logs' }),
    fromMs: T0,
    toMs: T0 + 3_600_000,
    maxRecords: 1_000_000,
    statementTimeoutMs: 30_000,
    signal: new AbortController().signal,
    onRecord: (record) => given.push({ ...record }),
    ...options,
  });
  return { ...result, given };
}

async function insert(values: string): Promise<void> {
  await pool.query(
    `INSERT INTO network_logs (timestamp, source_ip, source_port, destination_ip, destination_port, protocol, action, bytes, packets)
     VALUES ${values}`,
  );
}

async function insertMany(rows: number): Promise<void> {
  await pool.query(
    `INSERT INTO network_logs (timestamp, source_ip, destination_ip, protocol)
     SELECT '2026-01-31T12:00:00Z'::timestamptz + interval '1 ms' * i, '10.0.0.0'::inet + i % 5000, '203.0.113.1', 'tcp'
     FROM generate_series(0, $1 - 1) AS i`,
    [rows],
  );
}

async function busyBackends(marker: string): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(
    `SELECT count(*) AS count FROM pg_stat_activity WHERE query LIKE $1 AND state = 'active' AND pid <> pg_backend_pid()`,
    [`%${marker}%`],
  );
  return Number(rows[0]!.count);
}

/** The error reaches us a moment before the backend calls itself idle; the query itself would run for minutes. */
async function backendsComeToRest(marker: string): Promise<boolean> {
  const deadline = Date.now() + 5_000;
  while (Date.now() < deadline) {
    if ((await busyBackends(marker)) === 0) return true;
    await delay(20);
  }
  return false;
}

/** A view whose rows take a while each, so that a reading of it can be interrupted. */
async function slowView(name: string, secondsPerRow: number): Promise<void> {
  await pool.query(
    `CREATE VIEW ${name} AS SELECT '2026-01-31T12:00:00Z'::timestamptz + interval '1 s' * i AS timestamp,
       '10.0.0.1'::inet AS source_ip, '10.0.0.2'::inet AS destination_ip,
       CASE WHEN pg_sleep(${secondsPerRow}) IS NULL THEN 1 ELSE 2 END AS source_port
     FROM generate_series(1, 1000) AS i`,
  );
}

describe('reading network_logs', () => {
  it('gives every column, microseconds and IPv6 included, newest first', async () => {
    await insert(`
      ('2026-01-31T12:00:00.000001Z', '203.0.113.7', 51000, '10.1.2.3/8', 22, 'TCP', 'Drop', 9007199254740991, 2147483647),
      ('2026-01-31T12:59:59.999999Z', '2001:db8::1', 0, '::ffff:192.0.2.1', 65535, 'icmpv6', '', 0, 0)`);
    const { given, ...result } = await read();
    expect(given).toEqual([
      {
        timestampMs: T0 + 3_599_999.999,
        sourceIp: '2001:db8::1',
        sourcePort: 0,
        destinationIp: '192.0.2.1',
        destinationPort: 65_535,
        protocol: 'icmpv6',
        action: null,
        bytes: 0,
        packets: 0,
      },
      {
        timestampMs: T0 + 0.001,
        sourceIp: '203.0.113.7',
        sourcePort: 51_000,
        destinationIp: '10.1.2.3',
        destinationPort: 22,
        protocol: 'tcp',
        action: 'drop',
        bytes: 9_007_199_254_740_991,
        packets: 2_147_483_647,
      },
    ]);
    expect(result).toEqual({
      records: 2,
      truncated: false,
      oldestMs: T0 + 0.001,
      newestMs: T0 + 3_599_999.999,
      skipped: {},
    });
  });

  it('takes the beginning of the period and leaves its end, to the microsecond', async () => {
    await insert(`
      ('2026-01-31T11:59:59.999999Z', '10.0.0.1', null, '10.0.0.9', null, null, null, null, null),
      ('2026-01-31T12:00:00Z', '10.0.0.2', null, '10.0.0.9', null, null, null, null, null),
      ('2026-01-31T12:59:59.999999Z', '10.0.0.3', null, '10.0.0.9', null, null, null, null, null),
      ('2026-01-31T13:00:00Z', '10.0.0.4', null, '10.0.0.9', null, null, null, null, null)`);
    expect((await read()).given.map((record) => record.sourceIp)).toEqual(['10.0.0.3', '10.0.0.2']);
    const { given } = await read({ fromMs: T0 + 0.001, toMs: T0 + 3_599_999.999 });
    expect(given).toEqual([]);
  });

  it('reads an empty period as nothing', async () => {
    expect(await read()).toEqual({
      given: [],
      records: 0,
      truncated: false,
      oldestMs: null,
      newestMs: null,
      skipped: {},
    });
  });

  it('keeps the newest rows beyond the limit and says that there were more', async () => {
    await insertMany(1000);
    const some = await read({ maxRecords: 100 });
    expect(some).toMatchObject({ records: 100, truncated: true, newestMs: T0 + 999, oldestMs: T0 + 900 });
    expect(some.given).toHaveLength(100);
    expect(await read({ maxRecords: 1000 })).toMatchObject({ records: 1000, truncated: false });
  });

  it('reads rows of one time in the same order wherever PostgreSQL keeps them, also at the limit', async () => {
    const rows = [1, 2, 3, 4, 5, 6].map(
      (host) =>
        `('2026-01-31T12:00:05Z', '10.0.0.${host}', ${7 - host}, '203.0.113.1', 22, 'tcp', NULL, 40, 1)`,
    );
    await insert(rows.join(', '));
    const first = await read({ maxRecords: 4 });
    await pool.query('TRUNCATE network_logs');
    await insert(rows.toReversed().join(', '));
    expect((await read({ maxRecords: 4 })).given).toEqual(first.given);
    expect(first.given.map((record) => record.sourceIp)).toEqual([
      '10.0.0.1',
      '10.0.0.2',
      '10.0.0.3',
      '10.0.0.4',
    ]);
  });

  it('reads a view that lacks optional columns and keeps addresses as text and times without zone', async () => {
    await pool.query(`
      CREATE TABLE ids_events (at timestamp, src text, dst varchar(50), proto smallint, size numeric, sport bigint);
      INSERT INTO ids_events VALUES
        ('2026-01-31 12:00:01.5', '203.0.113.7', '2001:DB8::1', 6, 1500.4, 70000),
        ('2026-01-31 12:00:02', 'not an address', '10.0.0.1', 17, null, null),
        ('2026-01-31 12:00:03', null, '10.0.0.1', null, 'NaN', null),
        ('2026-01-31 12:00:04', '10.0.0.1', '', null, null, null),
        ('2026-01-31 12:00:05', '10.0.0.1', null, null, null, null),
        (null, '10.0.0.1', '10.0.0.2', null, null, null),
        ('infinity', '10.0.0.1', '10.0.0.2', null, null, null),
        ('2026-01-31 12:00:06', '10.0.0.1', '10.0.0.2', 253, -1, -1);
      CREATE SCHEMA ids;
      CREATE VIEW ids."Flow Logs" AS SELECT at AS timestamp, src AS source_ip, dst AS destination_ip,
        proto AS protocol, size AS bytes, sport AS source_port FROM ids_events`);
    const { given, ...result } = await read({ from: 'ids."Flow Logs"' });
    const nothing = { sourcePort: null, destinationPort: null, action: null, bytes: null, packets: null };
    expect(given).toEqual([
      {
        ...nothing,
        timestampMs: T0 + 6000,
        sourceIp: '10.0.0.1',
        destinationIp: '10.0.0.2',
        protocol: '253',
      },
      {
        ...nothing,
        timestampMs: T0 + 1500,
        sourceIp: '203.0.113.7',
        destinationIp: '2001:db8::1',
        protocol: 'tcp',
        bytes: 1500,
      },
    ]);
    expect(result).toMatchObject({
      records: 2,
      skipped: {
        source_ip_unreadable: 1,
        source_ip_missing: 1,
        destination_ip_unreadable: 1,
        destination_ip_missing: 1,
      },
    });
  });

  it('reads a hundred thousand rows whole, across every boundary of the stream', async () => {
    await insertMany(100_000);
    let sum = 0;
    const sources = new Set<string>();
    const result = await read({
      onRecord: (record) => {
        sum += record.timestampMs - T0;
        sources.add(record.sourceIp);
      },
    });
    expect(result).toMatchObject({ records: 100_000, skipped: {}, newestMs: T0 + 99_999, oldestMs: T0 });
    expect(sum).toBe((99_999 * 100_000) / 2);
    expect(sources.size).toBe(5000);
  });
});

describe('a reading that cannot finish', () => {
  it('is given up by the server after the statement timeout', async () => {
    await slowView('dawdling', 0.05);
    await expect(read({ from: 'dawdling', statementTimeoutMs: 300 })).rejects.toMatchObject({
      code: 'DATABASE_TIMEOUT',
    });
    expect(await backendsComeToRest('COPY%dawdling')).toBe(true);
    expect(await pool.query('SELECT 1')).toMatchObject({ rowCount: 1 });
  });

  it('is cancelled on the server by the signal, and the pool stays usable', async () => {
    await slowView('endless', 0.5);
    const abort = new AbortController();
    const reading = read({ from: 'endless', signal: abort.signal });
    const outcome = expect(reading).rejects.toThrow('shutting down');
    while ((await busyBackends('COPY%endless')) === 0) await delay(20);
    abort.abort(new Error('shutting down'));
    await outcome;
    expect(await backendsComeToRest('COPY%endless')).toBe(true);
    expect(await pool.query('SELECT 1')).toMatchObject({ rowCount: 1 });
  });

  it('is cancelled even when every connection of the pool is taken', async () => {
    await slowView('crowded', 0.5);
    const narrow = new pg.Pool({ ...pool.options, max: 1 });
    try {
      const abort = new AbortController();
      const reading = read({
        pool: narrow,
        relation: await inspectLogsRelation({ pool, relation: 'crowded' }),
        signal: abort.signal,
      });
      const outcome = expect(reading).rejects.toThrow('enough');
      while ((await busyBackends('COPY%crowded')) === 0) await delay(20);
      abort.abort(new Error('enough'));
      await outcome;
      expect(await backendsComeToRest('COPY%crowded')).toBe(true);
    } finally {
      await narrow.end();
    }
  });

  it('does not begin after the signal', async () => {
    await expect(read({ signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
  });

  it('ends with the error of the one who takes the records, and leaves no query behind', async () => {
    await insertMany(50_000);
    let taken = 0;
    const reading = read({
      onRecord: () => {
        taken += 1;
        if (taken === 10) throw new Error('accumulator full');
      },
    });
    await expect(reading).rejects.toThrow('accumulator full');
    expect(taken).toBe(10);
    expect(await backendsComeToRest('COPY%network_logs')).toBe(true);
    expect(await read({ maxRecords: 5 })).toMatchObject({ records: 5 });
  });

  it('says SCHEMA_MISMATCH when the relation changed since it was looked at', async () => {
    const relation = await inspectLogsRelation({ pool, relation: 'network_logs' });
    await pool.query('ALTER TABLE network_logs DROP COLUMN bytes');
    await expect(read({ relation })).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' });
    await pool.query('DROP TABLE network_logs');
    await expect(read({ relation })).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' });
  });

  it('says DATABASE_REFUSED when the role may not read', async () => {
    const relation = await inspectLogsRelation({ pool, relation: 'network_logs' });
    await pool.query(
      `DROP ROLE IF EXISTS nobody_here; CREATE ROLE nobody_here; GRANT nobody_here TO autoblock`,
    );
    const client = await pool.connect();
    client.release(true);
    const weak = new pg.Pool({ ...pool.options, options: '-c role=nobody_here' });
    try {
      await expect(read({ pool: weak, relation })).rejects.toMatchObject({ code: 'DATABASE_REFUSED' });
    } finally {
      await weak.end();
    }
  });

  it('says DATABASE_UNAVAILABLE when the connection is ended midway, and when nobody listens', async () => {
    await slowView('severed', 0.5);
    const reading = read({ from: 'severed' });
    const outcome = expect(reading).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    while ((await busyBackends('COPY%severed')) === 0) await delay(20);
    await pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%severed%'`,
    );
    await outcome;

    const relation = await inspectLogsRelation({ pool, relation: 'network_logs' });
    const nobody = new pg.Pool({ host: '127.0.0.1', port: 1 });
    await expect(read({ pool: nobody, relation })).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await nobody.end();
  });
});

describe('a server that is killed', () => {
  it('ends the reading with DATABASE_UNAVAILABLE in the middle of the stream', async () => {
    const own = await startTestPostgres();
    try {
      const ownPool = await own.database();
      await migrateDatabase({ pool: ownPool, logsRelation: 'network_logs', logger: silentLogger });
      pool = ownPool;
      await insertMany(200_000);
      const { rows } = await ownPool.query<{ pid: number }>('SELECT pid FROM pg_stat_activity');
      const lock = await readFile(join(own.stateDir, 'postgres/data/postmaster.pid'), 'utf8');
      const victims = [Number(lock.split('\n')[0]), ...rows.map(({ pid }) => pid)];
      let taken = 0;
      const reading = read({
        onRecord: () => {
          taken += 1;
          if (taken === 1000) for (const victim of victims) process.kill(victim, 'SIGKILL');
        },
      });
      await expect(reading).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
      expect(taken).toBeGreaterThanOrEqual(1000);
      expect(taken).toBeLessThan(200_000);
    } finally {
      await own.stop();
    }
  });
});
