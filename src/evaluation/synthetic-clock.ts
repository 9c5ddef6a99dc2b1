const HOUR_MS = 3_600_000;
const WEEK_HOURS = 168;
/** The made-up site's clock stands at Thursday 15:00 when the traffic ends, counted from Monday 00:00. */
const END_HOUR_OF_WEEK = 3 * 24 + 15;

const NIGHT = 0.03;
const WEEKEND = 0.04;

/**
 * Time at the site. It hangs on the end of the traffic and not on the wall clock: a demo run at night shall show a
 * working afternoon too, and the same seed the same week.
 */
export interface SiteClock {
  /** 0..168, hours since Monday 00:00. */
  readonly hourOfWeek: (atMs: number) => number;
  /** Share of full office work, 0..1. */
  readonly office: (atMs: number) => number;
  /** Share of full private Internet use, 0..1. */
  readonly home: (atMs: number) => number;
}

export function createSiteClock(endMs: number): SiteClock {
  const hourOfWeek = (atMs: number): number => {
    const hour = ((atMs - endMs) / HOUR_MS + END_HOUR_OF_WEEK) % WEEK_HOURS;
    return hour < 0 ? hour + WEEK_HOURS : hour;
  };
  return {
    hourOfWeek,
    office: (atMs) => officeActivity(hourOfWeek(atMs)),
    home: (atMs) => homeActivity(hourOfWeek(atMs) % 24),
  };
}

function officeActivity(hourOfWeek: number): number {
  if (hourOfWeek >= 5 * 24) return WEEKEND;
  const hour = hourOfWeek % 24;
  if (hour < 7 || hour >= 19) return NIGHT;
  if (hour < 9) return 0.2 + 0.4 * (hour - 7);
  if (hour >= 12 && hour < 13) return 0.55;
  return hour < 17 ? 1 : 1 - 0.45 * (hour - 17);
}

function homeActivity(hour: number): number {
  if (hour < 6) return 0.15;
  if (hour < 9) return 0.15 + 0.2 * (hour - 6);
  return hour < 22 ? 0.75 + 0.25 * Math.min(1, (hour - 9) / 8) : 0.5;
}
