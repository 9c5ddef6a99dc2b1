import { describe, expect, it } from 'vitest';
import { AddressListStore } from '../../src/simulator/address-list-store.ts';

function openStore(family: 4 | 6 = 4) {
  const clock = { ms: Date.UTC(2026, 0, 1) };
  const store = new AddressListStore({ family, nowMs: () => clock.ms, version: '7.20.1' });
  const add = (address: string, rest: Record<string, string> = {}) =>
    store.add(new Map(Object.entries({ list: 'a', address, ...rest })));
  return { clock, store, add };
}

describe('a simulated address list', () => {
  it.each([
    [4, '192.0.2.7/24', '192.0.2.0/24'],
    [4, '192.0.2.7/32', '192.0.2.7'],
    [4, '192.0.2.1-192.0.2.9', '192.0.2.1-192.0.2.9'],
    [4, 'no such.address', 'no such.address'],
    [4, '2001:db8::1', '2001:db8::1'],
    [6, '2001:DB8::1', '2001:db8::1/128'],
    [6, '2001:db8::1/64', '2001:db8::/64'],
    [6, '192.0.2.1', '192.0.2.1'],
  ] as const)('of IPv%i prints %s as %s', (family, given, printed) => {
    const { store, add } = openStore(family);
    add(given);
    expect(store.rows()[0]).toMatchObject({ address: printed, dynamic: 'false', disabled: 'false' });
  });

  it('numbers entries in hexadecimal and never uses a number twice', () => {
    const { store, add } = openStore();
    const ids = Array.from({ length: 26 }, (_, index) => add(`192.0.2.${index}`));
    expect([ids[0], ids[9], ids[25]]).toEqual(['*1', '*A', '*1A']);
    store.remove('*1A');
    expect(add('192.0.2.99')).toBe('*1B');
  });

  it('refuses a second entry for the same network of the same list only', () => {
    const { store, add } = openStore();
    add('192.0.2.7/24');
    expect(() => add('192.0.2.9/24')).toThrow('failure: already have such entry');
    add('192.0.2.0/25');
    add('192.0.2.0/24', { list: 'b' });
    const moving = add('198.51.100.1');
    expect(() => store.set(moving, new Map([['address', '192.0.2.0/24']]))).toThrow(/already have/);
    expect(store.entries()).toHaveLength(4);
  });

  it('lets entries expire to the second, and their address be added again', () => {
    const { clock, store, add } = openStore();
    add('192.0.2.1', { timeout: '1d' });
    add('192.0.2.2');
    clock.ms += 2000;
    expect(store.rows().map((row) => [row['address'], row['timeout'], row['dynamic']])).toEqual([
      ['192.0.2.1', '23h59m58s', 'true'],
      ['192.0.2.2', undefined, 'false'],
    ]);
    clock.ms += 86_397_999;
    expect(store.entries()).toHaveLength(2);
    clock.ms += 1;
    expect(store.entries().map((entry) => entry.address)).toEqual(['192.0.2.2']);
    expect(() => store.remove('*1')).toThrow('no such item');
    expect(add('192.0.2.1', { timeout: '00:01:00' })).toBe('*3');
    clock.ms += 60_000;
    expect(store.entries()).toHaveLength(1);
  });

  it('gives an entry a new lease by set, and takes it away', () => {
    const { clock, store, add } = openStore();
    const id = add('192.0.2.1', { timeout: '60' });
    clock.ms += 59_000;
    store.set(id, new Map([['timeout', '1h']]));
    expect(store.entries()[0]).toMatchObject({ timeoutSeconds: 3600, dynamic: true });
    store.set(id, new Map([['timeout', 'none-static']]));
    expect(store.entries()[0]).toMatchObject({ timeoutSeconds: null, dynamic: false });
    store.set(id, new Map([['timeout', 'none-dynamic']]));
    expect(store.entries()[0]).toMatchObject({ timeoutSeconds: null, dynamic: true });
  });

  it('frees an address that an entry moved away from', () => {
    const { store, add } = openStore();
    store.set(add('192.0.2.1'), new Map([['address', '192.0.2.2']]));
    expect(add('192.0.2.1')).toBe('*2');
    expect(() => add('192.0.2.2')).toThrow(/already have/);
  });

  it('loses dynamic entries at a reboot', () => {
    const { store, add } = openStore();
    add('192.0.2.1', { timeout: '1d' });
    add('192.0.2.2', { disabled: 'yes', comment: 'mine' });
    store.loseDynamicEntries();
    expect(store.rows()).toMatchObject([{ address: '192.0.2.2', disabled: 'true', comment: 'mine' }]);
  });

  it.each([
    [{ timeout: '35w3d13h13m57s' }, 'value of timeout is out of range'],
    [{ timeout: 'soon' }, 'invalid value for argument timeout'],
    [{ colour: 'red' }, 'unknown parameter colour'],
    [{ list: '' }, 'missing value(s) of argument(s) list'],
  ])('refuses %j', (values, message) => {
    const { store, add } = openStore();
    expect(() => add('192.0.2.1', values)).toThrow(message);
    expect(store.entries()).toEqual([]);
    expect(add('192.0.2.1', { timeout: '35w3d13h13m56s' })).toBeTruthy();
  });
});
