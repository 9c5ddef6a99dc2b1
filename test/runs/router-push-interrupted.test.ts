import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRouterConnection, type RouterConnection } from '../../src/routers/router-connection.ts';
import { createRouterMemory } from '../../src/runs/router-memory.ts';
import type { RouterSyncParts, RouterSyncResult } from '../../src/runs/router-sync-parts.ts';
import { syncRouter } from '../../src/runs/router-sync-run.ts';
import { type RouterosSimulator, startSimulator } from '../../src/simulator/routeros-simulator.ts';
import { capturingLogger } from '../support/logger.ts';
import { syncPartsFor } from '../support/sync-parts.ts';
import { type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const account = { user: 'autoblock', password: 'pw' };
const START_MS = Date.UTC(2026, 10, 22, 3);
let place: TemporaryLedger;
let simulator: RouterosSimulator;
let router: RouterConnection;
let parts: RouterSyncParts;
/** One clock for both sides, moved by hand. */
let nowMs: number;

beforeEach(async () => {
  nowMs = START_MS;
  place = temporaryLedger();
  simulator = await startSimulator({ ...account, nowMs: () => nowMs });
  nowMs += 3_600_000;
  const lists = { addressListV4: 'autoblock', addressListV6: 'autoblock', commandsInFlight: 16 };
  const endpoint = { name: 'edge', host: '127.0.0.1', port: simulator.port, tls: { mode: 'plain' } } as const;
  router = createRouterConnection({ ...endpoint, ...lists, ...account });
  parts = newProcess();
});
afterEach(async () => {
  await router.close();
  await simulator.close();
  place.remove();
});

/** Parts with an empty memory, as after a start of the daemon. */
function newProcess(): RouterSyncParts {
  const { logger } = capturingLogger();
  const memory = createRouterMemory();
  const clocks = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  return syncPartsFor({ ledger: place.ledger, logger, memoryOf: () => memory, ...clocks });
}

const sync = (actor = 'autoblock'): Promise<RouterSyncResult> => syncRouter({ ...parts, actor }, router);
const some = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => `198.51.100.${from + index}`);

function block(addresses: readonly string[], seconds = 3600): void {
  const given = { origin: 'manual', reason: 'test', actor: 'test' } as const;
  place.ledger.addBlocks(addresses.map((address) => ({ ...given, seconds, address, nowMs })));
}

function audited(action: 'entry_added' | 'entry_extended' | 'entry_removed' | 'entry_found') {
  return place.ledger
    .audit({ actions: [action], router: 'edge', limit: 1000 })
    .map(({ address, actor }) => `${address} by ${actor}`)
    .sort();
}

describe('a push that was cut, with removals, extensions and additions', () => {
  it.each([5, 15, 25])(
    'after %i commands has each change in the audit once, under the name of who made it',
    async (skip) => {
      block(some(0, 20), 7200);
      await sync();
      const lifted = some(0, 10);
      const longer = some(10, 10);
      const fresh = some(100, 10);
      place.ledger.liftBlocks({ addresses: lifted, actor: 'test', nowMs });
      place.ledger.extendBlocks({ addresses: longer, actor: 'test', seconds: 50_000, nowMs });
      block(fresh);
      const before = audited('entry_added').length;
      // Applied, and the answer lost with the line: only the list itself can tell.
      const command = /address-list\/(add|set|remove)$/;
      simulator.faults.closeOn = { command, skip, count: 1, applied: true, reset: true };
      expect(await sync('anna')).toMatchObject({ ok: false, errorCode: 'ROUTER_CONNECTION_LOST' });
      simulator.faults.closeOn = null;
      const onList = new Map(simulator.entries(4).map((entry) => [entry.address, entry.timeoutSeconds!]));
      const done = {
        removed: lifted.filter((address) => !onList.has(address)),
        extended: longer.filter((address) => onList.get(address)! > 40_000),
        added: fresh.filter((address) => onList.has(address)),
      };
      expect(done.removed.length + done.extended.length + done.added.length).toBeGreaterThan(skip);
      nowMs += 600_000;
      expect(await sync()).toMatchObject({ ok: true });

      const by = (addresses: readonly string[], all: readonly string[]) =>
        all.map((address) => `${address} by ${addresses.includes(address) ? 'anna' : 'autoblock'}`).sort();
      expect(audited('entry_removed')).toEqual(by(done.removed, lifted));
      expect(audited('entry_extended')).toEqual(by(done.extended, longer));
      expect(audited('entry_found')).toEqual(by(done.added, done.added));
      expect(audited('entry_added')).toHaveLength(before + fresh.length - done.added.length);
    },
  );
});

describe('a reboot noticed by a sync that then fails', () => {
  beforeEach(async () => {
    block(some(0, 20), 50_000);
    await sync();
    nowMs += 60_000;
    simulator.reboot();
    simulator.faults.closeOn = { command: /address-list\/add$/, skip: 5, count: 1, reset: true };
    expect(await sync()).toMatchObject({ ok: false, errorCode: 'ROUTER_CONNECTION_LOST' });
    simulator.faults.closeOn = null;
  });

  it('is in the ledger, without a time of protection until every block is read back', async () => {
    const noticedAtMs = nowMs;
    expect(place.ledger.routerStates()).toMatchObject([{ rebootedAtMs: noticedAtMs, reprotectedMs: null }]);
    nowMs += 5000;
    expect(await sync()).toMatchObject({ ok: true, reprotectedMs: 5000 });
    expect(place.ledger.routerStates()).toMatchObject([{ rebootedAtMs: noticedAtMs, reprotectedMs: 5000 }]);
  });

  it('is measured to its end by the next process when this one ends before', async () => {
    parts = newProcess();
    nowMs += 20_000;
    expect(await sync()).toMatchObject({ ok: true, rebooted: false, reprotectedMs: 20_000 });
    expect(place.ledger.routerStates()).toMatchObject([{ reprotectedMs: 20_000 }]);
    nowMs += 60_000;
    expect(await sync()).toMatchObject({ ok: true, reprotectedMs: null });
    expect(place.ledger.routerStates()).toMatchObject([{ reprotectedMs: 20_000 }]);
  });
});
