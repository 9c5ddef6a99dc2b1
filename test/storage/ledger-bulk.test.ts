import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLedger, openLedger } from '../../src/storage/ledger.ts';
import { openLedgerDatabase } from '../../src/storage/ledger-database.ts';
import { refusal } from '../support/refusal.ts';
import { silentLogger, type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const HOUR = 3_600_000;
const by = { actor: 'anna', nowMs: NOW };
const MANY = Array.from({ length: 30_000 }, (_, n) => `11.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);

let place: TemporaryLedger;
beforeEach(() => {
  place = temporaryLedger();
});
afterEach(() => place.remove());

const requests = (addresses: readonly string[]) =>
  addresses.map((address) => ({ ...by, address, origin: 'manual' as const, seconds: 3600, reason: 'list' }));
const isActive = (nowMs = NOW) => place.ledger.activeBlocks(nowMs).map(({ address }) => address);

describe('thousands of blocks by hand at once', () => {
  it('are made, extended and lifted each in one transaction, with one audit record each', () => {
    const { ledger } = place;
    const added = ledger.addBlocks(requests(MANY));
    expect(added.map(({ address }) => address)).toEqual(MANY);
    expect(ledger.everBlocked([...MANY, '192.0.2.1']).size).toBe(MANY.length);
    expect(ledger.confirmBlocks({ addresses: MANY, nowMs: NOW })).toBe(MANY.length);
    expect(ledger.confirmBlocks({ addresses: MANY, nowMs: NOW + 1 })).toBe(0);

    const extended = ledger.extendBlocks({ ...by, addresses: MANY, seconds: 7200 });
    expect(new Set(extended.map(({ expiresAtMs }) => expiresAtMs))).toEqual(new Set([NOW + 2 * HOUR]));
    expect(ledger.liftBlocks({ ...by, addresses: MANY })).toHaveLength(MANY.length);
    expect(isActive()).toEqual([]);
    expect(ledger.liftedByOperator(MANY).size).toBe(MANY.length);
    for (const action of ['block_added', 'block_extended', 'block_lifted'] as const) {
      expect(ledger.audit({ actions: [action], limit: 99_999 })).toHaveLength(MANY.length);
    }
  });

  it('are not made at all when one is wrong, and all wrong ones are named', () => {
    const wrong = [...MANY.slice(0, 500), 'evil.example', '10.1', ...MANY.slice(500, 600)];
    expect(() => place.ledger.addBlocks(requests(wrong))).toThrow(
      refusal('ADDRESS_INVALID', '"evil.example", "10.1" are neither'),
    );
    const short = requests(MANY.slice(0, 5));
    short[4] = { ...short[4]!, seconds: 0 };
    expect(() => place.ledger.addBlocks(short)).toThrow(refusal('USAGE'));
    expect(isActive()).toEqual([]);
    expect(place.ledger.audit({ limit: 9 })).toEqual([]);
  });

  it('extend what is blocked already, and the same address twice is one block', () => {
    const { ledger } = place;
    ledger.addBlocks(requests(['203.0.113.7', '203.0.113.7/32', '::ffff:203.0.113.7']));
    expect(isActive()).toEqual(['203.0.113.7']);
    expect(ledger.addBlocks([])).toEqual([]);
  });

  it('are neither lifted nor extended when some are not blocked, and these are named', () => {
    const { ledger } = place;
    ledger.addBlocks(requests(['203.0.113.7', '203.0.113.8']));
    const asked = { ...by, addresses: ['203.0.113.7', '192.0.2.1', '203.0.113.8', '192.0.2.2'] };
    const missing = refusal('NOT_FOUND', 'no active block of 192.0.2.1, 192.0.2.2');
    expect(() => ledger.liftBlocks(asked)).toThrow(missing);
    expect(() => ledger.extendBlocks({ ...asked, seconds: 9999 })).toThrow(missing);
    expect(ledger.activeBlocks(NOW).map(({ expiresAtMs }) => expiresAtMs)).toEqual([NOW + HOUR, NOW + HOUR]);
    expect(() => ledger.liftBlocks({ ...by, addresses: MANY })).toThrow(
      refusal('NOT_FOUND', 'and 29980 more'),
    );
  });

  it('never get shorter by an extension, and what ran out is not extended', () => {
    const { ledger } = place;
    ledger.addBlocks(requests(['203.0.113.7']));
    const extend = { ...by, addresses: ['203.0.113.7'] };
    expect(ledger.extendBlocks({ ...extend, seconds: 60 })[0]?.expiresAtMs).toBe(NOW + HOUR);
    expect(() => ledger.extendBlocks({ ...extend, seconds: 60, nowMs: NOW + HOUR })).toThrow(
      refusal('NOT_FOUND'),
    );
    expect(() => ledger.extendBlocks({ ...extend, seconds: 0 })).toThrow(refusal('USAGE'));
  });

  it('are marked again in PostgreSQL when an extended block was on a router already', () => {
    const { ledger } = place;
    ledger.addBlocks(requests(['203.0.113.7']));
    ledger.confirmBlocks({ addresses: ['203.0.113.7'], nowMs: NOW });
    ledger.markBlocksMarked(ledger.unmarkedConfirmedBlocks().map(({ id }) => id));
    ledger.extendBlocks({ ...by, addresses: ['203.0.113.7'], seconds: 7200 });
    expect(ledger.unmarkedConfirmedBlocks()).toMatchObject([{ address: '203.0.113.7', confirmedAtMs: NOW }]);
  });
});

describe('a full disk in the middle of thousands', () => {
  it('leaves nothing of them behind, neither blocks nor audit nor pushes', () => {
    place.ledger.close();
    const db = openLedgerDatabase({ path: place.path, logger: silentLogger });
    const ledger = createLedger(db);
    ledger.addBlocks(requests(MANY.slice(0, 10)));
    const before = { blocks: ledger.activeBlocks(NOW), audit: ledger.audit({ limit: 99 }) };
    db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true })) + 4}`);

    const full = refusal('STATE_UNWRITABLE');
    const plan = { add: MANY.map((address) => ({ address, timeoutSeconds: 60 })), extend: [], remove: [] };
    const changes = MANY.map((address) => ({
      ...{ action: 'entry_added' as const, address, before: null, after: { timeoutSeconds: 60 } },
    }));
    const protectedOnes = MANY.map((address) => ({ address, why: 'gateway' }));
    const edge = { router: 'edge', nowMs: NOW };
    expect(() => ledger.addBlocks(requests(MANY))).toThrow(full);
    expect(() => ledger.beginPush({ ...edge, actor: 'autoblock', plan })).toThrow(full);
    expect(() => ledger.finishPush({ ...edge, changes })).toThrow(full);
    expect(() => ledger.recordRouterProtected({ ...edge, entries: protectedOnes })).toThrow(full);
    expect(ledger.activeBlocks(NOW)).toEqual(before.blocks);
    expect(ledger.audit({ limit: 99 })).toEqual(before.audit);
    expect(ledger.interruptedPush('edge')).toBeNull();
    expect(ledger.routerProtected()).toEqual([]);
    expect(ledger.integrity()).toEqual([]);

    db.pragma('max_page_count = 100000');
    expect(ledger.addBlocks(requests(MANY))).toHaveLength(MANY.length);
    ledger.close();
  });
});

