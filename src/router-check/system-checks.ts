import { error, type Finding, ok, warn } from './finding.ts';
import { routerClockMs } from './router-clock.ts';
import { type RouterSnapshot, refusalOf, rowsOf } from './router-snapshot.ts';

/** The times in a router's logs are compared with ours: windows of detection are minutes wide. */
const MOST_SKEW_MS = 60_000;
const LEAST_FREE_MEMORY_SHARE = 0.1;

export function checkSystem(snapshot: RouterSnapshot): Finding[] {
  return [checkVersion(snapshot), checkClock(snapshot), checkMemory(snapshot)];
}

function checkVersion(snapshot: RouterSnapshot): Finding {
  const text = rowsOf(snapshot, '/system/resource')[0]?.['version'] ?? '';
  const match = /^(\d+)\.(\d+)/.exec(text);
  if (match === null) return warn('version', `the version "${text}" cannot be read`);
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const commands = ['/system package update check-for-updates', '/system package update install'];
  if (major < 6 || (major === 6 && minor < 43)) {
    return error(
      'version',
      `RouterOS ${text} logs in by a method given up in 6.43 and is not supported`,
      commands,
    );
  }
  if (major === 6 && minor < 49)
    return warn('version', `RouterOS ${text} is long without security fixes`, commands);
  return ok('version', `RouterOS ${text}`);
}

function checkClock(snapshot: RouterSnapshot): Finding {
  const [row] = rowsOf(snapshot, '/system/clock');
  const atMs = row === undefined ? null : routerClockMs(row);
  if (atMs === null) {
    return warn(
      'clock',
      `the router's clock cannot be read: ${refusalOf(snapshot, '/system/clock') ?? 'no such time'}`,
    );
  }
  const skewMs = atMs - snapshot.readAtMs;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  if (Math.abs(skewMs) <= MOST_SKEW_MS) return ok('clock', `differs from ours by ${seconds} s`);
  const side = skewMs > 0 ? 'ahead of' : 'behind';
  return warn(
    'clock',
    `the router's clock is ${seconds} s ${side} ours: its log times fall into other windows`,
    isVersion6(snapshot)
      ? ['/system ntp client set enabled=yes server-dns-names=pool.ntp.org']
      : ['/system ntp client servers add address=pool.ntp.org', '/system ntp client set enabled=yes'],
  );
}

function isVersion6(snapshot: RouterSnapshot): boolean {
  return (rowsOf(snapshot, '/system/resource')[0]?.['version'] ?? '').startsWith('6.');
}

function checkMemory(snapshot: RouterSnapshot): Finding {
  const row = rowsOf(snapshot, '/system/resource')[0];
  const [free, total] = [bytesOf(row?.['free-memory']), bytesOf(row?.['total-memory'])];
  if (free === null || total === null || total === 0) return ok('memory', 'not told by this router');
  const text = `${mebibytes(free)} of ${mebibytes(total)} MiB are free`;
  if (free / total >= LEAST_FREE_MEMORY_SHARE) return ok('memory', text);
  return warn('memory', `${text}: a long address list may end the router; lower maxEntries for it`);
}

/** The API prints bytes; the console's `256.0MiB` is read as well. */
function bytesOf(text: string | undefined): number | null {
  const match = /^(\d+(?:\.\d+)?)(KiB|MiB|GiB)?$/.exec(text ?? '');
  if (match === null) return null;
  const power = ['', 'KiB', 'MiB', 'GiB'].indexOf(match[2] ?? '');
  return Number(match[1]) * 1024 ** power;
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0);
}
