import { join } from 'node:path';
import { AutoblockError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import {
  type Manifest,
  type ModelFileName,
  parseManifest,
  readIfPresent,
  readModelFiles,
  type StoredModel,
} from './model-package.ts';
import { readPromotions } from './model-promotions.ts';

/** Where the files of a model lie, and how they are read without waiting for a writer. */

/** A version is the name of its directory: nothing that leads elsewhere or hides. */
export const VERSION = /^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$/;
export const METADATA_LATEST = 'metadata_latest.json';
export const VERSION_FILES: Record<ModelFileName, string> = {
  isolation_forest: 'isolation_forest.bin',
  scaler: 'scaler.json',
  feature_selector: 'feature_selector.json',
  gradient_boosting: 'gradient_boosting.bin',
};
/** A promotion exchanges five files in a few milliseconds: a reader that met it half-way looks again. */
const READ_ATTEMPTS = 5;
const READ_PAUSE_MS = 40;

export function latestPath(directory: string): (name: ModelFileName) => string {
  return (name) => join(directory, `${name}_latest`);
}

function versionPath(directory: string, version: string): (name: ModelFileName) => string {
  return (name) => join(directory, version, VERSION_FILES[name]);
}

export function readManifest(path: string): Manifest | null {
  const content = readIfPresent(path);
  return content === null ? null : parseManifest(Buffer.from(content).toString('utf8'), path);
}

/** The files under `*_latest`, verified; null when no model was promoted yet. MODEL_INVALID */
export function readLatest(directory: string, logger: Logger): StoredModel | null {
  for (let attempt = 1; ; attempt += 1) {
    const manifest = readManifest(join(directory, METADATA_LATEST));
    if (manifest === null) return null;
    try {
      return readModelFiles(manifest, latestPath(directory));
    } catch (thrown) {
      const { underWay } = readPromotions(directory);
      if (underWay !== null)
        return readCommitted({ directory, manifest, underWay, logger, mismatch: thrown });
      if (attempt === READ_ATTEMPTS) throw thrown;
      pause(READ_PAUSE_MS);
    }
  }
}

/**
 * A promotion is being made, or was killed half-way: some `_latest` files are the new model's while the metadata still
 * names the old one. The old one lies whole in its own directory and is held to the same checksums.
 */
function readCommitted(found: {
  directory: string;
  manifest: Manifest;
  underWay: string;
  logger: Logger;
  mismatch: unknown;
}): StoredModel {
  const { directory, manifest, underWay, logger } = found;
  logger.warn(
    {
      code: 'MODEL_PROMOTION_UNFINISHED',
      modelVersion: manifest.version,
      promoting: underWay,
      err: found.mismatch,
    },
    'model read from its version directory: the promotion of another one is not finished',
  );
  return readModelFiles(manifest, versionPath(directory, manifest.version));
}

/** Blocks the thread: a model is read between two runs, and the wait is bounded to a fraction of a second. */
function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** A saved version, verified. NOT_FOUND, MODEL_INVALID */
export function readVersion(directory: string, version: string): StoredModel {
  const path = join(directory, version, 'metadata.json');
  const manifest = VERSION.test(version) ? readManifest(path) : null;
  if (manifest === null) throw new AutoblockError('NOT_FOUND', `no model ${version} in ${directory}`);
  if (manifest.version !== version) {
    throw new AutoblockError('MODEL_INVALID', `${path} is the metadata of model ${manifest.version}`);
  }
  return readModelFiles(manifest, versionPath(directory, version));
}
