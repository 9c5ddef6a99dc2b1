import { expect } from 'vitest';

/** Kinds of the sockets and timers that keep this process alive. */
function openSocketsAndTimers(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => /^(TCP|TLS|Timeout)/.test(kind))
    .toSorted();
}

/** Before a test too: what the one before left to close is not ours. */
export async function expectNothingOpen(): Promise<void> {
  await expect.poll(openSocketsAndTimers, { timeout: 10_000 }).toEqual([]);
}
