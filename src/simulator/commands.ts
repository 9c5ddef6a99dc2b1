import { formatDuration } from '../routeros-wire/duration.ts';
import { CommandRefusal, TRAP } from './command-refusal.ts';
import { RULE_MENUS } from './firewall-rules.ts';
import type { MenuTable } from './menu-table.ts';
import { grantedPolicies, printedPolicy } from './policies.ts';
import { queryOf } from './print-query.ts';
import type { ApiRequest } from './request.ts';
import { SETTINGS_MENUS } from './router-menus.ts';
import type { RouterState } from './router-state.ts';
import { printedDate, printedTime } from './router-version.ts';

export type Row = Readonly<Record<string, string>>;

/** What a command is answered with: `!re` rows, then the attributes of `!done`. */
export interface Answer {
  readonly rows: readonly Row[];
  /** Only these properties of the rows are sent; null: all. */
  readonly properties: ReadonlySet<string> | null;
  readonly done: Row;
}

type Command = (state: RouterState, request: ApiRequest) => Answer;

const COMMANDS = new Map<string, Command>([
  ...addressListMenu('/ip/firewall/address-list', 4),
  ...addressListMenu('/ipv6/firewall/address-list', 6),
  ...RULE_MENUS.flatMap(ruleMenu),
  ['/system/identity/print', printing((state) => [{ name: state.identity }])],
  ['/system/resource/print', printing((state) => [resourceRow(state)])],
  ['/system/clock/print', printing((state) => [clockRow(state)])],
  ['/ip/address/print', printing((state) => addressRows(state, 4))],
  ['/ipv6/address/print', printing((state) => addressRows(state, 6))],
  [
    '/user/active/print',
    printing((state) => [...state.sessions(), ...tableOf(state, '/user/active').rows()]),
  ],
  ['/user/group/print', printing(groupRows)],
]);

/**
 * Carries out one command (login and cancel belong to the connection). Throws CommandRefusal, to be sent as `!trap`.
 * What the user's policies do not allow is refused before it is looked at more closely, as by a router.
 */
export function execute(state: RouterState, request: ApiRequest): Answer {
  const command = commandOf(state, request.command);
  const needed = request.command.endsWith('/print') ? 'read' : 'write';
  if (!policiesOf(state).includes(needed)) {
    throw new CommandRefusal(TRAP.general, 'not enough permissions (9)');
  }
  return command(state, request);
}

/** What the API user's group grants, less what the fault `deniedPolicies` takes away. */
export function policiesOf(state: RouterState): string[] {
  const user = tableOf(state, '/user')
    .rows()
    .find((row) => row['name'] === state.user);
  const group = groupRows(state).find((row) => row['name'] === user?.['group']);
  return grantedPolicies(group?.['policy'] ?? '');
}

/** Of the API user as the router knows it now. */
function groupRows(state: RouterState): Row[] {
  const denied = state.faults.deniedPolicies;
  const rows = tableOf(state, '/user/group').rows();
  if (denied.length === 0) return [...rows];
  return rows.map((row) => {
    const left = grantedPolicies(row['policy'] ?? '').filter((policy) => !denied.includes(policy));
    return { ...row, policy: printedPolicy(state.version, left) };
  });
}

function commandOf(state: RouterState, name: string): Command {
  const menu = name.slice(0, name.lastIndexOf('/'));
  const isThere = state.hasIpv6 || !menu.startsWith('/ipv6/');
  const command = isThere ? COMMANDS.get(name) : undefined;
  if (command !== undefined) return command;
  if (isThere && name.endsWith('/print') && state.tables.has(menu)) {
    return printing((router) => tableRows(router, menu));
  }
  const menus = [...COMMANDS.keys(), ...[...state.tables.keys()].map((known) => `${known}/`)];
  const menuExists = menu !== '' && menus.some((known) => known.startsWith(`${menu}/`));
  throw new CommandRefusal(
    TRAP.missingItemOrCommand,
    isThere && menuExists ? 'no such command' : 'no such command prefix',
  );
}

function tableOf(state: RouterState, menu: string): MenuTable {
  const table = state.tables.get(menu);
  if (table === undefined) throw new CommandRefusal(TRAP.missingItemOrCommand, 'no such command prefix');
  return table;
}

/** A menu of settings has one row without a number. */
function tableRows(state: RouterState, menu: string): Row[] {
  const rows = tableOf(state, menu).rows();
  if (!SETTINGS_MENUS.some((known) => known === menu)) return [...rows];
  return rows
    .slice(0, 1)
    .map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => name !== '.id')));
}

function addressListMenu(menu: string, family: 4 | 6): [string, Command][] {
  return [
    [`${menu}/print`, printing((state) => state.lists[family].rows())],
    [`${menu}/add`, (state, { attributes }) => done({ ret: state.addEntry(family, attributes) })],
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

function ruleMenu(menu: (typeof RULE_MENUS)[number]): [string, Command][] {
  return [
    [`${menu}/print`, printing((state) => [...tableOf(state, menu).rows()])],
    [`${menu}/add`, (state, { attributes }) => done({ ret: tableOf(state, menu).add(attributes) })],
    [
      `${menu}/set`,
      forEachId((state, id, values) => {
        tableOf(state, menu).set(id, values);
      }),
    ],
    [
      `${menu}/unset`,
      forEachId((state, id, values) => {
        tableOf(state, menu).unset(id, values.get('value-name') ?? '');
      }),
    ],
    [
      `${menu}/remove`,
      forEachId((state, id) => {
        tableOf(state, menu).remove(id);
      }),
    ],
    [
      `${menu}/move`,
      forEachId((state, id, values) => {
        tableOf(state, menu).move(id, values.get('destination') ?? null);
      }),
    ],
  ];
}

/** A print: query words choose the rows, `.proplist` the columns, `count-only` asks for their number alone. */
function printing(rowsOf: (state: RouterState) => readonly Row[]): Command {
  return (state, request) => {
    const rows = rowsOf(state).filter(queryOf(request.queries));
    if (request.attributes.has('count-only')) return done({ ret: String(rows.length) });
    const properties = request.attributes.get('.proplist')?.split(',');
    return { rows, properties: properties === undefined ? null : new Set(properties), done: {} };
  };
}

function done(attributes: Row): Answer {
  return { rows: [], properties: null, done: attributes };
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
    return done({});
  };
}

const MIB = 1024 * 1024;

function resourceRow(state: RouterState): Row {
  const held = state.lists[4].size + state.lists[6].size;
  return {
    uptime: formatDuration(Math.floor((state.nowMs() - state.bootedAtMs) / 1000)),
    version: `${state.version} (stable)`,
    // About what an entry costs a router; enough for a reader to see memory go down as lists grow.
    'free-memory': String(Math.max(MIB, 900 * MIB - held * 512)),
    'total-memory': String(1024 * MIB),
    'cpu-count': '4',
    'cpu-load': '1',
    'architecture-name': 'arm64',
    'board-name': 'autoblock simulator',
    platform: 'MikroTik',
  };
}

/** The router's time zone is UTC, as on a router nobody has set up. */
function clockRow(state: RouterState): Row {
  const shownMs = state.nowMs() + state.faults.clockSkewMs;
  return {
    time: printedTime(shownMs),
    date: printedDate(state.version, shownMs),
    'time-zone-autodetect': 'true',
    'time-zone-name': 'UTC',
    'gmt-offset': '+00:00',
    'dst-active': 'false',
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
