import { AutoblockError } from '../errors.ts';
import { durationText, oneLine, timeText } from './tables.ts';

export interface PauseFacts {
  readonly sinceMs: number;
  readonly actor: string;
  readonly reason: string | null;
}

/** `2026-11-22 03:00:00Z by alice: wrong feed` */
export function pauseText({ sinceMs, actor, reason }: PauseFacts): string {
  const why = reason === null || reason === '' ? '' : `: ${oneLine(reason)}`;
  return `${timeText(sinceMs)} by ${oneLine(actor)}${why}`;
}

/** `2026-11-22 03:00:00Z (2h 5m ago) by alice: wrong feed` */
export function pauseTextWithAge(pause: PauseFacts, nowMs: number): string {
  return pauseText(pause).replace(' by ', ` (${durationText(nowMs - pause.sinceMs)} ago) by `);
}

/** @throws AutoblockError CONFLICT: what is decided now would only start to act at some later `resume`. */
export function refuseWhilePaused(pause: PauseFacts | null): void {
  if (pause === null) return;
  throw new AutoblockError(
    'CONFLICT',
    `blocking is paused since ${pauseText(pause)}; \`autoblock resume\` first`,
  );
}
