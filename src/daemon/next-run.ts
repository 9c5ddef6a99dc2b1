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
