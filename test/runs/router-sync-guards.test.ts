import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRouterConnection, type RouterConnection } from '../../src/routers/router-connection.ts';
import type { RouterSyncParts, RouterSyncResult } from '../../src/runs/router-sync-parts.ts';
import { syncRouter } from '../../src/runs/router-sync-run.ts';
import { type RouterosSimulator, startSimulator } from '../../src/simulator/routeros-simulator.ts';
import { capturingLogger, type LoggedLine } from '../support/logger.ts';
import { syncPartsFor } from '../support/sync-parts.ts';
import { type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const account = { user: 'autoblock', password: 'pw' };
const YEAR_MS = 365 * 86_400_000;
let place: TemporaryLedger;
let simulator: RouterosSimulator;
let router: RouterConnection;
let lines: LoggedLine[];
let parts: RouterSyncParts;
/** How far this machine's clock is off. */
let skewMs: number;

beforeEach(async () => {
  place = temporaryLedger();
  simulator = await startSimulator(account);
  const lists = { addressListV4: 'autoblock', addressListV6: 'autoblock', commandsInFlight: 16 };
  const endpoint = { name: 'edge', host: '127.0.0.1', port: simulator.port, tls: { mode: 'plain' } } as const;
  router = createRouterConnection({ ...endpoint, ...lists, ...account });
  const captured = capturingLogger();
  lines = captured.lines;
  skewMs = 0;
  const nowMs = () => Date.now() + skewMs;
  parts = syncPartsFor({ ledger: place.ledger, logger: captured.logger, nowMs });
});
afterEach(async () => {
  await router.close();
  await simulator.close();
  place.remove();
});

const sync = (changed: Partial<RouterSyncParts> = {}): Promise<RouterSyncResult> =>
  syncRouter({ ...parts, ...changed }, router);
const held = () => simulator.entries(4).map(({ address }) => address);
const some = (count: number) => Array.from({ length: count }, (_, index) => `198.51.100.${index}`);

function block(addresses: readonly string[]): void {
  const given = { origin: 'manual', seconds: 3600, reason: 'test', actor: 'test' } as const;
  place.ledger.addBlocks(addresses.map((address) => ({ ...given, address, nowMs: Date.now() })));
}

describe('a clock that jumps a year ahead', () => {
  it('takes nothing off, raises one alert, and all is well when it is set right', async () => {
    block(some(20));
    await sync();
    skewMs = YEAR_MS;
    expect(await sync()).toMatchObject({ ok: true, removed: 0, held: 20, wanted: 0 });
    expect(await sync()).toMatchObject({ removed: 0, held: 20 });
    expect(held()).toHaveLength(20);
    expect(lines.filter(({ code }) => code === 'MASS_REMOVAL_HELD')).toHaveLength(1);
    expect(place.ledger.alerts()).toMatchObject([{ code: 'MASS_REMOVAL_HELD', subject: 'edge' }]);
    skewMs = 0;
    expect(await sync()).toMatchObject({ ok: true, held: 0, confirmed: 20, removed: 0 });
    expect(place.ledger.alerts()).toEqual([]);
  });

  it('lets an operator say that it is right, for one sync', async () => {
    block(some(20));
    await sync();
    skewMs = YEAR_MS;
    const confirmation = { router: 'edge', actor: 'anna', nowMs: parts.nowMs(), validMs: 3_600_000 };
    place.ledger.confirmRemoval(confirmation);
    expect(await sync()).toMatchObject({ ok: true, removed: 20, held: 0 });
    expect(held()).toEqual([]);
    expect(place.ledger.takeRemovalConfirmation({ router: 'edge', nowMs: parts.nowMs() })).toBeNull();
  });
});

describe("an operator's word that removals are right", () => {
  it('is not used up by a sync that has nothing to let go', async () => {
    block(some(20));
    place.ledger.confirmRemoval({ router: 'edge', actor: 'anna', nowMs: parts.nowMs(), validMs: YEAR_MS });
    await sync();
    skewMs = 7_000_000;
    expect(await sync()).toMatchObject({ ok: true, removed: 20, held: 0 });
    expect(place.ledger.takeRemovalConfirmation({ router: 'edge', nowMs: parts.nowMs() })).toBeNull();
  });
});

describe('panic', () => {
  it('takes every own entry off and nothing else; what still stands comes back when blocking is resumed', async () => {
    block(some(20));
    await sync();
    simulator.addForeignEntry({ list: 'autoblock', address: '192.0.2.1', comment: 'by hand' });
    simulator.addForeignEntry({
      list: 'autoblock',
      address: '192.0.2.2',
      comment: 'autoblock:00000000 x #1',
    });
    place.ledger.pauseBlocking({ actor: 'anna', reason: 'test', nowMs: Date.now() });
    expect(await sync()).toMatchObject({ ok: true, removed: 20, held: 0, wanted: 0 });
    expect(held()).toEqual(['192.0.2.1', '192.0.2.2']);
    place.ledger.resumeBlocking({ actor: 'anna', nowMs: Date.now(), liftAutomatic: false });
    expect(await sync()).toMatchObject({ ok: true, added: 20, confirmed: 20 });
  });

  it('said while blocks are being pushed takes them off again', async () => {
    block(some(3));
    const apply: RouterConnection['apply'] = (plan, options) => {
      if (plan.add.length > 0)
        place.ledger.pauseBlocking({ actor: 'anna', reason: 'now', nowMs: Date.now() });
      return router.apply(plan, options);
    };
    const panicking = {
      name: 'edge',
      facts: () => router.facts(),
      read: () => router.read(),
      giveUp: () => undefined,
      apply,
    };
    expect(await syncRouter(parts, panicking)).toMatchObject({ ok: true, removed: 3 });
    expect(held()).toEqual([]);
  });
});

describe('a push that is cut', () => {
  it('is finished by the next sync without a double, and what it had put there stands in the audit', async () => {
    block(some(60));
    simulator.faults.closeOn = { command: /address-list\/add$/, skip: 20, count: 1, reset: true };
    expect(await sync()).toMatchObject({ ok: false, errorCode: 'ROUTER_CONNECTION_LOST' });
    simulator.faults.closeOn = null;
    const before = held().length;
    expect(before).toBeGreaterThan(0);
    expect(await sync()).toMatchObject({ ok: true, added: 60 - before, confirmed: 60 });
    expect(new Set(held()).size).toBe(60);
    const audit = (action: 'entry_found' | 'entry_added') =>
      place.ledger.audit({ actions: [action], router: 'edge', limit: 100 });
    expect(audit('entry_found')).toHaveLength(before);
    expect(audit('entry_added')).toHaveLength(60 - before);
  });
});

describe('a router that answers no more', () => {
  it('is given up at the deadline of the whole sync, and synced over a new session afterwards', async () => {
    block(some(3));
    simulator.faults.stallOn = { command: /address-list\/add$/, count: 1 };
    expect(await sync({ deadlineMs: 300 })).toMatchObject({ ok: false, errorCode: 'ROUTER_TIMEOUT' });
    expect(await sync()).toMatchObject({ ok: true, confirmed: 3 });
    expect(held()).toHaveLength(3);
    await expect.poll(() => simulator.sessions).toBe(1);
  });
});

describe('a dry run', () => {
  it('says why for each entry and changes neither router nor ledger, for all routers or for one', async () => {
    block(['198.51.100.1', '198.51.100.2']);
    const settings = { ...parts.settingsOf('edge'), dryRun: true };
    for (const changed of [{ dryRun: true }, { settingsOf: () => settings }]) {
      const result = await sync(changed);
      expect(result).toMatchObject({ mode: 'dry-run', ok: true, wanted: 2, confirmed: 0, added: 0 });
      const why = result.plan!.add.map((entry) => entry.why);
      expect(why.every((text) => /^new manual block #\d+: test$/.test(text))).toBe(true);
    }
    expect(held()).toEqual([]);
    expect(place.ledger.routerStates()).toEqual([]);
    expect(place.ledger.audit({ router: 'edge', limit: 10 })).toEqual([]);
  });
});

describe('a router with room for few', () => {
  it('gets no more than that, and an alert says so until there is room', async () => {
    block(some(5));
    const settings = { ...parts.settingsOf('edge'), maxEntries: 3 };
    expect(await sync({ settingsOf: () => settings })).toMatchObject({
      ok: true,
      added: 3,
      capped: 2,
      wanted: 3,
    });
    expect(held()).toHaveLength(3);
    expect(place.ledger.alerts()).toMatchObject([{ code: 'ROUTER_LIST_CAPPED', subject: 'edge' }]);
    expect(await sync()).toMatchObject({ ok: true, added: 2, capped: 0 });
    expect(place.ledger.alerts()).toEqual([]);
  });
});

describe("a wanted address that somebody else's disabled entry holds", () => {
  const foreign = { list: 'autoblock', address: '198.51.100.1', comment: 'paused by hand', disabled: true };
  const disabledAlerts = () => place.ledger.alerts().filter(({ code }) => code === 'FOREIGN_ENTRY_DISABLED');

  beforeEach(async () => {
    simulator.addForeignEntry(foreign);
    block(some(3));
    expect(await sync()).toMatchObject({ ok: true, errorCode: null, added: 2, confirmed: 2, wanted: 3 });
  });

  it('is not tried again and again, and is not called blocked: an alert says what to type', async () => {
    expect(await sync()).toMatchObject({ ok: true, added: 0, refused: [], confirmed: 2, wanted: 3 });
    expect(lines.filter(({ code }) => code === 'FOREIGN_ENTRY_DISABLED')).toHaveLength(1);
    const [alert] = disabledAlerts();
    expect(alert).toMatchObject({ subject: 'edge', count: 1 });
    const entry = '[find list="autoblock" address="198.51.100.1"]';
    expect(alert!.message).toContain(`/ip firewall address-list enable ${entry}`);
    expect(alert!.message).toContain(`/ip firewall address-list remove ${entry}`);
    const [waiting] = place.ledger.activeBlocks(Date.now()).filter((one) => one.confirmedAtMs === null);
    expect(waiting).toMatchObject({ address: '198.51.100.1' });
    expect(simulator.entries(4)).toContainEqual(expect.objectContaining(foreign));
  });

  it('is blocked as soon as that entry is gone, and the alert with it', async () => {
    const { id } = simulator.entries(4).find(({ address }) => address === foreign.address)!;
    await router.run('/ip/firewall/address-list/remove', [`=.id=${id}`]);
    expect(await sync()).toMatchObject({ ok: true, added: 1, confirmed: 3, wanted: 3 });
    expect(disabledAlerts()).toEqual([]);
  });
});

describe('what a router says must never be blocked', () => {
  it('is written again within the hour, because another process may have noted it as gone meanwhile', async () => {
    const told = [{ address: '203.0.113.77', why: 'alice is logged in from there' }];
    let monotonic = 5_000_000;
    const changed = { neverBlockOf: () => Promise.resolve(told), monotonicMs: () => monotonic };
    await sync(changed);
    place.ledger.recordRouterProtected({ router: 'edge', entries: [], nowMs: Date.now() });
    monotonic += 3_600_000;
    await sync(changed);
    // The ledger forgets what has been gone for a day when anything is written: this one counts as reported.
    skewMs = 2 * 86_400_000;
    place.ledger.recordRouterProtected({ router: 'other', entries: [], nowMs: Date.now() + skewMs });
    expect(place.ledger.routerProtected()).toMatchObject([{ router: 'edge', address: '203.0.113.77' }]);
  });
});
