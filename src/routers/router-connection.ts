import type { AddressListEntry } from '../decisions/address-list-entry.ts';
import { AutoblockError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { parseDuration } from '../routeros-wire/duration.ts';
import { type AddressListChanges, LIST_MENU, printWords, toEntry } from './address-list-commands.ts';
import { type ApplyOptions, applyChanges, policyMissing, type RefusedChange } from './apply-changes.ts';
import { KeptSession } from './kept-session.ts';
import { openRouterSession } from './node-routeros-session.ts';
import { RouterRefusedError, refusalMeaning } from './router-answers.ts';
import type { ReplyRow, RouterSession } from './router-session.ts';
import type { RouterTls } from './tls-peer.ts';
import { createWindowSize, type WindowSize } from './window-size.ts';

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
  /** Told when the certificate of the router is, or soon will be, out of date. */
  readonly logger?: Pick<Logger, 'warn'>;
  /** For that: milliseconds since 1970. */
  readonly nowMs?: () => number;
  /** For connection, handshake and login together; default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Longest silence while a command waits; default 30,000: a small router takes some seconds before a long list. */
  readonly commandTimeoutMs?: number;
  /** How long a session may be idle until it is asked for a sign of life; default 30,000. */
  readonly keepAliveMs?: number;
}

/** What a router says about itself. */
interface RouterFacts {
  readonly identity: string;
  /** As the router prints it, for example `7.20.1 (stable)`. */
  readonly version: string;
  readonly boardName: string;
  readonly uptimeSeconds: number;
}

/** One router over one API session that is opened when needed and kept while it holds. */
export interface RouterConnection {
  readonly name: string;
  facts(): Promise<RouterFacts>;
  /** All entries of our lists, whoever made them; exactly one print per list. Throws ROUTER_… errors. */
  read(): Promise<AddressListEntry[]>;
  /**
   * Carries out removals, then extensions, then additions. "Already there" and "no longer there" are no refusals: read
   * back to know what the router holds. Removals and extensions go by ids, which are good for the session of the last
   * `read` only: over another one it rejects with ROUTER_CONNECTION_LOST before anything is sent. Throws when the
   * connection breaks; what was under way is then unknown. After `signal` nothing more is sent; what is under way is
   * awaited, then it rejects with INTERRUPTED.
   */
  apply(plan: AddressListChanges, options?: ApplyOptions): Promise<{ refused: RefusedChange[] }>;
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
  /** Kept from one push to the next: how near the router is does not change. */
  readonly #window: WindowSize;
  /** The session the lists were last read over: ids are good for that one only. Weak: it may be over, and is to go. */
  #readOver: WeakRef<RouterSession> | null = null;
  /** Menus the router of a session does not have: a package comes with a reboot, so that it is asked once a session. */
  readonly #missingMenus = new WeakMap<RouterSession, Set<string>>();

  constructor(options: RouterConnectionOptions) {
    const { connectTimeoutMs = 10_000, commandTimeoutMs = 30_000, keepAliveMs = 30_000 } = options;
    this.name = options.name;
    this.#options = options;
    this.#window = createWindowSize({
      limit: options.commandsInFlight,
      monotonicMs: () => performance.now(),
    });
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

  async read(): Promise<AddressListEntry[]> {
    const { addressListV4, addressListV6 } = this.#options;
    try {
      return await this.#reading(async (session) => {
        const [v4, v6] = await Promise.all([
          session.run(`${LIST_MENU[4]}/print`, printWords(addressListV4)),
          rowsOrNull(session, `${LIST_MENU[6]}/print`, printWords(addressListV6)),
        ]);
        this.#readOver = new WeakRef(session);
        return [...v4.map((row) => toEntry(row, 4)), ...(v6 ?? []).map((row) => toEntry(row, 6))];
      });
    } catch (error) {
      if (!(error instanceof RouterRefusedError) || refusalMeaning(error) !== 'not_permitted') throw error;
      throw policyMissing({ router: this.name, policy: 'read', cause: error });
    }
  }

  apply(plan: AddressListChanges, options: ApplyOptions = {}): Promise<{ refused: RefusedChange[] }> {
    const run = { plan, lists: this.#options, router: this.name, window: this.#window, ...options };
    const usesIds = plan.remove.length + plan.extend.length > 0;
    const work = (session: RouterSession): Promise<{ refused: RefusedChange[] }> => {
      // Between the two sessions the router may have rebooted and given our ids to entries of others.
      if (usesIds && session !== this.#readOver?.deref()) {
        const what = `router ${this.name} ended the session its lists were read over: nothing was changed`;
        throw new AutoblockError('ROUTER_CONNECTION_LOST', what);
      }
      return applyChanges({ ...run, session });
    };
    return this.#session.use(work, { isRepeatable: false });
  }

  print(
    menu: string,
    options: { properties?: readonly string[]; queries?: readonly string[] } = {},
  ): Promise<readonly ReplyRow[] | null> {
    const { properties, queries = [] } = options;
    const columns = properties === undefined ? [] : [`=.proplist=${properties.join(',')}`];
    return this.#reading(async (session) => {
      const missing = this.#missingMenusOf(session);
      if (missing.has(menu)) return null;
      const rows = await rowsOrNull(session, `${menu}/print`, [...columns, ...queries]);
      if (rows === null) missing.add(menu);
      return rows;
    });
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

  #missingMenusOf(session: RouterSession): Set<string> {
    const known = this.#missingMenus.get(session) ?? new Set();
    this.#missingMenus.set(session, known);
    return known;
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
