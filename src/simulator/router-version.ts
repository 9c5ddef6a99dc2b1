/** Compares `7.20.1` with [7, 18] by number, not by text. */
export function isAtLeast(
  version: string,
  [wantedMajor, wantedMinor]: readonly [major: number, minor: number],
): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** A UTC date as this version prints it: `2026-11-22` since 7.10, `nov/22/2026` before [manual, "Clock"]. */
export function printedDate(version: string, atMs: number): string {
  const iso = new Date(atMs).toISOString().slice(0, 10);
  if (isAtLeast(version, [7, 10])) return iso;
  const [year, month, day] = iso.split('-');
  return `${MONTHS[Number(month) - 1]}/${day}/${year}`;
}

/** `12:34:56`, UTC. */
export function printedTime(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}