describe('daemon and command line on one ledger', () => {
  it('see what the other did at once and take turns', () => {
    const daemon = place.ledger;
    const cli = openLedger({ path: place.path, logger: silentLogger });
    expect(cli.id).toBe(daemon.id);
    cli.addBlocks(requests(MANY.slice(0, 100)));
    expect(daemon.activeBlocks(NOW)).toHaveLength(100);
    cli.pauseBlocking({ ...by, reason: 'false alarms' });
    expect(daemon.history(NOW).paused).toBe(true);
    daemon.raiseAlert({ code: 'MASS_REMOVAL_HELD', subject: 'edge', message: 'held', nowMs: NOW });
    expect(cli.alerts()).toHaveLength(1);
    cli.confirmRemoval({ ...by, router: 'edge', validMs: HOUR });
    expect(daemon.takeRemovalConfirmation({ router: 'edge', nowMs: NOW + 1 })).toMatchObject({
      actor: 'anna',
    });
    expect(cli.takeRemovalConfirmation({ router: 'edge', nowMs: NOW + 1 })).toBeNull();
    cli.close();
  });

  it('say so when the other one writes for too long, and have done nothing', () => {
    const other = openLedgerDatabase({ path: place.path, logger: silentLogger });
    const ledger = openLedger({ path: place.path, busyTimeoutMs: 10, logger: silentLogger });
    other.exec('BEGIN IMMEDIATE');
    const locked = refusal('STATE_LOCKED');
    expect(() => ledger.addBlocks(requests(['203.0.113.7']))).toThrow(locked);
    expect(() => ledger.pauseBlocking({ ...by, reason: null })).toThrow(locked);
    expect(() => ledger.raiseAlert({ code: 'X', subject: 'y', message: 'z', nowMs: NOW })).toThrow(locked);
    expect(() => ledger.finishPush({ router: 'edge', nowMs: NOW, changes: [] })).toThrow(locked);
    // Reading goes on beside the writer, and so does what finds nothing to write.
    expect(ledger.pause()).toBeNull();
    expect(ledger.alerts()).toEqual([]);
    expect(ledger.audit({ limit: 9 })).toEqual([]);
    expect(ledger.confirmBlocks({ addresses: ['203.0.113.7'], nowMs: NOW })).toBe(0);
    expect(ledger.takeRemovalConfirmation({ router: 'edge', nowMs: NOW })).toBeNull();
    ledger.clearAlert({ code: 'X', subject: 'y', nowMs: NOW });
    other.exec('ROLLBACK');
    other.close();
    ledger.close();
  });
});
