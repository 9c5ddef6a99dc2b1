/** RouterOS' way of writing a length of time: `35w3d13h13m56s`, `1d00:10:00`, `00:10:00` or plain seconds. */

const UNIT_SECONDS = { w: 604_800, d: 86_400, h: 3600, m: 60, s: 1 } as const;

const UNITS = Object.entries(UNIT_SECONDS);

/** The longest timeout an address-list entry may have, `35w3d13h13m56s` [manual]. */
export const MAX_TIMEOUT_SECONDS = 21_474_836;

/** Seconds >= 0 (`1s500ms` is 1.5), or null for text that is no duration. */
export function parseDuration(text: string): number | null {
  if (/^\d+$/.test(text)) return Number(text);
  const match =
    /^(?:(\d+)w)?(?:(\d+)d)?(?:(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?|(\d+):(\d{2})(?::(\d{2}))?)$/.exec(
      text,
    );
  if (text === '' || match === null) return null;
  const [weeks, days, hours, minutes, seconds, milliseconds, clockHours, clockMinutes, clockSeconds] = match
    .slice(1)
    .map((part: string | undefined) => Number(part ?? 0));
  return (
    weeks! * UNIT_SECONDS.w +
    days! * UNIT_SECONDS.d +
    (hours! + clockHours!) * UNIT_SECONDS.h +
    (minutes! + clockMinutes!) * UNIT_SECONDS.m +
    seconds! +
    milliseconds! / 1000 +
    clockSeconds!
  );
}

/** As RouterOS prints it: largest unit first, zero units left out, `0s` for nothing. `seconds`: whole, >= 0. */
export function formatDuration(seconds: number): string {
  let left = seconds;
  let text = '';
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}
