import { describe, expect, it } from 'vitest';
import { ask, open, refusalsOf, rowsOf } from './bare-client.ts';

const NOON = Date.UTC(2026, 10, 22, 12, 34, 56);
const RAW = '/ip/firewall/raw';

describe('the rule menus of the simulated router', () => {
  it('keep rules in their order, and put a new one where place-before says', async () => {
    const simulator = await open({
      menus: { [RAW]: [{ chain: 'prerouting', action: 'drop', comment: 'old' }] },
    });
    const rule = ['=chain=prerouting', '=action=drop', '=src-address-list=autoblock'];
    const replies = await ask(simulator, [
      [`${RAW}/add`, ...rule, '=comment=last'],
      [`${RAW}/add`, ...rule, '=comment=first', '=place-before=*1', '=disabled=yes'],
      [`${RAW}/print`, '=.proplist=.id,comment,disabled,dynamic,src-address-list'],
    ]);
    expect(replies.slice(0, 2)).toEqual([
      ['!done', '=ret=*2'],
      ['!done', '=ret=*3'],
    ]);
    const common = { dynamic: 'false', 'src-address-list': 'autoblock' };
    expect(rowsOf(replies)).toEqual([
      { '.id': '*3', comment: 'first', ...common, disabled: 'true' },
      { '.id': '*1', comment: 'old', dynamic: 'false', disabled: 'false' },
      { '.id': '*2', comment: 'last', ...common, disabled: 'false' },
    ]);
  });

  it('are changed, moved and emptied by id, and stop at an id that is gone', async () => {
    const rows = ['a', 'b', 'c'].map((comment) => ({ chain: 'forward', comment }));
    const simulator = await open({ menus: { '/ipv6/firewall/filter': rows } });
    const menu = '/ipv6/firewall/filter';
    const replies = await ask(simulator, [
      [`${menu}/move`, '=.id=*3', '=destination=*1'],
      [`${menu}/set`, '=.id=*2', '=action=drop', '=comment='],
      [`${menu}/remove`, '=.id=*1,*9'],
    ]);
    expect(refusalsOf(replies)).toEqual(['no such item']);
    expect(simulator.menu(menu).map((row) => [row['.id'], row['action'], row['comment']])).toEqual([
      ['*3', 'accept', 'c'],
      ['*2', 'drop', undefined],
    ]);
  });

  it('refuse what a router refuses', async () => {
    const simulator = await open();
    const replies = await ask(simulator, [
      [`${RAW}/add`, '=action=drop'],
      [`${RAW}/add`, '=chain=prerouting', '=connection-state=new'],
      [`${RAW}/add`, '=chain=prerouting', '=action=fasttrack-connection'],
      [`${RAW}/add`, '=chain=prerouting', '=place-before=*77'],
      [`${RAW}/remove`, '=.id=*1'],
      [`${RAW}/add`, '=chain=prerouting', '=in-interface-list='],
    ]);
    expect(refusalsOf(replies)).toEqual([
      'missing value(s) of argument(s) chain',
      'unknown parameter connection-state',
      'input does not match any value of action',
      'no such item',
      'failure: can not change dynamic item',
      'input does not match any value of in-interface-list',
    ]);
    expect(simulator.menu(RAW)).toHaveLength(1);
  });

  it("hold MikroTik's default configuration unless told otherwise, the router's own counter on top", async () => {
    const simulator = await open();
    const filter = '/ip/firewall/filter';
    const [replies] = [await ask(simulator, [[`${filter}/print`, '?chain=forward']])];
    const actions = rowsOf(replies).map((row) => row['action']);
    expect(actions).toEqual([
      'passthrough',
      'accept',
      'accept',
      'fasttrack-connection',
      'accept',
      'drop',
      'drop',
    ]);
    const counter = simulator.menu(filter)[0]!;
    await ask(simulator, [[`${filter}/add`, '=chain=input', `=place-before=${counter['.id']}`]]);
    expect(
      simulator
        .menu(filter)
        .map((row) => row['dynamic'])
        .slice(0, 2),
    ).toEqual(['true', 'false']);
    expect(simulator.menu(filter)[1]).toMatchObject({ chain: 'input', action: 'accept' });
  });
});

