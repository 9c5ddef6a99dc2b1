import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PushChange } from '../../src/storage/ledger-pushes.ts';
import { type CompiledSource, compileSource } from '../support/compiled-source.ts';
import { runAndKill } from '../support/killed-process.ts';
import { type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;

let place: TemporaryLedger;
beforeEach(() => {
  place = temporaryLedger();
});
afterEach(() => place.remove());

const PLAN = {
  add: [{ address: '203.0.113.1', timeoutSeconds: 60, comment: 'autoblock:0a1b2c3d port_scan #1' }],
  extend: [{ ...entry('*5', '203.0.113.2'), timeoutSeconds: 90, comment: 'autoblock:0a1b2c3d flood #2' }],
  remove: [entry('*6', '203.0.113.3')],
};
function entry(id: string, address: string) {
  return { id, family: 4, address, beforeSeconds: 30, why: 'told in the audit' } as const;
}

const change = (address: string, action: PushChange['action'] = 'entry_added'): PushChange => ({
  ...{ action, address, before: null, after: { timeoutSeconds: 60 } },
});

describe('alerts', () => {
  const held = { code: 'MASS_REMOVAL_HELD', subject: 'edge' };

  it('are counted when they are raised again and keep the latest message', () => {
    const { ledger } = place;
    ledger.raiseAlert({ ...held, message: '900 removals held', nowMs: NOW });
    ledger.raiseAlert({ code: 'ROUTER_LIST_CAPPED', subject: 'edge', message: 'full', nowMs: NOW + 1 });
    ledger.raiseAlert({ ...held, subject: 'core', message: '12 removals held', nowMs: NOW + 2 });
    ledger.raiseAlert({ ...held, message: '901 removals held', nowMs: NOW + 3 });
    expect(ledger.alerts()).toMatchObject([
      { ...held, message: '901 removals held', firstAtMs: NOW, lastAtMs: NOW + 3, count: 2 },
      { ...held, subject: 'core', count: 1 },
      { code: 'ROUTER_LIST_CAPPED', count: 1 },
    ]);
  });

  it('are gone when they are cleared, and begin anew when raised after that', () => {
    const { ledger } = place;
    ledger.raiseAlert({ ...held, message: 'first', nowMs: NOW });
    ledger.clearAlert({ ...held, nowMs: NOW + 1 });
    ledger.clearAlert({ ...held, nowMs: NOW + 1 });
    expect(ledger.alerts()).toEqual([]);
    ledger.raiseAlert({ ...held, message: 'second', nowMs: NOW + 2 });
    expect(ledger.alerts()).toMatchObject([{ message: 'second', firstAtMs: NOW + 2, count: 1 }]);
  });

  it('are forgotten long after they were cleared or last raised', () => {
    const { ledger } = place;
    ledger.raiseAlert({ ...held, message: 'cleared', nowMs: NOW });
    ledger.clearAlert({ ...held, nowMs: NOW + 1 });
    ledger.raiseAlert({ code: 'PROTECTED_SOURCE', subject: '203.0.113.1', message: 'old', nowMs: NOW });
    ledger.raiseAlert({ code: 'PROTECTED_SOURCE', subject: '203.0.113.2', message: 'new', nowMs: NOW + DAY });
    expect(ledger.prune({ beforeMs: NOW + HOUR })).toMatchObject({ alerts: 2 });
    expect(ledger.alerts()).toMatchObject([{ message: 'new' }]);
  });
});

describe('what routers report as their own', () => {
  const record = (router: string, addresses: readonly string[], nowMs: number) =>
    place.ledger.recordRouterProtected({
      ...{ router, nowMs },
      entries: addresses.map((address) => ({ address, why: `gateway of ${router}` })),
    });
  const known = () => place.ledger.routerProtected().map(({ router, address }) => `${router} ${address}`);

  it('is kept per router with its reason and when it was seen', () => {
    record('edge', ['192.0.2.1'], NOW);
    record('core', ['192.0.2.1', '2001:db8::1'], NOW + 1);
    expect(place.reopen().routerProtected()).toEqual([
      { router: 'core', address: '192.0.2.1', why: 'gateway of core', seenAtMs: NOW + 1 },
      { router: 'core', address: '2001:db8::1', why: 'gateway of core', seenAtMs: NOW + 1 },
      { router: 'edge', address: '192.0.2.1', why: 'gateway of edge', seenAtMs: NOW },
    ]);
  });

  it('stays for a day after the router stopped to report it', () => {
    record('edge', ['192.0.2.1', '192.0.2.2'], NOW);
    // A week without change, so nothing was recorded: it was still reported all the time.
    const left = NOW + 7 * DAY;
    record('edge', ['192.0.2.1'], left);
    expect(known()).toEqual(['edge 192.0.2.1', 'edge 192.0.2.2']);
    record('edge', ['192.0.2.1'], left + DAY);
    expect(known()).toEqual(['edge 192.0.2.1', 'edge 192.0.2.2']);
    record('edge', ['192.0.2.1'], left + DAY + 1);
    expect(known()).toEqual(['edge 192.0.2.1']);
  });

  it('runs out also when nothing is recorded any more', () => {
    record('edge', ['192.0.2.1', '192.0.2.2'], NOW);
    record('edge', ['192.0.2.1'], NOW + 1);
    place.ledger.expireDue(NOW + DAY + 2);
    expect(known()).toEqual(['edge 192.0.2.1']);
  });

  it('counts anew for an address that came back', () => {
    record('edge', ['192.0.2.1'], NOW);
    record('edge', [], NOW + 1);
    record('edge', ['192.0.2.1'], NOW + HOUR);
    place.ledger.expireDue(NOW + 9 * DAY);
    expect(known()).toEqual(['edge 192.0.2.1']);
  });

  it('stays while the router is away, and goes with a router nobody asks any more', () => {
    const counts = { ok: true, entries: 0, added: 0, extended: 0, removed: 0 };
    record('gone', ['192.0.2.1'], NOW);
    record('away', ['192.0.2.2'], NOW);
    place.ledger.recordRouterSync({ ...counts, router: 'gone', nowMs: NOW });
    place.ledger.recordRouterSync({ ...counts, ok: false, router: 'away', nowMs: NOW + 90 * DAY });
    place.ledger.expireDue(NOW + 90 * DAY);
    place.ledger.prune({ beforeMs: NOW + 60 * DAY });
    expect(known()).toEqual(['away 192.0.2.2']);
  });
});

describe('a push', () => {
  const begin = (router = 'edge') =>
    place.ledger.beginPush({ router, actor: 'anna', nowMs: NOW, plan: PLAN });
  const audited = () => place.ledger.audit({ limit: 9 });

  it('is in the audit as it was read back, under the name of who pushed', () => {
    const { ledger } = place;
    begin();
    ledger.finishPush({
      ...{ router: 'edge', nowMs: NOW + 5 },
      changes: [
        { ...change('2001:db8::1/128'), reason: 'port_scan' },
        { action: 'entry_removed', address: '203.0.113.3', before: { timeoutSeconds: 7 }, after: null },
      ],
    });
    const common = { actor: 'anna', router: 'edge', atMs: NOW + 5 };
    expect(audited()).toMatchObject([
      { ...common, action: 'entry_removed', before: { timeoutSeconds: 7 }, after: null, reason: null },
      { ...common, action: 'entry_added', address: '2001:db8::1', before: null, reason: 'port_scan' },
    ]);
    expect(ledger.interruptedPush('edge')).toBeNull();
  });

  it('that was cut is known to the next sync with what it wanted, per router', () => {
    const { ledger } = place;
    begin();
    begin('core');
    expect(ledger.interruptedPush('edge')).toEqual({
      ...{ router: 'edge', actor: 'anna', begunAtMs: NOW },
      plan: {
        add: [{ address: '203.0.113.1', timeoutSeconds: 60 }],
        extend: [{ ...entry('*5', '203.0.113.2'), timeoutSeconds: 90 }],
        remove: [entry('*6', '203.0.113.3')],
      },
    });
    ledger.beginPush({ router: 'edge', actor: 'autoblock', nowMs: NOW + 1, plan: PLAN });
    const changes = [change('203.0.113.1', 'entry_found'), change('203.0.113.2', 'entry_extended')];
    ledger.finishPush({ router: 'edge', nowMs: NOW + 2, changes });
    expect(audited()).toMatchObject([
      { action: 'entry_extended', actor: 'autoblock' },
      { action: 'entry_found', actor: 'anna' },
    ]);
    expect(ledger.interruptedPush('edge')).toBeNull();
    expect(ledger.interruptedPush('core')).not.toBeNull();
  });

  it('is forgotten with routers nobody pushes to any more', () => {
    begin('gone');
    place.ledger.prune({ beforeMs: NOW + 1 });
    expect(place.reopen().interruptedPush('gone')).toBeNull();
  });
});

describe('a push whose process is killed', () => {
  let compiled: CompiledSource;
  beforeAll(() => {
    compiled = compileSource(['storage', 'decisions', 'ip', 'detector', 'features']);
  });
  afterAll(() => compiled.remove());

  /** Pushes for ever: begins, says so, and records 300 changes. */
  const pusher = (path: string, before: string): string => `
    import { createLogger } from '${compiled.url('logger')}';
    import { openLedger } from '${compiled.url('storage/ledger')}';
    import { writeSync } from 'node:fs';
    const ledger = openLedger({ path: ${JSON.stringify(path)}, logger: createLogger({ level: 'silent' }) });
    const plan = ${JSON.stringify(PLAN)};
    const changes = Array.from({ length: 300 }, (_, n) =>
      ({ action: 'entry_added', address: '203.0.' + (n >> 8) + '.' + (n & 255), before: null, after: null }));
    for (let nowMs = ${NOW}; ; nowMs += 1) {
      ledger.beginPush({ router: 'edge', actor: 'autoblock', nowMs, plan });
      ${before}
      ledger.finishPush({ router: 'edge', nowMs, changes });
    }`;

  it('is interrupted, and no other process takes it for that while it lives', async () => {
    const { ledger } = place;
    const seen: unknown[] = [];
    const wait =
      "writeSync(1, 'begun'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000);";
    const killed = runAndKill(pusher(place.path, wait), 300);
    const watch = setInterval(() => seen.push(ledger.interruptedPush('edge')), 20);
    await killed;
    clearInterval(watch);
    // The last looks may lie after the kill.
    expect(seen[0]).toBeNull();
    expect(ledger.interruptedPush('edge')).toMatchObject({ actor: 'autoblock', begunAtMs: NOW });
    ledger.finishPush({ router: 'edge', nowMs: NOW + HOUR, changes: [change('203.0.113.1', 'entry_found')] });
    expect(ledger.interruptedPush('edge')).toBeNull();
  });

  it('is recorded wholly or still open, killed at any moment', async () => {
    let finishedBefore = 0;
    for (let round = 0; round < 5; round += 1) {
      const begun = (await runAndKill(pusher(place.path, "writeSync(1, '.');"), 3 + round * 11)).length;
      const ledger = place.reopen();
      const records = ledger.audit({ router: 'edge', limit: 999_999 }).length;
      expect(records % 300).toBe(0);
      const finished = records / 300 - finishedBefore;
      finishedBefore += finished;
      const open = ledger.interruptedPush('edge');
      expect(finished + (open === null ? 0 : 1)).toBeGreaterThanOrEqual(begun);
      ledger.finishPush({ router: 'edge', nowMs: NOW, changes: [] });
      expect(ledger.interruptedPush('edge')).toBeNull();
      expect(ledger.integrity()).toEqual([]);
    }
  });
});

describe('the word that many entries may be taken off', () => {
  const confirm = (nowMs = NOW) =>
    place.ledger.confirmRemoval({ router: 'edge', actor: 'anna', nowMs, validMs: HOUR });
  const take = (nowMs: number, router = 'edge') => place.ledger.takeRemovalConfirmation({ router, nowMs });

  it('is good for one sync of one router, and in the audit', () => {
    confirm();
    expect(take(NOW + 1, 'core')).toBeNull();
    expect(take(NOW + 1)).toEqual({ actor: 'anna', confirmedAtMs: NOW, validUntilMs: NOW + HOUR });
    expect(take(NOW + 2)).toBeNull();
    expect(place.ledger.audit({ limit: 9 })).toMatchObject([
      {
        ...{ action: 'removal_confirmed', actor: 'anna', router: 'edge' },
        after: { validUntil: new Date(NOW + HOUR).toISOString() },
      },
    ]);
  });

  it.each([
    ['its hour is over', NOW + HOUR],
    ['the clock was set back behind it', NOW - MINUTE],
  ])('is worth nothing once %s', (_, nowMs) => {
    confirm();
    expect(take(nowMs)).toBeNull();
    expect(take(NOW + 1)).toBeNull();
  });
});

describe('what is known of a router', () => {
  const sync = { router: 'edge', ok: true, entries: 3, added: 0, extended: 0, removed: 0 };
  const state = () => place.ledger.routerStates()[0];

  it('is its version and uptime, kept while it is away', () => {
    const { ledger } = place;
    const facts = { version: '7.18.2 (stable)', uptimeSeconds: 86_400, bootedAtMs: NOW - DAY };
    ledger.recordRouterSync({ ...sync, ...facts, nowMs: NOW });
    const kept = { ...facts, uptimeAtMs: NOW, rebootedAtMs: null, reprotectedMs: null };
    expect(state()).toMatchObject(kept);
    ledger.recordRouterSync({
      ...sync,
      ok: false,
      nowMs: NOW + 5,
      errorCode: 'ROUTER_TIMEOUT',
      error: 'silent',
    });
    expect(state()).toMatchObject({ ...kept, ok: false });
  });

  it('is its latest reboot and how long it took until every block was back', () => {
    const { ledger } = place;
    ledger.recordRouterSync({ ...sync, nowMs: NOW, rebooted: true, reprotectedMs: 812 });
    expect(state()).toMatchObject({ rebootedAtMs: NOW, reprotectedMs: 812 });
    ledger.recordRouterSync({ ...sync, nowMs: NOW + 1 });
    expect(state()).toMatchObject({ rebootedAtMs: NOW, reprotectedMs: 812 });
    // Another reboot, cut before everything was back.
    ledger.recordRouterSync({ ...sync, ok: false, nowMs: NOW + 2, rebooted: true });
    expect(state()).toMatchObject({ rebootedAtMs: NOW + 2, reprotectedMs: null });
    ledger.recordRouterSync({ ...sync, nowMs: NOW + 3, reprotectedMs: 1500 });
    expect(state()).toMatchObject({ rebootedAtMs: NOW + 2, reprotectedMs: 1500 });
  });
});
