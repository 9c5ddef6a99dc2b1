import type { AutoblockError } from '../errors.ts';

/** One row of a reply: `=name=value` words by name. */
export type ReplyRow = Readonly<Record<string, string>>;

/** Called once with what became of a command: `error` null, or a RouterRefusedError, ROUTER_TIMEOUT, ROUTER_CONNECTION_LOST. */
export type Settle = (error: AutoblockError | null, rows: readonly ReplyRow[]) => void;

/**
 * A logged-in API session with one router. Commands may be under way side by side. Once a session has rejected with
 * ROUTER_CONNECTION_LOST or ROUTER_TIMEOUT it is finished: open a new one, and take what was under way for unknown.
 */
export interface RouterSession {
  /**
   * Runs `command` (`/ip/address/print`) with its further words (`=name=value`, `?name=value`) and returns the rows;
   * attributes of `!done`, such as the `ret` of an add, come as a last row of their own.
   * Rejects with RouterRefusedError (the router said no), ROUTER_TIMEOUT or ROUTER_CONNECTION_LOST.
   */
  run(command: string, words: readonly string[]): Promise<readonly ReplyRow[]>;
  /**
   * As `run`, for many commands: without a promise for each. What is begun in one turn of the event loop leaves in one
   * write. `settle` must not throw.
   */
  begin(command: string, words: readonly string[], settle: Settle): void;
  /** True once the session is finished, from whichever side. */
  readonly isOver: boolean;
  /** Ends the session; commands under way reject. Never rejects, may be called again. */
  close(): Promise<void>;
}
