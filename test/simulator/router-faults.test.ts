import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { encodeSentence } from '../../src/routeros-wire/sentence-codec.ts';
import { ask, LOGIN, open, refusalsOf, rowsOf, talk } from './bare-client.ts';

const LIST = '/ip/firewall/address-list';
const add = (last: number) => [`${LIST}/add`, '=list=l', `=address=192.0.2.${last}`, '=timeout=1h'];

describe('a simulated router with a fault', () => {
  it('refuses adds while its list is full, and takes them again when there is room', async () => {
    const simulator = await open();
    simulator.faults.listFull = 2;
    const replies = await ask(simulator, [add(1), add(2), add(3), [`${LIST}/remove`, '=.id=*1'], add(4)]);
    expect(refusalsOf(replies)).toEqual(['failure: no more entries can be added: out of memory']);
    expect(simulator.entries(4).map((entry) => entry.address)).toEqual(['192.0.2.2', '192.0.2.4']);
  });

  it('refuses to write for a user without the policy, and shows the policy as lost', async () => {
    const simulator = await open();
    simulator.faults.deniedPolicies = ['write'];
    const group = ['/user/group/print', '?name=autoblock', '=.proplist=policy'];
    const replies = await ask(simulator, [add(1), [`${LIST}/print`], group]);
    expect(replies[0]).toEqual(['!trap', '=category=4', '=message=not enough permissions (9)']);
    expect(rowsOf(replies)[0]?.['policy']).toMatch(/^read,api,.*!write/);
    expect(simulator.entries(4)).toEqual([]);
  });

  it('lets nobody in whose group lacks the policy api', async () => {
    const simulator = await open({
      menus: { '/user/group': [{ name: 'autoblock', policy: 'read,write,!api' }] },
    });
    expect(refusalsOf(await talk(simulator, [LOGIN], 2))).toEqual(['invalid user name or password (6)']);
  });

  it('takes only the new password once it was changed', async () => {
    const simulator = await open();
    simulator.setPassword('other');
    expect(refusalsOf(await talk(simulator, [LOGIN], 2))).toEqual(['invalid user name or password (6)']);
    expect(await talk(simulator, [['/login', '=name=api', '=password=other']], 1)).toEqual([['!done']]);
  });

  it('closes the connection that is one too many, and takes another when one has gone', async () => {
    const simulator = await open();
    simulator.faults.maxSessions = 1;
    const first = connect(simulator.port, '127.0.0.1');
    await once(first, 'connect');
    await expect.poll(() => simulator.sessions).toBe(1);
    expect(await talk(simulator, [LOGIN], 1).catch(() => [])).toEqual([]);
    first.destroy();
    await expect.poll(() => simulator.sessions).toBe(0);
    expect(await talk(simulator, [LOGIN], 1)).toEqual([['!done']]);
  });

  it('reboots in the middle: dynamic entries gone, static ones kept, uptime anew', async () => {
    const clock = { ms: 0 };
    const simulator = await open({ nowMs: () => clock.ms });
    simulator.addForeignEntry({ list: 'l', address: '198.51.100.1' });
    clock.ms = 60_000;
    simulator.faults.rebootOn = { command: /\/add$/, skip: 2, count: 1 };
    expect(await ask(simulator, [add(1), add(2), add(3), add(4)])).toEqual([
      ['!done', '=ret=*2'],
      ['!done', '=ret=*3'],
    ]);
    expect(simulator.entries(4).map((entry) => entry.address)).toEqual(['198.51.100.1']);
    clock.ms = 61_000;
    const resource = ['/system/resource/print', '=.proplist=uptime'];
    expect(rowsOf(await ask(simulator, [resource]))).toEqual([{ uptime: '1s' }]);
  });

  it('refuses connections while it boots, then listens on the same port', async () => {
    const simulator = await open();
    simulator.reboot({ downMs: 50 });
    await expect(talk(simulator, [LOGIN], 1)).rejects.toThrow('ECONNREFUSED');
    await expect.poll(() => talk(simulator, [LOGIN], 1).catch(() => null)).toEqual([['!done']]);
  });

  it('can be closed while it boots', async () => {
    const simulator = await open();
    simulator.reboot({ downMs: 60_000 });
    await simulator.close();
    await expect(talk(simulator, [LOGIN], 1)).rejects.toThrow('ECONNREFUSED');
  });

  it('counts what came in, whatever became of it', async () => {
    const simulator = await open();
    simulator.faults.trapOn = { command: /\/add$/, category: 4, message: 'failure: no' };
    await ask(simulator, [add(1), add(2), [`${LIST}/print`]]);
    expect(Object.fromEntries(simulator.received)).toEqual({
      '/login': 1,
      [`${LIST}/add`]: 2,
      [`${LIST}/print`]: 1,
    });
  });
});

describe('a simulated router far away', () => {
  it('answers in order, and commands on their way do not wait for each other', async () => {
    const simulator = await open({ latencyMs: 40 });
    const startedAt = performance.now();
    const replies = await ask(
      simulator,
      Array.from({ length: 200 }, (_, index) => add(index)),
    );
    // One after another they would take 8 s; a busy machine takes its time, but not that.
    expect(performance.now() - startedAt).toBeLessThan(4000);
    expect(replies.map((words) => words[1])).toEqual(
      Array.from({ length: 200 }, (_, index) => `=ret=*${(index + 1).toString(16).toUpperCase()}`),
    );
  });

  it('still says goodbye last', async () => {
    const simulator = await open({ latencyMs: 5 });
    const replies = await talk(simulator, [LOGIN, add(1), ['/quit'], add(2)], 9);
    expect(replies).toEqual([['!done'], ['!done', '=ret=*1'], ['!fatal', 'session terminated on request']]);
  });
});

describe('a simulated router with a slow CPU', () => {
  it('never works faster than its CPU, over all sessions together', async () => {
    const simulator = await open({ commandDelayMs: 2 });
    const startedAt = performance.now();
    const commands = Array.from({ length: 100 }, (_, index) => add(index));
    await Promise.all([ask(simulator, commands.slice(0, 50)), ask(simulator, commands.slice(50))]);
    // 100 commands and 2 logins at 2 ms each, less the half millisecond an answer may be early.
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(203);
    expect(simulator.entries(4)).toHaveLength(100);
  });

  it('forgets the commands of a connection that has gone', async () => {
    const simulator = await open({ commandDelayMs: 50 });
    const socket = connect(simulator.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(Buffer.concat([LOGIN, add(1), add(2)].map((words) => encodeSentence(words))));
    await once(socket, 'data');
    socket.destroy();
    await expect.poll(() => simulator.sessions).toBe(0);
    const held = simulator.entries(4).length;
    expect(rowsOf(await ask(simulator, [[`${LIST}/print`]]))).toHaveLength(held);
    expect(held).toBeLessThan(2);
  });
});
