import type { AddressListDiff } from '../decisions/address-list-diff.ts';
import type { AddressListEntry, DesiredEntry } from '../decisions/address-list-entry.ts';
import { AutoblockError } from '../errors.ts';
import { parseNetwork } from '../ip/address.ts';
import { MAX_TIMEOUT_SECONDS, parseDuration } from '../routeros-wire/duration.ts';
import { openRouterSession } from './node-routeros-session.ts';
import { RouterRefusedError, refusalMeans } from './router-answers.ts';
import type { ReplyRow, RouterSession } from './router-session.ts';

export interface AddressListOptions {
  /** For logs and status. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly tls: boolean | { readonly ca?: string };
  /** Name of the list on the router; all others are never read or written. */
  readonly addressList: string;
  /** For connection, handshake and login together; default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Default 30,000: printing a list of 30,000 entries takes a small router some seconds. */
  readonly commandTimeoutMs?: number;
  /** Commands on their way at the same time; default 16. */
  readonly maxInFlight?: number;
}

/** A change the router (or our own check) refused; the others were carried out. */
interface RefusedChange {
  readonly address: string;
  readonly message: string;
}

/** One router's address list over one API session that is opened when needed and kept while it holds. */
export interface AddressListConnection {
  readonly name: string;
  /** All entries of our list, IPv4 and IPv6, whoever made them. Throws ROUTER_… errors. */
  read(): Promise<AddressListEntry[]>;
  /**
   * Carries out removals, then extensions, then additions. "Already there" and "no longer there" are no refusals: read
   * back to know what the router holds. Throws when the connection breaks; what was under way is then unknown.
   */
  apply(plan: Pick<AddressListDiff, 'add' | 'extend' | 'remove'>): Promise<{ refused: RefusedChange[] }>;
  close(): Promise<void>;
}

interface Change {
  readonly address: string;
  readonly action: 'add' | 'set' | 'remove';
  readonly words: readonly string[];
}

const MENU = { 4: '/ip/firewall/address-list', 6: '/ipv6/firewall/address-list' } as const;
const PROPERTIES = '.id,list,address,comment,timeout,dynamic,disabled';

export function createAddressListRouter(options: AddressListOptions): AddressListConnection {
  return new SessionKeeper(options);
}

class SessionKeeper implements AddressListConnection {
  readonly name: string;
  readonly #options: AddressListOptions;
  #session: Promise<RouterSession> | null = null;

  constructor(options: AddressListOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async read(): Promise<AddressListEntry[]> {
    const isReused = this.#session !== null;
    try {
      return await this.#readLists();
    } catch (error) {
      // A kept session may have died unnoticed since the last sync; reading changes nothing, so once more is safe.
      const hasDied = error instanceof AutoblockError && error.code === 'ROUTER_CONNECTION_LOST';
      if (!isReused || !hasDied) throw error;
      return this.#readLists();
    }
  }

  async apply(
    plan: Pick<AddressListDiff, 'add' | 'extend' | 'remove'>,
  ): Promise<{ refused: RefusedChange[] }> {
    const refused: RefusedChange[] = [];
    const list = this.#options.addressList;
    // In this order, because an add that replaces an entry of ours is refused while the old one is there.
    const steps: Change[][] = [
      plan.remove.map(({ id, address }) => ({ address, action: 'remove', words: [`=.id=${id}`] })),
      plan.extend.map((entry) => ({
        address: entry.address,
        action: 'set',
        words: [`=.id=${entry.id}`, ...lifetimeWords(entry)],
      })),
      plan.add.map((entry) => ({
        address: entry.address,
        action: 'add',
        words: [`=list=${list}`, `=address=${entry.address}`, ...lifetimeWords(entry)],
      })),
    ];
    for (const step of steps) refused.push(...(await this.#carryOut(step)));
    return { refused };
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    if (session === null) return;
    // An opening that fails is told to whoever asked for it; there is nothing left to close then.
    await session.then(
      (open) => open.close(),
      () => undefined,
    );
  }

  #readLists(): Promise<AddressListEntry[]> {
    return this.#withSession(async (session) => {
      const words = [`=.proplist=${PROPERTIES}`, `?list=${this.#options.addressList}`];
      const [v4, v6] = await Promise.all([
        session.run(`${MENU[4]}/print`, words),
        session.run(`${MENU[6]}/print`, words).catch((error: unknown) => {
          if (refusalMeans(error, 'no_such_command')) return [];
          throw error;
        }),
      ]);
      // On the IPv6 list, what has no colon is a DNS name; its id would be taken for one of the IPv4 list.
      const addressesOf6 = v6.filter((row) => row['address']?.includes(':') === true);
      return [...v4, ...addressesOf6].map(toEntry);
    });
  }

