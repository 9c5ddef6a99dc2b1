import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliSite, openCliSite } from './cli-site.ts';
import { FLOW_HEADER, MEDIUM_TRIES, writeLoginsCsv } from './logins-csv.ts';

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

/** Rows enough to read for seconds, in a file of some 100 KB. */
const MANY_ROWS = 3_000_000;

function holdsOpen(pid: number, file: string): boolean {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).some((fd) => {
    try {
      return readlinkSync(join(folder, fd)) === file;
    } catch {
      // Closed between listing and looking.
      return false;
    }
  });
}

describe.skipIf(!existsSync('/proc/self/fd'))(
  'training on flow files that gets SIGINT while it reads',
  () => {
    it('stops reading, says so, exits 1 and makes no model', async () => {
      const file = join(site.dir, 'many.csv.gz');
      const row = '2026-01-01T00:00:00Z,198.51.100.7,40000,192.0.2.10,443,tcp,accept,2400,18\n';
      writeFileSync(file, gzipSync(`${FLOW_HEADER}\n${row.repeat(MANY_ROWS)}`, { level: 1 }));
      const child = spawn(process.execPath, [PROGRAM, 'train', '--flows', file], {
        cwd: site.dir,
        env: { ...site.env, PATH: process.env['PATH'] },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let stderr = '';
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      const closed = once(child, 'close');
      await expect.poll(() => holdsOpen(child.pid!, file), { timeout: 30_000, interval: 20 }).toBe(true);
      child.kill('SIGINT');
      expect(await closed).toEqual([1, null]);
      expect(stderr).toContain('autoblock: INTERRUPTED: ended by SIGINT');
      expect(await site.json(['models', 'list'])).toMatchObject({ models: [] });
    });
  },
);
