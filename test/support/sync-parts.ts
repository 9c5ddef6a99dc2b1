import { buildProtection } from '../../src/decisions/protected-networks.ts';
import { createRouterMemory, type RouterMemory } from '../../src/runs/router-memory.ts';
import type { RouterSyncParts } from '../../src/runs/router-sync-parts.ts';

type Given = Pick<RouterSyncParts, 'ledger' | 'logger'> & Partial<RouterSyncParts>;

/** Everything a sync needs beside its routers, with harmless defaults; what is not given is remembered per call. */
export function syncPartsFor(given: Given): RouterSyncParts {
  const memories = new Map<string, RouterMemory>();
  const protection = buildProtection({ internalNetworks: [], allowlist: [], extraProtected: [] });
  return {
    settingsOf: () => ({
      scope: { families: [4, 6], origins: ['auto', 'review', 'manual'] },
      maxEntries: 30_000,
      dryRun: false,
    }),
    memoryOf: (router) => {
      const memory = memories.get(router) ?? createRouterMemory();
      memories.set(router, memory);
      return memory;
    },
    protection: () => protection,
    neverBlockOf: () => Promise.resolve([]),
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    actor: 'autoblock',
    dryRun: false,
    maxRemovalShare: 0.5,
    deadlineMs: 60_000,
    ...given,
  };
}
