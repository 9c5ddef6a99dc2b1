import { CommandRefusal, TRAP } from './command-refusal.ts';

/** One item of a menu as `print` shows it: RouterOS' property names and spellings. */
export type MenuRow = Readonly<Record<string, string>>;

/** What a menu's items may be given; null for a menu that is only read. */
interface MenuRules {
  readonly settable: ReadonlySet<string>;
  readonly required: readonly string[];
  /** Allowed values of a property, where RouterOS knows all of them. */
  readonly allowed?: ReadonlyMap<string, ReadonlySet<string>>;
  /** Properties every item shows, with the value it has when nobody gave one. */
  readonly defaults: MenuRow;
}

/** Names of other items: there is none without a name, so that an empty one unsets nothing. */
const REFERENCES = ['in-interface', 'out-interface', 'in-interface-list', 'out-interface-list'];

const BOOLEANS = new Set(['disabled', 'log', 'invalid', 'dynamic']);

/** A menu of ordered items, such as firewall rules: order is what decides, so it is kept exactly. */
export class MenuTable {
  readonly #rules: MenuRules | null;
  #rows: MenuRow[] = [];
  #lastId = 0;

  constructor(rules: MenuRules | null, rows: readonly MenuRow[]) {
    this.#rules = rules;
    this.replace(rows);
  }

  /** In the order of the menu. */
  rows(): readonly MenuRow[] {
    return this.#rows;
  }

  /** All items anew, as given; numbers are never used twice. */
  replace(rows: readonly MenuRow[]): void {
    this.#rows = rows.map((row) => ({ '.id': this.#newId(), ...this.#rules?.defaults, ...row }));
  }

  /** At the end, or before the item that `place-before` names. Returns the new id. */
  add(values: ReadonlyMap<string, string>): string {
    const given = new Map(values);
    const before = given.get('place-before');
    given.delete('place-before');
    const at = before === undefined ? this.#rows.length : this.#firstFreePlace(this.#indexOf(before));
    const row = this.#changed({}, given);
    for (const name of this.#writable().required) {
      if (row[name] === undefined) {
        throw new CommandRefusal(TRAP.missingItemOrCommand, `missing value(s) of argument(s) ${name}`);
      }
    }
    const id = this.#newId();
    this.#rows.splice(at, 0, { '.id': id, ...this.#writable().defaults, ...row });
    return id;
  }

  set(id: string, values: ReadonlyMap<string, string>): void {
    const index = this.#indexOf(id);
    this.#refuseDynamic(index);
    this.#rows[index] = this.#changed(this.#rows[index]!, values);
  }

  /** Takes a property away from an item. */
  unset(id: string, name: string): void {
    this.set(id, new Map([[`!${name}`, '']]));
  }

  remove(id: string): void {
    const index = this.#indexOf(id);
    this.#refuseDynamic(index);
    this.#writable();
    this.#rows.splice(index, 1);
  }

  /** `destination`: the id of the item it goes before; null: to the end. */
  move(id: string, destination: string | null): void {
    this.#writable();
    const from = this.#indexOf(id);
    this.#refuseDynamic(from);
    if (destination !== null) this.#indexOf(destination);
    const [row] = this.#rows.splice(from, 1);
    const to = destination === null ? this.#rows.length : this.#indexOf(destination);
    this.#rows.splice(this.#firstFreePlace(to), 0, row!);
  }

  #newId(): string {
    this.#lastId += 1;
    return `*${this.#lastId.toString(16).toUpperCase()}`;
  }

  #indexOf(id: string): number {
    const index = this.#rows.findIndex((row) => row['.id'] === id);
    if (index === -1) throw new CommandRefusal(TRAP.missingItemOrCommand, 'no such item');
    return index;
  }

  /** The router's own rules (FastTrack's counter) stay on top. */
  #firstFreePlace(index: number): number {
    const first = this.#rows.findIndex((row) => row['dynamic'] !== 'true');
    return Math.max(index, first === -1 ? this.#rows.length : first);
  }

  #refuseDynamic(index: number): void {
    if (this.#rows[index]?.['dynamic'] !== 'true') return;
    // The wording is our assumption; that the router refuses is not.
    throw new CommandRefusal(TRAP.general, 'failure: can not change dynamic item');
  }

  #writable(): MenuRules {
    if (this.#rules === null) throw new CommandRefusal(TRAP.missingItemOrCommand, 'no such command');
    return this.#rules;
  }

  /** `!name` unsets a property, and so does an empty value where it is no name of something else. */
  #changed(row: MenuRow, values: ReadonlyMap<string, string>): MenuRow {
    const rules = this.#writable();
    const changed = new Map(Object.entries(row));
    for (const [key, text] of values) {
      const name = key.startsWith('!') ? key.slice(1) : key;
      if (!rules.settable.has(name)) {
        throw new CommandRefusal(TRAP.argumentValue, `unknown parameter ${name}`);
      }
      const value = BOOLEANS.has(name) ? String(text === 'yes' || text === 'true') : text;
      if (key === name && text === '' && REFERENCES.includes(name)) {
        throw new CommandRefusal(TRAP.argumentValue, `input does not match any value of ${name}`);
      }
      if (rules.allowed?.get(name)?.has(value) === false) {
        throw new CommandRefusal(TRAP.argumentValue, `input does not match any value of ${name}`);
      }
      if (key.startsWith('!') || value === '') changed.delete(name);
      else changed.set(name, value);
    }
    return Object.fromEntries(changed);
  }
}
