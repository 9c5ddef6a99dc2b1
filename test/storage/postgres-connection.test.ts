import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../../src/logger.ts';
import { databaseError } from '../../src/postgres/database-errors.ts';
import { createPostgresPool, maskConnectionString } from '../../src/storage/postgres-connection.ts';
import { runOnce, silentLogger, startTestPostgres, type TestPostgres } from '../support/postgres.ts';

let server: TestPostgres;

beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server.stop());

describe('the connection pool', () => {
  it('outlives the loss of idle and of borrowed connections, says so once each, and never with the password', async () => {
    const lines: string[] = [];
    const pool = createPostgresPool({
      connectionString: server.connectionString,
      applicationName: 'loses connections',
      statementTimeoutMs: 10_000,
      logger: createLogger({ level: 'debug', destination: { write: (line: string) => lines.push(line) } }),
    });
    const endAll = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'loses connections'`;
    try {
      await pool.query('SELECT 1');
      await runOnce(server.connectionString, endAll);
      while (lines.length < 1) await delay(10);
      const borrowed = await pool.connect();
      await runOnce(server.connectionString, endAll);
      while (lines.length < 2) await delay(10);
      borrowed.release(true);
      expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    } finally {
      await pool.end();
    }
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(JSON.parse(line)).toMatchObject({
        code: 'DATABASE_UNAVAILABLE',
        msg: 'database connection lost',
      });
      expect(line).not.toContain(new URL(server.connectionString).password);
    }
  });

  it('has the server give up statements that take too long', async () => {
    const pool = createPostgresPool({
      connectionString: server.connectionString,
      applicationName: 'slow',
      statementTimeoutMs: 100,
      logger: silentLogger,
    });
    const thrown = await pool.query('SELECT pg_sleep(30)').catch((error: unknown) => error);
    await pool.end();
    expect(databaseError(thrown, 'sleeping')).toMatchObject({ code: 'DATABASE_TIMEOUT' });
  });

  it.each(['not a url with secret', 'mysql://u:secret@h/d', ''])(
    'refuses %j without repeating it',
    (text) => {
      const make = (): unknown =>
        createPostgresPool({
          connectionString: text,
          applicationName: 'x',
          statementTimeoutMs: 1,
          logger: silentLogger,
        });
      expect(make).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
      expect(make).not.toThrow('secret');
    },
  );

  it('masks passwords wherever a connection string carries them', () => {
    expect(maskConnectionString('postgres://u:p%40ss@db:5432/logs?sslmode=require')).toBe(
      'postgres://u:masked@db:5432/logs?sslmode=require',
    );
    expect(maskConnectionString('postgres://db/logs?password=hidden&user=u')).not.toContain('hidden');
    expect(maskConnectionString('host=db password=hidden')).toBe('[masked]');
  });
});

describe('what a database failure means', () => {
  const failure = (code: string, message = 'it failed'): Error => Object.assign(new Error(message), { code });

  it.each([
    ['ECONNREFUSED', 'DATABASE_UNAVAILABLE'],
    ['ENOTFOUND', 'DATABASE_UNAVAILABLE'],
    ['57P01', 'DATABASE_UNAVAILABLE'],
    ['08006', 'DATABASE_UNAVAILABLE'],
    ['53300', 'DATABASE_UNAVAILABLE'],
    ['28P01', 'DATABASE_UNAVAILABLE'],
    ['3D000', 'DATABASE_UNAVAILABLE'],
    ['57014', 'DATABASE_TIMEOUT'],
    ['55P03', 'DATABASE_TIMEOUT'],
    ['42501', 'DATABASE_REFUSED'],
  ])('%s is %s', (code, expected) => {
    expect(databaseError(failure(code), 'trying')).toMatchObject({
      code: expected,
      message: 'trying: it failed',
    });
  });

  it('tells pg’s own connection failures by their text, and both refused addresses by theirs', () => {
    for (const message of ['Connection terminated unexpectedly', 'timeout exceeded when trying to connect']) {
      expect(databaseError(new Error(message), 'trying')).toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    }
    const both = Object.assign(new AggregateError([failure('ECONNREFUSED', 'refused ::1')], ''), {
      code: 'ECONNREFUSED',
    });
    expect(databaseError(both, 'trying')).toMatchObject({ message: 'trying: refused ::1' });
  });

  it('leaves defects as they are', () => {
    const defect = failure('42601', 'syntax error');
    expect(databaseError(defect, 'trying')).toBe(defect);
    expect(databaseError('text', 'trying')).toBe('text');
  });
});
