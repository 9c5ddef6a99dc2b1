import { join } from 'node:path';
import { replaceFile, syncDirectory } from './durable-files.ts';
import { readIfPresent } from './model-package.ts';

/** A note inside a version's directory says why the check of candidates refused it. */
const FILE_NAME = 'rejected.json';

export function writeRejection(versionDirectory: string, reasons: readonly string[]): void {
  replaceFile(join(versionDirectory, FILE_NAME), `${JSON.stringify({ reasons }, null, 2)}\n`);
  syncDirectory(versionDirectory);
}

/** The reasons in one line, or null when nothing speaks against the version. A note that cannot be read still speaks against it. */
export function readRejection(versionDirectory: string): string | null {
  const content = readIfPresent(join(versionDirectory, FILE_NAME));
  if (content === null) return null;
  const reasons = parseReasons(Buffer.from(content).toString('utf8'));
  return reasons?.join('; ') ?? `${FILE_NAME} cannot be read`;
}

function parseReasons(text: string): readonly unknown[] | null {
  try {
    const parsed = JSON.parse(text) as { reasons?: unknown } | null;
    return Array.isArray(parsed?.reasons) ? parsed.reasons : null;
  } catch {
    return null;
  }
}
