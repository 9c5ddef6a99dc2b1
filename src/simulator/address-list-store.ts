import { parseNetwork } from '../ip/address.ts';
import { formatDuration, MAX_TIMEOUT_SECONDS, parseDuration } from '../routeros-wire/duration.ts';
import { CommandRefusal, TRAP } from './command-refusal.ts';
import { printedDate, printedTime } from './router-version.ts';

interface StoredEntry {
  readonly id: string;
  readonly list: string;
  /** As RouterOS prints it, or a DNS name. */
  readonly address: string;
  readonly comment: string;
  readonly disabled: boolean;
  readonly dynamic: boolean;
  /** As `creation-time` prints it. */
  readonly createdAt: string;
  /** Null for an entry that stays. */
  readonly expiresAtMs: number | null;
}

/** Values of `add` and `set` by RouterOS property name. */
export type EntryValues = ReadonlyMap<string, string>;

const SETTABLE = new Set(['list', 'address', 'comment', 'timeout', 'disabled']);

/** One family's `/…/firewall/address-list` menu, with entries that expire by the injected clock. */
export class AddressListStore {
  readonly #family: 4 | 6;
  readonly #nowMs: () => number;
  readonly #version: string;
  readonly #entries = new Map<string, StoredEntry>();
  /** (list, address) → id: RouterOS refuses a second one, and looking through 30,000 entries per add would be slow. */
  readonly #idByKey = new Map<string, string>();
  #lastId = 0;
  #earliestExpiryMs = Number.POSITIVE_INFINITY;

  /** `version` decides how dates are printed. */
  constructor(options: { family: 4 | 6; nowMs: () => number; version: string }) {
    this.#family = options.family;
    this.#nowMs = options.nowMs;
    this.#version = options.version;
  }

  /** How many entries are alive. */
  get size(): number {
    this.#expire();
    return this.#entries.size;
  }

  /**
   * Returns the new id (`*1A`). Throws CommandRefusal with RouterOS' wording.
   * `clockSkewMs`: how far the router's clock is ahead of the one timeouts run by.
   */
  add(values: EntryValues, clockSkewMs = 0): string {
    const list = required(values, 'list');
    const address = required(values, 'address');
    const shownMs = this.#nowMs() + clockSkewMs;
    this.#lastId += 1;
    const blank: StoredEntry = {
      id: `*${this.#lastId.toString(16).toUpperCase()}`,
      list,
      address,
      comment: '',
      disabled: false,
      dynamic: false,
      createdAt: `${printedDate(this.#version, shownMs)} ${printedTime(shownMs)}`,
      expiresAtMs: null,
    };
    const entry = this.#changed(blank, values);
    this.#store(entry);
    return entry.id;
  }

  set(id: string, values: EntryValues): void {
    const before = this.#get(id);
    const after = this.#changed(before, values);
    this.#idByKey.delete(keyOf(before));
    this.#store(after);
  }

  remove(id: string): void {
    const entry = this.#get(id);
    this.#entries.delete(id);
    this.#idByKey.delete(keyOf(entry));
  }

  /** What a reboot does: dynamic entries live in RAM only. */
  loseDynamicEntries(): void {
    for (const entry of [...this.#entries.values()]) if (entry.dynamic) this.remove(entry.id);
    // Ids that became free are given out anew: nobody may rely on one from before.
    this.#lastId = Math.max(0, ...[...this.#entries.keys()].map((id) => Number.parseInt(id.slice(1), 16)));
  }

  /** Entries still alive, oldest first, with whole seconds left (rounded up, so a fresh `1d` prints as `1d`). */
  entries(): (Omit<StoredEntry, 'expiresAtMs'> & { timeoutSeconds: number | null })[] {
    this.#expire();
    const nowMs = this.#nowMs();
    return [...this.#entries.values()].map(({ expiresAtMs, ...entry }) => ({
      ...entry,
      timeoutSeconds: expiresAtMs === null ? null : Math.ceil((expiresAtMs - nowMs) / 1000),
    }));
  }

