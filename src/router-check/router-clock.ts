import type { MenuRow } from './router-snapshot.ts';

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/**
 * Unix ms of a row of `/system/clock`, or null when it cannot be read. The date is `nov/22/2026` before RouterOS 7.10
 * and `2026-11-22` since; the offset is `+02:00`, or seconds on some versions.
 */
export function routerClockMs(row: MenuRow): number | null {
  const date = dateOf(row['date'] ?? '');
  const time = /^(\d{1,2}):(\d{2}):(\d{2})$/.exec(row['time'] ?? '');
  const offsetSeconds = offsetOf(row['gmt-offset'] ?? '+00:00');
  if (date === null || time === null || offsetSeconds === null) return null;
  const [hours, minutes, seconds] = time.slice(1).map(Number);
  return Date.UTC(...date, hours, minutes, seconds) - offsetSeconds * 1000;
}

function dateOf(text: string): [year: number, month: number, day: number] | null {
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (iso !== null) return [Number(iso[1]), Number(iso[2]) - 1, Number(iso[3])];
  const named = /^([a-z]{3})\/(\d{1,2})\/(\d{4})$/i.exec(text);
  const month = MONTHS.indexOf(named?.[1]?.toLowerCase() ?? '');
  return named === null || month === -1 ? null : [Number(named[3]), month, Number(named[2])];
}

function offsetOf(text: string): number | null {
  const clock = /^([+-]?)(\d{1,2}):(\d{2})$/.exec(text);
  if (clock !== null) return (clock[1] === '-' ? -1 : 1) * (Number(clock[2]) * 3600 + Number(clock[3]) * 60);
  return /^-?\d+$/.test(text) ? Number(text) : null;
}
