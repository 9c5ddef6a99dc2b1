import Database from 'better-sqlite3';
import { AutoblockError, type ErrorCode, messageOf } from '../errors.ts';

/** Runs `action` on `what` and tells what SQLite or the file system refused in the words of the error table. */
export function translateErrors<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (thrown) {
    const code = stateErrorCode(thrown);
    if (code === null) throw thrown;
    throw new AutoblockError(code, `${what}: ${messageOf(thrown)}`, { cause: thrown });
  }
}

const SQLITE_ERRORS: readonly (readonly [prefix: string, code: ErrorCode])[] = [
  ['SQLITE_BUSY', 'STATE_LOCKED'],
  ['SQLITE_LOCKED', 'STATE_LOCKED'],
  ['SQLITE_CORRUPT', 'STATE_CORRUPT'],
  ['SQLITE_NOTADB', 'STATE_CORRUPT'],
  ['SQLITE_FULL', 'STATE_UNWRITABLE'],
  ['SQLITE_IOERR', 'STATE_UNWRITABLE'],
  ['SQLITE_READONLY', 'STATE_UNWRITABLE'],
  ['SQLITE_CANTOPEN', 'STATE_UNWRITABLE'],
];

/** EEXIST: a file stands where a folder has to be. */
const FILE_ERRORS: readonly string[] = [
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOSPC',
  'EDQUOT',
  'ENOTDIR',
  'EISDIR',
  'EEXIST',
];

function stateErrorCode(thrown: unknown): ErrorCode | null {
  if (thrown instanceof Database.SqliteError) {
    const entry = SQLITE_ERRORS.find(([prefix]) => thrown.code.startsWith(prefix));
    return entry?.[1] ?? null;
  }
  return FILE_ERRORS.some((code) => hasErrorCode(thrown, code)) ? 'STATE_UNWRITABLE' : null;
}

export function hasErrorCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}
