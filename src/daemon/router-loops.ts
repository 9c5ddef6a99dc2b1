import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { RouterSyncResult } from '../runs/router-sync-parts.ts';
import { createSyncLoop, type SyncLoop, type SyncLoopState, type SyncOutcome } from './sync-loop.ts';

/** One loop per router, side by side: a dead or slow router delays no other and no detection. */
export interface RouterLoops {
  /** Asks every router for a sync; never waits for one. */
  request(): void;
  states(): ReadonlyMap<string, SyncLoopState>;
  /** Resolves when nothing is under way any more, after `graceMs` at the latest. */
  stop(): Promise<void>;
}

/** A router's connection, as far as the loops need it. */
interface LoopRouter {
  readonly name: string;
  giveUp(reason: string): void;
  onLost(listener: () => void): void;
}

export interface RouterLoopParts<Router extends LoopRouter> {
  readonly routers: readonly Router[];
  /** Syncs one router and never rejects; ends early after `signal`. */
  readonly sync: (router: Router, signal: AbortSignal) => Promise<RouterSyncResult>;
  /** Told after each sync. */
  readonly onSynced?: (result: RouterSyncResult) => void;
  /** Told when the kept session of a router broke, before the sync that follows. */
  readonly onLost?: (router: string) => void;
  readonly logger: Logger;
  readonly random: () => number;
  readonly monotonicMs: () => number;
  /** Drift is mended this often even when no detection asks for a sync. */
  readonly everyMs: number;
  /** How long a sync under way may take to end once we stop. */
  readonly graceMs: number;
}

export function createRouterLoops<Router extends LoopRouter>(parts: RouterLoopParts<Router>): RouterLoops {
  const { routers, logger, random, monotonicMs } = parts;
  const stopping = new AbortController();
  const loops = new Map<string, SyncLoop>();
  for (const router of routers) {
    const sync = async (): Promise<SyncOutcome> => {
      const result = await parts.sync(router, stopping.signal);
      parts.onSynced?.(result);
      return outcomeOf(result);
    };
    const loop = createSyncLoop({ router: router.name, sync, logger, random, monotonicMs });
    loops.set(router.name, loop);
    router.onLost(() => {
      parts.onLost?.(router.name);
      void loop.request();
    });
  }
  const request = (): void => {
    for (const loop of loops.values()) void loop.request();
  };
  const ticking = setInterval(request, parts.everyMs);
  return {
    request,
    states: () => new Map([...loops].map(([name, loop]) => [name, loop.state()])),
    async stop() {
      clearInterval(ticking);
      stopping.abort();
      await stopWithin({ loops: [...loops.values()], routers, graceMs: parts.graceMs, logger });
    },
  };
}

async function stopWithin({
  loops,
  routers,
  graceMs,
  logger,
}: {
  loops: readonly SyncLoop[];
  routers: readonly LoopRouter[];
  graceMs: number;
  logger: Logger;
}): Promise<void> {
  // A session given up rejects whatever is under way, so that the syncs end.
  const timer = setTimeout(() => {
    logger.info({ graceMs }, 'router sessions given up because the daemon stops');
    for (const router of routers) router.giveUp('the daemon stops');
  }, graceMs);
  try {
    await Promise.all(loops.map((loop) => loop.stop()));
  } catch (thrown) {
    logger.error({ code: 'INTERNAL', err: thrown }, `router loop did not end: ${messageOf(thrown)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Those that end with the router's own word, again and again, whatever we do in between. */
const TURNED_AWAY: ReadonlySet<string> = new Set(['ROUTER_LOGIN_FAILED', 'ROUTER_TLS']);

/** True for an error by which the router let us knock and sent us away. */
export function isTurnedAwayBy(errorCode: string | null): boolean {
  return errorCode !== null && TURNED_AWAY.has(errorCode);
}

function outcomeOf({ ok, plan, errorCode, againInMs }: RouterSyncResult): SyncOutcome {
  if (ok) return { state: 'complete', againInMs };
  // Without a plan the router was not even read; a push that broke off says so by its code.
  const isAway = plan === null;
  return {
    state: isAway ? 'failed' : 'incomplete',
    isTurnedAway: isTurnedAwayBy(errorCode),
  };
}
