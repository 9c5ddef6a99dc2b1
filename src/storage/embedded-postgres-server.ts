import { open, rename, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../logger.ts';
import { spawnAs } from './embedded-postgres-account.ts';
import { type Cluster, failed, readPostmasterFile } from './embedded-postgres-cluster.ts';

const POLL_MS = 20;
const STOP_DEADLINE_MS = 30_000;
const LOG_ROTATE_BYTES = 10 * 1024 * 1024;

const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  timezone: 'UTC',
  log_timezone: 'UTC',
  max_connections: '40',
  shared_buffers: '128MB',
  work_mem: '32MB',
  maintenance_work_mem: '64MB',
  max_wal_size: '512MB',
  checkpoint_timeout: '15min',
  // A container's /dev/shm of 64 MB is too small for parallel plans, and the queries here gain nothing from them.
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  log_line_prefix: '%m [%p] ',
};

/**
 * Starts the server and waits until it says in its lock file that it takes connections.
 *
 * @param options.deadlineMs Unix ms
 * @throws AutoblockError EMBEDDED_POSTGRES_FAILED with the reason from the server log
 */
export async function startServer(options: {
  cluster: Cluster;
  port: number;
  deadlineMs: number;
}): Promise<void> {
  const { cluster, port, deadlineMs } = options;
  const settings = Object.entries(SERVER_SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = await openServerLog(cluster);
  try {
    const logStart = (await log.stat()).size;
    const child = await spawnAs({
      account: cluster.account,
      program: cluster.programs.postgres,
      args: ['-D', cluster.dataDir, '-p', String(port), ...settings],
      reaches: [cluster.dataDir],
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
    const endings: string[] = [];
    child.once('error', (error) => endings.push(error.message));
    child.once('exit', (code, signal) => endings.push(`it ended with ${signal ?? code ?? 'nothing'}`));
    child.unref();
    while (Date.now() < deadlineMs) {
      if (endings.length > 0) {
        throw failed(`${await lastFatal(cluster.logFile, logStart)} (${endings.join(', ')})`);
      }
      const lock = await readPostmasterFile(cluster.dataDir);
      if (lock?.pid === child.pid && lock?.ready === true) return;
      await delay(POLL_MS);
    }
    child.kill('SIGQUIT');
    throw failed(`the server was not ready in time, see ${cluster.logFile}`);
  } finally {
    await log.close();
  }
}

async function openServerLog(cluster: Cluster): ReturnType<typeof open> {
  const size = (await stat(cluster.logFile).catch(() => null))?.size ?? 0;
  if (size > LOG_ROTATE_BYTES) await rename(cluster.logFile, `${cluster.logFile}.old`);
  return await open(cluster.logFile, 'a', 0o600);
}

async function lastFatal(logFile: string, from: number): Promise<string> {
  const log = await open(logFile, 'r');
  try {
    const { buffer, bytesRead } = await log.read(Buffer.alloc(16_384), 0, 16_384, from);
    const lines = buffer.toString('utf8', 0, bytesRead).trim().split('\n');
    return lines.findLast((line) => line.includes('FATAL')) ?? lines.at(-1) ?? '';
  } finally {
    await log.close();
  }
}

/** Fast, clean shutdown: connections are cut, data is written; told to stop at once where that takes too long. */
export async function shutDownServer(cluster: Cluster, logger: Logger): Promise<void> {
  const running = await readPostmasterFile(cluster.dataDir);
  if (running === null) return;
  process.kill(running.pid, 'SIGINT');
  const deadline = Date.now() + STOP_DEADLINE_MS;
  while (Date.now() < deadline) {
    if ((await readPostmasterFile(cluster.dataDir))?.pid !== running.pid) {
      logger.info({ serverPid: running.pid }, 'embedded PostgreSQL stopped');
      return;
    }
    await delay(POLL_MS);
  }
  process.kill(running.pid, 'SIGQUIT');
  throw failed(
    `the server did not stop within ${STOP_DEADLINE_MS / 1000} s and was told to stop at once; it repairs itself at the next start`,
  );
}
