import { AutoblockError, messageOf } from '../errors.ts';

/**
 * The one place that knows which PostgreSQL and socket failures mean what. Lies in a folder of its own because three
 * adapters that may not know each other (storage, log-source, log-intake) need the same answer.
 */

/** Socket and name resolution failures, by errno name. */
const UNAVAILABLE_ERRNOS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ETIMEDOUT',
  'ENOENT',
]);

/** SQLSTATE classes (PostgreSQL manual, appendix A) that mean the server cannot serve us now. */
const UNAVAILABLE_CLASSES = new Set(['08', '28', '3D', '53', '58']);
/** Of class 57 and others: shutdowns, crashes, start-up, terminated sessions. */
const UNAVAILABLE_STATES = new Set(['57P01', '57P02', '57P03', '57P04', '57P05', '25P03']);
const TIMEOUT_STATES = new Set(['57014', '55P03', '40P01', '25P04']);
const REFUSED_STATES = new Set(['42501', '25006']);

/** What pg itself throws without any code when a connection ends or cannot be had. */
const CONNECTION_TEXT =
  /connection terminated|connection ended|timeout exceeded when trying to connect|client has encountered a connection error|not queryable|client was closed/i;

const SQLSTATE = /^[0-9A-Z]{5}$/;

/**
 * An AutoblockError DATABASE_UNAVAILABLE, DATABASE_TIMEOUT or DATABASE_REFUSED where the failure is one an operator
 * can act on; anything else (a defect of ours, an AutoblockError already) is given back as it is.
 */
export function databaseError(thrown: unknown, whatWasDone: string): unknown {
  if (thrown instanceof AutoblockError || !(thrown instanceof Error)) return thrown;
  const code = databaseErrorCode(thrown);
  if (code === null) return thrown;
  return new AutoblockError(code, `${whatWasDone}: ${reasonOf(thrown)}`, { cause: thrown });
}

function databaseErrorCode(
  thrown: Error & { code?: unknown },
): 'DATABASE_UNAVAILABLE' | 'DATABASE_TIMEOUT' | 'DATABASE_REFUSED' | null {
  const code = typeof thrown.code === 'string' ? thrown.code : '';
  if (UNAVAILABLE_ERRNOS.has(code)) return 'DATABASE_UNAVAILABLE';
  if (SQLSTATE.test(code)) {
    if (TIMEOUT_STATES.has(code)) return 'DATABASE_TIMEOUT';
    if (REFUSED_STATES.has(code)) return 'DATABASE_REFUSED';
    if (UNAVAILABLE_STATES.has(code) || UNAVAILABLE_CLASSES.has(code.slice(0, 2)))
      return 'DATABASE_UNAVAILABLE';
    return null;
  }
  return CONNECTION_TEXT.test(thrown.message) ? 'DATABASE_UNAVAILABLE' : null;
}

/** AggregateError (both ::1 and 127.0.0.1 refused) has an empty message of its own. */
function reasonOf(thrown: Error): string {
  if (thrown instanceof AggregateError && thrown.message === '')
    return thrown.errors.map(messageOf).join('; ');
  return thrown.message;
}
