import type { AddressListEntry } from '../decisions/address-list-entry.ts';
import { AutoblockError } from '../errors.ts';
import { parseDuration } from '../routeros-wire/duration.ts';
import {
  type AddressListChanges,
  isSendable,
  LIST_MENU,
  type ListCommand,
  listCommands,
  printWords,
  toEntry,
} from './address-list-commands.ts';
import { KeptSession } from './kept-session.ts';
import { openRouterSession } from './node-routeros-session.ts';
import { RouterRefusedError, refusalMeaning } from './router-answers.ts';
import type { ReplyRow, RouterSession } from './router-session.ts';
import type { RouterTls } from './tls-peer.ts';

export interface RouterConnectionOptions {
  /** For logs, status and error texts. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly tls: RouterTls;
  /** Names of the lists on the router; all others are never read or written. */
  readonly addressListV4: string;
  readonly addressListV6: string;
  /** Most commands on their way at the same time, 1-64. */
  readonly commandsInFlight: number;
  /** For connection, handshake and login together; default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Default 30,000: printing a list of 30,000 entries takes a small router some seconds. */
  readonly commandTimeoutMs?: number;
  /** How long a session may be idle until it is asked for a sign of life; default 30,000. */
  readonly keepAliveMs?: number;
}

/** What a router says about itself. */
export interface RouterFacts {
  readonly identity: string;
  /** As the router prints it, for example `7.20.1 (stable)`. */
  readonly version: string;
  readonly boardName: string;
  readonly uptimeSeconds: number;
}

/** A change the router (or our own check) refused; the others were carried out. */
export interface RefusedChange {
  readonly address: string;
  readonly message: string;
}

/** One router over one API session that is opened when needed and kept while it holds. */
export interface RouterConnection {
  readonly name: string;
  facts(): Promise<RouterFacts>;
  /** All entries of our lists, whoever made them; exactly one print per list. Throws ROUTER_… errors. */
  read(): Promise<AddressListEntry[]>;
  /**
   * Carries out removals, then extensions, then additions. "Already there" and "no longer there" are no refusals: read
   * back to know what the router holds. Throws when the connection breaks; what was under way is then unknown. After
   * `signal` nothing more is sent; what is under way is awaited, then it rejects with INTERRUPTED.
   */
  apply(
    plan: AddressListChanges,
    options?: { onProgress?: (progress: { done: number; total: number }) => void; signal?: AbortSignal },
  ): Promise<{ refused: RefusedChange[] }>;
  /** Rows of a menu (`/ip/address`); `queries` are `?name=value` words. Null: this router has no such menu. */
  print(
    menu: string,
    options?: { properties?: readonly string[]; queries?: readonly string[] },
  ): Promise<readonly ReplyRow[] | null>;
  /** Any other command. Rejects with RouterRefusedError when the router says no. */
  run(command: string, words: readonly string[]): Promise<readonly ReplyRow[]>;
  /** A deadline passed: the session is dropped, everything under way rejects with ROUTER_TIMEOUT. */
  giveUp(reason: string): void;
  /** The kept session broke while idle or busy, as by a reboot. Not called for what we end ourselves. */
  onLost(listener: () => void): void;
  close(): Promise<void>;
}

export function createRouterConnection(options: RouterConnectionOptions): RouterConnection {
  return new SessionConnection(options);
}

class SessionConnection implements RouterConnection {
  readonly name: string;
  readonly #options: RouterConnectionOptions;
  readonly #session: KeptSession;

