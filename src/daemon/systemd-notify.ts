import { execFile } from 'node:child_process';
import type { Logger } from '../logger.ts';

/** Tells systemd how the service is (sd_notify(3)). Outside of systemd every call does nothing. */
export interface SystemdNotifier {
  /** Start-up or a reload is complete. */
  ready(status: string): Promise<void>;
  reloading(): Promise<void>;
  stopping(): Promise<void>;
  /** One beat of the watchdog; to be given only while the work is on time. */
  watchdog(): Promise<void>;
  /** One line for `systemctl status`. */
  status(text: string): Promise<void>;
  /** How often to beat, in ms: a third of systemd's limit, so that one lost beat is forgiven; null = no watchdog. */
  readonly watchdogIntervalMs: number | null;
}

export interface SystemdNotifierInput {
  /** NOTIFY_SOCKET and WATCHDOG_USEC (microseconds) are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Path of systemd-notify(1). */
  readonly command?: string;
  readonly timeoutMs?: number;
}

const COMMAND = '/usr/bin/systemd-notify';
const TIMEOUT_MS = 5000;
const BEATS_PER_LIMIT = 3;
const USEC_PER_MS = 1000;

/**
 * Node has no datagram Unix sockets, so each message is one run of systemd-notify, hence `NotifyAccess=all` in the
 * unit. Messages leave one after another: STOPPING never overtakes READY. A message that cannot be delivered is logged
 * and not thrown, because the daemon's work does not depend on it; systemd itself acts when READY or beats stay away.
 */
export function createSystemdNotifier(input: SystemdNotifierInput): SystemdNotifier {
  let last = Promise.resolve();
  const send = (args: readonly string[]): Promise<void> => {
    last = last.then(() => notify(input, args));
    return last;
  };
  // The child is not the main process: without this systemd could take it for a new one.
  const mainPid = `--pid=${process.pid}`;
  return {
    ready: (status) => send(['--ready', mainPid, `--status=${oneLine(status)}`]),
    reloading: () => send(['RELOADING=1']),
    stopping: () => send(['STOPPING=1', '--status=stopping']),
    watchdog: () => send(['WATCHDOG=1']),
    status: (text) => send([`--status=${oneLine(text)}`]),
    watchdogIntervalMs: watchdogIntervalMs(input.env),
  };
}

function notify(input: SystemdNotifierInput, args: readonly string[]): Promise<void> {
  const socket = input.env.NOTIFY_SOCKET;
  if (socket === undefined || socket === '') return Promise.resolve();
  const command = input.command ?? COMMAND;
  const timeoutMs = input.timeoutMs ?? TIMEOUT_MS;
  return new Promise((resolve) => {
    // The child gets nothing but the socket: our environment holds passwords.
    const options = { env: { NOTIFY_SOCKET: socket }, timeout: timeoutMs, killSignal: 'SIGKILL' as const };
    execFile(command, args, options, (error, _stdout, stderr) => {
      if (error !== null) {
        const why =
          error.killed === true ? `no answer within ${timeoutMs} ms` : stderr.trim() || error.message;
        input.logger.warn({ code: 'SYSTEMD_NOTIFY_FAILED', args, why }, 'systemd was not notified');
      }
      resolve();
    });
  });
}

/** WATCHDOG_USEC is trusted only as a positive number: systemd sets it, or nobody does. */
function watchdogIntervalMs(env: SystemdNotifierInput['env']): number | null {
  const limitUsec = Number(env.WATCHDOG_USEC ?? '');
  if (!Number.isFinite(limitUsec) || limitUsec <= 0) return null;
  return Math.max(1, Math.floor(limitUsec / USEC_PER_MS / BEATS_PER_LIMIT));
}

/** A line break would begin another assignment of the message. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
}
