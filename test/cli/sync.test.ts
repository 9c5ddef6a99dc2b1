import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliSite, closedPort, openCliSite, ROUTER_PASSWORD } from './cli-site.ts';

const FOREIGN = '198.18.0.1';
let site: CliSite;

beforeAll(async () => {
  site = await openCliSite();
  site.simulator.addForeignEntry({ list: 'autoblock', address: FOREIGN, comment: 'by hand' });
  site.simulator.addForeignEntry({ list: 'autoblock', address: '203.0.113.9', comment: 'mine too' });
  await site.run(['blocks', 'add', '203.0.113.5']);
  await site.run(['blocks', 'remove', '203.0.113.5'], { DRY_RUN: 'true' });
  const blocked = ['203.0.113.7', '2001:db8:bad:cafe:1234:5678:9abc:def0', '203.0.113.9'];
  await site.run(['blocks', 'add', ...blocked], { DRY_RUN: 'true' });
});
afterAll(() => site.close());

describe('autoblock sync', () => {
  it('prints with --dry-run what it would add, remove and leave, and writes nothing', async () => {
    const state = async () => ({
      held: site.held(),
      status: { ...((await site.json(['status'])) as object), atMs: null },
    });
    const before = await state();
    const { code, stdout } = await site.run(['sync', '--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^ROUTER +STATE +HELD +WOULD ADD +WOULD EXTEND +WOULD REMOVE +BY OTHERS +KEPT BACK +OVER CAP +ERROR$/m,
    );
    expect(stdout).toMatch(/^127\.0\.0\.1 +ok +1\/3 +2 +0 +1 +1 +0 +0$/m);
    expect(stdout).toMatch(
      /^127\.0\.0\.1: add 203\.0\.113\.7 for 86\d{3} s \(new manual block #\d+: blocked by hand\)$/m,
    );
    expect(stdout).toMatch(/^127\.0\.0\.1: add 2001:db8:bad:cafe:1234:5678:9abc:def0(\/128)? for /m);
    expect(stdout).toMatch(/^127\.0\.0\.1: remove 203\.0\.113\.5 \(its block was lifted by an operator\)$/m);
    expect(stdout).toMatch(
      /^127\.0\.0\.1: leave 203\.0\.113\.9, held by another's entry for good \(mine too\)$/m,
    );
    expect(await state()).toEqual(before);
  });

  it('makes the router equal the ledger, leaves what is not its own, and tells what it did', async () => {
    const { code, stdout } = await site.run(['sync']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^127\.0\.0\.1 +ok +3\/3 +2 +0 +1 +1 +0 +0$/m);
    expect(site.held()).toEqual(
      [FOREIGN, '203.0.113.7', '203.0.113.9', '2001:db8:bad:cafe:1234:5678:9abc:def0/128'].sort(),
    );
    expect(await site.json(['sync'])).toMatchObject({
      dryRun: false,
      routers: [{ ok: true, added: 0, extended: 0, removed: 0, confirmed: 3, wanted: 3 }],
    });
    expect((await site.run(['status'])).stdout).toMatch(
      /^127\.0\.0\.1 +ok +\d{4}-\S+ \S+Z +2 +7\.\S+ \(stable\) +\S+ +- +-$/m,
    );
  });

  it('brings every other router up to date when one is away, names the error and exits 1', async () => {
    const path = join(site.dir, 'routers.json');
    const common = { host: '127.0.0.1', user: 'autoblock', password: ROUTER_PASSWORD, tls: false };
    const routers = [
      { ...common, name: 'edge', port: site.simulator.port },
      { ...common, name: 'branch', port: await closedPort() },
      { ...common, name: 'lab', port: site.simulator.port, password: 'wrong-secret', addressList: 'lab' },
    ];
    writeFileSync(path, JSON.stringify(routers));
    const { code, stdout, stderr } = await site.run(['sync'], { ROUTERS_FILE: path, ROUTER_HOST: '' });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^edge +ok +3\/3 /m);
    expect(stdout).toMatch(/^branch +ROUTER_UNREACHABLE +- .*127\.0\.0\.1:\d+/m);
    expect(stdout).toMatch(/^lab +ROUTER_LOGIN_FAILED /m);
    expect(stdout + stderr).not.toMatch(/secret/);
    const status = await site.run(['status'], { ROUTERS_FILE: path, ROUTER_HOST: '' });
    expect(status.stdout).toMatch(/^branch +ROUTER_UNREACHABLE/m);
  });

  it('warns of a part of the never-block set the router does not tell', async () => {
    site.simulator.faults.trapOn = {
      command: /^\/user\/active/,
      category: 2,
      message: 'not enough permissions (9)',
    };
    const { code, stderr } = await site.run(['sync']);
    site.simulator.faults.trapOn = null;
    expect(code).toBe(0);
    const line = stderr.split('\n').find((text) => text.includes('NEVER_BLOCK_UNREAD'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ level: 'warn', menu: '/user/active' });
  });

  it('tells the routers first and PostgreSQL when it is there: its absence does not hide the result', async () => {
    const DATABASE_URL = `postgresql://auto:pw@127.0.0.1:${await closedPort()}/logs`;
    const { code, stdout, stderr } = await site.run(['sync'], { DATABASE_URL });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^127\.0\.0\.1 +ok +3\/3 /m);
    expect(stderr).toContain('delivered later');
  });

  it('says that no router is configured', async () => {
    expect(await site.run(['sync'], { ROUTER_HOST: '' })).toMatchObject({
      code: 0,
      stdout: 'no router configured: set ROUTER_HOST or ROUTERS_FILE\n',
    });
  });
});

describe("autoblock blocks add for an address that somebody else's disabled entry holds", () => {
  it('says that it is not blocked and why, and exits 1', async () => {
    const disabled = { list: 'autoblock', address: '203.0.113.77', comment: 'paused', disabled: true };
    site.simulator.addForeignEntry(disabled);
    const added = await site.run(['blocks', 'add', '203.0.113.77']);
    expect(added.code).toBe(1);
    expect(added.stderr).toMatch(
      /holds (\d+) of (?!\1)\d+ blocks, disabled entries of others are in the way of 1/,
    );
    const status = await site.run(['status']);
    expect(status.stdout).toMatch(/FOREIGN_ENTRY_DISABLED/);
    expect(status.stdout).toContain('enable [find list="autoblock" address="203.0.113.77"]');
    expect((await site.run(['sync'])).code).toBe(1);
    expect((await site.run(['blocks', 'remove', '203.0.113.77'])).code).toBe(0);
    expect((await site.run(['status'])).stdout).not.toMatch(/FOREIGN_ENTRY_DISABLED/);
  });
});