  constructor(options: RouterConnectionOptions) {
    const { connectTimeoutMs = 10_000, commandTimeoutMs = 30_000, keepAliveMs = 30_000 } = options;
    this.name = options.name;
    this.#options = options;
    this.#session = new KeptSession({
      keepAliveMs,
      open: (hooks) => openRouterSession({ ...options, connectTimeoutMs, commandTimeoutMs, ...hooks }),
    });
  }

  async facts(): Promise<RouterFacts> {
    const [identity, resource] = await this.#reading((session) =>
      Promise.all([
        session.run('/system/identity/print', ['=.proplist=name']),
        session.run('/system/resource/print', ['=.proplist=version,board-name,uptime']),
      ]),
    );
    const row = resource[0] ?? {};
    return {
      identity: identity[0]?.['name'] ?? '',
      version: row['version'] ?? '',
      boardName: row['board-name'] ?? '',
      uptimeSeconds: parseDuration(row['uptime'] ?? '') ?? 0,
    };
  }

  read(): Promise<AddressListEntry[]> {
    const { addressListV4, addressListV6 } = this.#options;
    return this.#reading(async (session) => {
      const [v4, v6] = await Promise.all([
        session.run(`${LIST_MENU[4]}/print`, printWords(addressListV4)),
        rowsOrNull(session, `${LIST_MENU[6]}/print`, printWords(addressListV6)),
      ]);
      return [...v4.map((row) => toEntry(row, 4)), ...(v6 ?? []).map((row) => toEntry(row, 6))];
    });
  }

  apply(
    plan: AddressListChanges,
    options: { onProgress?: (progress: { done: number; total: number }) => void; signal?: AbortSignal } = {},
  ): Promise<{ refused: RefusedChange[] }> {
    const total = plan.remove.length + plan.extend.length + plan.add.length;
    if (total === 0) return Promise.resolve({ refused: [] });
    return this.#session.use(
      async (session) => {
        const refused: RefusedChange[] = [];
        const left = listCommands(plan, this.#options);
        let done = 0;
        const worker = async () => {
          for (const command of left) {
            if (options.signal?.aborted === true) {
              throw new AutoblockError('INTERRUPTED', `pushing to router ${this.name} was stopped`);
            }
            const message = await refusalOf(session, command);
            if (message !== null) refused.push({ address: command.address, message });
            done += 1;
            if (done % 1000 === 0 || done === total) options.onProgress?.({ done, total });
          }
        };
        const inFlight = Math.min(this.#options.commandsInFlight, total);
        await Promise.all(Array.from({ length: inFlight }, worker));
        return { refused };
      },
      { isRepeatable: false },
    );
  }

  print(
    menu: string,
    options: { properties?: readonly string[]; queries?: readonly string[] } = {},
  ): Promise<readonly ReplyRow[] | null> {
    const { properties, queries = [] } = options;
    const columns = properties === undefined ? [] : [`=.proplist=${properties.join(',')}`];
    return this.#reading((session) => rowsOrNull(session, `${menu}/print`, [...columns, ...queries]));
  }

  run(command: string, words: readonly string[]): Promise<readonly ReplyRow[]> {
    return this.#session.use((session) => session.run(command, words), { isRepeatable: false });
  }

  giveUp(reason: string): void {
    this.#session.giveUp(
      new AutoblockError('ROUTER_TIMEOUT', `the session with router ${this.name} was given up: ${reason}`),
    );
  }

  onLost(listener: () => void): void {
    this.#session.onLost(listener);
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /** A kept session may have died unnoticed since the last sync; reading changes nothing, so once more is safe. */
  #reading<Result>(work: (session: RouterSession) => Promise<Result>): Promise<Result> {
    return this.#session.use(work, { isRepeatable: true });
  }
}

/** Null when the router has no such menu: IPv6 switched off, or a RouterOS that does not know it. */
async function rowsOrNull(
  session: RouterSession,
  command: string,
  words: readonly string[],
): Promise<readonly ReplyRow[] | null> {
  try {
    return await session.run(command, words);
  } catch (error) {
    if (error instanceof RouterRefusedError && refusalMeaning(error) === 'no_such_command') return null;
    throw error;
  }
}

/** Null when the change is done or was not needed any more, else why not. Rejects when the connection broke. */
async function refusalOf(session: RouterSession, change: ListCommand): Promise<string | null> {
  if (!isSendable(change.address)) return `not an address or network: ${change.address}`;
  try {
    await session.run(change.command, change.words);
    return null;
  } catch (error) {
    if (!(error instanceof RouterRefusedError)) throw error;
    const meaning = refusalMeaning(error);
    if (change.action === 'add' && meaning === 'already_there') return null;
    if (change.action !== 'add' && meaning === 'no_such_item') return null;
    return error.routerMessage;
  }
}
