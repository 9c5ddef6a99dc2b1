import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { AutoblockError, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import {
  letAccountThrough,
  type ServerAccount,
  serverAccount,
  spawnAs,
} from './embedded-postgres-account.ts';
import { findPostgresPrograms, type PostgresPrograms } from './embedded-postgres-programs.ts';

/** A complete cluster on disk, whether or not its server runs. */
export interface Cluster {
  readonly dataDir: string;
  readonly logFile: string;
  readonly password: string;
  readonly programs: PostgresPrograms;
  readonly account: ServerAccount | null;
}

/** What a running server tells about itself in `postmaster.pid`. */
export interface PostmasterFile {
  readonly pid: number;
  readonly port: number;
  readonly ready: boolean;
}

export const CLUSTER_USER = 'autoblock';

/**
 * Opens the cluster in `stateDir/postgres`, making it first when there is none.
 *
 * A new cluster is made in a directory beside and renamed when it is complete, password and all: an interrupted
 * initdb never looks like a cluster, and what is called `postgres` is never made anew.
 */
export async function openCluster(options: { stateDir: string; logger: Logger }): Promise<Cluster> {
  const { stateDir, logger } = options;
  const home = join(stateDir, 'postgres');
  const dataDir = join(home, 'data');
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const programs = await findPostgresPrograms();
  const account = await serverAccount(stateDir, dataDir);
  await letAccountThrough(stateDir, account);

  await removeInterrupted({ stateDir, logger });
  if (!(await exists(join(dataDir, 'PG_VERSION')))) await createCluster({ home, programs, account, logger });
  await refuseOtherMajor(dataDir, programs);
  const password = await readPassword(join(home, 'password'));
  return { dataDir, logFile: join(home, 'server.log'), password, programs, account };
}

interface NewCluster {
  home: string;
  programs: PostgresPrograms;
  account: ServerAccount | null;
  logger: Logger;
}

async function createCluster({ home, programs, account, logger }: NewCluster): Promise<void> {
  const making = `${home}.initialising-${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(making, { mode: 0o700 });
    const passwordFile = join(making, 'password');
    await writeDurably(passwordFile, randomBytes(24).toString('base64url'));
    if (account !== null) {
      await chown(making, account.uid, account.gid);
      await chown(passwordFile, account.uid, account.gid);
    }
    await runInitdb({ programs, account, dataDir: join(making, 'data'), passwordFile });
    await rename(making, home);
    await syncDirectory(dirname(home));
    logger.info({ dataDir: join(home, 'data') }, 'embedded PostgreSQL cluster created');
  } catch (cause) {
    await rm(making, { recursive: true, force: true });
    // Another process was quicker: its cluster is as good as ours.
    if (await exists(join(home, 'data', 'PG_VERSION'))) return;
    throw failed(`no cluster could be made in ${home}: ${messageOf(cause)}`, cause);
  }
}

async function runInitdb(options: {
  programs: PostgresPrograms;
  account: ServerAccount | null;
  dataDir: string;
  passwordFile: string;
}): Promise<void> {
  const child = await spawnAs({
    account: options.account,
    program: options.programs.initdb,
    args: [
      `--pgdata=${options.dataDir}`,
      `--username=${CLUSTER_USER}`,
      `--pwfile=${options.passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-locale',
    ],
    reaches: [options.dataDir, options.passwordFile],
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: false,
  });
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`initdb ended with ${signal ?? code ?? 'nothing'}: ${complaints.trim()}`));
    });
  });
}

/** Directories of an initdb whose process is gone never held data. */
async function removeInterrupted({ stateDir, logger }: { stateDir: string; logger: Logger }): Promise<void> {
  for (const name of await readdir(stateDir)) {
    const pid = /^postgres\.initialising-(\d+)-[0-9a-f]+$/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    logger.warn(
      { code: 'EMBEDDED_POSTGRES_FAILED', directory: name },
      'removing what an interrupted set-up of the embedded PostgreSQL left',
    );
    await rm(join(stateDir, name), { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Binaries of another major version cannot read the files, and would say so only in the server log. */
async function refuseOtherMajor(dataDir: string, programs: PostgresPrograms): Promise<void> {
  const found = (await readFile(join(dataDir, 'PG_VERSION'), 'utf8')).trim();
  const catalogue = join(dirname(dirname(programs.postgres)), 'share', 'postgresql', 'postgres.bki');
  const firstLine = (await readFile(catalogue, 'utf8')).split('\n', 1)[0] ?? '';
  const ours = /PostgreSQL (\d+)/.exec(firstLine)?.[1];
  if (ours === undefined || ours === found) return;
  throw failed(
    `${dataDir} was made by PostgreSQL ${found}, the installed server is ${ours}: install the autoblock version that made it, dump, and restore`,
  );
}

async function readPassword(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw failed(`${path}, the password of the cluster beside it, cannot be read`, cause);
  }
}

/** The server's own lock file, or null where no server has the cluster. */
export async function readPostmasterFile(dataDir: string): Promise<PostmasterFile | null> {
  let text: string;
  try {
    text = await readFile(join(dataDir, 'postmaster.pid'), 'utf8');
  } catch (unreadable) {
    if ((unreadable as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw failed(`${join(dataDir, 'postmaster.pid')} cannot be read`, unreadable);
  }
  // Lines: pid, data directory, start time, port, socket directory, listen address, shared memory key, status.
  const lines = text.split('\n');
  return { pid: Number(lines[0]), port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' };
}

/**
 * Removes a lock file whose server is gone. PostgreSQL does so itself unless the pid has meanwhile been given to
 * another process of the same account, which is common after a reboot of a container.
 */
export async function removeStaleLock(dataDir: string, lock: PostmasterFile): Promise<boolean> {
  if (isAlive(lock.pid) && (await mayBePostgres(lock.pid, dataDir))) return false;
  await rm(join(dataDir, 'postmaster.pid'), { force: true });
  return true;
}

async function mayBePostgres(pid: number, dataDir: string): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
  return commandLine === null || commandLine.includes(dataDir);
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (refused) {
    return (refused as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A TCP port on loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', resolve);
  });
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  return address.port;
}

export function failed(whatHappened: string, cause?: unknown): AutoblockError {
  return new AutoblockError('EMBEDDED_POSTGRES_FAILED', whatHappened, { cause });
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
