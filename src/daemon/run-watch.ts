/**
 * Judges whether the detection schedule is kept. The systemd watchdog is fed from this judgement, not from a bare
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
  intervalMs,
  maxRunMs,
}: {
  startedAtMs: number;
  /** Longest regular distance between two runs of the schedule. */
  intervalMs: number;
  /** A run longer than this is taken as stuck. */
  maxRunMs: number;
}): RunWatch {
  let runningSinceMs: number | null = null;
  let lastEndMs = startedAtMs;
  return {
    started(nowMs) {
      runningSinceMs = nowMs;
    },
    ended(nowMs) {
      runningSinceMs = null;
      lastEndMs = nowMs;
    },
    verdict(nowMs) {
      if (runningSinceMs !== null) {
        const runningMs = nowMs - runningSinceMs;
        return { onTime: runningMs <= maxRunMs, why: `detection run under way for ${seconds(runningMs)} s` };
      }
      const idleMs = nowMs - lastEndMs;
      return {
        onTime: idleMs <= intervalMs + maxRunMs,
        why: `last detection run ended ${seconds(idleMs)} s ago`,
      };
    },
  };
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
