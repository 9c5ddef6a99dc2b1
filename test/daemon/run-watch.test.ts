import { describe, expect, it } from 'vitest';
import { createRunWatch } from '../../src/daemon/run-watch.ts';

const watchFrom = (startedAtMs: number) =>
  createRunWatch({ startedAtMs, untilNextRunMs: () => 300_000, maxRunMs: 60_000 });

describe('the run watch', () => {
  it('is on time from the start until one interval and one run length have passed', () => {
    const watch = watchFrom(1_000);
    expect(watch.verdict(361_000).onTime).toBe(true);
    expect(watch.verdict(361_001).onTime).toBe(false);
  });

  it('starves the watchdog when a run hangs, and says for how long', () => {
    const watch = watchFrom(0);
    watch.started(300_000);
    expect(watch.verdict(360_000).onTime).toBe(true);
    expect(watch.verdict(361_000)).toEqual({ onTime: false, why: 'detection run under way for 61 s' });
  });

  it('counts a run that ended, however it ended, as kept', () => {
    const watch = watchFrom(0);
    watch.started(300_000);
    watch.ended(310_000);
    expect(watch.verdict(600_000)).toEqual({ onTime: true, why: 'last detection run ended 290 s ago' });
  });

  it('does not starve the watchdog when the clock jumps back', () => {
    const watch = watchFrom(1_000_000);
    expect(watch.verdict(0).onTime).toBe(true);
  });

  it('waits through the pause the schedule makes after this run, not the usual one', () => {
    const pauses = [300_000, 300_000, 50_000_000];
    const watch = createRunWatch({
      startedAtMs: 0,
      untilNextRunMs: () => pauses.shift()!,
      maxRunMs: 60_000,
    });
    watch.started(300_000);
    watch.ended(310_000);
    expect(watch.verdict(670_001).onTime).toBe(false);
    watch.started(700_000);
    watch.ended(710_000);
    expect(watch.verdict(50_770_000).onTime).toBe(true);
    expect(watch.verdict(50_770_001).onTime).toBe(false);
  });
});
