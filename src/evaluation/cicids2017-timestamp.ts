import { CICIDS_DAY_OF_JULY, type CicidsDay } from './cicids2017-week.ts';

const PATTERN = /^(\d{1,2})\/(\d{1,2})\/(\d{4}) +(\d{1,2}):(\d{2})(?::(\d{2}))?$/;
const YEAR = 2017;
const JULY = 7;
/** Atlantic Daylight Time, the zone of the laboratory in Fredericton. */
const HOURS_BEHIND_UTC = 3;
/** Recording began at 8 and ended in the evening, so these hours of a 12-hour clock are unambiguous. */
const FIRST_HOUR = 8;
const LAST_HOUR = 19;

/**
 * Unix ms of a CICIDS2017 timestamp: `d/m/Y H:M`, leading zeros and seconds in some files only, in Atlantic Daylight
 * Time on a 12-hour clock that does not say AM or PM: 1-7 are 13-19, 8-12 stay, 13-19 are taken as they are.
 * Null for anything else, also for another date than the day's: a month before the day would pass for another day.
 */
export function parseCicidsTimestamp(text: string, day: CicidsDay): number | null {
  const match = PATTERN.exec(text);
  if (match === null) return null;
  const [dayOfMonth, month, year, clockHour, minute, second] = [1, 2, 3, 4, 5, 6].map((group) =>
    Number(match[group] ?? 0),
  ) as [number, number, number, number, number, number];
  if (year !== YEAR || month !== JULY || dayOfMonth !== CICIDS_DAY_OF_JULY[day]) return null;
  const hour = clockHour >= 1 && clockHour < FIRST_HOUR ? clockHour + 12 : clockHour;
  if (hour < FIRST_HOUR || hour > LAST_HOUR || minute > 59 || second > 59) return null;
  return Date.UTC(YEAR, JULY - 1, dayOfMonth, hour + HOURS_BEHIND_UTC, minute, second);
}

/** Unix ms of the start of the day in UTC. All working hours of a day lie on the same day of UTC. */
export function cicidsDayStartMs(day: CicidsDay): number {
  return Date.UTC(YEAR, JULY - 1, CICIDS_DAY_OF_JULY[day]);
}
