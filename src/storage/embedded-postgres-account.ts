import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process';
import { chmod, chown, readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { AutoblockError } from '../errors.ts';

/** The system account the server runs under; PostgreSQL refuses to run as root. */
export interface ServerAccount {
  readonly uid: number;
  readonly gid: number;
}

const run = promisify(execFile);
const FALLBACK_ACCOUNT = 'postgres';
const CAP_DAC_READ_SEARCH_BIT = 2;

/**
 * Who the server runs as: null means "as this process". For root it is, in this order, the owner of an existing
 * cluster, the owner of the state directory (so that root's `autoblock status` and a daemon with an account of its
 * own share one server), the account `postgres`, which is created when it does not exist.
 */
export async function serverAccount(stateDir: string, clusterDataDir: string): Promise<ServerAccount | null> {
  if (process.getuid?.() !== 0) return null;
  for (const path of [clusterDataDir, stateDir]) {
    const owner = await ownerOf(path);
    if (owner !== null && owner.uid !== 0) return owner;
  }
  return (await accountNamed(FALLBACK_ACCOUNT)) ?? (await createAccount(FALLBACK_ACCOUNT));
}

async function ownerOf(path: string): Promise<ServerAccount | null> {
  const found = await stat(path).catch(() => null);
  return found === null ? null : { uid: found.uid, gid: found.gid };
}

async function accountNamed(name: string): Promise<ServerAccount | null> {
  try {
    const [user, group] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(user.stdout), gid: Number(group.stdout) };
  } catch (unknownUser) {
    if ((unknownUser as { code?: unknown }).code === 1) return null;
    throw accountError(unknownUser);
  }
}

async function createAccount(name: string): Promise<ServerAccount> {
  try {
    await run('useradd', [
      '--system',
      '--user-group',
      '--no-create-home',
      '--shell',
      '/usr/sbin/nologin',
      name,
    ]);
    const account = await accountNamed(name);
    if (account === null) throw new Error(`useradd left no account ${name}`);
    return account;
  } catch (cause) {
    throw accountError(cause);
  }
}

function accountError(cause: unknown): AutoblockError {
  return new AutoblockError(
    'EMBEDDED_POSTGRES_FAILED',
    `PostgreSQL refuses to run as root and the account ${FALLBACK_ACCOUNT} could not be made: run autoblock as a normal user, or add that account`,
    { cause },
  );
}

/**
 * Lets the account pass through the state directory, and only pass: a root-owned 0700 directory gets the account's
 * group with the search bit. A directory somebody set up otherwise is left alone.
 */
export async function letAccountThrough(stateDir: string, account: ServerAccount | null): Promise<void> {
  if (account === null) return;
  const found = await stat(stateDir);
  if (mayPass(found, account) || found.uid !== 0 || found.gid !== 0) return;
  await chown(stateDir, 0, account.gid);
  await chmod(stateDir, (found.mode & 0o7777) | 0o010);
}

export interface AccountProgram {
  readonly account: ServerAccount | null;
  readonly program: string;
  readonly args: readonly string[];
  /** Paths the program must be able to reach besides itself. */
  readonly reaches: readonly string[];
  readonly stdio: StdioOptions;
  /** In a process group of its own, so that Ctrl-C in a terminal does not hit it before its parent says so. */
  readonly detached: boolean;
}

/**
 * Starts a program as the account. When the way to the program or its data leads through a directory closed to the
 * account (a checkout under /root), it gets the one capability to pass through directories; nothing is chmod-ed.
 */
export async function spawnAs(request: AccountProgram): Promise<ChildProcess> {
  const { account, program, args, stdio, detached } = request;
  const options = { stdio, detached, env: serverEnvironment(), cwd: '/' };
  if (account === null) return spawn(program, args, options);
  const closed = await firstClosedDirectory([program, ...request.reaches], account);
  if (closed === null) return spawn(program, args, { ...options, ...account });

  await requireSetpriv(closed);
  const capability = await passingCapability();
  const setpriv = [
    `--reuid=${account.uid}`,
    `--regid=${account.gid}`,
    '--clear-groups',
    `--inh-caps=+${capability}`,
    `--ambient-caps=+${capability}`,
    '--',
    program,
    ...args,
  ];
  return spawn('setpriv', setpriv, options);
}

async function requireSetpriv(closedDirectory: string): Promise<void> {
  try {
    await run('setpriv', ['--version']);
  } catch (cause) {
    throw new AutoblockError(
      'EMBEDDED_POSTGRES_FAILED',
      `the directory ${closedDirectory} is closed to the account PostgreSQL runs under, and there is no setpriv to let it through: use a directory others may enter, or run autoblock as a normal user`,
      { cause },
    );
  }
}

/** Nothing of our own environment: it may hold router passwords, and PG* variables would steer initdb. */
function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}

async function firstClosedDirectory(
  paths: readonly string[],
  account: ServerAccount,
): Promise<string | null> {
  for (const path of paths) {
    for (let directory = dirname(resolve(path)); ; directory = dirname(directory)) {
      if (!mayPass(await stat(directory), account)) return directory;
      if (directory === dirname(directory)) break;
    }
  }
  return null;
}

function mayPass(found: { uid: number; gid: number; mode: number }, account: ServerAccount): boolean {
  if (found.uid === account.uid) return (found.mode & 0o100) !== 0;
  if (found.gid === account.gid) return (found.mode & 0o010) !== 0;
  return (found.mode & 0o001) !== 0;
}

/** Containers often withhold dac_read_search but leave root dac_override, which includes it. */
async function passingCapability(): Promise<'dac_read_search' | 'dac_override'> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const bounding = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  return (bounding >> BigInt(CAP_DAC_READ_SEARCH_BIT)) & 1n ? 'dac_read_search' : 'dac_override';
}
