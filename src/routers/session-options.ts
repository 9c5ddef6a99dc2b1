import type { AutoblockError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { RouterTls } from './tls-peer.ts';

export interface RouterSessionOptions extends RouterEndpoint {
  readonly user: string;
  readonly password: string;
}

export interface RouterEndpoint {
  /** What the operator calls the router; for error texts. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: RouterTls;
  /** For connection, handshake and login together. */
  readonly connectTimeoutMs: number;
  /** Longest silence while a command waits for its answer; when it passes, the whole connection is given up. */
  readonly commandTimeoutMs: number;
  /** Told when the certificate is, or soon will be, out of date. */
  readonly logger?: Pick<Logger, 'warn'>;
  /** For that: milliseconds since 1970. */
  readonly nowMs?: () => number;
  /** Ends the session, or its opening, at once; `reason` is what everything under way rejects with. */
  readonly signal?: AbortSignal;
  /** The open session broke, and nobody here had asked for it: router rebooted, line cut, deadline passed. At most once. */
  readonly onLost?: (error: AutoblockError) => void;
}
