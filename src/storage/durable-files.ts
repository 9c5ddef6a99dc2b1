import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Begins the names of everything half written; readers pass over them, the next writer clears them away. */
export const TEMPORARY_PREFIX = '.tmp-';

/** Writes a file and waits until the disk has it. Its name in the directory is safe only after `syncDirectory`. */
export function writeSynced(path: string, content: Uint8Array | string): void {
  const file = openSync(path, 'w');
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Puts a file in place whole: readers see the old content or the new, never a part of it. */
export function replaceFile(path: string, content: Uint8Array | string): void {
  const beside = join(dirname(path), `${TEMPORARY_PREFIX}${basename(path)}`);
  writeSynced(beside, content);
  renameSync(beside, path);
}

/** Makes creations and renames in the directory survive a power cut. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
