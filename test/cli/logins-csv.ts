import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const FLOW_HEADER =
  'timestamp,source_ip,source_port,destination_ip,destination_port,protocol,action,bytes,packets';

const WINDOW_MS = 300_000;

/** Within one window the legacy rule of login connections gives 15 tries risk 81 (medium) and 200 risk 99 (high). */
export const MEDIUM_TRIES = 15;
export const HIGH_TRIES = 200;

/** When the tries happen: all in the last full five-minute window, or in the seconds before now. */
type When = 'last window' | 'just now';

/** A flow CSV of completed SSH connections; returns its path. */
export function writeLoginsCsv(
  dir: string,
  logins: { name: string; tries: Readonly<Record<string, number>>; when?: When },
): string {
  const { name, tries, when = 'last window' } = logins;
  const nowMs = Date.now();
  const endMs = when === 'just now' ? nowMs : Math.floor(nowMs / WINDOW_MS) * WINDOW_MS;
  const lines = Object.entries(tries).flatMap(([source, count]) =>
    Array.from({ length: count }, (_, index) => {
      const at = new Date(endMs - 1 - index * 50).toISOString();
      return `${at},${source},${20_000 + index},192.0.2.10,22,tcp,accept,2400,18`;
    }),
  );
  const path = join(dir, name);
  writeFileSync(path, `${[FLOW_HEADER, ...lines].join('\n')}\n`);
  return path;
}
