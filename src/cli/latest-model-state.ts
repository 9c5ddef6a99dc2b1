import { readUsableModel } from '../daemon/detector-in-use.ts';
import type { Workplace } from '../daemon/workplace.ts';
import type { ModelMetadata } from '../detector/trained-model.ts';
import { messageOf } from '../errors.ts';

/** What the files of the latest model are good for: the same proof a detection run asks of them. */
export function latestModelState({ config, registry }: Pick<Workplace, 'config' | 'registry'>): {
  /** Null when there is none, or none that can be used. */
  readonly version: string | null;
  /** Why the one that is there cannot be used; null when it can, or when there is none. */
  readonly problem: string | null;
  /** What it learnt of each group of sources; empty when there is none. */
  readonly groups: ModelMetadata['groups'];
} {
  try {
    const latest = readUsableModel({ config, registry });
    return { version: latest?.version ?? null, problem: null, groups: latest?.model.metadata.groups ?? {} };
  } catch (thrown) {
    return { version: null, problem: messageOf(thrown), groups: {} };
  }
}
