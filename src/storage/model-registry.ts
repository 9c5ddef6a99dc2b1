import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { ModelFiles, ModelMetadata } from '../detector/trained-model.ts';
import { AutoblockError, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { replaceFile, syncDirectory, TEMPORARY_PREFIX, writeSynced } from './durable-files.ts';
import { MODEL_FILE_NAMES, manifestText, readModelFiles, type StoredModel } from './model-package.ts';
import { historyWith, type Promotions, readPromotions, writePromotions } from './model-promotions.ts';
import {
  latestPath,
  METADATA_LATEST,
  readLatest,
  readManifest,
  readVersion,
  VERSION,
  VERSION_FILES,
} from './model-reading.ts';
import { readRejection, writeRejection } from './model-rejection.ts';
import { translateErrors } from './state-errors.ts';

/** One line of the list of saved models. */
interface ListedModel {
  readonly version: string;
  /** ISO time of the training; empty when the metadata cannot be read. */
  readonly createdAt: string;
  readonly latest: boolean;
  /** False: damaged, or refused by the check of candidates. */
  readonly valid: boolean;
  readonly problem?: string;
}

/**
 * The models folder: one directory per version, and the files of the latest one under `*_latest`. Whatever is returned
 * has been verified against its checksums. Writers of several processes wait for each other; readers never wait for them.
 * All calls may throw STATE_UNWRITABLE, writers also STATE_LOCKED.
 */
export interface ModelRegistry {
  /** Returns the version, which is `metadata.version`. CONFLICT when it exists, USAGE when it is no file name. */
  save(model: { files: ModelFiles; metadata: ModelMetadata }): string;
  /** Makes a saved version the latest. NOT_FOUND, MODEL_INVALID, MODEL_REJECTED; the latest stays as it was then. */
  promote(version: string): void;
  /** Notes why a candidate must not become latest. NOT_FOUND */
  markRejected(version: string, reasons: readonly string[]): void;
  /** Null when no model was promoted yet. MODEL_INVALID */
  readLatest(): StoredModel | null;
  /** NOT_FOUND, MODEL_INVALID */
  read(version: string): StoredModel;
  /** Newest first. Reads and verifies every model. */
  list(): ListedModel[];
  /** The version that was latest before the present one and can still be read; null when there is none. */
  previous(): string | null;
  /** Cheap, for polling: null without a model, `unreadable` when `readLatest` would tell what is wrong. */
  latestVersion(): string | null;
  /** Removes all but the newest `keep` (>= 1), the latest and the one before it. Returns the versions removed. */
  prune(limit: { keep: number }): string[];
}

const UNREADABLE = 'unreadable';
const DEFAULT_LOCK_WAIT_MS = 30_000;
export function openModelRegistry(options: {
  directory: string;
  /** How long a writer waits for another one before STATE_LOCKED. */
  lockWaitMs?: number;
  logger: Logger;
}): ModelRegistry {
  const { directory, lockWaitMs = DEFAULT_LOCK_WAIT_MS, logger } = options;
  const writing = <T>(action: () => T): T =>
    translateErrors(`models folder ${directory}`, () => withWriteLock({ directory, lockWaitMs }, action));
  const reading = <T>(action: () => T): T => translateErrors(`models folder ${directory}`, action);
  return {
    save: (model) => writing(() => save(directory, model)),
    promote: (version) => writing(() => promote(directory, version)),
    markRejected: (version, reasons) => writing(() => markRejected(directory, version, reasons)),
    readLatest: () => reading(() => readLatest(directory, logger)),
    read: (version) => reading(() => readVersion(directory, version)),
    list: () => reading(() => list(directory)),
    previous: () => reading(() => previous(directory)),
    latestVersion: () => reading(() => latestVersion(directory)),
    prune: ({ keep }) => writing(() => prune(directory, keep)),
  };
}

/** An exclusive SQLite transaction on a file of its own: the system lets go of it however the process ends. */
function withWriteLock<T>(place: { directory: string; lockWaitMs: number }, action: () => T): T {
  const { directory, lockWaitMs } = place;
  mkdirSync(directory, { recursive: true });
  const lock = new Database(join(directory, '.lock'), { timeout: lockWaitMs });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    clearLeftovers(directory);
    return action();
  } finally {
    lock.close();
  }
}

/** Whoever wrote them was killed: nobody else writes while the lock is held. */
function clearLeftovers(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (name.startsWith(TEMPORARY_PREFIX)) rmSync(join(directory, name), { recursive: true, force: true });
  }
}

