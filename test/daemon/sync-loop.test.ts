import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSyncLoop, retryDelayMs, type SyncLoop, type SyncOutcome } from '../../src/daemon/sync-loop.ts';
import { capturingLogger } from '../support/logger.ts';

const COMPLETE: SyncOutcome = { state: 'complete' };
const INCOMPLETE: SyncOutcome = { state: 'incomplete' };
const FAILED: SyncOutcome = { state: 'failed' };
const MINUTE = 60_000;

/** A loop on Vitest's clock, without jitter. */
function loopOver(sync: () => Promise<SyncOutcome>) {
  const { logger, lines } = capturingLogger();
  const loop = createSyncLoop({ router: 'edge', sync, logger, random: () => 0, monotonicMs: Date.now });
  return { loop, lines };
}

/** A sync that goes as told, the last word for ever. */
function scripted(...outcomes: (SyncOutcome | Error)[]) {
  const calls = { count: 0 };
  const sync = (): Promise<SyncOutcome> => {
    const outcome = outcomes[Math.min(calls.count++, outcomes.length - 1)]!;
    return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
  };
  return { sync, calls };
}

async function askUntilOpen(loop: SyncLoop): Promise<void> {
  for (let ask = 0; ask < 5; ask++) await loop.request();
}

describe('the sync loop of one router', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('never runs two syncs at once and folds asks made meanwhile into one more', async () => {
    let running = 0;
    let most = 0;
    let syncs = 0;
    const { loop } = loopOver(async () => {
      running += 1;
      syncs += 1;
      most = Math.max(most, running);
      await vi.advanceTimersByTimeAsync(10);
      running -= 1;
      return COMPLETE;
    });
    await Promise.all([loop.request(), loop.request(), loop.request(), loop.request()]);
    expect({ syncs, most }).toEqual({ syncs: 2, most: 1 });
    await loop.stop();
  });

  it('tries again by itself after a failure, also after an unexpected throw, and stops trying once complete', async () => {
    const { sync, calls } = scripted(FAILED, new Error('unexpected'), COMPLETE);
    const { loop } = loopOver(sync);
    await loop.request();
    expect(calls.count).toBe(1);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(calls.count).toBe(2);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(calls.count).toBe(3);
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    expect(calls.count).toBe(3);
    await loop.stop();
  });

  it('comes back when an entry of somebody else, which we rely on, runs out', async () => {
    const { sync, calls } = scripted({ state: 'complete', againInMs: 90_000 }, COMPLETE);
    const { loop } = loopOver(sync);
    await loop.request();
    expect(loop.state().nextAttemptInMs).toBe(90_000);
    await vi.advanceTimersByTimeAsync(89_000);
    expect(calls.count).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(calls.count).toBe(2);
    await loop.stop();
  });

  it('stops answering asks after five failures in a row: only its own trials knock, and one that works opens the way', async () => {
    const { sync, calls } = scripted(FAILED, FAILED, FAILED, FAILED, FAILED, FAILED, COMPLETE);
    const { loop, lines } = loopOver(sync);
    await askUntilOpen(loop);
    expect(loop.state()).toEqual({ breaker: 'open', consecutiveFailures: 5, nextAttemptInMs: MINUTE });
    for (let ask = 0; ask < 20; ask++) await loop.request();
    expect(calls.count).toBe(5);

    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(calls.count).toBe(6);
    expect(loop.state().breaker).toBe('open');
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(loop.state()).toEqual({ breaker: 'closed', consecutiveFailures: 0, nextAttemptInMs: null });
    await loop.request();
    expect(calls.count).toBe(8);
    expect(lines.map(({ code }) => code)).toEqual(['ROUTER_BREAKER_OPEN', 'ROUTER_BREAKER_CLOSED']);
    await loop.stop();
  });

  it('keeps answering asks when the router is there but refuses something: new blocks must not wait for it', async () => {
    const { sync, calls } = scripted(INCOMPLETE);
    const { loop, lines } = loopOver(sync);
    for (let ask = 0; ask < 12; ask++) await loop.request();
    expect(calls.count).toBe(12);
    expect(loop.state().breaker).toBe('closed');
    expect(lines).toEqual([]);
    await loop.stop();
  });

  it('knocks seldom at a router that turns us away, for it logs each time and may lock us out', async () => {
    const { sync, calls } = scripted({ state: 'failed', isTurnedAway: true });
    const { loop } = loopOver(sync);
    await loop.request();
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(loop.state()).toMatchObject({ breaker: 'open', nextAttemptInMs: 2 * MINUTE });
    await loop.request();
    expect(calls.count).toBe(2);
    await vi.advanceTimersByTimeAsync(24 * 60 * MINUTE);
    // 1, 2, 4, 8, 16 and then every 30 minutes.
    expect(calls.count).toBeLessThanOrEqual(55);
    await loop.stop();
  });

  it('waits at its end for the sync under way and does nothing afterwards, not even a planned retry', async () => {
    const { sync, calls } = scripted(FAILED);
    const { loop } = loopOver(sync);
    await loop.request();
    await loop.stop();
    await loop.request();
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    expect(calls.count).toBe(1);
    expect(loop.state().nextAttemptInMs).toBeNull();
  });
});

describe('the pause before the next try', () => {
  it('doubles from 5 s to a minute and is shortened by up to a half', () => {
    const delays = [1, 2, 3, 4, 5, 50].map((failures) => retryDelayMs({ failures, random: 0 }));
    expect(delays).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    expect(retryDelayMs({ failures: 1, random: 1 })).toBe(2_500);
  });

  it('doubles from a minute to half an hour where the password is refused', () => {
    const delays = [1, 2, 6, 50].map((failures) => retryDelayMs({ failures, random: 0, isTurnedAway: true }));
    expect(delays).toEqual([60_000, 120_000, 1_800_000, 1_800_000]);
  });
});
