import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { AutoblockError } from '../errors.ts';
import { hasErrorCode, translateErrors } from './state-errors.ts';

/**
 * Keeps two daemons from sharing one state directory. The lock is an exclusive SQLite transaction on a file of its own:
 * the operating system lets go of it however the process ends, so a kill -9 leaves nothing to clean up.
 * @throws AutoblockError STATE_LOCKED while another process holds it, STATE_UNWRITABLE, STATE_CORRUPT
 */
export function holdProcessLock(stateDir: string): { release(): void } {
  const path = join(stateDir, 'daemon.lock');
  const lock = translateErrors(`state directory ${stateDir}`, () => {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    return new Database(path, { timeout: 0 });
  });
  try {
    translateErrors(`lock ${path}`, () => lock.exec('BEGIN EXCLUSIVE'));
  } catch (thrown) {
    lock.close();
    if (!hasErrorCode(thrown, 'STATE_LOCKED')) throw thrown;
    throw new AutoblockError('STATE_LOCKED', `another autoblock daemon holds ${path}`, { cause: thrown });
  }
  return {
    release() {
      lock.exec('ROLLBACK');
      lock.close();
    },
  };
}
