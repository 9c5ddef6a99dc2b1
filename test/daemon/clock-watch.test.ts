import { describe, expect, it } from 'vitest';
import { createClockWatch } from '../../src/daemon/clock-watch.ts';
import { capturingLogger } from '../support/logger.ts';

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

function watched() {
  const { logger, lines } = capturingLogger();
  const clock = { wallMs: 1_000_000, atMs: 0 };
  const watch = createClockWatch({ nowMs: () => clock.wallMs, monotonicMs: () => clock.atMs, logger });
  const pass = (ms: number, jumpMs = 0): number => {
    clock.atMs += ms;
    clock.wallMs += ms + jumpMs;
    return watch.steadyForMs();
  };
  return { pass, lines };
}

describe('the watch over the clock', () => {
  it('counts how long wall and monotonic clock have gone alike', () => {
    const { pass, lines } = watched();
    expect(pass(HOUR_MS)).toBe(HOUR_MS);
    expect(pass(HOUR_MS, 500)).toBe(2 * HOUR_MS);
    expect(lines).toHaveLength(0);
  });

  it.each([YEAR_MS, -10 * YEAR_MS])('begins anew and says so when the clock is set by %i ms', (jumpMs) => {
    const { pass, lines } = watched();
    pass(HOUR_MS);
    expect(pass(HOUR_MS, jumpMs)).toBe(0);
    expect(lines).toMatchObject([{ level: 'warn', code: 'CLOCK_JUMPED', jumpSeconds: jumpMs / 1000 }]);
    expect(pass(HOUR_MS)).toBe(HOUR_MS);
    expect(lines).toHaveLength(1);
  });
});