  /** The rows of `print`: one object each and no more, as a list of 30,000 is printed at every sync. */
  rows(): Record<string, string>[] {
    this.#expire();
    const nowMs = this.#nowMs();
    const rows: Record<string, string>[] = [];
    for (const entry of this.#entries.values()) {
      const row: Record<string, string> = {
        '.id': entry.id,
        list: entry.list,
        address: entry.address,
        'creation-time': entry.createdAt,
        dynamic: entry.dynamic ? 'true' : 'false',
        disabled: entry.disabled ? 'true' : 'false',
      };
      if (entry.expiresAtMs !== null) {
        row['timeout'] = formatDuration(Math.ceil((entry.expiresAtMs - nowMs) / 1000));
      }
      if (entry.comment !== '') row['comment'] = entry.comment;
      rows.push(row);
    }
    return rows;
  }

  #get(id: string): StoredEntry {
    this.#expire();
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new CommandRefusal(TRAP.missingItemOrCommand, 'no such item');
    return entry;
  }

  #changed(entry: StoredEntry, values: EntryValues): StoredEntry {
    this.#expire();
    const unknown = [...values.keys()].find((name) => !SETTABLE.has(name));
    if (unknown !== undefined) throw new CommandRefusal(TRAP.argumentValue, `unknown parameter ${unknown}`);
    const changed: StoredEntry = {
      ...entry,
      list: values.get('list') ?? entry.list,
      address: printedAddress(values.get('address') ?? entry.address, this.#family),
      comment: values.get('comment') ?? entry.comment,
      disabled: values.has('disabled') ? isYes(values.get('disabled')!) : entry.disabled,
      ...(values.has('timeout') ? this.#lifetime(values.get('timeout')!) : {}),
    };
    const holder = this.#idByKey.get(keyOf(changed));
    if (holder !== undefined && holder !== entry.id) {
      throw new CommandRefusal(TRAP.general, 'failure: already have such entry');
    }
    return changed;
  }

  #lifetime(timeout: string): Pick<StoredEntry, 'dynamic' | 'expiresAtMs'> {
    if (timeout === 'none-static') return { dynamic: false, expiresAtMs: null };
    if (timeout === 'none-dynamic') return { dynamic: true, expiresAtMs: null };
    const seconds = parseDuration(timeout);
    if (seconds === null) {
      throw new CommandRefusal(TRAP.argumentValue, 'invalid value for argument timeout');
    }
    if (seconds > MAX_TIMEOUT_SECONDS) {
      throw new CommandRefusal(TRAP.argumentValue, 'value of timeout is out of range');
    }
    return { dynamic: true, expiresAtMs: this.#nowMs() + seconds * 1000 };
  }

  #store(entry: StoredEntry): void {
    this.#entries.set(entry.id, entry);
    this.#idByKey.set(keyOf(entry), entry.id);
    this.#earliestExpiryMs = Math.min(this.#earliestExpiryMs, entry.expiresAtMs ?? Number.POSITIVE_INFINITY);
  }

  #expire(): void {
    const nowMs = this.#nowMs();
    if (nowMs < this.#earliestExpiryMs) return;
    this.#earliestExpiryMs = Number.POSITIVE_INFINITY;
    for (const entry of [...this.#entries.values()]) {
      if (entry.expiresAtMs === null) continue;
      if (entry.expiresAtMs > nowMs) {
        this.#earliestExpiryMs = Math.min(this.#earliestExpiryMs, entry.expiresAtMs);
        continue;
      }
      this.#entries.delete(entry.id);
      this.#idByKey.delete(keyOf(entry));
    }
  }
}

/**
 * RouterOS' own spelling: host bits stripped, `/32` not printed, a single IPv6 printed `/128`, an IPv4 range kept.
 * Anything else is kept as it came: a router takes it for a DNS name, without an error.
 */
function printedAddress(text: string, family: 4 | 6): string {
  const network = parseNetwork(text);
  const isOfFamily = network !== null && network.family === family && text.includes(':') === (family === 6);
  if (!isOfFamily) return text;
  return family === 6 && network.prefixLength === 128 ? `${network.text}/128` : network.text;
}

function required(values: EntryValues, name: string): string {
  const value = values.get(name) ?? '';
  if (value === '') {
    throw new CommandRefusal(TRAP.missingItemOrCommand, `missing value(s) of argument(s) ${name}`);
  }
  return value;
}

function isYes(text: string): boolean {
  return text === 'yes' || text === 'true';
}

function keyOf(entry: { list: string; address: string }): string {
  return `${entry.list}\0${entry.address}`;
}
