import type { Pause } from '../../storage/ledger-pause.ts';
import { durationText } from '../tables.ts';
import type { Condition } from './router-condition.ts';

/** A router that nobody brought up to date for so long has missed three of the daemon's own rounds. */
export const OVERDUE_MS = 15 * 60_000;

interface Situation {
  readonly atMs: number;
  readonly paused: Pause | null;
  /** Open ones: whoever raised one takes it back when it is over. */
  readonly alerts: readonly { readonly code: string; readonly subject: string }[];
  readonly routers: readonly {
    readonly name: string;
    readonly condition: Condition;
    readonly state: { readonly succeededAtMs: number | null } | null;
  }[];
  readonly lastDetection: { readonly status: string } | null;
  /** Null while the schedule (DETECT_CRON) is kept. */
  readonly detectionOverdueMs: number | null;
}

/** What a script should wake somebody for, one sentence each; empty when all is well. */
export function needsAPerson(situation: Situation): string[] {
  const { atMs, paused, alerts, routers, lastDetection, detectionOverdueMs } = situation;
  return [
    ...(paused === null ? [] : [`blocking is paused for ${durationText(atMs - paused.sinceMs)}`]),
    ...alerts.map(({ code, subject }) => `alert ${code} (${subject})`),
    ...routers.flatMap(({ name, condition, state }) => {
      if (condition === 'dry_run') return [];
      const lastMs = state?.succeededAtMs ?? null;
      if (lastMs === null) return [`router ${name} was never synced`];
      const ageMs = atMs - lastMs;
      return ageMs > OVERDUE_MS ? [`router ${name} was last synced ${durationText(ageMs)} ago`] : [];
    }),
    ...(lastDetection?.status === 'failed' ? ['the last detection failed'] : []),
    ...(detectionOverdueMs === null
      ? []
      : [`the last detection was ${durationText(detectionOverdueMs)} ago: does the daemon run?`]),
  ];
}
