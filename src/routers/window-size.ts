/** How many commands to keep under way on one session. */
export interface WindowSize {
  readonly size: number;
  /** Call for each answered command. */
  answered(): void;
}

const FIRST_SIZE = 16;
/** A sample is this many windows: shorter ones measure chance. */
const WINDOWS_PER_SAMPLE = 4;
/** Twice as many under way must give at least this much more per second to be worth it. */
const WORTHWHILE_GAIN = 1.25;
/** After so many samples a larger window is tried again: the first try may have met a busy moment. */
const SAMPLES_UNTIL_NEXT_TRY = 32;

/**
 * Starts at 16 and doubles, up to `limit`, while that makes the router answer faster; else the smaller size stays. Against a
 * distant router the network's round trip is the limit and 64 under way do four times as much as 16; against a small
 * one its CPU is, and more under way only wait longer, each with its deadline running. `monotonicMs` is a clock.
 */
export function createWindowSize(options: { limit: number; monotonicMs: () => number }): WindowSize {
  const { limit, monotonicMs } = options;
  const first = Math.min(FIRST_SIZE, limit);
  let size = first;
  let answers = 0;
  let sinceMs = monotonicMs();
  let isTrying = true;
  let rateBefore = 0;
  let samplesHeld = 0;

  function conclude(rate: number): void {
    if (isTrying && rate < rateBefore * WORTHWHILE_GAIN) {
      size = Math.max(first, Math.floor(size / 2));
      isTrying = false;
      samplesHeld = 0;
      return;
    }
    samplesHeld += 1;
    if (!isTrying && samplesHeld < SAMPLES_UNTIL_NEXT_TRY) return;
    isTrying = size < limit;
    rateBefore = rate;
    size = Math.min(limit, size * 2);
  }

  return {
    get size() {
      return size;
    },
    answered() {
      answers += 1;
      if (answers < size * WINDOWS_PER_SAMPLE) return;
      const nowMs = monotonicMs();
      conclude(answers / Math.max(0.001, nowMs - sinceMs));
      answers = 0;
      sinceMs = nowMs;
    },
  };
}
