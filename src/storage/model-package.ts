import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { checkSchemaVersion } from '../detector/model-metadata.ts';
import type { ModelFiles, ModelMetadata } from '../detector/trained-model.ts';
import { AutoblockError } from '../errors.ts';
import { hasErrorCode } from './state-errors.ts';

/**
 * A model on disk is four files and a metadata file that carries the length and SHA-256 of each, and one over itself.
 * That finds damage, mixed-up versions and half-written files; it is no signature against somebody who can write here.
 */
export type ModelFileName = keyof ModelFiles;

export const MODEL_FILE_NAMES: readonly ModelFileName[] = [
  'isolation_forest',
  'scaler',
  'feature_selector',
  'gradient_boosting',
];

interface Fingerprint {
  readonly bytes: number;
  readonly sha256: string;
}

/** What the metadata file says, checked against its own checksum. */
export interface Manifest {
  readonly version: string;
  readonly metadata: ModelMetadata;
  readonly checksums: Readonly<Record<ModelFileName, Fingerprint>>;
}

export interface StoredModel {
  readonly version: string;
  readonly files: ModelFiles;
  readonly metadata: ModelMetadata;
}

export function manifestText(files: ModelFiles, metadata: ModelMetadata): string {
  const checksums = Object.fromEntries(MODEL_FILE_NAMES.map((name) => [name, fingerprint(files[name])]));
  const body = { ...metadata, checksums };
  return `${JSON.stringify({ ...body, metadataSha256: sha256(JSON.stringify(body)) }, null, 2)}\n`;
}

/** @throws AutoblockError MODEL_INVALID */
export function parseManifest(text: string, path: string): Manifest {
  const { metadataSha256, ...body } = parseObject(text, path);
  // Before the checksum: what else another layout holds, and how it was summed, is not known here.
  checkSchemaVersion(body['schemaVersion'], path);
  const found = sha256(JSON.stringify(body));
  if (metadataSha256 !== found) {
    throw invalid(`${path} was changed: checksum ${found}, written with ${String(metadataSha256)}`);
  }
  // The checksum holds, so this is what `manifestText` wrote from typed values.
  const { checksums, ...metadata } = body as unknown as ModelMetadata & Pick<Manifest, 'checksums'>;
  return { version: metadata.version, metadata, checksums };
}

/**
 * Reads the four files and proves that they are the ones the manifest was written for.
 * @throws AutoblockError MODEL_INVALID naming the file and both checksums
 */
export function readModelFiles(manifest: Manifest, pathOf: (name: ModelFileName) => string): StoredModel {
  const read = (name: ModelFileName): Uint8Array =>
    readVerified({ path: pathOf(name), expected: manifest.checksums[name], version: manifest.version });
  return {
    version: manifest.version,
    metadata: manifest.metadata,
    files: {
      isolation_forest: read('isolation_forest'),
      scaler: read('scaler'),
      feature_selector: read('feature_selector'),
      gradient_boosting: read('gradient_boosting'),
    },
  };
}

function readVerified(file: { path: string; expected: Fingerprint; version: string }): Uint8Array {
  const { path, expected, version } = file;
  const content = readIfPresent(path);
  if (content === null) throw invalid(`${path} of model ${version} is missing`);
  const found = fingerprint(content);
  if (found.sha256 !== expected.sha256 || found.bytes !== expected.bytes) {
    throw invalid(
      `${path} is not the file of model ${version}: ${found.bytes} bytes with SHA-256 ${found.sha256}, ` +
        `expected ${expected.bytes} bytes with ${expected.sha256}`,
    );
  }
  return content;
}

export function readIfPresent(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch (thrown) {
    if (hasErrorCode(thrown, 'ENOENT')) return null;
    throw thrown;
  }
}

function parseObject(text: string, path: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (thrown) {
    throw invalid(`${path} is not JSON`, thrown);
  }
  if (typeof parsed !== 'object' || parsed === null) throw invalid(`${path} is not a JSON object`);
  return parsed as Record<string, unknown>;
}

function invalid(whatHappened: string, cause?: unknown): AutoblockError {
  return new AutoblockError('MODEL_INVALID', whatHappened, { cause });
}

function fingerprint(content: Uint8Array): Fingerprint {
  return { bytes: content.byteLength, sha256: sha256(content) };
}

function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}
