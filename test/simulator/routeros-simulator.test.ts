import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { LOGIN, open, talk } from './bare-client.ts';

describe('the simulated router', () => {
  it('answers login, commands and tags as a router does', async () => {
    const simulator = await open({ identity: 'edge', version: '7.17' });
    const replies = await talk(
      simulator,
      [
        LOGIN,
        ['/system/identity/print', '.tag=x'],
        ['/ip/firewall/address-list/add', '=list=l', '=address=192.0.2.1', '.tag=y'],
        ['/ip/firewall/address-list/print', '.tag=z', '?list=other'],
      ],
      5,
    );
    expect(replies).toEqual([
      ['!done'],
      ['!re', '.tag=x', '=name=edge'],
      ['!done', '.tag=x'],
      ['!done', '.tag=y', '=ret=*1'],
      ['!done', '.tag=z'],
    ]);
  });

  it('says !empty since 7.18, or when told to', async () => {
    const print = ['/ip/firewall/address-list/print'];
    const newer = await open({ version: '7.18.2' });
    expect(await talk(newer, [LOGIN, print], 3)).toEqual([['!done'], ['!empty'], ['!done']]);
    newer.faults.emptyReply = false;
    expect(await talk(newer, [LOGIN, print], 2)).toEqual([['!done'], ['!done']]);
  });

  it('refuses a wrong password, and everything before the login', async () => {
    const simulator = await open();
    const wrong = ['/login', '=name=api', '=password=guess'];
    expect(await talk(simulator, [wrong], 2)).toEqual([
      ['!trap', '=category=4', '=message=invalid user name or password (6)'],
      ['!done'],
    ]);
    expect(await talk(simulator, [['/ip/address/print']], 9)).toEqual([['!fatal', 'not logged in']]);
    expect(await talk(simulator, [LOGIN, ['/quit']], 9)).toEqual([
      ['!done'],
      ['!fatal', 'session terminated on request'],
    ]);
  });

  it('tells an unknown menu from an unknown command', async () => {
    const simulator = await open();
    const replies = await talk(simulator, [LOGIN, ['/foo/print'], ['/system/identity/set']], 5);
    expect(replies.filter(([kind]) => kind === '!trap').map((words) => words[2])).toEqual([
      '=message=no such command prefix',
      '=message=no such command',
    ]);
  });

  it('shows addresses by family, who is logged in, version and uptime', async () => {
    const clock = { ms: 0 };
    const simulator = await open({ nowMs: () => clock.ms, addresses: ['10.0.0.1/8', 'fd00::1/64'] });
    clock.ms = 90_061_000;
    const prints = ['/ip/address', '/ipv6/address', '/user/active', '/system/resource'].map((menu) => [
      `${menu}/print`,
      '=.proplist=address,via,uptime,version',
    ]);
    const replies = await talk(simulator, [LOGIN, ...prints], 9);
    expect(replies.filter(([kind]) => kind === '!re')).toEqual([
      ['!re', '=address=10.0.0.1/8'],
      ['!re', '=address=fd00::1/64'],
      ['!re', '=address=127.0.0.1', '=via=api'],
      ['!re', '=uptime=1d1h1m1s', '=version=7.20.1 (stable)'],
    ]);
  });

  it('stops at the first missing one of a set of ids, with those before it removed', async () => {
    const simulator = await open();
    for (const last of [1, 2, 3]) simulator.addForeignEntry({ list: 'l', address: `192.0.2.${last}` });
    const remove = ['/ip/firewall/address-list/remove', '=.id=*1,*9,*3'];
    expect(await talk(simulator, [LOGIN, remove], 3)).toContainEqual([
      '!trap',
      '=category=0',
      '=message=no such item',
    ]);
    expect(simulator.entries(4).map((entry) => entry.id)).toEqual(['*2', '*3']);
  });

  it('interrupts a command that is cancelled', async () => {
    const simulator = await open({ commandDelayMs: 60 });
    const replies = await talk(
      simulator,
      [LOGIN, ['/ip/address/print', '.tag=slow'], ['/cancel', '=tag=slow', '.tag=c']],
      4,
    );
    expect(replies).toEqual([
      ['!trap', '.tag=slow', '=category=2', '=message=interrupted'],
      ['!done', '.tag=slow'],
      ['!done', '.tag=c'],
      ['!done'],
    ]);
  });

  it('puts entries of others on the list of their family, and reports them all', async () => {
    const simulator = await open();
    simulator.addForeignEntry({ list: 'l', address: '2001:db8::1', comment: 'c', timeout: '1h' });
    simulator.addForeignEntry({ list: 'm', address: '192.0.2.1', disabled: true });
    expect([simulator.entries(4), simulator.entries(6)]).toMatchObject([
      [{ list: 'm', address: '192.0.2.1', timeoutSeconds: null, disabled: true, comment: '' }],
      [{ list: 'l', address: '2001:db8::1/128', timeoutSeconds: 3600, dynamic: true, comment: 'c' }],
    ]);
  });

  it('cuts off who does not speak the protocol, and closes with connections open', async () => {
    const simulator = await open();
    const socket = connect(simulator.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(Buffer.from([0xff, 0xff]));
    await once(socket, 'close');
    const idle = connect(simulator.port, '127.0.0.1');
    await once(idle, 'connect');
    await expect.poll(() => simulator.sessions).toBe(1);
    await Promise.all([once(idle, 'close'), simulator.close()]);
    expect(simulator.sessions).toBe(0);
  });

  it('rejects when its port is taken', async () => {
    const simulator = await open();
    await expect(open({ port: simulator.port })).rejects.toThrow('EADDRINUSE');
  });
});
