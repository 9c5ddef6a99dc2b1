const SECONDS = { w: 604_800, d: 86_400, h: 3600, m: 60, s: 1 } as const;

/** As RouterOS writes a time: `1w2d3h4m5s`, each part at most once and in this order. */
const GRAMMAR = /^(?:(\d{1,9})w)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/;

/** `1h,6h,1d` in seconds; null when one of them is no duration. Blanks and commas separate. */
export function parseDurations(text: string): number[] | null {
  const durations = text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map(parseDuration);
  return durations.includes(null) ? null : durations.filter((seconds) => seconds !== null);
}

function parseDuration(text: string): number | null {
  const parts = GRAMMAR.exec(text.toLowerCase())?.slice(1);
  if (parts === undefined) return null;
  const units = Object.values(SECONDS);
  return parts.reduce((sum, part: string | undefined, index) => sum + Number(part ?? 0) * units[index]!, 0);
}
