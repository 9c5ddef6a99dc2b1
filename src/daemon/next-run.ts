import { createTask } from 'node-cron';

/** When a cron expression is due next. */
export interface NextRun {
  /** Milliseconds from `nowMs` to the next time of the schedule; 0 when there is none. */
  untilMs(nowMs: number): number;
  destroy(): void | Promise<void>;
}

/** One task, never started, asked again and again: node-cron keeps every task it makes until it is destroyed. */
export function createNextRun({ expression, timezone }: { expression: string; timezone: string }): NextRun {
  const task = createTask(expression, () => undefined, { timezone });
  return {
    untilMs(nowMs) {
      const [next] = task.getNextRuns(1);
      return next === undefined ? 0 : Math.max(0, next.getTime() - nowMs);
    },
    destroy: () => task.destroy(),
  };
}

/** Enough for a week of a schedule that runs every minute of the working hours. */
const RUNS_LOOKED_AT = 4000;

/** The longest pause the schedule makes from now on, ms: nights and weekends are part of it. 0 when it never runs. */
export function longestPauseMs({ expression, timezone }: { expression: string; timezone: string }): number {
  const task = createTask(expression, () => undefined, { timezone });
  try {
    const times = task.getNextRuns(RUNS_LOOKED_AT).map((run) => run.getTime());
    return times.slice(1).reduce((longest, time, index) => Math.max(longest, time - times[index]!), 0);
  } finally {
    void task.destroy();
  }
}
