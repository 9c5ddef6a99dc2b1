import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino';
import { AutoblockError } from './errors.ts';

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

/** What an operator can act on is told in words; only a defect shows where in the code it happened. */
function describeError(thrown: unknown): unknown {
  if (!(thrown instanceof AutoblockError)) {
    return thrown instanceof Error ? stdSerializers.err(thrown) : thrown;
  }
  return { code: thrown.code, message: thrown.message, whatToDo: thrown.whatToDo };
}

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
    serializers: { err: describeError },
    redact: { paths: SECRET_PATHS, censor: '[masked]' },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}
