import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Field names that may carry a secret anywhere in a log object; pino replaces their values. */
const SECRET_PATHS = [
  'password',
  '*.password',
  'databaseUrl',
  '*.databaseUrl',
  'routerPassword',
  '*.routerPassword',
];

/**
 * The one logger of a process: JSON lines with ISO timestamps. It is handed to whoever logs.
 * Rule for callers: a fixed sentence plus fields with units in their names; warn and error carry `code`.
 */
export function createLogger(options: { level: string; destination?: DestinationStream }): Logger {
  const settings = {
    level: options.level,
    base: { pid: process.pid },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRET_PATHS, censor: '[masked]' },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}
