import { getTasks } from 'node-cron';
import { describe, expect, it } from 'vitest';
import { createNextRun } from '../../src/daemon/next-run.ts';

const YEAR_MS = 366 * 86_400_000;

describe('the next run of a schedule', () => {
  it('lies within one period from now, in the zone of the schedule', () => {
    const everyFive = createNextRun({ expression: '*/5 * * * *', timezone: 'UTC' });
    const now = Date.now();
    expect(everyFive.untilMs(now)).toBeGreaterThanOrEqual(0);
    expect(everyFive.untilMs(now)).toBeLessThanOrEqual(300_000 + 1_000);
    const newYear = createNextRun({ expression: '0 0 1 1 *', timezone: 'UTC' });
    const due = new Date(now + newYear.untilMs(now));
    expect([due.getUTCMonth(), due.getUTCDate(), due.getUTCHours()]).toEqual([0, 1, 0]);
    expect(newYear.untilMs(now)).toBeLessThanOrEqual(YEAR_MS);
    void everyFive.destroy();
    void newYear.destroy();
  });

  it('leaves nothing behind however often it is asked: the daemon asks after each run, for years', async () => {
    const before = getTasks().size;
    const next = createNextRun({ expression: '* * * * *', timezone: 'UTC' });
    for (let asked = 0; asked < 100; asked += 1) next.untilMs(Date.now());
    expect(getTasks().size).toBe(before + 1);
    await next.destroy();
    expect(getTasks().size).toBe(before);
  });
});
