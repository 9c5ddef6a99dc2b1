import { formatDuration } from '../routeros-wire/duration.ts';
import type { AddressListStore } from './address-list-store.ts';
import { CommandRefusal, TRAP } from './command-refusal.ts';
import { matchesQuery } from './print-query.ts';
import type { ApiRequest } from './request.ts';

type Row = Record<string, string>;

/** What a command is answered with: `!re` rows, then the attributes of `!done`. */
export interface Answer {
  readonly rows: readonly Row[];
  readonly done: Readonly<Row>;
}

/** What the commands of a simulated router act on. */
export interface RouterState {
  readonly identity: string;
  /** For example `7.20.1`. */
  readonly version: string;
  /** The router's own addresses with prefix, IPv4 and IPv6. */
  readonly addresses: readonly string[];
  readonly lists: Readonly<Record<4 | 6, AddressListStore>>;
  readonly nowMs: () => number;
  bootedAtMs: number;
  /** Rows of `/user/active/print`: who is logged in, from where. */
  activeUsers(): Row[];
}

type Command = (state: RouterState, request: ApiRequest) => Answer;

const COMMANDS = new Map<string, Command>([
  ...addressListMenu('/ip/firewall/address-list', 4),
  ...addressListMenu('/ipv6/firewall/address-list', 6),
  ['/system/identity/print', printing((state) => [{ name: state.identity }])],
  ['/system/resource/print', printing((state) => [resourceRow(state)])],
  ['/ip/address/print', printing((state) => addressRows(state, 4))],
  ['/ipv6/address/print', printing((state) => addressRows(state, 6))],
  ['/user/active/print', printing((state) => state.activeUsers())],
]);

/** Carries out one command (login and cancel belong to the connection). Throws CommandRefusal, to be sent as `!trap`. */
export function execute(state: RouterState, request: ApiRequest): Answer {
  const command = COMMANDS.get(request.command);
  if (command !== undefined) return command(state, request);
  const menu = request.command.slice(0, request.command.lastIndexOf('/') + 1);
  const menuExists = [...COMMANDS.keys()].some((known) => known.startsWith(menu));
  throw new CommandRefusal(
    TRAP.missingItemOrCommand,
    menu !== '/' && menuExists ? 'no such command' : 'no such command prefix',
  );
}

function addressListMenu(menu: string, family: 4 | 6): [string, Command][] {
  return [
    [`${menu}/print`, printing((state) => state.lists[family].rows())],
    [
      `${menu}/add`,
      (state, request) => ({ rows: [], done: { ret: state.lists[family].add(request.attributes) } }),
    ],
    [
      `${menu}/set`,
      forEachId((state, id, values) => {
        state.lists[family].set(id, values);
      }),
    ],
    [
      `${menu}/remove`,
      forEachId((state, id) => {
        state.lists[family].remove(id);
      }),
    ],
  ];
}

/** A print: query words choose the rows, `.proplist` the columns, `count-only` asks for their number alone. */
function printing(rowsOf: (state: RouterState) => Row[]): Command {
  return (state, request) => {
    const rows = rowsOf(state).filter((row) => matchesQuery(row, request.queries));
    if (request.attributes.has('count-only')) return { rows: [], done: { ret: String(rows.length) } };
    const properties = request.attributes.get('.proplist')?.split(',');
    return { rows: properties === undefined ? rows : rows.map((row) => project(row, properties)), done: {} };
  };
}

function project(row: Row, properties: readonly string[]): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => properties.includes(name)));
}

/** Like a router, stops at the first id that is not there and leaves the ones before it changed. */
function forEachId(
  change: (state: RouterState, id: string, values: ReadonlyMap<string, string>) => void,
): Command {
  return (state, request) => {
    const values = new Map(request.attributes);
    const ids = values.get('.id') ?? values.get('numbers');
    values.delete('.id');
    values.delete('numbers');
    if (ids === undefined) throw new CommandRefusal(TRAP.missingItemOrCommand, 'no such item');
    for (const id of ids.split(',')) change(state, id, values);
    return { rows: [], done: {} };
  };
}

function resourceRow(state: RouterState): Row {
  return {
    uptime: formatDuration(Math.floor((state.nowMs() - state.bootedAtMs) / 1000)),
    version: `${state.version} (stable)`,
    'board-name': 'autoblock simulator',
    platform: 'MikroTik',
  };
}

function addressRows(state: RouterState, family: 4 | 6): Row[] {
  return state.addresses
    .filter((address) => address.includes(':') === (family === 6))
    .map((address, index) => ({
      '.id': `*${(index + 1).toString(16).toUpperCase()}`,
      address,
      interface: 'bridge',
      invalid: 'false',
      dynamic: 'false',
      disabled: 'false',
    }));
}
