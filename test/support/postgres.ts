import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createLogger } from '../../src/logger.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/storage/embedded-postgres.ts';
import { createPostgresPool } from '../../src/storage/postgres-connection.ts';

export const silentLogger = createLogger({ level: 'silent' });

export interface TestPostgres {
  readonly stateDir: string;
  readonly connectionString: string;
  /** A fresh, empty database with a pool of ours on it; closed by stop(). */
  database(): Promise<pg.Pool>;
  stop(): Promise<void>;
}

/** A real PostgreSQL server in a temporary directory: one per test file. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const stateDir = await mkdtemp(join(tmpdir(), 'autoblock-test-'));
  const server: EmbeddedPostgres = await startEmbeddedPostgres({ stateDir, logger: silentLogger });
  const pools: pg.Pool[] = [];
  let databases = 0;
  return {
    stateDir,
    connectionString: server.connectionString,
    database: async () => {
      databases += 1;
      const name = `test_${databases}`;
      await runOnce(server.connectionString, `CREATE DATABASE ${name}`);
      const pool = testPool(databaseUrl(server.connectionString, name));
      pools.push(pool);
      return pool;
    },
    stop: async () => {
      await Promise.all(pools.filter((pool) => !pool.ended).map((pool) => pool.end()));
      await server.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

export function testPool(connectionString: string): pg.Pool {
  return createPostgresPool({
    connectionString,
    applicationName: 'autoblock test',
    statementTimeoutMs: 30_000,
    logger: silentLogger,
  });
}

export function databaseUrl(connectionString: string, name: string): string {
  const url = new URL(connectionString);
  url.pathname = `/${name}`;
  return url.toString();
}

export async function runOnce(connectionString: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}
