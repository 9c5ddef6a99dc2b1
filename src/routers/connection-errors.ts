import { AutoblockError, type ErrorCode } from '../errors.ts';
import { handshakeAdvice } from './tls-peer.ts';

/** How far a connection has come. */
export type ConnectionPhase = 'connecting' | 'handshake' | 'login' | 'open';

/** What a socket error or an early end means to the operator. `cause` is null when the peer simply closed. */
export function brokenConnection(options: {
  name: string;
  host: string;
  where: string;
  phase: ConnectionPhase;
  cause: Error | null;
}): AutoblockError {
  const { where, phase, cause } = options;
  const advice = phase === 'handshake' ? handshakeAdvice({ ...options, code: codeOf(cause) }) : null;
  const reason = cause === null ? 'the router closed it' : reasonText(cause);
  const code: Record<ConnectionPhase, ErrorCode> = {
    connecting: 'ROUTER_UNREACHABLE',
    handshake: 'ROUTER_TLS',
    // Before the login is answered nothing can have been under way: a closed door, not a lost command.
    login: 'ROUTER_UNREACHABLE',
    open: 'ROUTER_CONNECTION_LOST',
  };
  const sentence: Record<ConnectionPhase, string> = {
    connecting: `router ${where} cannot be reached: ${reason}`,
    handshake: `the TLS handshake with router ${where} failed: ${reason}${advice === null ? '' : `; ${advice}`}`,
    login: `router ${where} did not answer the login, the connection broke off: ${reason}. ${CLOSED_AT_LOGIN}`,
    open: `the connection to router ${where} was lost: ${reason}`,
  };
  return new AutoblockError(code[phase], sentence[phase], cause === null ? {} : { cause });
}

/** The connect deadline passed. */
export function connectDeadlinePassed(options: {
  where: string;
  phase: ConnectionPhase;
  timeoutMs: number;
}): AutoblockError {
  const { where, phase, timeoutMs } = options;
  if (phase === 'connecting') {
    return new AutoblockError(
      'ROUTER_UNREACHABLE',
      `router ${where} did not accept a connection in ${timeoutMs} ms`,
    );
  }
  const step =
    phase === 'handshake' ? 'finish the TLS handshake (is this the api-ssl port?)' : 'answer the login';
  return new AutoblockError('ROUTER_TIMEOUT', `router ${where} did not ${step} in ${timeoutMs} ms`);
}

/** Closed from this side. */
export function sessionClosed(where: string): AutoblockError {
  return new AutoblockError('ROUTER_CONNECTION_LOST', `the session with router ${where} was closed`);
}

export function sessionEnded(where: string, reason: string): AutoblockError {
  return new AutoblockError('ROUTER_CONNECTION_LOST', `router ${where} ended the session: ${reason}`);
}

export function loginFailed(where: string, reason: string): AutoblockError {
  return new AutoblockError('ROUTER_LOGIN_FAILED', `router ${where} refused the login: ${reason}`);
}

const CLOSED_AT_LOGIN =
  'It does so when no API session is left (`/user active print`; max-sessions of `/ip service`) or when `/ip service` does not let this address in';

/** Node's code of the failure; `CLOSED` when the peer just hung up. */
function codeOf(cause: Error | null): string {
  if (cause === null) return 'CLOSED';
  return 'code' in cause ? String(cause.code) : '';
}

/** Connecting to a name with several addresses fails with an AggregateError whose own message is empty. */
function reasonText(cause: Error): string {
  const inner: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  const error = inner instanceof Error ? inner : cause;
  return error.message === '' ? error.name : error.message;
}
