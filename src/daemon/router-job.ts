import { performance } from 'node:perf_hooks';
import { AutoblockError } from '../errors.ts';
import { collectProtected } from '../routers/protected-addresses.ts';
import type { RouterConnection } from '../routers/router-connection.ts';
import { createRouterMemory, type RouterMemory } from '../runs/router-memory.ts';
import type {
  PushProgress,
  RouterSettings,
  RouterSyncParts,
  RouterSyncResult,
} from '../runs/router-sync-parts.ts';
import { runRouterSync, syncRouter } from '../runs/router-sync-run.ts';
import { readWanted } from '../runs/router-wanted.ts';
import { createRouterLoops, type RouterLoops } from './router-loops.ts';
import { deliverOrKeep } from './scheduled-jobs.ts';
import type { Workplace } from './workplace.ts';

interface SyncWiring {
  readonly dryRun: boolean;
  /** Who syncs, for the audit. */
  readonly actor: string;
  /** Default: that of this process. */
  readonly monotonicMs?: () => number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (router: string, progress: PushProgress) => void;
  /** Kept by the daemon from sync to sync. */
  readonly memories?: ReadonlyMap<string, RouterMemory>;
}

/** Syncs all routers, or the one called `router`, once and side by side. */
export async function syncOnce(
  workplace: Workplace,
  options: SyncWiring & { readonly router?: string },
): Promise<RouterSyncResult[]> {
  await workplace.site.refresh();
  const routers = workplace.routers.filter(
    ({ name }) => options.router === undefined || name === options.router,
  );
  return runRouterSync({ ...syncParts(workplace, options), routers });
}

/** Syncs one router; never rejects. */
async function syncOneRouter(
  workplace: Workplace,
  router: RouterConnection,
  wiring: SyncWiring,
): Promise<RouterSyncResult> {
  await workplace.site.refresh();
  return syncRouter(syncParts(workplace, wiring), router);
}

function syncParts(workplace: Workplace, wiring: SyncWiring): RouterSyncParts {
  const { config, ledger, logger, nowMs } = workplace;
  const { memories = routerMemories(workplace), monotonicMs = () => performance.now(), ...rest } = wiring;
  const settings = new Map<string, RouterSettings>(config.routers.map((router) => [router.name, router]));
  const connections = new Map(workplace.routers.map((router) => [router.name, router]));
  return {
    ...rest,
    monotonicMs,
    ledger,
    logger,
    nowMs,
    protection: () => workplace.protection,
    settingsOf: (name) => settings.get(name)!,
    memoryOf: (name) => memories.get(name)!,
    neverBlockOf: ({ name }) => {
      const router = connections.get(name)!;
      return collectProtected((menu, options) => router.print(menu, options), {
        onUnread: ({ menu, message }) => {
          const { unreadTold } = memories.get(name)!;
          // Once: a missing permission stays missing, and this is asked at every sync.
          if (unreadTold.has(menu)) return;
          unreadTold.add(menu);
          const fields = { code: 'NEVER_BLOCK_UNREAD', router: name, menu, message };
          logger.warn(fields, 'menu of the router not read: the addresses it names are not protected');
        },
      });
    },
    maxRemovalShare: config.maxRemovalShare,
    deadlineMs: config.routerSyncSeconds * 1000,
  };
}

function routerMemories({ routers }: Pick<Workplace, 'routers'>): ReadonlyMap<string, RouterMemory> {
  return new Map(routers.map(({ name }) => [name, createRouterMemory()]));
}

/** Drift on a router is mended within this time, also when detection hangs. */
const SYNC_EVERY_MS = 5 * 60_000;
/** A push under way ends between two commands; a router that does not answer even one is not waited for. */
const STOP_GRACE_MS = 10_000;

/** The daemon's loops: one per router; PostgreSQL is told after each sync, without any of them waiting for it. */
export function routerLoopsOf(
  workplace: Workplace,
  { random, monotonicMs }: { random: () => number; monotonicMs: () => number },
): RouterLoops {
  const { config, logger, routers } = workplace;
  const memories = routerMemories(workplace);
  const delivery = createDelivery(() => deliverOrKeep(workplace));
  const wiring = { dryRun: config.dryRun, actor: 'autoblock', monotonicMs, memories };
  const loops = createRouterLoops({
    routers,
    sync: (router, signal) => syncOneRouter(workplace, router, { ...wiring, signal }),
    onSynced: ({ mode }) => {
      if (mode === 'push') delivery.request();
    },
    onLost: (name) => {
      memories.get(name)!.lostAtMs ??= monotonicMs();
    },
    ...{ logger, random, monotonicMs, everyMs: SYNC_EVERY_MS, graceMs: STOP_GRACE_MS },
  });
  return {
    ...loops,
    request() {
      if (routers.length === 0) withdrawProtected(workplace, wiring);
      loops.request();
    },
    async stop() {
      await loops.stop();
      await delivery.ended();
    },
  };
}

/** Without a router nobody syncs: what became protected is taken back all the same, before there is one. */
function withdrawProtected(workplace: Workplace, { dryRun }: { dryRun: boolean }): void {
  const { ledger, logger, nowMs } = workplace;
  try {
    readWanted(
      { ledger, logger, protection: () => workplace.protection },
      { nowMs: nowMs(), isDryRun: dryRun },
    );
  } catch (thrown) {
    const code = thrown instanceof AutoblockError ? thrown.code : 'INTERNAL';
    logger.error({ code, err: thrown }, 'ledger not looked through for blocks of protected addresses');
  }
}

/** One delivery at a time, however many routers ask: asks made meanwhile become one more. */
function createDelivery(deliver: () => Promise<void>): { request(): void; ended(): Promise<void> } {
  let asks = 0;
  let running: Promise<void> | null = null;
  const run = async (): Promise<void> => {
    const served = asks;
    await deliver();
    running = asks > served ? run() : null;
    await running;
  };
  return {
    request() {
      asks += 1;
      running ??= run();
    },
    ended: () => running ?? Promise.resolve(),
  };
}
