import type { AddressListEntry } from '../decisions/address-list-entry.ts';
import { ApiConnection, type SimulatedRouter } from './api-connection.ts';
import { type ListenerOptions, listen } from './api-listener.ts';
import { FaultCounter, type SimulatorFaults } from './faults.ts';
import type { MenuRow, MenuTable } from './menu-table.ts';
import { RouterCpu } from './router-cpu.ts';
import type { TableMenu } from './router-menus.ts';
import { createRouterState, type RouterState, type RouterStateOptions } from './router-state.ts';
import { printedDate, printedTime } from './router-version.ts';

export interface SimulatorOptions extends RouterStateOptions, ListenerOptions {
  readonly password: string;
  /** Router CPU per command; commands of all sessions wait for each other, as on a small router. Default 0. */
  readonly commandDelayMs?: number;
  /** The network's delay, there and back: the first value of `faults.latencyMs`. Default 0. */
  readonly latencyMs?: number;
}

export interface RouterosSimulator {
  readonly port: number;
  /** Switches to assign to while it runs. */
  readonly faults: SimulatorFaults;
  /** Open API connections, logged in or not. */
  readonly sessions: number;
  /** How often each command has come in, by name, whatever became of it. */
  readonly received: ReadonlyMap<string, number>;
  /** What the address-list menu of this family holds now, of all lists. */
  entries(family: 4 | 6): AddressListEntry[];
  /** An entry made by somebody else (the operator, a script); no `timeout` makes it static. Returns its id. */
  addForeignEntry(entry: {
    list: string;
    address: string;
    comment?: string;
    timeout?: string;
    disabled?: boolean;
  }): string;
  /** The rows of a menu now, in their order. Throws RangeError when this router has no such menu. */
  menu(menu: TableMenu): readonly MenuRow[];
  /** The operator changes a menu by hand: its rows anew. */
  setMenu(menu: TableMenu, rows: readonly MenuRow[]): void;
  /** From now on logins need this password; open sessions stay. */
  setPassword(password: string): void;
  /** Dynamic entries are lost, connections drop and are refused for `downMs` (default 0), uptime starts anew. */
  reboot(options?: { downMs?: number }): void;
  close(): Promise<void>;
}

/** Starts a router that speaks the RouterOS API over TCP (or TLS). Rejects when the port is taken or the key is unusable. */
export async function startSimulator(options: SimulatorOptions): Promise<RouterosSimulator> {
  const connections = new Set<ApiConnection>();
  const state = createRouterState({
    ...options,
    hasCertificate: options.tls !== undefined,
    sessions: () => sessionRows(state, connections),
  });
  const { faults } = state;
  faults.latencyMs = options.latencyMs ?? 0;
  const router: SimulatedRouter = {
    state,
    faultCounter: new FaultCounter(),
    cpu: new RouterCpu(options.commandDelayMs ?? 0),
    received: new Map(),
    password: options.password,
    reboot,
  };
  const listener = await listen(options, (socket) => {
    if (faults.maxSessions !== null && connections.size >= faults.maxSessions) {
      socket.destroy();
      return;
    }
    const connection = new ApiConnection(socket, router);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });

  function reboot({ downMs = 0 }: { downMs?: number } = {}): void {
    state.lists[4].loseDynamicEntries();
    state.lists[6].loseDynamicEntries();
    state.bootedAtMs = state.nowMs();
    for (const connection of connections) connection.destroy({ reset: false });
    listener.goDown({
      downMs,
      onUp: () => {
        state.bootedAtMs = state.nowMs();
      },
    });
  }

  return {
    port: listener.port,
    faults,
    get sessions() {
      return connections.size;
    },
    received: router.received,
    entries: (family) => listedEntries(state, family),
    addForeignEntry: ({ disabled = false, ...texts }) => {
      const values = new Map<string, string>(Object.entries({ ...texts, disabled: String(disabled) }));
      return state.lists[texts.address.includes(':') ? 6 : 4].add(values);
    },
    menu: (menu) => tableOf(state, menu).rows(),
    setMenu: (menu, rows) => {
      tableOf(state, menu).replace(rows);
    },
    setPassword: (password) => {
      router.password = password;
    },
    reboot,
    close: async () => {
      router.cpu.stop();
      await listener.close();
    },
  };
}

function tableOf(state: RouterState, menu: string): MenuTable {
  const table = state.tables.get(menu);
  if (table === undefined) throw new RangeError(`this router has no menu ${menu}`);
  return table;
}

function sessionRows(state: RouterState, connections: ReadonlySet<ApiConnection>): MenuRow[] {
  const user = state.tables
    .get('/user')
    ?.rows()
    .find((row) => row['name'] === state.user);
  return [...connections]
    .filter((connection) => connection.loggedInAtMs !== null)
    .map((connection, index) => {
      const shownMs = (connection.loggedInAtMs ?? 0) + state.faults.clockSkewMs;
      return {
        '.id': `*${(index + 1).toString(16).toUpperCase()}`,
        when: `${printedDate(state.version, shownMs)} ${printedTime(shownMs)}`,
        name: state.user,
        address: connection.remoteAddress,
        via: 'api',
        group: user?.['group'] ?? '',
      };
    });
}

function listedEntries(state: RouterState, family: 4 | 6): AddressListEntry[] {
  return state.lists[family].entries().map((entry) => ({
    id: entry.id,
    family,
    list: entry.list,
    address: entry.address,
    comment: entry.comment,
    timeoutSeconds: entry.timeoutSeconds,
    dynamic: entry.dynamic,
    disabled: entry.disabled,
  }));
}
