import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffAddressList } from '../../src/decisions/address-list-diff.ts';
import { type AddressListEntry, type DesiredEntry, ownMark } from '../../src/decisions/address-list-entry.ts';
import { canonicalText } from '../../src/ip/address.ts';
import { AddressListStore } from '../../src/simulator/address-list-store.ts';
import { CommandRefusal } from '../../src/simulator/command-refusal.ts';

const MARK = ownMark('0badcafe');
const SEED = 20_261_122;
const DRIFT_SECONDS = 60;

/** Few enough that lists and wishes meet; spellings a person may use, and things that are no address at all. */
const listed = fc.constantFrom(
  ...['198.51.100.1', '198.51.100.2', '198.51.100.3/32', '198.51.100.0/24', '198.51.100.77/25', '0.0.0.1'],
  ...['2001:db8::1', '2001:DB8:0:0::2', '2001:db8::3/128', '2001:db8:1::/64', '2001:db8:1::5/64'],
  ...['::ffff:198.51.100.1', 'evil.example', '198.51.100.9-198.51.100.20', '198.51.100.200'],
);
const comment = fc.constantFrom(
  ...[`${MARK}manual #1`, `${MARK}port_scan risk 91 #2`, MARK, `${MARK}x`],
  ...['by hand', '', MARK.trimEnd(), 'autoblock:deadbeef manual #1', `x ${MARK}`, 'autoblock: manual #1'],
);
const timeout = fc.constantFrom(
  'none-static',
  'none-dynamic',
  '1s',
  '59m',
  '1h',
  '61m',
  '1d',
  '35w3d13h13m56s',
);
const foundEntry = fc.record({
  address: listed,
  comment,
  timeout,
  disabled: fc.constantFrom('no', 'no', 'no', 'yes'),
});
const desiredEntry: fc.Arbitrary<DesiredEntry> = fc.record({
  address: fc.constantFrom(
    ...['198.51.100.1', '198.51.100.2', '198.51.100.3', '198.51.100.0/24', '198.51.100.128/25', '0.0.0.1'],
    ...['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8:1::/64', '198.51.100.201', '2001:db8:9::9'],
  ),
  timeoutSeconds: fc.constantFrom(1, 60, 3540, 3600, 3660, 86_400, 21_474_836),
  comment: fc.constantFrom(`${MARK}manual #7`, `${MARK}brute_force risk 88 #8`),
});

/** Both menus of a router, as far as the plan acts on them. */
class ModelRouter {
  readonly #stores = {
    4: new AddressListStore({ family: 4, nowMs: () => 0, version: '7.20.1' }),
    6: new AddressListStore({ family: 6, nowMs: () => 0, version: '7.20.1' }),
  };

  /** What RouterOS refuses (a second entry for an address) is not there afterwards. */
  find(values: { address: string; comment: string; timeout: string; disabled: string }): void {
    const family = values.address.includes(':') ? 6 : 4;
    try {
      this.#stores[family].add(new Map(Object.entries({ list: 'autoblock', ...values })));
    } catch (error) {
      if (!(error instanceof CommandRefusal)) throw error;
    }
  }

  read(): AddressListEntry[] {
    return ([4, 6] as const).flatMap((family) =>
      this.#stores[family].entries().map((entry) => ({
        ...{ id: entry.id, family, list: entry.list, address: entry.address, comment: entry.comment },
        ...{ timeoutSeconds: entry.timeoutSeconds, dynamic: entry.dynamic, disabled: entry.disabled },
      })),
    );
  }

  /** Returns the additions the router refused. */
  apply(plan: ReturnType<typeof diffAddressList>): string[] {
    for (const { id, family } of plan.remove) this.#stores[family].remove(id);
    for (const { id, family, timeoutSeconds, comment: text } of plan.extend) {
      this.#stores[family].set(
        id,
        new Map([
          ['timeout', `${timeoutSeconds}s`],
          ['comment', text],
        ]),
      );
    }
    return plan.add.flatMap(({ address, timeoutSeconds, comment: text }) => {
      const values = { list: 'autoblock', address, timeout: `${timeoutSeconds}s`, comment: text };
      try {
        this.#stores[address.includes(':') ? 6 : 4].add(new Map(Object.entries(values)));
        return [];
      } catch (error) {
        if (!(error instanceof CommandRefusal)) throw error;
        return [address];
      }
    });
  }
}