function save(
  directory: string,
  { files, metadata }: { files: ModelFiles; metadata: ModelMetadata },
): string {
  const { version } = metadata;
  if (!VERSION.test(version) || version === UNREADABLE) {
    throw new AutoblockError('USAGE', `"${version}" cannot be the name of a model version`);
  }
  const final = join(directory, version);
  if (existsSync(final))
    throw new AutoblockError('CONFLICT', `model ${version} exists already in ${directory}`);
  const beside = join(directory, `${TEMPORARY_PREFIX}${version}`);
  mkdirSync(beside);
  for (const name of MODEL_FILE_NAMES) writeSynced(join(beside, VERSION_FILES[name]), files[name]);
  writeSynced(join(beside, 'metadata.json'), manifestText(files, metadata));
  syncDirectory(beside);
  renameSync(beside, final);
  syncDirectory(directory);
  return version;
}

/** The metadata goes last: it names the version and is what makes the promotion count. */
function promote(directory: string, version: string): void {
  const { files, metadata } = readVersion(directory, version);
  const rejection = readRejection(join(directory, version));
  if (rejection !== null)
    throw new AutoblockError('MODEL_REJECTED', `model ${version} was rejected: ${rejection}`);

  const history = settledHistory(directory);
  writePromotions(directory, { history, underWay: version });
  for (const name of MODEL_FILE_NAMES) replaceFile(join(directory, `${name}_latest`), files[name]);
  syncDirectory(directory);
  replaceFile(join(directory, METADATA_LATEST), manifestText(files, metadata));
  syncDirectory(directory);
  writePromotions(directory, { history: historyWith(history, version), underWay: null });

  const latest = readManifest(join(directory, METADATA_LATEST));
  if (latest?.version !== version) {
    throw new AutoblockError(
      'INTERNAL',
      `model ${version} was promoted, but ${METADATA_LATEST} does not name it`,
    );
  }
  readModelFiles(latest, latestPath(directory));
}

function markRejected(directory: string, version: string, reasons: readonly string[]): void {
  readVersion(directory, version);
  writeRejection(join(directory, version), reasons);
}

function savedVersions(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && VERSION.test(entry.name))
    .map((entry) => entry.name);
}

function list(directory: string): ListedModel[] {
  const latest = latestVersion(directory);
  return savedVersions(directory)
    .map((version) => ({ version, latest: version === latest, ...inspect(directory, version) }))
    .sort(newestFirst);
}

function inspect(directory: string, version: string): Pick<ListedModel, 'createdAt' | 'valid' | 'problem'> {
  try {
    const { createdAt } = readVersion(directory, version).metadata;
    const rejection = readRejection(join(directory, version));
    return rejection === null
      ? { createdAt, valid: true }
      : { createdAt, valid: false, problem: `rejected: ${rejection}` };
  } catch (thrown) {
    return { createdAt: '', valid: false, problem: messageOf(thrown) };
  }
}

function newestFirst(a: ListedModel, b: ListedModel): number {
  const [left, right] = [`${a.createdAt} ${a.version}`, `${b.createdAt} ${b.version}`];
  if (left === right) return 0;
  return left < right ? 1 : -1;
}

function latestVersion(directory: string): string | null {
  try {
    return readManifest(join(directory, METADATA_LATEST))?.version ?? null;
  } catch (thrown) {
    if (thrown instanceof AutoblockError) return UNREADABLE;
    throw thrown;
  }
}

/** The history with a promotion that was committed but killed before it was written down. */
function settledHistory(directory: string): readonly string[] {
  const { history, underWay }: Promotions = readPromotions(directory);
  const committed = underWay !== null && latestVersion(directory) === underWay;
  return committed ? historyWith(history, underWay) : history;
}

function previous(directory: string): string | null {
  const latest = latestVersion(directory);
  const history = settledHistory(directory);
  const position = latest === null ? -1 : history.lastIndexOf(latest);
  const before =
    position === -1 ? history.filter((version) => version !== latest) : history.slice(0, position);
  return before.findLast((version) => inspect(directory, version).valid) ?? null;
}

function prune(directory: string, keep: number): string[] {
  const spared = new Set([latestVersion(directory), previous(directory)]);
  const removed = list(directory)
    .slice(Math.max(1, keep))
    .map((model) => model.version)
    .filter((version) => !spared.has(version));
  for (const version of removed) {
    // Renamed first: a kill in the middle leaves a leftover, not a version with files missing.
    const beside = join(directory, `${TEMPORARY_PREFIX}removed-${version}`);
    renameSync(join(directory, version), beside);
    rmSync(beside, { recursive: true, force: true });
  }
  if (removed.length > 0) syncDirectory(directory);
  return removed;
}
