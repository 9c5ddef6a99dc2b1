import { validate } from 'node-cron';
import { type Config, type Environment, loadConfig } from '../config/load-config.ts';
import { readEnvironment } from '../config/read-environment.ts';
import { openWorkplace, type Workplace } from '../daemon/workplace.ts';
import { AutoblockError } from '../errors.ts';
import { createLogger, type Logger } from '../logger.ts';
import type { Invocation } from './command.ts';

export function currentEnvironment(): Environment {
  return readEnvironment({ cwd: process.cwd(), processEnv: process.env });
}

export function configFrom(env: Environment): Config {
  return loadConfig({ env, isCron: validate });
}

/**
 * The logger of a one-shot command: JSON lines on stderr, warnings and worse only, unless LOG_LEVEL asks for more;
 * stdout belongs to the command's result.
 */
function commandLogger(config: Config, env: Environment): Logger {
  const asked = env['LOG_LEVEL'] !== undefined && env['LOG_LEVEL'] !== '';
  return createLogger({ level: asked ? config.logLevel : 'warn', destination: process.stderr });
}

/** Opens the state for one command and closes everything afterwards, whatever happens. */
export async function withWorkplace(
  invocation: Invocation,
  use: (workplace: Workplace) => Promise<number>,
): Promise<number> {
  const env = currentEnvironment();
  const config = configFrom(env);
  const workplace = await openWorkplace({
    config,
    logger: commandLogger(config, env),
    nowMs: invocation.nowMs,
  });
  try {
    return await use(workplace);
  } finally {
    await workplace.closers.closeAll();
  }
}

/** Who decides, for the ledger: the login name, never "unknown" when the system knows one. */
export function actorName(): string {
  return (
    process.env['SUDO_USER'] ??
    process.env['USER'] ??
    process.env['LOGNAME'] ??
    `uid ${process.getuid?.() ?? '?'}`
  );
}

/** A signal that fires on Ctrl-C or SIGTERM, so that long commands cancel their query instead of leaving it. */
export function interruptSignal(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const abort = (name: NodeJS.Signals): void =>
    controller.abort(new AutoblockError('INTERRUPTED', `ended by ${name}`));
  process.once('SIGINT', abort);
  process.once('SIGTERM', abort);
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', abort);
      process.off('SIGTERM', abort);
    },
  };
}
