/**
 * Judges whether the detection schedule is kept. All times are of a clock that is never set (monotonic ms): a jump of
 * the system's time is no hanging run. The systemd watchdog is fed from this judgement, not from a bare
 * timer: a pipeline that hangs stops the beat and systemd restarts the daemon.
 */
export interface RunWatch {
  started(nowMs: number): void;
  /** Failed runs count as kept: they were tried, and a restart would not bring PostgreSQL back. */
  ended(nowMs: number): void;
  verdict(nowMs: number): { onTime: boolean; why: string };
}

export function createRunWatch({
  startedAtMs,
  untilNextRunMs,
  maxRunMs,
}: {
  startedAtMs: number;
  /** How far away the schedule's next run is. Asked anew each time: schedules pause at night and over weekends. */
  untilNextRunMs: () => number;
  /** A run longer than this is taken as stuck. */
  maxRunMs: number;
}): RunWatch {
  let runningSinceMs: number | null = null;
  let lastEndMs = startedAtMs;
  let pauseMs = untilNextRunMs();
  return {
    started(nowMs) {
      runningSinceMs = nowMs;
    },
    ended(nowMs) {
      runningSinceMs = null;
      lastEndMs = nowMs;
      pauseMs = untilNextRunMs();
    },
    verdict(nowMs) {
      if (runningSinceMs !== null) {
        const runningMs = nowMs - runningSinceMs;
        return { onTime: runningMs <= maxRunMs, why: `detection run under way for ${seconds(runningMs)} s` };
      }
      const idleMs = nowMs - lastEndMs;
      return {
        onTime: idleMs <= pauseMs + maxRunMs,
        why: `last detection run ended ${seconds(idleMs)} s ago`,
      };
    },
  };
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
