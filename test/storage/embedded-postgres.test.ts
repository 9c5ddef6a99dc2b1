import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/storage/embedded-postgres.ts';
import { runOnce, silentLogger } from '../support/postgres.ts';

const servers: EmbeddedPostgres[] = [];
const directories: string[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

async function freshStateDir(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'autoblock-pg-'));
  directories.push(directory);
  return directory;
}

async function start(stateDir: string, port?: number): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({
    stateDir,
    logger: silentLogger,
    ...(port === undefined ? {} : { port }),
  });
  servers.push(server);
  return server;
}

async function serverPid(stateDir: string): Promise<number> {
  return Number((await readFile(join(stateDir, 'postgres/data/postmaster.pid'), 'utf8')).split('\n')[0]);
}

async function answers(server: EmbeddedPostgres): Promise<boolean> {
  return runOnce(server.connectionString, 'SELECT 1').then(
    () => true,
    () => false,
  );
}

describe('the embedded PostgreSQL', () => {
  it('is a UTF-8, UTC, loopback-only server whose data outlives a stop', async () => {
    const stateDir = await freshStateDir();
    const first = await start(stateDir);
    const { rows } = await runOnce(
      first.connectionString,
      `SELECT current_setting('server_encoding') AS encoding, current_setting('TimeZone') AS zone,
              current_setting('listen_addresses') AS listens, current_setting('synchronous_commit') AS sync,
              current_setting('unix_socket_directories') AS sockets`,
    );
    expect(rows[0]).toEqual({ encoding: 'UTF8', zone: 'UTC', listens: '127.0.0.1', sync: 'on', sockets: '' });
    await runOnce(first.connectionString, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    expect(await answers(first)).toBe(false);

    const second = await start(stateDir);
    expect((await runOnce(second.connectionString, 'SELECT answer FROM kept')).rows).toEqual([
      { answer: 42 },
    ]);
  });

  it('keeps its password in a file only the owner reads, and wants it', async () => {
    const stateDir = await freshStateDir();
    const server = await start(stateDir);
    const file = join(stateDir, 'postgres/password');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const url = new URL(server.connectionString);
    expect(url.password).toBe((await readFile(file, 'utf8')).trim());
    expect(url.password.length).toBeGreaterThanOrEqual(32);
    url.password = 'guess';
    await expect(runOnce(url.toString(), 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  it('listens on the port asked for', async () => {
    const stateDir = await freshStateDir();
    const first = await start(stateDir);
    const port = Number(new URL(first.connectionString).port);
    await first.stop();
    const again = await start(stateDir, port);
    expect(new URL(again.connectionString).port).toBe(String(port));
  });

  it('is shared by two users, and the last one to leave stops it whoever started it', async () => {
    const stateDir = await freshStateDir();
    const starter = await start(stateDir);
    const guest = await start(stateDir);
    expect(guest.connectionString).toBe(starter.connectionString);
    await starter.stop();
    expect(await answers(guest)).toBe(true);
    await guest.stop();
    expect(await answers(guest)).toBe(false);
  });

  it('is one server for users that begin at the same moment on an empty directory', async () => {
    const stateDir = await freshStateDir();
    const both = await Promise.all([start(stateDir), start(stateDir)]);
    expect(both[0].connectionString).toBe(both[1].connectionString);
    expect((await readdir(stateDir)).filter((name) => name.includes('initialising'))).toEqual([]);
  });

  it('comes back on the same port after it was killed under a running user', async () => {
    const stateDir = await freshStateDir();
    const server = await start(stateDir);
    await runOnce(server.connectionString, 'CREATE TABLE kept AS SELECT 7 AS answer');
    const pid = await serverPid(stateDir);
    process.kill(pid, 'SIGKILL');
    const deadline = Date.now() + 30_000;
    while (!(await answers(server)) && Date.now() < deadline) await delay(50);
    expect((await runOnce(server.connectionString, 'SELECT answer FROM kept')).rows).toEqual([{ answer: 7 }]);
    expect(await serverPid(stateDir)).not.toBe(pid);
  });

  it('adopts the server a killed user left running, and stops it in the end', async () => {
    const stateDir = await freshStateDir();
    const orphaned = await start(stateDir);
    const pid = await serverPid(stateDir);
    // What a SIGKILL of the user does to the server: its lease connection breaks, nothing else.
    await runOnce(
      orphaned.connectionString,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'autoblock lease'`,
    );
    const heir = await start(stateDir);
    expect(await serverPid(stateDir)).toBe(pid);
    await orphaned.stop();
    expect(await answers(heir)).toBe(true);
    await heir.stop();
    expect(await answers(heir)).toBe(false);
  });

  it('starts over a lock file whose pid now belongs to another program', async () => {
    const stateDir = await freshStateDir();
    const first = await start(stateDir);
    const lock = await readFile(join(stateDir, 'postgres/data/postmaster.pid'), 'utf8');
    await first.stop();
    const stranger = spawn('sleep', ['60']);
    try {
      const lines = lock.split('\n');
      lines[0] = String(stranger.pid);
      await writeFile(join(stateDir, 'postgres/data/postmaster.pid'), lines.join('\n'));
      expect(await answers(await start(stateDir))).toBe(true);
      expect(stranger.exitCode).toBeNull();
    } finally {
      stranger.kill();
    }
  });

  it('clears away an interrupted set-up and makes a whole cluster', async () => {
    const stateDir = await freshStateDir();
    const dead = spawn('true');
    await new Promise((resolve) => dead.once('exit', resolve));
    const left = join(stateDir, `postgres.initialising-${dead.pid ?? 0}-0badcafe`);
    await mkdir(join(left, 'data'), { recursive: true });
    await writeFile(join(left, 'data/PG_VERSION'), '18\n');
    expect(await answers(await start(stateDir))).toBe(true);
    expect((await readdir(stateDir)).sort()).toEqual(['postgres']);
  });

  it('never makes a cluster over files it does not know', async () => {
    const stateDir = await freshStateDir();
    await mkdir(join(stateDir, 'postgres'));
    await writeFile(join(stateDir, 'postgres/notes.txt'), 'mine');
    await expect(start(stateDir)).rejects.toMatchObject({ code: 'EMBEDDED_POSTGRES_FAILED' });
    expect(await readdir(join(stateDir, 'postgres'))).toEqual(['notes.txt']);
  });

  it('refuses data of another major version instead of letting the server fail on it', async () => {
    const stateDir = await freshStateDir();
    await (await start(stateDir)).stop();
    await writeFile(join(stateDir, 'postgres/data/PG_VERSION'), '15\n');
    await expect(start(stateDir)).rejects.toMatchObject({
      code: 'EMBEDDED_POSTGRES_FAILED',
      message: expect.stringContaining('made by PostgreSQL 15') as string,
    });
  });

  it.skipIf(process.getuid?.() !== 0)(
    'runs below a directory only root may enter, as an account that is not root',
    async () => {
      const closed = await freshStateDir();
      const stateDir = join(closed, 'state');
      const server = await start(stateDir);
      const status = await readFile(`/proc/${await serverPid(stateDir)}/status`, 'utf8');
      expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).not.toBe('0');
      expect((await stat(closed)).mode & 0o777).toBe(0o700);
      expect(await answers(server)).toBe(true);
    },
  );
});
