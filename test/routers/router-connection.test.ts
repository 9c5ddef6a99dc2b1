import { describe, expect, it } from 'vitest';
import { diffAddressList } from '../../src/decisions/address-list-diff.ts';
import type { DesiredEntry } from '../../src/decisions/address-list-entry.ts';
import type { RouterConnection } from '../../src/routers/router-connection.ts';
import type { RouterosSimulator } from '../../src/simulator/routeros-simulator.ts';
import { openConnection } from './open-connection.ts';
import { openSimulator } from './open-simulator.ts';

function want(address: string, timeoutSeconds = 3600): DesiredEntry {
  return { address, timeoutSeconds, comment: 'autoblock: port_scan #1' };
}

/** What a sync run does: read, compare, apply. */
async function sync(router: RouterConnection, desired: DesiredEntry[]) {
  const current = await router.read();
  const plan = diffAddressList({ desired, current, mark: 'autoblock: ', timeoutDriftSeconds: 60 });
  return { plan, ...(await router.apply(plan)) };
}

function addresses(simulator: RouterosSimulator): string[] {
  return [...simulator.entries(4), ...simulator.entries(6)].map((entry) => entry.address);
}

const nothing = { add: [], extend: [], remove: [] };

describe('an address list on a router', () => {
  it('is read in both families, entries of others included, other lists not', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator);
    expect(await router.read()).toEqual([]);
    simulator.addForeignEntry({ list: 'autoblock', address: '192.0.2.1', comment: 'by hand' });
    simulator.addForeignEntry({ list: 'other', address: '192.0.2.2' });
    simulator.addForeignEntry({ list: 'autoblock', address: '2001:db8::1', timeout: '1h', disabled: true });
    expect(await router.read()).toEqual([
      {
        ...{ id: '*1', family: 4, list: 'autoblock', address: '192.0.2.1', comment: 'by hand' },
        ...{ timeoutSeconds: null, dynamic: false, disabled: false },
      },
      {
        ...{ id: '*1', family: 6, list: 'autoblock', address: '2001:db8::1/128', comment: '' },
        ...{ timeoutSeconds: 3600, dynamic: true, disabled: true },
      },
    ]);
  });

  it('comes to hold what is desired, and then nothing is left to do', async () => {
    const clock = { ms: Date.UTC(2026, 0, 1) };
    const simulator = await openSimulator({ nowMs: () => clock.ms });
    const router = openConnection(simulator);
    simulator.addForeignEntry({ list: 'autoblock', address: '192.0.2.9', comment: 'by hand' });
    simulator.addForeignEntry({ list: 'autoblock', address: '192.0.2.8', comment: 'autoblock: old' });
    const desired = ['192.0.2.1', '198.51.100.0/24', '2001:db8::1', '192.0.2.9'].map((text) => want(text));
    const first = await sync(router, desired);
    expect(first.refused).toEqual([]);
    expect(first.plan.foreign).toEqual([
      {
        ...{ address: '192.0.2.9', printed: '192.0.2.9', list: 'autoblock' },
        ...{ comment: 'by hand', remainingSeconds: null },
      },
    ]);
    expect(addresses(simulator)).toEqual(['192.0.2.9', '192.0.2.1', '198.51.100.0/24', '2001:db8::1/128']);
    expect((await sync(router, desired)).plan).toMatchObject({ ...nothing, unchanged: 3 });

    clock.ms += 1_000_000;
    const extended = await sync(router, desired);
    expect([extended.plan.extend.length, extended.refused.length]).toEqual([3, 0]);
    expect((await router.read()).map((entry) => entry.timeoutSeconds)).toEqual([null, 3600, 3600, 3600]);

    clock.ms += 3_600_000;
    expect(addresses(simulator)).toEqual(['192.0.2.9']);
  });

  it('is emptied of ours alone, and an entry that expired meanwhile is no refusal', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator);
    simulator.addForeignEntry({ list: 'autoblock', address: '192.0.2.9' });
    await sync(router, [want('192.0.2.1'), want('2001:db8::1')]);
    const stale = { id: '*77', address: '192.0.2.7' };
    const gone = { ...nothing, remove: [stale], extend: [{ ...want('192.0.2.7'), id: '*78' }] };
    expect(await router.apply(gone)).toEqual({ refused: [] });
    await sync(router, []);
    expect(addresses(simulator)).toEqual(['192.0.2.9']);
  });

  it('takes an entry that is already there for done', async () => {
    const simulator = await openSimulator();
    simulator.addForeignEntry({ list: 'autoblock', address: '192.0.2.1' });
    const add = [want('192.0.2.1'), want('192.0.2.2')];
    expect(await openConnection(simulator).apply({ ...nothing, add })).toEqual({ refused: [] });
    expect(addresses(simulator)).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  it('replaces a disabled entry of ours', async () => {
    const simulator = await openSimulator();
    const comment = 'autoblock: old';
    simulator.addForeignEntry({ list: 'autoblock', address: '192.0.2.1', comment, disabled: true });
    expect((await sync(openConnection(simulator), [want('192.0.2.1')])).refused).toEqual([]);
    expect(simulator.entries(4)).toMatchObject([{ id: '*2', disabled: false, dynamic: true }]);
  });

  it('never gets a name, however a router would take it', async () => {
    const simulator = await openSimulator();
    const add = [want('evil.example'), want('192.0.2.1'), want('10.1'), want('192.0.2.1-192.0.2.3')];
    const { refused } = await openConnection(simulator).apply({ ...nothing, add });
    expect(refused.map((change) => change.address)).toEqual(['evil.example', '10.1', '192.0.2.1-192.0.2.3']);
    expect(addresses(simulator)).toEqual(['192.0.2.1']);
  });

  it('gets whole seconds within the limit of RouterOS, and comments in ASCII', async () => {
    const simulator = await openSimulator();
    const add = [{ ...want('192.0.2.1', 10 ** 9), comment: 'autoblock: Łódź\n$x' }, want('192.0.2.2', 0.2)];
    expect(await openConnection(simulator).apply({ ...nothing, add })).toEqual({ refused: [] });
    expect(simulator.entries(4)).toMatchObject([
      { timeoutSeconds: 21_474_836, comment: 'autoblock: ??d??$x' },
      { timeoutSeconds: 1 },
    ]);
  });

  it('without IPv6 on the router is an IPv4 list; IPv6 additions are told as refused', async () => {
    const simulator = await openSimulator();
    simulator.faults.trapOn = { command: /^\/ipv6/, category: 0, message: 'no such command prefix' };
    const { refused } = await sync(openConnection(simulator), [want('2001:db8::1'), want('192.0.2.1')]);
    expect(refused).toMatchObject([
      { address: '2001:db8::1', message: 'no such command prefix', meaning: 'no_such_command' },
    ]);
    expect(addresses(simulator)).toEqual(['192.0.2.1']);
  });

  it('is not taken for empty when the router refuses to show it', async () => {
    const simulator = await openSimulator();
    simulator.faults.trapOn = { command: /print/, category: 4, message: 'not enough permissions (9)' };
    await expect(openConnection(simulator).read()).rejects.toMatchObject({ code: 'ROUTER_REFUSED' });
  });

  it('collects what is refused and carries the rest out', async () => {
    const simulator = await openSimulator();
    const rule = { command: /\/add$/, skip: 3, count: 2, category: 4, message: 'failure: busy' };
    simulator.faults.trapOn = rule;
    const add = Array.from({ length: 40 }, (_, index) => want(`192.0.2.${index}`));
    const { refused } = await openConnection(simulator).apply({ ...nothing, add });
    expect(refused).toMatchObject([
      { address: '192.0.2.3', message: 'failure: busy' },
      { address: '192.0.2.4', message: 'failure: busy' },
    ]);
    expect(simulator.entries(4)).toHaveLength(38);
  });
});

