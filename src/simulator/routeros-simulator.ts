import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { createServer as createTlsServer } from 'node:tls';
import type { AddressListEntry } from '../decisions/address-list-entry.ts';
import { AddressListStore } from './address-list-store.ts';
import { ApiConnection, type SimulatedRouter } from './api-connection.ts';
import type { RouterState } from './commands.ts';
import { FaultCounter, noFaults, type SimulatorFaults } from './faults.ts';

export interface SimulatorOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  readonly user: string;
  readonly password: string;
  /** RouterOS version to imitate; default 7.20.1. */
  readonly version?: string;
  readonly identity?: string;
  /** The router's own addresses with prefix; default `192.168.88.1/24` and `fd00:88::1/64`. */
  readonly addresses?: readonly string[];
  /** The router's clock: entries expire by it. Default: the system's. */
  readonly nowMs?: () => number;
  /** PEM texts; given, the server speaks api-ssl. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Router CPU per command; commands of all sessions wait for each other, as on a small router. Default 0. */
  readonly commandDelayMs?: number;
}

export interface RouterosSimulator {
  readonly port: number;
  /** Switches to assign to while it runs. */
  readonly faults: SimulatorFaults;
  /** Open API connections, logged in or not. */
  readonly sessions: number;
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
  /** Dynamic entries are lost, connections drop, uptime starts anew. */
  reboot(): void;
  close(): Promise<void>;
}

/** Starts a router that speaks the RouterOS API over TCP (or TLS). Rejects when the port is taken or the key is unusable. */
export async function startSimulator(options: SimulatorOptions): Promise<RouterosSimulator> {
  const connections = new Set<ApiConnection>();
  const router = createRouter(options, connections);
  const sockets = new Set<Socket>();
  const server = createApiServer(options, (socket) => {
    const connection = new ApiConnection(socket, router);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    faults: router.faults,
    get sessions() {
      return connections.size;
    },
    entries: (family) => listedEntries(router.state, family),
    addForeignEntry: ({ disabled = false, ...texts }) => {
      const values = new Map<string, string>(Object.entries({ ...texts, disabled: String(disabled) }));
      return router.state.lists[texts.address.includes(':') ? 6 : 4].add(values);
    },
    reboot: () => {
      router.state.lists[4].loseDynamicEntries();
      router.state.lists[6].loseDynamicEntries();
      router.state.bootedAtMs = router.state.nowMs();
      for (const connection of connections) connection.destroy({ reset: false });
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      // Raw sockets, so that one in the middle of its TLS handshake does not keep the server open.
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function createRouter(options: SimulatorOptions, connections: ReadonlySet<ApiConnection>): SimulatedRouter {
  const nowMs = options.nowMs ?? Date.now;
  const state: RouterState = {
    identity: options.identity ?? 'simulator',
    version: options.version ?? '7.20.1',
    addresses: options.addresses ?? ['192.168.88.1/24', 'fd00:88::1/64'],
    lists: {
      4: new AddressListStore({ family: 4, nowMs }),
      6: new AddressListStore({ family: 6, nowMs }),
    },
    nowMs,
    bootedAtMs: nowMs(),
    activeUsers: () => activeUserRows(options.user, connections),
  };
  return {
    state,
    faults: noFaults(),
    faultCounter: new FaultCounter(),
    user: options.user,
    password: options.password,
    bookCpuMs: cpuBook(options.commandDelayMs ?? 0),
  };
}

function createApiServer(options: SimulatorOptions, onConnection: (socket: Socket) => void): Server {
  const accept = (socket: Socket) => {
    // A client that resets is nothing to report: 'close' follows and forgets the connection.
    socket.on('error', () => socket.destroy());
    onConnection(socket);
  };
  if (options.tls === undefined) return createServer(accept);
  const server = createTlsServer(options.tls, accept);
  // The client is told by the TLS alert; a router, too, only drops the connection.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

/** One CPU for all sessions: each command starts when the one before is through. Real time, as it paces real answers. */
function cpuBook(commandDelayMs: number): () => number {
  let busyUntilMs = 0;
  return () => {
    if (commandDelayMs === 0) return 0;
    const nowMs = performance.now();
    busyUntilMs = Math.max(busyUntilMs, nowMs) + commandDelayMs;
    return busyUntilMs - nowMs;
  };
}

function activeUserRows(user: string, connections: ReadonlySet<ApiConnection>): Record<string, string>[] {
  return [...connections]
    .filter((connection) => connection.loggedInAtMs !== null)
    .map((connection, index) => ({
      '.id': `*${(index + 1).toString(16).toUpperCase()}`,
      when: new Date(connection.loggedInAtMs ?? 0).toISOString().slice(0, 19).replace('T', ' '),
      name: user,
      address: connection.remoteAddress,
      via: 'api',
      group: 'write',
    }));
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