describe('the other menus of the simulated router', () => {
  it.each([
    ['7.20.1', { date: '2026-11-22', time: '12:34:56', 'time-zone-name': 'UTC', 'gmt-offset': '+00:00' }],
    ['7.9', { date: 'nov/22/2026' }],
    ['6.49.18', { date: 'nov/22/2026' }],
  ])('print the date of RouterOS %s', async (version, expected) => {
    const simulator = await open({ version, nowMs: () => NOON });
    simulator.addForeignEntry({ list: 'l', address: '192.0.2.1' });
    const list = ['/ip/firewall/address-list/print', '=.proplist=creation-time'];
    const [clock, entry] = rowsOf(await ask(simulator, [['/system/clock/print'], list]));
    expect(clock).toMatchObject(expected);
    expect(entry).toEqual({ 'creation-time': `${expected.date} 12:34:56` });
  });

  it('show a wrong clock as wrong, and let timeouts run by the right one', async () => {
    const simulator = await open({ nowMs: () => NOON });
    simulator.faults.clockSkewMs = -86_400_000;
    const replies = await ask(simulator, [
      ['/ip/firewall/address-list/add', '=list=l', '=address=192.0.2.1', '=timeout=1h'],
      ['/system/clock/print', '=.proplist=date'],
      ['/ip/firewall/address-list/print', '=.proplist=timeout,creation-time'],
    ]);
    expect(rowsOf(replies)).toEqual([
      { date: '2026-11-21' },
      { 'creation-time': '2026-11-21 12:34:56', timeout: '1h' },
    ]);
  });

  it('name the next hop as RouterOS 7 does, or as 6 does', async () => {
    const newer = rowsOf(await ask(await open(), [['/ip/route/print'], ['/ipv6/route/print']]));
    expect(newer[0]).toMatchObject({
      'dst-address': '0.0.0.0/0',
      gateway: '10.255.255.1',
      'immediate-gw': '10.255.255.1%ether1',
      active: 'true',
    });
    expect(newer[2]).toMatchObject({ 'dst-address': '::/0', gateway: 'fe80::1%ether1' });
    const older = rowsOf(await ask(await open({ version: '6.49.18' }), [['/ip/route/print']]));
    expect(older[0]).toMatchObject({ 'gateway-status': '10.255.255.1 reachable via  ether1' });
    expect(older[0]).not.toHaveProperty('immediate-gw');
  });

  it('do not exist under /ipv6 on a router without IPv6', async () => {
    const simulator = await open({ version: '6.49.18', ipv6: false });
    const commands = ['address/print', 'route/print', 'firewall/address-list/print', 'firewall/raw/add'];
    const replies = await ask(
      simulator,
      commands.map((command) => [`/ipv6/${command}`]),
    );
    expect(refusalsOf(replies)).toEqual(Array(4).fill('no such command prefix'));
    expect(() => simulator.menu('/ipv6/route')).toThrow('no menu /ipv6/route');
  });

  it('show services, policies and settings as RouterOS spells them', async () => {
    const simulator = await open();
    const replies = await ask(simulator, [
      ['/ip/service/print', '?name=api-ssl', '=.proplist=name,port,address,disabled,certificate,tls-version'],
      ['/user/group/print', '?name=autoblock', '=.proplist=policy'],
      ['/user/print', '?name=api', '=.proplist=name,group,address,disabled'],
      ['/ip/dns/print', '=.proplist=servers,dynamic-servers,.id'],
      ['/system/package/print', '=.proplist=name,version'],
    ]);
    expect(rowsOf(replies)).toEqual([
      {
        name: 'api-ssl',
        port: '8729',
        address: '',
        disabled: 'false',
        certificate: 'none',
        'tls-version': 'any',
      },
      {
        policy:
          'read,write,api,!local,!telnet,!ssh,!ftp,!reboot,!policy,!test,!winbox,!password,!web,!sniff,' +
          '!sensitive,!romon,!rest-api',
      },
      { name: 'api', group: 'autoblock', address: '', disabled: 'false' },
      { servers: '10.255.255.1', 'dynamic-servers': '' },
      { name: 'routeros', version: '7.20.1' },
    ]);
  });

  it('show what the operator changes, and who else is logged in', async () => {
    const admin = { name: 'admin', address: '203.0.113.9', via: 'winbox', group: 'full' };
    const simulator = await open({ menus: { '/user/active': [admin] } });
    simulator.setMenu('/ip/service', [{ name: 'telnet', port: '2323', disabled: 'true' }]);
    const replies = await ask(simulator, [
      ['/user/active/print', '=.proplist=name,via,address,group'],
      ['/ip/service/print', '=.proplist=name,port'],
      ['/ip/service/set', '=.id=*1', '=port=23'],
      ['/ip/service/print', '=count-only='],
    ]);
    expect(rowsOf(replies)).toEqual([
      { name: 'api', address: '127.0.0.1', via: 'api', group: 'autoblock' },
      admin,
      { name: 'telnet', port: '2323' },
    ]);
    expect(refusalsOf(replies)).toEqual(['no such command']);
    expect(replies.at(-1)).toEqual(['!done', '=ret=1']);
  });
});
