import { describe, expect, it } from 'vitest';
import type { AddressListEntry } from '../../src/decisions/address-list-entry.ts';
import type { Block } from '../../src/decisions/block.ts';
import { massRemovalOf } from '../../src/decisions/mass-removal.ts';
import { planRouter, type RouterPlanInput } from '../../src/decisions/router-plan.ts';
import { hasRebooted } from '../../src/decisions/router-reboot.ts';

const NOW = Date.UTC(2026, 10, 22, 3);
const MARK = 'autoblock:0123abcd ';
const HOUR_MS = 3_600_000;

function block(address: string, rest: Partial<Block> = {}): Block {
  return {
    id: 1,
    address,
    origin: 'auto',
    reason: 'port scan',
    anomalyType: 'port_scan',
    riskScore: 90,
    detector: 'hybrid',
    modelVersion: null,
    createdBy: null,
    createdAtMs: NOW - HOUR_MS,
    expiresAtMs: NOW + HOUR_MS,
    extendedCount: 0,
    confirmedAtMs: null,
    liftedAtMs: null,
    liftedBy: null,
    offence: 1,
    ...rest,
  };
}

function own(address: string, rest: Partial<AddressListEntry> = {}): AddressListEntry {
  const family = address.includes(':') ? 6 : 4;
  const entry = {
    id: `*${address}`,
    family,
    list: 'autoblock',
    address,
    comment: `${MARK}port_scan #1`,
  } as const;
  return { ...entry, timeoutSeconds: 3600, dynamic: true, disabled: false, ...rest };
}

const addresses = (count: number) => Array.from({ length: count }, (_, index) => `198.51.100.${index}`);

function plan(given: Partial<RouterPlanInput> & { lifted?: string[]; never?: string[] }) {
  const { lifted = [], never = [], blocks = [], ...rest } = given;
  const input: RouterPlanInput = {
    blocks,
    isPaused: false,
    current: [],
    mark: MARK,
    scope: { families: [4, 6], origins: ['auto', 'review', 'manual'] },
    maxEntries: 30_000,
    maxRemovalShare: 0.5,
    isConfirmed: false,
    facts: {
      everBlocked: (asked) => new Set(asked.filter((address) => !never.includes(address))),
      liftedByOperator: () => new Set(lifted),
      protectionOf: () => null,
      isBlocked: (address) => blocks.some((known) => known.address === address),
    },
    nowMs: NOW,
    ...rest,
  };
  return planRouter(input);
}

