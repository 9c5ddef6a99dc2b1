import pg from 'pg';
import { AutoblockError, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';

const MAX_CONNECTIONS = 4;
const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 30_000;
/** Idle seconds before the kernel asks the other side whether it still lives; the default is two hours. */
const KEEP_ALIVE_DELAY_MS = 30_000;

/**
 * A connection pool whose idle and borrowed connections may break without ending the process: queries reject, and a
 * lost connection is logged once, with code.
 *
 * @param options.statementTimeoutMs every statement without a limit of its own is given up by the server after this.
 * @throws AutoblockError CONFIG_INVALID on a connection string that is none.
 */
export function createPostgresPool(options: {
  connectionString: string;
  applicationName: string;
  statementTimeoutMs: number;
  logger: Logger;
}): pg.Pool {
  const { connectionString, logger } = options;
  refuseUnreadable(connectionString);
  const pool = new pg.Pool({
    connectionString,
    application_name: options.applicationName,
    statement_timeout: options.statementTimeoutMs,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
  });
  const database = maskConnectionString(connectionString);
  // A borrowed connection tells its loss here, an idle one to the pool as well: the pool's own event would only repeat it.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    // One loss is up to two events: the server's last word, and the closed socket.
    let told = false;
    client.on('error', (error) => {
      if (told) return;
      told = true;
      logger.warn(
        { code: 'DATABASE_UNAVAILABLE', database, reason: messageOf(error) },
        'database connection lost',
      );
    });
  });
  return pool;
}

/** Without this check the parser's error would carry the whole string, password included. */
function refuseUnreadable(connectionString: string): void {
  if (URL.canParse(connectionString) && /^postgres(ql)?:$/.test(new URL(connectionString).protocol)) return;
  throw new AutoblockError(
    'CONFIG_INVALID',
    'DATABASE_URL is not a connection string like postgres://user:password@host:5432/database',
  );
}

/** The connection string without its password, fit for logs. Unreadable text is masked wholly. */
export function maskConnectionString(connectionString: string): string {
  if (!URL.canParse(connectionString)) return '[masked]';
  const url = new URL(connectionString);
  if (url.password !== '') url.password = 'masked';
  for (const name of url.searchParams.keys()) {
    if (/password|secret|key/i.test(name)) url.searchParams.set(name, 'masked');
  }
  return url.toString();
}