describe('a sync that is cut off', () => {
  const desired = Array.from({ length: 200 }, (_, index) => want(`198.18.0.${index}`));

  it.each([
    ['after a command was carried out', { applied: true }],
    ['before a command was carried out', { applied: false }],
    ['by a reset', { reset: true }],
  ])('in mid-push %s is mended by the next one, without duplicates', async (_how, how) => {
    const simulator = await openSimulator();
    const router = openConnection(simulator);
    simulator.faults.closeOn = { command: /\/add$/, skip: 90, count: 1, ...how };
    await expect(sync(router, desired)).rejects.toMatchObject({ code: 'ROUTER_CONNECTION_LOST' });
    const held = simulator.entries(4).length;
    expect(held).toBeGreaterThanOrEqual(90);
    expect(held).toBeLessThan(200);

    const second = await sync(router, desired);
    expect([second.plan.add.length, second.refused]).toEqual([200 - held, []]);
    expect(new Set(addresses(simulator)).size).toBe(200);
    expect(simulator.sessions).toBe(1);
  });

  it('by a router that stalls gives up in time, and the next one finds the command applied', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator, { commandTimeoutMs: 150 });
    simulator.faults.stallOn = { command: /\/add$/, count: 1 };
    await expect(sync(router, [want('192.0.2.1')])).rejects.toMatchObject({ code: 'ROUTER_TIMEOUT' });
    expect((await sync(router, [want('192.0.2.1')])).plan).toMatchObject({ ...nothing, unchanged: 1 });
    await expect.poll(() => simulator.sessions).toBe(1);
  });

  it('by a reboot between two syncs is noticed: what was lost is added again', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator);
    await sync(router, [want('192.0.2.1')]);
    simulator.reboot();
    expect((await sync(router, [want('192.0.2.1')])).plan.add).toHaveLength(1);
    expect(addresses(simulator)).toEqual(['192.0.2.1']);
  });

  it('because the router is away fails each time and works once it is back', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator, { connectTimeoutMs: 150 });
    simulator.faults.silent = true;
    await expect(router.read()).rejects.toMatchObject({ code: 'ROUTER_TIMEOUT' });
    await expect(router.read()).rejects.toMatchObject({ code: 'ROUTER_TIMEOUT' });
    simulator.faults.silent = false;
    expect(await router.read()).toEqual([]);
  });
});

