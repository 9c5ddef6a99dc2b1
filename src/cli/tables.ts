type Cell = string | number | boolean | null;

const GAP = '  ';

/**
 * A table for people: aligned columns, no frames, so that it can be copied and grepped. Null is a dash. Made for 30,000
 * rows too: the time grows with the rows, not with their square.
 */
export function renderTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [
    head,
    ...rows.map((row) => row.map((cell) => (cell === null ? '-' : oneLine(String(cell))))),
  ];
  const widths = head.map(() => 0);
  for (const line of lines)
    for (const [column, text] of line.entries())
      widths[column] = Math.max(widths[column] ?? 0, displayWidth(text));
  return lines
    .map((line) =>
      line
        .map((text, column) => text + ' '.repeat(widths[column]! - displayWidth(text)))
        .join(GAP)
        .trimEnd(),
    )
    .join('\n');
}

const WIDE =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]$/u;
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

/** Columns a terminal takes for `text`: accents none of their own, East Asian characters two (Unicode annex 11). */
function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** Lines in a box of plain characters, for the figures a person looks for first. */
export function framed(lines: readonly string[]): string[] {
  const width = Math.max(...lines.map((line) => line.length));
  const edge = `+${'-'.repeat(width + 2)}+`;
  return [edge, ...lines.map((line) => `| ${line.padEnd(width)} |`), edge];
}

/** Notes and names come from outside: no line break may tear a row, no control character may steer the terminal. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
}

/** `2026-11-22 03:00:00Z`; a dash for never. */
export function timeText(unixMs: number | null): string {
  return unixMs === null ? '-' : `${new Date(unixMs).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** Remaining time in the two largest units: `23h 59m`. */
export function durationText(ms: number): string {
  if (ms <= 0) return '0s';
  const seconds = Math.floor(ms / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return first === -1
    ? '0s'
    : parts
        .slice(first, first + 2)
        .map(([amount, unit]) => `${amount}${unit}`)
        .join(' ');
}
