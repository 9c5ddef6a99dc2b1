import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSyncLoop, retryDelayMs } from '../../src/daemon/sync-loop.ts';
import { capturingLogger } from '../support/logger.ts';

const { logger } = capturingLogger();

describe('the sync loop', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('never runs two syncs at once and folds asks made meanwhile into one more', async () => {
    let running = 0;
    let most = 0;
    let syncs = 0;
    const loop = createSyncLoop({
      logger,
      random: () => 0,
      sync: async () => {
        running += 1;
        syncs += 1;
        most = Math.max(most, running);
        await vi.advanceTimersByTimeAsync(10);
        running -= 1;
        return true;
      },
    });
    await Promise.all([loop.request(), loop.request(), loop.request(), loop.request()]);
    expect({ syncs, most }).toEqual({ syncs: 2, most: 1 });
    await loop.stop();
  });

  it('tries again by itself after a failure, also after an unexpected throw, and stops trying once complete', async () => {
    const outcomes: (boolean | Error)[] = [false, new Error('unexpected'), true];
    let syncs = 0;
    const loop = createSyncLoop({
      logger,
      random: () => 0,
      sync: () => {
        const outcome = outcomes[syncs++];
        return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome === true);
      },
    });
    await loop.request();
    expect(syncs).toBe(1);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(syncs).toBe(2);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(syncs).toBe(3);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(syncs).toBe(3);
    await loop.stop();
  });

  it('does nothing after stop, not even a planned retry', async () => {
    let syncs = 0;
    const loop = createSyncLoop({ logger, random: () => 0, sync: () => Promise.resolve(++syncs < 0) });
    await loop.request();
    await loop.stop();
    await loop.request();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(syncs).toBe(1);
  });
});

describe('the pause before the next try', () => {
  it('doubles from 5 s to 5 min and is shortened by up to a half', () => {
    expect([1, 2, 3, 7, 50].map((failures) => retryDelayMs(failures, 0))).toEqual([
      5_000, 10_000, 20_000, 300_000, 300_000,
    ]);
    expect(retryDelayMs(1, 1)).toBe(2_500);
  });
});
