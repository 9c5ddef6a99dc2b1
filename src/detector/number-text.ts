/** Numbers and durations as people read them, ASCII only. */

/** 1234567 -> "1,234,567"; 0.0312 -> "0.03"; 12.34 -> "12.3". */
export function formatNumber(value: number): string {
  if (Number.isInteger(value)) return groupThousands(String(value));
  const magnitude = Math.abs(value);
  if (magnitude >= 100) return groupThousands(String(Math.round(value)));
  return String(Number(value.toFixed(magnitude >= 10 ? 1 : 2)));
}

function groupThousands(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** 0.873 -> "87 %". */
export function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** 1500000 -> "1.5 MB" (decimal units). */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${formatNumber(unit === 0 ? Math.round(value) : Number(value.toPrecision(3)))} ${units[unit]!}`;
}

/** 300000 -> "5 min"; 3600000 -> "1 h"; 45000 -> "45 s". */
export function formatDuration(milliseconds: number): string {
  if (milliseconds >= 3_600_000 && milliseconds % 3_600_000 === 0) return `${milliseconds / 3_600_000} h`;
  if (milliseconds >= 60_000) return `${formatNumber(milliseconds / 60_000)} min`;
  return `${formatNumber(milliseconds / 1000)} s`;
}
