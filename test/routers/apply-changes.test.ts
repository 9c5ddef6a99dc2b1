import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DesiredEntry } from '../../src/decisions/address-list-entry.ts';
import { createSentenceDecoder, encodeSentence } from '../../src/routeros-wire/sentence-codec.ts';
import { openConnection } from './open-connection.ts';
import { openSimulator } from './open-simulator.ts';

const ADD = '/ip/firewall/address-list/add';
const nothing = { add: [], extend: [], remove: [] };

function many(count: number): DesiredEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    address: `198.18.${index >> 8}.${index & 255}`,
    timeoutSeconds: 3600,
    comment: `autoblock: #${index}`,
  }));
}

/** A peer that answers only when `atOnce` commands wait, or at the end, and remembers how many ever waited. */
async function openHesitantPeer({ total }: { total: number }) {
  const seen = { most: 0, commands: 0 };
  const server = createServer((socket) => {
    const decoder = createSentenceDecoder();
    const waiting: string[] = [];
    socket.on('data', (data: Buffer) => {
      for (const words of decoder.push(data)) {
        const tag = words.at(-1)!;
        if (words[0] === '/login') socket.write(encodeSentence(['!done', tag]));
        else waiting.push(tag);
      }
      seen.most = Math.max(seen.most, waiting.length);
      // After what else is on its way had its turn: a window that is too large shows.
      setTimeout(() => {
        seen.most = Math.max(seen.most, waiting.length);
        seen.commands += waiting.length;
        for (const tag of waiting.splice(0)) socket.write(encodeSentence(['!done', tag]));
      }, 2);
    });
    socket.on('error', () => socket.destroy());
    onTestFinished(() => void socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, seen, total };
}

describe('a push', () => {
  it.each([8, 64])('never has more than %i commands under way, and all arrive', async (commandsInFlight) => {
    const peer = await openHesitantPeer({ total: 2000 });
    const router = openConnection(peer, { commandsInFlight });
    await router.apply({ ...nothing, add: many(2000) });
    expect(peer.seen.commands).toBe(2000);
    expect(peer.seen.most).toBeLessThanOrEqual(commandsInFlight);
    expect(peer.seen.most).toBeGreaterThanOrEqual(8);
  });

  it('keeps the lists of both families apart, each under its own name', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator, { addressListV4: 'bad4', addressListV6: 'bad6' });
    const addresses = ['192.0.2.1', '192.0.2.0/25', '2001:db8::1', '2001:db8:1::/64'];
    const add = addresses.map((address) => ({ address, timeoutSeconds: 60, comment: 'autoblock: x' }));
    expect(await router.apply({ ...nothing, add })).toEqual({ refused: [] });
    simulator.addForeignEntry({ list: 'bad6', address: '192.0.2.77' });
    expect((await router.read()).map(({ family, list, address }) => [family, list, address])).toEqual([
      [4, 'bad4', '192.0.2.1'],
      [4, 'bad4', '192.0.2.0/25'],
      [6, 'bad6', '2001:db8::1/128'],
      [6, 'bad6', '2001:db8:1::/64'],
    ]);
  });

  it('tells how far it is every thousand commands and at the end, also of those not sent', async () => {
    const simulator = await openSimulator();
    const seen: number[] = [];
    const add = [
      ...many(2400),
      ...Array.from({ length: 100 }, () => ({ ...many(1)[0]!, address: 'a.example' })),
    ];
    await openConnection(simulator).apply(
      { ...nothing, add },
      {
        onProgress: ({ done, total }) => {
          expect(total).toBe(2500);
          seen.push(done);
        },
      },
    );
    expect(seen).toEqual([1000, 2000, 2500]);
  });

  it('ends with what a listener of its progress throws, not the process', async () => {
    const simulator = await openSimulator();
    const onProgress = () => {
      throw new Error('no screen');
    };
    const router = openConnection(simulator);
    await expect(router.apply({ ...nothing, add: many(1500) }, { onProgress })).rejects.toThrow('no screen');
    expect(await router.read()).not.toHaveLength(0);
  });

  it('stopped by its signal sends nothing more and says how far it came; the session stays', async () => {
    const simulator = await openSimulator();
    const router = openConnection(simulator);
    const stop = new AbortController();
    const push = router.apply(
      { ...nothing, add: many(5000) },
      { signal: stop.signal, onProgress: () => stop.abort() },
    );
    await expect(push).rejects.toMatchObject({
      code: 'INTERRUPTED',
      message: expect.stringMatching(/router edge was stopped: 10\d\d of 5000/) as string,
    });
    const sent = simulator.received.get(ADD)!;
    expect(sent).toBeLessThan(1100);
    expect(await router.read()).toHaveLength(sent);
    expect([simulator.received.get(ADD), simulator.received.get('/login')]).toEqual([sent, 1]);
  });
});

describe('a router that refuses', () => {
  it('for want of a policy is asked no further, and the policy to grant is named', async () => {
    const simulator = await openSimulator();
    simulator.faults.deniedPolicies = ['write'];
    const router = openConnection(simulator);
    await expect(router.apply({ ...nothing, add: many(5000) })).rejects.toMatchObject({
      code: 'ROUTER_REFUSED',
      message: expect.stringMatching(/lacks the policy write .*\/user group set .*read,write/) as string,
    });
    expect(simulator.received.get(ADD)).toBeLessThanOrEqual(16);
    simulator.faults.deniedPolicies = ['read'];
    await expect(router.read()).rejects.toThrow(/lacks the policy read/);
  });

  it('because its list is full gets no more additions; each one left out is told, removals go on', async () => {
    const simulator = await openSimulator();
    simulator.faults.listFull = 100;
    const router = openConnection(simulator);
    const { refused } = await router.apply({ ...nothing, add: many(3000) });
    expect(simulator.entries(4)).toHaveLength(100);
    expect(refused).toHaveLength(2900);
    expect(simulator.received.get(ADD)).toBeLessThan(200);
    expect(refused[0]).toMatchObject({ address: '198.18.0.100', meaning: 'list_full' });
    const notTried = refused.filter(({ meaning }) => meaning === 'not_tried');
    expect(notTried.length).toBeGreaterThan(2800);
    for (const { message } of notTried) expect(message).toMatch(/^not tried, the list is full: failure: /);
    const remove = simulator.entries(4).map(({ id, address }) => ({ id, address }));
    await router.read();
    expect(await router.apply({ ...nothing, remove })).toEqual({ refused: [] });
    expect(simulator.entries(4)).toEqual([]);
  });

  it.each([
    ['value of timeout is out of range', 'out_of_range'],
    ['failure: busy', 'other'],
    ['no such command prefix', 'no_such_command'],
  ])('with "%s" is classed as %s', async (message, meaning) => {
    const simulator = await openSimulator();
    simulator.faults.trapOn = { command: /add$/, count: 1, category: 1, message };
    const { refused } = await openConnection(simulator).apply({ ...nothing, add: many(3) });
    expect(refused).toEqual([{ address: '198.18.0.0', message, meaning }]);
    expect(simulator.entries(4)).toHaveLength(2);
  });
});
