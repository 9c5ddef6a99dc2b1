import { chmodSync, closeSync, existsSync, linkSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { AutoblockError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { syncDirectory } from './durable-files.ts';
import { migrateLedger } from './ledger-schema.ts';
import { hasErrorCode, translateErrors } from './state-errors.ts';

export type LedgerDatabase = Database.Database;

const OWNER_ONLY = 0o600;
/** Thirty thousand blocks by hand are one transaction, and on a busy machine that takes its seconds. */
const DEFAULT_BUSY_TIMEOUT_MS = 30_000;

/**
 * Opens the ledger file, or makes one where none is. WAL so that the CLI reads while the daemon writes;
 * synchronous=FULL so that a committed decision survives a power cut (https://sqlite.org/pragma.html#pragma_synchronous).
 * A damaged file is refused: an empty start would forget every block and every rejection.
 * @throws AutoblockError STATE_CORRUPT, SCHEMA_NEWER, STATE_LOCKED, STATE_UNWRITABLE
 */
export function openLedgerDatabase(options: {
  path: string;
  busyTimeoutMs?: number;
  logger: Logger;
}): LedgerDatabase {
  const { path, busyTimeoutMs = DEFAULT_BUSY_TIMEOUT_MS, logger } = options;
  return translateErrors(`ledger ${path}`, () => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (!existsSync(path)) {
      createLedgerFile(path);
      logger.info({ path }, 'ledger created');
    }
    keepPrivate(path);
    const db = new Database(path, { timeout: busyTimeoutMs, fileMustExist: true });
    try {
      prepareLedger(db, path);
      return db;
    } catch (thrown) {
      db.close();
      throw thrown;
    }
  });
}

/**
 * The file appears under its name complete, with its schema. So an empty file found there is never "new", it is a
 * ledger somebody or something cut to nothing.
 */
function createLedgerFile(path: string): void {
  const leftover = [`${path}-wal`, `${path}-journal`].find((name) => existsSync(name));
  if (leftover !== undefined) {
    // Another process may have made the ledger since we looked; otherwise SQLite would replay the log into the new file.
    if (existsSync(path)) return;
    throw new AutoblockError('STATE_CORRUPT', `${leftover} lies there without its database ${path}`);
  }
  const beside = `${path}.${process.pid}.new`;
  rmSync(beside, { force: true });
  closeSync(openSync(beside, 'wx', OWNER_ONLY));
  try {
    const db = new Database(beside);
    try {
      db.pragma('synchronous = FULL');
      migrateLedger(db, beside);
    } finally {
      db.close();
    }
    publish(beside, path);
  } finally {
    rmSync(beside, { force: true });
  }
}

/** A hard link, because it never replaces what another process made meanwhile. */
function publish(beside: string, path: string): void {
  try {
    linkSync(beside, path);
  } catch (thrown) {
    if (!hasErrorCode(thrown, 'EEXIST')) throw thrown;
  }
  syncDirectory(dirname(path));
}

function keepPrivate(path: string): void {
  const { mode, size } = statSync(path);
  if (size === 0) throw new AutoblockError('STATE_CORRUPT', `${path} is empty`);
  if ((mode & 0o077) !== 0) chmodSync(path, OWNER_ONLY);
}

function prepareLedger(db: LedgerDatabase, path: string): void {
  const findings = db.pragma('quick_check(5)', { simple: false }) as { quick_check: string }[];
  if (findings.length !== 1 || findings[0]?.quick_check !== 'ok') {
    const told = findings.map((finding) => finding.quick_check).join('; ');
    throw new AutoblockError('STATE_CORRUPT', `${path} is damaged: ${told}`);
  }
  migrateLedger(db, path);
  const journal = db.pragma('journal_mode = WAL', { simple: true });
  if (journal !== 'wal') {
    throw new AutoblockError('STATE_UNWRITABLE', `${path}: this file system cannot hold a write-ahead log`);
  }
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
}
