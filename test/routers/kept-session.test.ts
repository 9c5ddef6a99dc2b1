import { describe, expect, it } from 'vitest';
import type { RouterosSimulator } from '../../src/simulator/routeros-simulator.ts';
import { expectNothingOpen } from '../support/open-handles.ts';
import { openConnection } from './open-connection.ts';
import { openSimulator } from './open-simulator.ts';

const PRINT = '/ip/firewall/address-list/print';
const SIGN_OF_LIFE = '/system/resource/print';

const askedFor = (simulator: RouterosSimulator, command: string) => simulator.received.get(command) ?? 0;

describe('the one session of a router', () => {
  it('is shared by all who come at once', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator);
    const add = [{ address: '192.0.2.1', timeoutSeconds: 60, comment: 'x' }];
    await Promise.all([
      router.facts(),
      router.read(),
      router.apply({ add, extend: [], remove: [] }),
      router.print('/ip/address'),
    ]);
    expect([askedFor(simulator, '/login'), simulator.sessions]).toEqual([1, 1]);
  });

  it('tells what the router says about itself', async () => {
    const router = openConnection(await openSimulator({ identity: 'gw-1', version: '7.18.2' }));
    expect(await router.facts()).toMatchObject({
      identity: 'gw-1',
      version: expect.stringMatching(/^7\.18\.2/) as string,
      boardName: expect.stringMatching(/./) as string,
      uptimeSeconds: expect.any(Number) as number,
    });
  });

  it('prints any menu with the columns and rows asked for; null where the router has none', async () => {
    const router = openConnection(await openSimulator({ addresses: ['192.0.2.1/24', '198.51.100.1/24'] }));
    const properties = ['address'];
    expect(await router.print('/ip/address', { properties })).toEqual([
      { address: '192.0.2.1/24' },
      { address: '198.51.100.1/24' },
    ]);
    const queries = ['?address=198.51.100.1/24'];
    expect(await router.print('/ip/address', { properties, queries })).toEqual([
      { address: '198.51.100.1/24' },
    ]);
    expect(await router.print('/interface/lte/nonsense')).toBeNull();
    await expect(router.run('/interface/lte/nonsense/add', [])).rejects.toMatchObject({
      code: 'ROUTER_REFUSED',
    });
  });

  it('says what it may be when the router closes without a word, as with all sessions taken', async () => {
    const simulator = await openSimulator();
    simulator.faults.maxSessions = 0;
    await expect(openConnection(simulator).read()).rejects.toMatchObject({
      code: 'ROUTER_UNREACHABLE',
      message: expect.stringContaining('max-sessions') as string,
    });
  });
});

describe('a session that breaks', () => {
  it('idle or busy is told of once each; what we end ourselves is not', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator);
    let lost = 0;
    router.onLost(() => (lost += 1));
    await router.read();
    simulator.reboot();
    await expect.poll(() => lost).toBe(1);

    simulator.faults.closeOn = { command: /add$/, count: 1 };
    const add = Array.from({ length: 50 }, (_, index) => ({
      ...{ address: `192.0.2.${index}`, timeoutSeconds: 60, comment: 'x' },
    }));
    await expect(router.apply({ add, extend: [], remove: [] })).rejects.toMatchObject({
      code: 'ROUTER_CONNECTION_LOST',
    });
    expect(lost).toBe(2);

    await router.read();
    router.giveUp('test');
    await router.read();
    await router.close();
    await expect.poll(() => simulator.sessions).toBe(0);
    expect(lost).toBe(2);
  });

  it('given up rejects what is under way at once, and the next call opens another', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator);
    await router.read();
    simulator.faults.stallOn = { command: /identity/, count: 1 };
    const waiting = router.facts();
    await expect.poll(() => askedFor(simulator, '/system/identity/print')).toBe(1);
    // Rejects before the 30 s of a command are over, or this test runs into its limit.
    router.giveUp('the sync took longer than 60 s');
    await expect(waiting).rejects.toMatchObject({
      code: 'ROUTER_TIMEOUT',
      message: 'the session with router edge was given up: the sync took longer than 60 s',
    });
    await expect(router.facts()).resolves.toMatchObject({ identity: 'simulator' });
    await expect.poll(() => simulator.sessions).toBe(1);
  });

  it.each(['giveUp', 'close'] as const)('while it is being opened is let go by %s', async (how) => {
    const simulator = await openSimulator();
    simulator.faults.silent = true;
    const router = openConnection(simulator);
    const waiting = expect(router.read()).rejects.toMatchObject({
      code: how === 'close' ? 'ROUTER_CONNECTION_LOST' : 'ROUTER_TIMEOUT',
    });
    await expect.poll(() => simulator.sessions).toBe(1);
    await router[how]('enough');
    await waiting;
    await expect.poll(() => simulator.sessions).toBe(0);
  });

  it('is not opened again by a read that was under way when it was closed', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator);
    await router.read();
    simulator.faults.stallOn = { command: /print/ };
    const waiting = expect(router.read()).rejects.toMatchObject({ code: 'ROUTER_CONNECTION_LOST' });
    await router.close();
    await waiting;
    expect(askedFor(simulator, '/login')).toBe(1);
  });

  it('leaves no socket, timer or listener behind, however often', async () => {
    await expectNothingOpen();
    const simulator = await openSimulator();
    const router = openConnection(simulator, { keepAliveMs: 5 });
    for (let round = 0; round < 30; round += 1) {
      await router.read();
      if (round % 3 === 0) simulator.reboot();
      else if (round % 3 === 1) router.giveUp('test');
      else await router.close();
    }
    await router.close();
    await expect.poll(() => simulator.sessions).toBe(0);
    await simulator.close();
    await expectNothingOpen();
  });
});

describe('keeping a session alive', () => {
  it('asks an idle one for a sign of life, again and again', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator, { keepAliveMs: 5 });
    await router.read();
    await expect.poll(() => askedFor(simulator, SIGN_OF_LIFE)).toBeGreaterThanOrEqual(3);
    expect(askedFor(simulator, '/login')).toBe(1);
  });

  it('keeps still while a command is under way', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator, { keepAliveMs: 5 });
    simulator.faults.latencyMs = 120;
    await router.read();
    expect([askedFor(simulator, PRINT), askedFor(simulator, SIGN_OF_LIFE)]).toEqual([1, 0]);
  });

  it('finds out that the line is dead although nobody uses it', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator, { keepAliveMs: 5, commandTimeoutMs: 200 });
    let lost = 0;
    router.onLost(() => (lost += 1));
    await router.read();
    simulator.faults.silent = true;
    await expect.poll(() => lost).toBe(1);
    simulator.faults.silent = false;
    expect(await router.read()).toEqual([]);
  });

  it('takes a refusal for a sign of life', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator, { keepAliveMs: 5 });
    simulator.faults.trapOn = { command: /resource/, category: 4, message: 'not enough permissions (9)' };
    await router.read();
    await expect.poll(() => askedFor(simulator, SIGN_OF_LIFE)).toBeGreaterThanOrEqual(2);
    await router.read();
    expect(askedFor(simulator, '/login')).toBe(1);
  });
});
