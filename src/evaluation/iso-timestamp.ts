const PATTERN =
  /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}(?::?\d{2})?)$/i;
const MINUTE_MS = 60_000;

/**
 * Unix milliseconds of an ISO 8601 date and time with `Z` or an offset (`+02`, `+0200`, `+02:00`), microseconds in the
 * fraction (finer digits are cut off). Null for anything else: no offset, 30 February, second 60.
 * Not `Date.parse`, which drops microseconds, takes local time without an offset and accepts engine-specific texts.
 */
export function parseIsoTimestamp(text: string): number | null {
  const match = PATTERN.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const utc = new Date(0);
  utc.setUTCFullYear(year, month - 1, day);
  if (utc.getUTCMonth() !== month - 1 || utc.getUTCDate() !== day) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  const offsetMinutes = parseOffset(match[8]!);
  if (offsetMinutes === null) return null;
  const microseconds = Number((match[7] ?? '').slice(0, 6).padEnd(6, '0'));
  const wholeMs = utc.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 - offsetMinutes * MINUTE_MS;
  return wholeMs + microseconds / 1000;
}

function parseOffset(text: string): number | null {
  if (text.toUpperCase() === 'Z') return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(3).replace(':', '') || '0');
  if (hours > 23 || minutes > 59) return null;
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
