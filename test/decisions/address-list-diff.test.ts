import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AddressListDiff,
  diffAddressList,
  isOwnEntry,
  type PlannedRemoval,
} from '../../src/decisions/address-list-diff.ts';
import type { AddressListEntry, DesiredEntry } from '../../src/decisions/address-list-entry.ts';

const DRIFT = 60;
const MARK = 'autoblock:0123abcd ';

function want(address: string, timeoutSeconds = 3600): DesiredEntry {
  return { address, timeoutSeconds, comment: `${MARK}port_scan` };
}

function have(address: string, rest: Partial<AddressListEntry> = {}): AddressListEntry {
  const { comment = `${MARK}port_scan`, timeoutSeconds = 3600, id = `*${address}` } = rest;
  const flags = { dynamic: timeoutSeconds !== null, disabled: false };
  const family = address.includes(':') ? 6 : 4;
  return { id, family, list: 'autoblock', address, comment, timeoutSeconds, ...flags, ...rest };
}

function leaving(address: string, rest: Partial<PlannedRemoval> = {}): PlannedRemoval {
  const entry = { id: '*1', family: 4, address, canonical: address, beforeSeconds: 3600 } as const;
  return { ...entry, cause: 'unwanted', ...rest };
}

function diff(desired: DesiredEntry[], current: AddressListEntry[]): Omit<AddressListDiff, 'own'> {
  const { own, ...changes } = diffAddressList({ desired, current, mark: MARK, timeoutDriftSeconds: DRIFT });
  expect(own).toBe(current.filter((entry) => isOwnEntry(entry, MARK)).length);
  return changes;
}

const nothing = { add: [], extend: [], remove: [], unchanged: 0, foreign: [], foreignDisabled: [] };

const byHand = (address: string) => ({
  ...{ address, printed: address, list: 'autoblock', comment: 'by hand', remainingSeconds: 3600 },
});

describe('comparing a list with what it shall hold', () => {
  it('adds what is missing and removes own entries nobody wants any more', () => {
    expect(diff([want('192.0.2.1')], [have('192.0.2.2')])).toEqual({
      ...nothing,
      add: [want('192.0.2.1')],
      remove: [leaving('192.0.2.2', { id: '*192.0.2.2' })],
    });
  });

  it.each([
    ['2001:db8::1', '2001:db8::1/128'],
    ['2001:db8::/64', '2001:db8::/64'],
    ['192.0.2.1/32', '192.0.2.1'],
    ['192.0.2.0/24', '192.0.2.0/24'],
  ])('takes %s and the printed %s for the same', (wanted, printed) => {
    expect(diff([want(wanted)], [have(printed)])).toEqual({ ...nothing, unchanged: 1 });
  });

  it.each([
    [3600 + DRIFT, true],
    [3600 - DRIFT, true],
    [3600 + DRIFT + 1, false],
    [3600 - DRIFT - 1, false],
  ])('with %i s left of 3600 it is right: %s', (left, isRight) => {
    const { unchanged, extend } = diff([want('192.0.2.1')], [have('192.0.2.1', { timeoutSeconds: left })]);
    expect([unchanged, extend.length]).toEqual(isRight ? [1, 0] : [0, 1]);
  });

  it('sets a timeout on an own entry that would stay for ever, however short the block still lasts', () => {
    const current = [have('192.0.2.1', { timeoutSeconds: null })];
    expect(diff([want('192.0.2.1', DRIFT / 2)], current).extend).toMatchObject([
      { timeoutSeconds: DRIFT / 2 },
    ]);
  });

  it('names what to extend by its id and printed address', () => {
    const current = [have('2001:db8::1/128', { id: '*A', timeoutSeconds: null })];
    expect(diff([want('2001:db8::1')], current)).toEqual({
      ...nothing,
      extend: [
        {
          ...{ id: '*A', family: 6, address: '2001:db8::1/128' },
          ...{ timeoutSeconds: 3600, comment: `${MARK}port_scan`, beforeSeconds: null },
        },
      ],
    });
  });

  it('replaces a disabled own entry, which blocks nothing', () => {
    expect(diff([want('192.0.2.1')], [have('192.0.2.1', { disabled: true })])).toEqual({
      ...nothing,
      add: [want('192.0.2.1')],
      remove: [leaving('192.0.2.1', { id: '*192.0.2.1', cause: 'disabled' })],
    });
  });

  it('keeps the longest lasting of several own entries for one address', () => {
    const current = [have('192.0.2.1', { id: '*1', timeoutSeconds: 3590 }), have('192.0.2.1', { id: '*2' })];
    expect(diff([want('192.0.2.1')], current)).toEqual({
      ...nothing,
      unchanged: 1,
      remove: [leaving('192.0.2.1', { id: '*1', beforeSeconds: 3590, cause: 'duplicate' })],
    });
  });

  it('leaves entries of others alone and reports a wanted address they hold', () => {
    const current = [
      have('192.0.2.1', { comment: 'by hand' }),
      have('192.0.2.9', { comment: 'not autoblock: at the start' }),
    ];
    expect(diff([want('192.0.2.1')], current)).toEqual({
      ...nothing,
      foreign: [byHand('192.0.2.1')],
    });
  });

  it('tells a disabled entry of others apart, for it blocks nothing and lets no other one in', () => {
    const disabled = have('192.0.2.1', { comment: 'by hand', disabled: true });
    const foreignDisabled = [byHand('192.0.2.1')];
    expect(diff([want('192.0.2.1')], [disabled])).toEqual({ ...nothing, foreignDisabled });
    const enabled = have('192.0.2.1', { comment: 'by hand' });
    for (const current of [
      [disabled, enabled],
      [enabled, disabled],
    ]) {
      expect(diff([want('192.0.2.1')], current)).toEqual({ ...nothing, foreign: [byHand('192.0.2.1')] });
    }
  });

  it.each(['scanner.example.net', '192.0.2.1-192.0.2.9'])(
    'does not take %s under our comment for ours',
    (address) => {
      expect(diff([], [have(address)])).toEqual(nothing);
    },
  );

  it('does not take an IPv4-mapped entry of the IPv6 list for the IPv4 address', () => {
    const current = [have('::ffff:192.0.2.1/128', { comment: 'by hand' })];
    expect(diff([want('192.0.2.1')], current)).toEqual({ ...nothing, add: [want('192.0.2.1')] });
  });

  it('adds an address desired twice once, for the longer time', () => {
    expect(diff([want('192.0.2.1', 60), want('192.0.2.1', 600), want('192.0.2.1', 300)], []).add).toEqual([
      want('192.0.2.1', 600),
    ]);
  });
});

