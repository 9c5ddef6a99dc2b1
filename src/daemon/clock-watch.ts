import type { Logger } from '../logger.ts';

/** Compares the clock on the wall with one that is never set. */
export interface ClockWatch {
  /** Milliseconds for which both have gone alike, 0 right after a jump; by the clock that is never set. */
  steadyForMs(): number;
}

/** NTP slews by far less between two looks. */
const JUMP_MS = 60_000;

/** Each look compares with the one before, so call it at least every few minutes. */
export function createClockWatch({
  nowMs,
  monotonicMs,
  logger,
}: {
  nowMs: () => number;
  monotonicMs: () => number;
  logger: Logger;
}): ClockWatch {
  let seen = { wallMs: nowMs(), atMs: monotonicMs() };
  let steadySinceMs = seen.atMs;
  return {
    steadyForMs() {
      const now = { wallMs: nowMs(), atMs: monotonicMs() };
      const jumpMs = now.wallMs - seen.wallMs - (now.atMs - seen.atMs);
      seen = now;
      if (Math.abs(jumpMs) > JUMP_MS) {
        steadySinceMs = now.atMs;
        logger.warn(
          { code: 'CLOCK_JUMPED', jumpSeconds: Math.round(jumpMs / 1000) },
          'the clock of this machine was set: expiries go by it, and no history is forgotten until it has been steady',
        );
      }
      return now.atMs - steadySinceMs;
    },
  };
}
