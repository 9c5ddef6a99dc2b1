import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliSite, openCliSite } from './cli-site.ts';
import { MEDIUM_TRIES, writeLoginsCsv } from './logins-csv.ts';

const PROGRAM = resolve(import.meta.dirname, '../../scripts/autoblock.mjs');

let site: CliSite;

beforeAll(async () => {
  site = await openCliSite();
  const file = writeLoginsCsv(site.dir, { name: 'logins.csv', tries: { '198.51.100.20': MEDIUM_TRIES } });
  await site.json(['import', file]);
});
afterAll(() => site.close());

async function queriesUnderWay(): Promise<number> {
  const { rows } = await site.pool.query<{ n: number }>(
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'autoblock' AND query LIKE 'COPY%' AND state = 'active'",
  );
  return rows[0]!.n;
}

describe.each(['SIGINT', 'SIGTERM'] as const)(
  'a command that gets %s while PostgreSQL works for it',
  (signal) => {
    it('cancels its query, says so, exits 1 and leaves nothing half done', async () => {
      const locker = await site.pool.connect();
      await locker.query('BEGIN');
      await locker.query('LOCK TABLE network_logs IN ACCESS EXCLUSIVE MODE');
      const child = spawn(process.execPath, [PROGRAM, 'detect'], {
        cwd: site.dir,
        env: { ...site.env, PATH: process.env['PATH'] },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      const closed = once(child, 'close');
      try {
        await expect.poll(queriesUnderWay, { timeout: 30_000 }).toBe(1);
        child.kill(signal);
        expect(await closed).toEqual([1, null]);
        await expect.poll(queriesUnderWay, { timeout: 10_000 }).toBe(0);
      } finally {
        child.kill('SIGKILL');
        await locker.query('ROLLBACK');
        locker.release();
      }
      expect(stdout).toBe('');
      expect(stderr).toContain(`autoblock: INTERRUPTED: ended by ${signal}`);
      expect(await site.json(['status'])).toMatchObject({ runs: [], reviewsPending: 0, undelivered: false });
    });
  },
);