const address = fc.oneof(
  fc.integer({ min: 0, max: 7 }).map((last) => `192.0.2.${last}`),
  fc.integer({ min: 0, max: 5 }).map((last) => `2001:db8::${last + 1}`),
  fc.constantFrom('198.51.100.0/24', '2001:db8:1::/48'),
);
const desiredEntries = fc.array(
  fc.record({ address, timeoutSeconds: fc.integer({ min: 1, max: 5000 }) }).map((entry) => ({
    ...entry,
    comment: `${MARK}test`,
  })),
  { maxLength: 12 },
);
const currentEntries = fc
  .array(
    fc.record({
      address: address.map((text) => (/:.*[^/]\d$/.test(text) && !text.includes('/') ? `${text}/128` : text)),
      comment: fc.constantFrom(`${MARK}test`, `${MARK}old`, 'by hand', ''),
      timeoutSeconds: fc.option(fc.integer({ min: 1, max: 5000 })),
      disabled: fc.boolean(),
    }),
    { maxLength: 16 },
  )
  .map((entries) =>
    entries.map((entry, index) => have(entry.address, { ...entry, id: `*${(index + 1).toString(16)}` })),
  );

/** What a router holds after the plan, in the order the sync applies it. */
function applied(
  current: readonly AddressListEntry[],
  plan: Omit<AddressListDiff, 'own'>,
): AddressListEntry[] {
  const removed = new Set(plan.remove.map(({ id }) => id));
  const extended = new Map(plan.extend.map((entry) => [entry.id, entry]));
  const kept = current
    .filter(({ id }) => !removed.has(id))
    .map((entry) => ({
      ...entry,
      timeoutSeconds: extended.get(entry.id)?.timeoutSeconds ?? entry.timeoutSeconds,
    }));
  const added = plan.add.map((entry, index) => have(entry.address, { ...entry, id: `*new${index}` }));
  return [...kept, ...added];
}

describe('applying the plan', () => {
  it('leaves exactly the desired entries as ours, touches nobody else, and has nothing left to do', () => {
    fc.assert(
      fc.property(desiredEntries, currentEntries, (desired, current) => {
        const plan = diff(desired, current);
        const after = applied(current, plan);
        const isOurs = (entry: AddressListEntry) => entry.comment.startsWith(MARK);
        expect(after.filter((entry) => !isOurs(entry))).toEqual(current.filter((entry) => !isOurs(entry)));

        const bare = (text: string) => text.replace('/128', '');
        const wanted = new Map<string, number>();
        for (const entry of desired) {
          wanted.set(entry.address, Math.max(entry.timeoutSeconds, wanted.get(entry.address) ?? 0));
        }
        const ours = after.filter(isOurs);
        const heldByOthers = [...plan.foreign, ...plan.foreignDisabled].map((entry) => entry.address);
        expect(ours.map((entry) => bare(entry.address)).toSorted()).toEqual(
          [...wanted.keys()].filter((text) => !heldByOthers.includes(text)).toSorted(),
        );
        for (const entry of ours) {
          expect(entry.disabled).toBe(false);
          expect(Math.abs(entry.timeoutSeconds! - wanted.get(bare(entry.address))!)).toBeLessThanOrEqual(
            DRIFT,
          );
        }
        for (const text of heldByOthers) {
          expect(after.some((entry) => !isOurs(entry) && bare(entry.address) === text)).toBe(true);
        }

        const { foreign, foreignDisabled } = plan;
        expect(diff(desired, after)).toEqual({
          ...nothing,
          ...{ unchanged: ours.length, foreign, foreignDisabled },
        });
      }),
      { numRuns: 1000 },
    );
  });
});