  /** Runs at most `maxInFlight` changes at a time; the first broken connection stops the rest. */
  #carryOut(changes: readonly Change[]): Promise<RefusedChange[]> {
    if (changes.length === 0) return Promise.resolve([]);
    return this.#withSession(async (session) => {
      const refused: RefusedChange[] = [];
      const left = changes.values();
      const worker = async () => {
        for (const change of left) {
          const message = await refusalOf(session, change);
          if (message !== null) refused.push({ address: change.address, message });
        }
      };
      const inFlight = Math.min(this.#options.maxInFlight ?? 16, changes.length);
      await Promise.all(Array.from({ length: inFlight }, worker));
      return refused;
    });
  }

  async #withSession<Result>(use: (session: RouterSession) => Promise<Result>): Promise<Result> {
    const { connectTimeoutMs = 10_000, commandTimeoutMs = 30_000, ...endpoint } = this.#options;
    const opening = (this.#session ??= openRouterSession({
      ...endpoint,
      connectTimeoutMs,
      commandTimeoutMs,
    }));
    try {
      return await use(await opening);
    } catch (error) {
      // After anything but a plain "no" the session is of no use: let the next call open a new one.
      if (!(error instanceof RouterRefusedError) && this.#session === opening) await this.close();
      throw error;
    }
  }
}

/** Null when the change is done or was not needed any more, else why not. Rejects when the connection broke. */
async function refusalOf(session: RouterSession, change: Change): Promise<string | null> {
  const network = parseNetwork(change.address);
  // RouterOS would take anything else for a DNS name and store it without a word.
  if (network === null) return `not an address or network: ${change.address}`;
  try {
    await session.run(`${MENU[change.address.includes(':') ? 6 : 4]}/${change.action}`, change.words);
    return null;
  } catch (error) {
    if (!(error instanceof RouterRefusedError)) throw error;
    if (change.action === 'add' && refusalMeans(error, 'already_there')) return null;
    if (change.action !== 'add' && refusalMeans(error, 'no_such_item')) return null;
    return error.routerMessage;
  }
}

function lifetimeWords({
  timeoutSeconds,
  comment,
}: Pick<DesiredEntry, 'timeoutSeconds' | 'comment'>): string[] {
  const seconds = Math.min(MAX_TIMEOUT_SECONDS, Math.max(1, Math.ceil(timeoutSeconds)));
  return [`=timeout=${seconds}s`, `=comment=${asciiText(comment)}`];
}

/** RouterOS stores bytes; what is not ASCII reads differently in WinBox, WebFig and the terminal. */
function asciiText(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, '?');
}

function toEntry(row: ReplyRow): AddressListEntry {
  const { timeout } = row;
  return {
    id: row['.id'] ?? '',
    list: row['list'] ?? '',
    address: row['address'] ?? '',
    comment: row['comment'] ?? '',
    timeoutSeconds: timeout === undefined ? null : parseDuration(timeout),
    dynamic: row['dynamic'] === 'true',
    disabled: row['disabled'] === 'true',
  };
}
