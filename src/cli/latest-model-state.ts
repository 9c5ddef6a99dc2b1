import type { Workplace } from '../daemon/workplace.ts';
import { decodeModel } from '../detector/model-files.ts';
import { messageOf } from '../errors.ts';

/** What the files of the latest model are good for: the same proof a detection run asks of them. */
export function latestModelState({ config, registry }: Pick<Workplace, 'config' | 'registry'>): {
  /** Null when there is none, or none that can be used. */
  readonly version: string | null;
  /** Why the one that is there cannot be used; null when it can, or when there is none. */
  readonly problem: string | null;
} {
  try {
    const stored = registry.readLatest();
    if (stored === null) return { version: null, problem: null };
    const { windowMinutes } = decodeModel(stored.files, stored.metadata).metadata;
    if (windowMinutes === config.windowMinutes) return { version: stored.version, problem: null };
    const problem = `model ${stored.version} was trained on ${windowMinutes}-minute windows, WINDOW_MINUTES is ${config.windowMinutes}`;
    return { version: null, problem };
  } catch (thrown) {
    return { version: null, problem: messageOf(thrown) };
  }
}
