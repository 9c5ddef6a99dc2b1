import { join } from 'node:path';
import { replaceFile, syncDirectory } from './durable-files.ts';
import { readIfPresent } from './model-package.ts';

/** Which versions were `latest`, for going back, and which one is being put in place right now. */
export interface Promotions {
  /** Oldest first; the last is the latest. */
  readonly history: readonly string[];
  /** Set while the `_latest` files are exchanged; still set afterwards when the process was killed there. */
  readonly underWay: string | null;
}

const FILE_NAME = 'promotions.json';
const KEPT = 100;

/** A log that cannot be read costs the way back, never a model: it counts as empty. */
export function readPromotions(directory: string): Promotions {
  const content = readIfPresent(join(directory, FILE_NAME));
  const parsed = content === null ? null : parsePromotions(Buffer.from(content).toString('utf8'));
  return parsed ?? { history: [], underWay: null };
}

export function writePromotions(directory: string, promotions: Promotions): void {
  const kept = { ...promotions, history: promotions.history.slice(-KEPT) };
  replaceFile(join(directory, FILE_NAME), `${JSON.stringify(kept, null, 2)}\n`);
  syncDirectory(directory);
}

/**
 * The history once `version` is the latest. Going back to an earlier version forgets what came after it, so going back
 * again leads further back, not forth to the model that was given up.
 */
export function historyWith(history: readonly string[], version: string): string[] {
  const position = history.indexOf(version);
  return position === -1 ? [...history, version] : history.slice(0, position + 1);
}

function parsePromotions(text: string): Promotions | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null || !('history' in parsed) || !('underWay' in parsed))
    return null;
  const { history, underWay } = parsed;
  if (!Array.isArray(history) || !history.every((version) => typeof version === 'string')) return null;
  return { history, underWay: typeof underWay === 'string' ? underWay : null };
}
