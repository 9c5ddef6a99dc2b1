import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Real labelled captures lie beside the checkout; they are not part of the repository. */
const SHARED_DATA = resolve(import.meta.dirname, '../../../shared/data');

export function sharedFlows(name: string): string {
  return join(SHARED_DATA, 'flows', name);
}

/** True (with the reason printed) when the shared data is not there, for `describe.skipIf`. */
export function sharedDataMissing(): boolean {
  const missing = !existsSync(SHARED_DATA);
  if (missing) process.stderr.write(`skipped: no shared data at ${SHARED_DATA}\n`);
  return missing;
}