function isOwn(entry: AddressListEntry): boolean {
  return entry.comment.startsWith(MARK) && canonicalText(entry.address) !== null;
}

/** On the IPv6 list an IPv4-mapped address blocks nothing that comes by IPv4. */
function blockedAddress({ address, family }: AddressListEntry): string {
  const text = canonicalText(address);
  return text === null || text.includes(':') !== (family === 6) ? `${family} ${address}` : text;
}

function planFor(router: ModelRouter, desired: readonly DesiredEntry[]) {
  return diffAddressList({
    desired,
    current: router.read(),
    mark: MARK,
    timeoutDriftSeconds: DRIFT_SECONDS,
  });
}

/** Runs `check` on 3,000 lists and wishes before and after the plan was applied. */
function forAnyList(
  check: (state: {
    desired: readonly DesiredEntry[];
    before: AddressListEntry[];
    after: AddressListEntry[];
    refused: string[];
    plan: ReturnType<typeof planFor>;
    router: ModelRouter;
  }) => void,
): void {
  let cases = 0;
  fc.assert(
    fc.property(
      fc.array(foundEntry, { maxLength: 14 }),
      fc.array(desiredEntry, { maxLength: 10 }),
      (found, desired) => {
        const router = new ModelRouter();
        for (const values of found) router.find(values);
        const before = router.read();
        const plan = planFor(router, desired);
        const refused = router.apply(plan);
        check({ desired, before, after: router.read(), refused, plan, router });
        cases += 1;
      },
    ),
    { numRuns: 3000, seed: SEED },
  );
  expect(cases).toBe(3000);
}

describe('a plan for any list and any wish (3,000 each)', () => {
  it('makes the router hold every wanted address once, for as long as wanted', () => {
    forAnyList(({ desired, before, after, plan }) => {
      const keptOut = plan.foreignDisabled.map(({ address }) => address);
      const longest = new Map<string, number>();
      for (const { address, timeoutSeconds } of desired) {
        longest.set(address, Math.max(timeoutSeconds, longest.get(address) ?? 0));
      }
      for (const [address, seconds] of longest) {
        const holders = after.filter((entry) => blockedAddress(entry) === address);
        // RouterOS refuses a second entry also beside a disabled one of somebody else.
        const own = holders.filter(isOwn);
        if (own.length === 0) {
          const other = before.find((entry) => !isOwn(entry) && blockedAddress(entry) === address);
          expect(other).toBeDefined();
          expect(keptOut.includes(address)).toBe(other!.disabled);
          continue;
        }
        expect(own).toHaveLength(1);
        expect(own[0]).toMatchObject({ disabled: false });
        expect(Math.abs((own[0]!.timeoutSeconds ?? Number.NaN) - seconds)).toBeLessThanOrEqual(DRIFT_SECONDS);
      }
    });
  });

  it('leaves nothing of ours that nobody wants, and no own entry without an end', () => {
    forAnyList(({ desired, after }) => {
      const wanted = new Set(desired.map(({ address }) => address));
      const own = after.filter(isOwn);
      expect(own.filter((entry) => !wanted.has(blockedAddress(entry)))).toEqual([]);
      expect(own.filter((entry) => entry.timeoutSeconds === null)).toEqual([]);
    });
  });

  it('touches nothing of others: every entry is as it was, byte for byte', () => {
    forAnyList(({ before, after }) => {
      const others = (entries: AddressListEntry[]) => entries.filter((entry) => !isOwn(entry));
      expect(others(after)).toEqual(others(before));
    });
  });

  it('asks for nothing the router refuses, and leaves nothing to do', () => {
    forAnyList(({ desired, refused, router }) => {
      const again = planFor(router, desired);
      expect(again).toMatchObject({ add: [], extend: [], remove: [] });
      expect(refused).toEqual([]);
    });
  });
});
