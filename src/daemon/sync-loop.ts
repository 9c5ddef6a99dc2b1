import type { Logger } from '../logger.ts';

/** Runs router syncs one after another, never two at once, and tries again with growing pauses while one fails. */
export interface SyncLoop {
  /** Asks for a sync; several asks while one runs become one more. Resolves when a sync that began after the ask ended. */
  request(): Promise<void>;
  stop(): Promise<void>;
}

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;

export function createSyncLoop({
  sync,
  logger,
  random,
}: {
  /** Resolves to false when a router was not brought up to date. */
  sync: () => Promise<boolean>;
  logger: Logger;
  /** 0..1, for jitter: many daemons must not knock at one router in step. */
  random: () => number;
}): SyncLoop {
  let running: Promise<void> | null = null;
  let queued: Promise<void> | null = null;
  let retryTimer: NodeJS.Timeout | null = null;
  let failures = 0;
  let stopped = false;

  async function once(): Promise<void> {
    if (retryTimer !== null) clearTimeout(retryTimer);
    retryTimer = null;
    let complete = false;
    try {
      complete = await sync();
    } catch (thrown) {
      logger.error({ code: 'INTERNAL', err: thrown }, 'router sync failed unexpectedly');
    }
    failures = complete ? 0 : failures + 1;
    if (!complete && !stopped) {
      retryTimer = setTimeout(() => void request(), retryDelayMs(failures, random()));
    }
  }

  function request(): Promise<void> {
    if (stopped) return Promise.resolve();
    if (running === null) {
      running = once().finally(() => {
        running = null;
      });
      return running;
    }
    queued ??= running.then(() => {
      queued = null;
      return request();
    });
    return queued;
  }

  return {
    request,
    async stop() {
      stopped = true;
      if (retryTimer !== null) clearTimeout(retryTimer);
      await running;
    },
  };
}

/** 5 s, 10 s, 20 s … up to 5 minutes, each shortened by up to a half. Milliseconds. */
export function retryDelayMs(failures: number, random: number): number {
  const full = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(20, failures - 1));
  return Math.round(full * (1 - random / 2));
}
