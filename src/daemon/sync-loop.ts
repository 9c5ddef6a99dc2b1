import type { Logger } from '../logger.ts';

/** How one sync of a router went. */
export interface SyncOutcome {
  /**
   * `incomplete`: the router was talked to and refused something, so the next ask is answered at once. `failed`: it is
   * away, and there is no use in asking often.
   */
  readonly state: 'complete' | 'incomplete' | 'failed';
  /** It let us knock and turned us away: it logs each time and may lock us out. */
  readonly isTurnedAway?: boolean;
  /** Something on the router will have changed by then; null or absent: nothing known. */
  readonly againInMs?: number | null;
}

export interface SyncLoopState {
  /** Open: only the loop's own next trial knocks at the router, asks do not. Half open: that trial is under way. */
  readonly breaker: 'closed' | 'open' | 'half_open';
  readonly consecutiveFailures: number;
  /** Planned trial or repetition, ms from now; null when none is planned. */
  readonly nextAttemptInMs: number | null;
}

/** Syncs one router, one sync after another, never two at once, and tries again with growing pauses while one fails. */
export interface SyncLoop {
  /**
   * Asks for a sync; several asks while one runs become one more. Resolves when a sync that began after the ask ended,
   * or at once while the breaker is open: the trial brings everything up to date anyway.
   */
  request(): Promise<void>;
  state(): SyncLoopState;
  /** Nothing more is begun; resolves when the sync under way has ended. */
  stop(): Promise<void>;
}

export interface SyncLoopParts {
  /** For the log. */
  readonly router: string;
  readonly sync: () => Promise<SyncOutcome>;
  readonly logger: Logger;
  /** 0..1, for jitter: many daemons must not knock at one router in step. */
  readonly random: () => number;
  readonly monotonicMs: () => number;
}

const FIRST_RETRY_MS = 5_000;
/** A router that comes back from a reboot has lost every entry: a knock a minute is cheap. */
const LONGEST_RETRY_MS = 60_000;
const FIRST_RETRY_TURNED_AWAY_MS = 60_000;
const LONGEST_RETRY_TURNED_AWAY_MS = 1_800_000;
const FAILURES_TO_OPEN = 5;
const FAILURES_TO_OPEN_TURNED_AWAY = 2;

export function createSyncLoop(parts: SyncLoopParts): SyncLoop {
  const { router, logger, random, monotonicMs } = parts;
  let running: Promise<void> | null = null;
  let queued: Promise<void> | null = null;
  let next: { readonly timer: NodeJS.Timeout; readonly atMs: number } | null = null;
  let troubles = 0;
  let failures = 0;
  let breaker: SyncLoopState['breaker'] = 'closed';
  let stopped = false;

  async function once(): Promise<void> {
    if (next !== null) clearTimeout(next.timer);
    next = null;
    if (breaker === 'open') breaker = 'half_open';
    const outcome = await outcomeOf(parts);
    troubles = outcome.state === 'complete' ? 0 : troubles + 1;
    failures = outcome.state === 'failed' ? failures + 1 : 0;
    moveBreaker(outcome);
    if (stopped) return;
    if (outcome.state !== 'complete')
      plan(retryDelayMs({ ...outcome, failures: troubles, random: random() }));
    else if (typeof outcome.againInMs === 'number') plan(outcome.againInMs);
  }

  function moveBreaker({ isTurnedAway = false }: SyncOutcome): void {
    const isOpen = opensBreaker({ failures, isTurnedAway });
    if (failures === 0 && breaker !== 'closed') {
      logger.info({ code: 'ROUTER_BREAKER_CLOSED', router }, 'router is back: it is synced as usual');
    }
    if (isOpen && breaker === 'closed') {
      logger.warn(
        { code: 'ROUTER_BREAKER_OPEN', router, failures },
        'router keeps failing: only a trial now and then until one works',
      );
    }
    breaker = isOpen ? 'open' : 'closed';
  }

  function plan(delayMs: number): void {
    // Node takes a longer delay for none at all.
    const boundedMs = Math.min(delayMs, LONGEST_RETRY_TURNED_AWAY_MS);
    next = { timer: setTimeout(() => void start(), boundedMs), atMs: monotonicMs() + boundedMs };
  }

  function start(): Promise<void> {
    running = once().finally(() => {
      running = null;
    });
    return running;
  }

  function request(): Promise<void> {
    if (stopped) return Promise.resolve();
    if (running === null) return breaker === 'closed' ? start() : Promise.resolve();
    queued ??= running.then(() => {
      queued = null;
      return request();
    });
    return queued;
  }

  return {
    request,
    state: () => ({
      breaker,
      consecutiveFailures: failures,
      nextAttemptInMs: next === null ? null : Math.max(0, next.atMs - monotonicMs()),
    }),
    async stop() {
      stopped = true;
      if (next !== null) clearTimeout(next.timer);
      next = null;
      await running;
    },
  };
}

async function outcomeOf({ sync, logger, router }: SyncLoopParts): Promise<SyncOutcome> {
  try {
    return await sync();
  } catch (thrown) {
    logger.error({ code: 'INTERNAL', router, err: thrown }, 'router sync failed unexpectedly');
    return { state: 'failed' };
  }
}

/** After so many failures in a row only the loop's own trials knock. */
export function opensBreaker({
  failures,
  isTurnedAway,
}: {
  failures: number;
  isTurnedAway: boolean;
}): boolean {
  return failures >= (isTurnedAway ? FAILURES_TO_OPEN_TURNED_AWAY : FAILURES_TO_OPEN);
}

/**
 * 5 s, 10 s, 20 s … up to a minute, each shortened by up to a half (`random` 0..1); from a minute up to half an hour
 * for a router that turns us away, so that its log and its login limits are spared. `failures` counts from 1.
 */
export function retryDelayMs({
  failures,
  random,
  isTurnedAway = false,
}: {
  failures: number;
  random: number;
  isTurnedAway?: boolean;
}): number {
  const first = isTurnedAway ? FIRST_RETRY_TURNED_AWAY_MS : FIRST_RETRY_MS;
  const longest = isTurnedAway ? LONGEST_RETRY_TURNED_AWAY_MS : LONGEST_RETRY_MS;
  const full = Math.min(longest, first * 2 ** Math.min(20, failures - 1));
  return Math.round(full * (1 - random / 2));
}