describe('a plan for one router', () => {
  it('takes off what an operator lifted, however much it is', () => {
    const current = addresses(50).map((address) => own(address));
    const { plan: made } = plan({ current, lifted: addresses(50) });
    expect(made).toMatchObject({ massRemoval: null, held: [] });
    expect(made.remove).toHaveLength(50);
    expect(made.remove[0]).toMatchObject({ cause: 'lifted', why: 'its block was lifted by an operator' });
  });

  it('takes nothing off when the clock jumped a year ahead and every block seems to have run out', () => {
    const current = addresses(50).map((address) => own(address));
    const { plan: made } = plan({ current, blocks: [] });
    expect(made.remove).toEqual([]);
    expect(made.held).toHaveLength(50);
    expect(made.massRemoval).toEqual({ found: 50, removals: 50, wanted: 0 });
  });

  it('leaves few entries that outlast their block to the clock of the router, without asking anybody', () => {
    const blocks = addresses(20).map((address) => block(address));
    const current = [...addresses(20), '192.0.2.1'].map((address) => own(address));
    expect(plan({ current, blocks }).plan).toMatchObject({
      remove: [],
      massRemoval: null,
      held: [{ address: '192.0.2.1', cause: 'expired', runsOut: true }],
    });
  });

  it('says nothing of an entry that is about to run out with its block', () => {
    const { plan: made } = plan({ current: [own('192.0.2.1', { timeoutSeconds: 40 })] });
    expect(made).toMatchObject({ remove: [], held: [], unknown: [], massRemoval: null });
  });

  it('does what was held back once an operator confirms it', () => {
    const current = addresses(50).map((address) => own(address));
    const { plan: made } = plan({ current, isConfirmed: true });
    expect(made.remove).toHaveLength(50);
    expect(made).toMatchObject({ held: [], massRemoval: null });
  });

  it('goes on adding and extending while a mass of removals is held back', () => {
    const blocks = [block('192.0.2.1'), block('198.51.100.0', { expiresAtMs: NOW + 9 * HOUR_MS })];
    const current = addresses(40).map((address) => own(address));
    const { plan: made } = plan({ current, blocks });
    expect(made.held).toHaveLength(39);
    expect(made.add.map(({ address }) => address)).toEqual(['192.0.2.1']);
    expect(made.extend).toMatchObject([
      { address: '198.51.100.0', why: 'runs out in 3600 s, wanted 32400 s' },
    ]);
  });

  it('takes everything off while blocking is paused, unknown entries too, and asks nobody', () => {
    const current = addresses(50).map((address) => own(address));
    const { plan: made } = plan({ current, isPaused: true, never: addresses(50) });
    expect(made.remove).toHaveLength(50);
    expect(made).toMatchObject({ held: [], unknown: [], massRemoval: null });
  });

  it('leaves entries of addresses this ledger never blocked', () => {
    const current = [own('192.0.2.1'), own('192.0.2.2')];
    const { plan: made } = plan({ current, never: ['192.0.2.1'], lifted: ['192.0.2.2'] });
    expect(made.unknown).toEqual(['192.0.2.1']);
    expect(made.remove.map(({ address }) => address)).toEqual(['192.0.2.2']);
  });

  it('gives the places there are to what was asked for by hand, then to the riskiest, then to the newest', () => {
    const blocks = [
      block('192.0.2.1', { id: 1, riskScore: 80 }),
      block('192.0.2.2', { id: 2, riskScore: 95, createdAtMs: NOW - 2 }),
      block('192.0.2.3', { id: 3, riskScore: 95, createdAtMs: NOW - 1 }),
      block('192.0.2.4', { id: 4, origin: 'manual', riskScore: null }),
    ];
    const { plan: made, wanted } = plan({ blocks, maxEntries: 2 });
    expect(made.add.map(({ address }) => address)).toEqual(['192.0.2.4', '192.0.2.3']);
    expect(made.capped.map(({ address }) => address)).toEqual(['192.0.2.2', '192.0.2.1']);
    expect(wanted.toSorted()).toEqual(['192.0.2.3', '192.0.2.4']);
  });

  it('never lets the list grow over its cap, also not beside entries that are held back', () => {
    const current = addresses(30).map((address) => own(address));
    const blocks = [block('192.0.2.1'), block('192.0.2.2'), block('192.0.2.3')];
    const { plan: made } = plan({ current, blocks, maxEntries: 31 });
    expect(made.held).toHaveLength(30);
    expect(made.add).toHaveLength(1);
    expect(made.capped).toHaveLength(2);
  });

  it('keeps to the families and origins of the router', () => {
    const blocks = [block('192.0.2.1'), block('2001:db8::1'), block('192.0.2.2', { origin: 'review' })];
    const { wanted } = plan({ blocks, scope: { families: [4], origins: ['auto'] } });
    expect(wanted).toEqual(['192.0.2.1']);
  });
});

describe('a mass removal', () => {
  it.each([
    [{ found: 100, removals: 51, wanted: 49 }, true],
    [{ found: 100, removals: 50, wanted: 50 }, false],
    [{ found: 12, removals: 9, wanted: 3 }, false],
    [{ found: 12, removals: 10, wanted: 2 }, true],
    [{ found: 1, removals: 1, wanted: 0 }, true],
    [{ found: 5, removals: 0, wanted: 0 }, false],
  ])('%o has to be confirmed: %s', (counts, isHeld) => {
    expect(massRemovalOf({ ...counts, maxShare: 0.5 }) !== null).toBe(isHeld);
  });
});

describe('a reboot', () => {
  const before = { uptimeSeconds: 1000, atMonotonicMs: 0 };
  it.each([
    ['uptime went back', { uptimeSeconds: 20, atMonotonicMs: 300_000 }, true],
    ['uptime is less than the time that passed', { uptimeSeconds: 1200, atMonotonicMs: 3_600_000 }, true],
    ['uptime went on', { uptimeSeconds: 1300, atMonotonicMs: 300_000 }, false],
    ['uptime lags by the granularity of two clocks', { uptimeSeconds: 1292, atMonotonicMs: 300_000 }, false],
    ['this machine slept meanwhile', { uptimeSeconds: 9000, atMonotonicMs: 300_000 }, false],
  ])('%s', (_what, now, isReboot) => {
    expect(hasRebooted(before, now)).toBe(isReboot);
  });
});
