/** A router's uptime as it was told, and when, by a clock that is never set. */
export interface UptimeReading {
  readonly uptimeSeconds: number;
  readonly atMonotonicMs: number;
}

/** Uptime comes in whole seconds and by another clock; a reboot takes longer than this. */
const TOLERANCE_SECONDS = 15;
/** Clocks of cheap boards run apart by this share at most. */
const CLOCK_DRIFT = 0.001;

/** True when the router has started anew between two readings: its uptime is not as old as the time that passed since. */
export function hasRebooted(before: UptimeReading, now: UptimeReading): boolean {
  const elapsedSeconds = (now.atMonotonicMs - before.atMonotonicMs) / 1000;
  const expectedSeconds = before.uptimeSeconds + elapsedSeconds * (1 - CLOCK_DRIFT) - TOLERANCE_SECONDS;
  return now.uptimeSeconds < before.uptimeSeconds || now.uptimeSeconds < expectedSeconds;
}
