import { afterEach, beforeEach, expect } from 'vitest';

/** Sockets and timers of this process, by kind. */
function openSocketsAndTimers(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => /^(TCP|TLS|Timeout|Pipe|Process)/.test(kind))
    .toSorted();
}

/** After each test of the file: no rejection went unhandled, no socket, server or timer is left. */
export function expectNothingLeftBehind(): void {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  let before: string[] = [];
  beforeEach(() => {
    process.on('unhandledRejection', note);
    before = openSocketsAndTimers();
  });
  afterEach(async ({ task }) => {
    process.off('unhandledRejection', note);
    // A test that failed did not come to its own end, where it closes what it opened.
    if (task.result?.state === 'fail') return;
    await expect.poll(openSocketsAndTimers).toEqual(before);
    expect(unhandled).toEqual([]);
  });
}
