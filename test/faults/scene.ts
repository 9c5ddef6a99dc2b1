import { expect } from 'vitest';
import { type AddressListEntry, ownMark } from '../../src/decisions/address-list-entry.ts';
import { canonicalText } from '../../src/ip/address.ts';
import { collectProtected } from '../../src/routers/protected-addresses.ts';
import {
  createRouterConnection,
  type RouterConnection,
  type RouterConnectionOptions,
} from '../../src/routers/router-connection.ts';
import type { RouterSyncResult } from '../../src/runs/router-sync-parts.ts';
import { runRouterSync } from '../../src/runs/router-sync-run.ts';
import {
  type RouterosSimulator,
  type SimulatorOptions,
  startSimulator,
} from '../../src/simulator/routeros-simulator.ts';
import { capturingLogger, type LoggedLine } from '../support/logger.ts';
import { syncPartsFor } from '../support/sync-parts.ts';
import { type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';
import { type CuttingProxy, startCuttingProxy } from './cutting-proxy.ts';

const LIST = 'autoblock';
export const ACCOUNT = { user: 'autoblock', password: 'Geheim=5\\$"' };
export const START_MS = Date.UTC(2026, 10, 22, 3, 0, 0);
const HOUR = 3600;

/** Two clocks that stand still until a test moves them: nothing here depends on how fast the machine is. */
export interface Clocks {
  ownMs: number;
  routerMs: number;
}

/** One autoblock: a ledger and its connection to a router. */
interface Daemon {
  readonly place: TemporaryLedger;
  /** The present connection; `reconnect` replaces it. */
  readonly router: RouterConnection;
  readonly lines: LoggedLine[];
  /** Adds, or extends, blocks by hand. */
  block(seconds: number, ...addresses: readonly string[]): void;
  lift(...addresses: readonly string[]): void;
  sync(): Promise<RouterSyncResult>;
  /** Closes the connection; the next sync uses one with these options instead. */
  reconnect(options?: Partial<RouterConnectionOptions>): Promise<void>;
  close(): Promise<void>;
}

function openDaemon(options: {
  clocks: Clocks;
  port: number;
  router?: Partial<RouterConnectionOptions>;
}): Daemon {
  const { clocks, port } = options;
  const place = temporaryLedger();
  const { logger, lines } = capturingLogger();
  const connect = (changed: Partial<RouterConnectionOptions> = {}): RouterConnection =>
    createRouterConnection({
      ...{ name: 'edge', host: '127.0.0.1', port, tls: { mode: 'plain' }, ...ACCOUNT },
      ...{ addressListV4: LIST, addressListV6: LIST, commandsInFlight: 16 },
      ...{ connectTimeoutMs: 20_000, commandTimeoutMs: 20_000 },
      ...changed,
    });
  let router = connect(options.router);
  const parts = syncPartsFor({
    ledger: place.ledger,
    logger,
    nowMs: () => clocks.ownMs,
    // The router's is the clock nobody sets in these tests.
    monotonicMs: () => clocks.routerMs,
    neverBlockOf: () => collectProtected((menu, wanted) => router.print(menu, wanted)),
  });
  return {
    place,
    get router() {
      return router;
    },
    lines,
    block: (seconds, ...addresses) => {
      for (const address of addresses) {
        const given = { origin: 'manual', reason: 'fault suite', actor: 'test' } as const;
        place.ledger.addBlock({ ...given, address, seconds, nowMs: clocks.ownMs });
      }
    },
    lift: (...addresses) => {
      for (const address of addresses) {
        place.ledger.liftBlock({ address, actor: 'test', nowMs: clocks.ownMs });
      }
    },
    sync: async () => {
      const [result] = await runRouterSync({ ...parts, routers: [router] });
      return result!;
    },
    reconnect: async (changed) => {
      await router.close();
      router = connect(changed);
    },
    close: async () => {
      await router.close();
      place.remove();
    },
  };
}

/** A router with entries of others on its lists, and one autoblock that looks after it. */
export interface Scene extends Daemon {
  readonly simulator: RouterosSimulator;
  readonly clocks: Clocks;
  /** Where the line between the two can be cut at any byte. */
  readonly line: CuttingProxy;
}

export async function openScene(
  options: {
    simulator?: Partial<SimulatorOptions>;
    router?: Partial<RouterConnectionOptions>;
    clocks?: Clocks;
  } = {},
): Promise<Scene> {
  const { clocks = { ownMs: START_MS, routerMs: START_MS } } = options;
  const simulator = await startSimulator({
    ...ACCOUNT,
    nowMs: () => clocks.routerMs,
    ...options.simulator,
  });
  addEntriesOfOthers(simulator);
  const line = await startCuttingProxy(simulator.port);
  const daemon = openDaemon({ clocks, port: line.port, router: options.router ?? {} });
  addLookalikes(simulator, markOf(daemon));
  // Not spread: `router` is a getter.
  return Object.assign(Object.create(daemon) as Daemon, {
    simulator,
    clocks,
    line,
    close: async () => {
      await daemon.close();
      await line.close();
      await expect.poll(() => simulator.sessions).toBe(0);
      await simulator.close();
    },
  });
}

/** A second autoblock, with a ledger of its own, on the router of the first. */
export function joinScene({ simulator, clocks, line }: Scene): Scene {
  const daemon = openDaemon({ clocks, port: simulator.port, router: { name: 'shared' } });
  return Object.assign(Object.create(daemon) as Daemon, { simulator, clocks, line });
}

/** Blocked by hand on the router, for ever: the ledger may want it too, RouterOS would refuse a second entry. */
const HELD_BY_ANOTHER = '203.0.113.77';

/** All kinds of entries that are none of our business, with some that look as if they were. */
function addEntriesOfOthers(simulator: RouterosSimulator): void {
  const long = { timeout: '30w' };
  for (const entry of [
    { list: LIST, address: HELD_BY_ANOTHER, comment: 'by hand' },
    { list: LIST, address: '203.0.113.78', comment: '', ...long },
    { list: LIST, address: '203.0.113.79', comment: 'paused by hand', disabled: true },
    { list: LIST, address: '203.0.113.80-203.0.113.90', comment: 'autoblock: no mark of a ledger' },
    { list: LIST, address: 'evil.example', comment: 'autoblock: a name is not ours' },
    { list: LIST, address: '203.0.113.91', comment: 'autoblock:00000000 port_scan risk 91 #7', ...long },
    { list: LIST, address: '203.0.113.92', comment: ' autoblock: not at the beginning', ...long },
    { list: LIST, address: '2001:db8:f::1', comment: 'by hand' },
    { list: LIST, address: '2001:db8:f::2', comment: 'autoblock:00000000 manual #8', ...long },
    { list: 'other', address: '203.0.113.93', comment: 'autoblock: on another list', ...long },
    { list: 'other', address: '2001:db8:f::3', comment: 'autoblock: on another list', ...long },
  ]) {
    simulator.addForeignEntry(entry);
  }
}

/** Under our very mark, but nothing we would ever write, or not quite the mark: made or changed by somebody else. */
function addLookalikes(simulator: RouterosSimulator, mark: string): void {
  for (const entry of [
    { list: LIST, address: '203.0.113.94-203.0.113.96', comment: `${mark}manual #1` },
    { list: LIST, address: 'copied.example', comment: `${mark}manual #1`, timeout: '30w' },
    { list: LIST, address: '203.0.113.97', comment: mark.trimEnd() },
    { list: LIST, address: '203.0.113.98', comment: `kept: ${mark}manual #1`, timeout: '30w' },
    { list: 'other', address: '203.0.113.99', comment: `${mark}manual #1`, timeout: '30w' },
  ]) {
    simulator.addForeignEntry(entry);
  }
}

function entriesOf(simulator: RouterosSimulator): AddressListEntry[] {
  return [...simulator.entries(4), ...simulator.entries(6)];
}

/** The mark of the entries this daemon makes. */
function markOf(daemon: Daemon): string {
  return ownMark(daemon.place.ledger.id);
}

function isMadeBy(daemon: Daemon, entry: AddressListEntry): boolean {
  const isAddress = canonicalText(entry.address) !== null;
  return entry.list === LIST && isAddress && entry.comment.startsWith(markOf(daemon));
}

export function ownEntries(scene: Scene): AddressListEntry[] {
  return entriesOf(scene.simulator).filter((entry) => isMadeBy(scene, entry));
}

/** What others hold on the router, to be compared byte for byte. */
export function othersEntries(scene: Scene): AddressListEntry[] {
  return entriesOf(scene.simulator).filter((entry) => !isMadeBy(scene, entry));
}

/**
 * Ledger and router agree: each active block is held once, by an enabled entry, ours with the time the block has left;
 * nothing of ours is held beyond that.
 */
export function expectAgreement(scene: Scene): void {
  const { clocks, place, simulator } = scene;
  const wanted = new Map(
    place.ledger
      .activeBlocks(clocks.ownMs)
      .map((block) => [block.address, Math.ceil((block.expiresAtMs - clocks.ownMs) / 1000)]),
  );
  const onList = entriesOf(simulator).filter((entry) => entry.list === LIST);
  const own = onList.filter((entry) => isMadeBy(scene, entry));
  const held = onList.filter((entry) => !entry.disabled).map((entry) => canonicalText(entry.address));
  expect([...wanted.keys()].filter((address) => !held.includes(address))).toEqual([]);
  const addresses = own.map((entry) => canonicalText(entry.address)!);
  expect(addresses.filter((address) => !wanted.has(address))).toEqual([]);
  expect(new Set(addresses).size).toBe(addresses.length);
  for (const entry of own) {
    const left = wanted.get(canonicalText(entry.address)!)!;
    expect(entry).toMatchObject({ dynamic: true, disabled: false });
    expect(Math.abs((entry.timeoutSeconds ?? Number.NaN) - left)).toBeLessThanOrEqual(60);
  }
}

/** Six additions, three extensions and three removals in both families are due when this returns. */
export async function prepareTwelveChanges(scene: Scene): Promise<void> {
  scene.block(24 * HOUR, '198.51.100.1', '2001:db8:1::1');
  scene.block(HOUR, '198.51.100.11', '198.51.100.12', '2001:db8:1::11');
  scene.block(HOUR, '198.51.100.21', '198.51.100.0/28', '2001:db8:2::/64');
  expect(await scene.sync()).toMatchObject({ ok: true, error: null, added: 8 });
  scene.block(48 * HOUR, '198.51.100.11', '198.51.100.12', '2001:db8:1::11');
  scene.lift('198.51.100.21', '198.51.100.0/28', '2001:db8:2::/64');
  scene.block(6 * HOUR, '198.51.100.31', '198.51.100.32', '198.51.100.33', '198.51.100.64/26');
  scene.block(6 * HOUR, '2001:db8:3::1', '2001:db8:4::/64', HELD_BY_ANOTHER);
}

export const TWELVE_CHANGES = { added: 6, extended: 3, removed: 3 } as const;

/** A fault pattern that strikes nothing and shows every command as the router takes it up, before it is carried out. */
export function watchCommands(see: (command: string) => void): RegExp {
  class Watch extends RegExp {
    override test(command: string): boolean {
      see(command);
      return false;
    }
  }
  return new Watch('.');
}

/** Likewise, and acts once: after so many commands that match. */
export function atCommand(where: { command: RegExp; skip: number }, act: () => void): RegExp {
  let { skip } = where;
  return watchCommands((command) => {
    if (!where.command.test(command)) return;
    skip -= 1;
    if (skip === -1) act();
  });
}