describe('a router connection', () => {
  it('is one session, kept between syncs, gone when closed and opened again when needed', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator);
    await Promise.all([router.read(), router.read()]);
    await router.read();
    expect(simulator.sessions).toBe(1);
    await router.close();
    await expect.poll(() => simulator.sessions).toBe(0);
    expect(await router.read()).toEqual([]);
    await router.close();
    await router.close();
  });
});

describe('a menu this router does not have', () => {
  it('is asked for once a session, and again after a reboot, which may bring a package', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator);
    const menu = '/routing/bgp/peer';
    const asked = () => simulator.received.get(`${menu}/print`);
    expect([await router.print(menu), await router.print(menu), asked()]).toEqual([null, null, 1]);
    simulator.reboot();
    expect(await router.print('/ip/address')).not.toBeNull();
    expect([await router.print(menu), asked()]).toEqual([null, 2]);
  });
});

describe('ids from before a reboot', () => {
  it.each(['remove', 'extend'] as const)(
    'are never used to %s: by now they may be those of entries of others',
    async (action) => {
      const simulator = await openSimulator();
      const router = openConnection(simulator);
      let losses = 0;
      router.onLost(() => {
        losses += 1;
      });
      await sync(router, [want('192.0.2.1')]);
      const [entry] = await router.read();
      simulator.reboot();
      await expect.poll(() => losses).toBe(1);
      simulator.addForeignEntry({
        list: 'autoblock',
        address: '192.0.2.7',
        comment: 'by hand',
        timeout: '1h',
      });
      const before = simulator.entries(4);
      expect(before).toMatchObject([{ id: entry!.id, address: '192.0.2.7' }]);
      const change = { ...want('192.0.2.1', 7200), id: entry!.id };
      await expect(router.apply({ ...nothing, [action]: [change] })).rejects.toMatchObject({
        code: 'ROUTER_CONNECTION_LOST',
      });
      expect(simulator.entries(4)).toEqual(before);
      // Read anew, and all is well.
      expect((await sync(router, [want('192.0.2.1')])).refused).toEqual([]);
      expect(addresses(simulator)).toEqual(['192.0.2.7', '192.0.2.1']);
    },
  );
});
