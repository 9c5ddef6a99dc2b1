import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliSite, closedPort, openCliSite } from './cli-site.ts';

const FOREIGN = '198.18.0.1';

interface ListedBlock {
  readonly address: string;
  readonly origin: string;
  readonly reason: string;
  readonly createdBy: string;
  readonly confirmedAtMs: number | null;
}

let site: CliSite;

beforeAll(async () => {
  site = await openCliSite();
  site.simulator.addForeignEntry({ list: 'autoblock', address: FOREIGN, comment: 'by hand' });
});
afterAll(() => site.close());

const listed = async (): Promise<ListedBlock[]> => (await site.json(['blocks', 'list'])) as ListedBlock[];

/** Each call is refused with this code and these words, and after all of them ledger and router are as before. */
async function expectRefused(calls: readonly Refusal[]): Promise<void> {
  const before = { held: site.held(), blocks: await listed() };
  for (const { args, env = {}, code, words } of calls) {
    const result = await site.run(['blocks', ...args], env);
    expect({ args, code: result.code, stdout: result.stdout }).toEqual({ args, code, stdout: '' });
    expect(result.stderr).toMatch(/^autoblock: [A-Z_]+: .*\n {2}\S/m);
    expect(result.stderr).toContain(words);
  }
  expect({ held: site.held(), blocks: await listed() }).toEqual(before);
}

interface Refusal {
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
  readonly code: number;
  readonly words: string;
}

describe('autoblock blocks', () => {
  it('says plainly that nothing is blocked', async () => {
    expect(await site.run(['blocks', 'list'])).toMatchObject({ code: 0, stdout: 'nothing is blocked\n' });
    expect(await listed()).toEqual([]);
  });

  it('puts an address on the router at once, for the time asked, with reason and name in the ledger', async () => {
    const args = ['blocks', 'add', '203.0.113.7', '--seconds', '3600', '--reason', 'abuse report 4711'];
    const { code, stdout, stderr } = await site.run(args, { USER: 'alice' });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^203\.0\.113\.7 blocked until \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/m);
    expect(stderr).toContain('127.0.0.1: holds 1 of 1 blocks');
    const entry = site.simulator.entries(4).find(({ address }) => address === '203.0.113.7')!;
    expect(entry).toMatchObject({ list: 'autoblock', disabled: false });
    expect(entry.comment).toMatch(/^autoblock:[0-9a-f]{8} manual #1$/);
    expect(entry.timeoutSeconds).toBeGreaterThan(3500);
    expect(entry.timeoutSeconds).toBeLessThanOrEqual(3600);
    expect(await listed()).toMatchObject([
      {
        address: '203.0.113.7',
        origin: 'manual',
        reason: 'abuse report 4711',
        createdBy: 'alice',
        confirmedAtMs: expect.any(Number) as number,
      },
    ]);
  });

  it('takes IPv6 and networks in any spelling, each once', async () => {
    const spelled = ['2001:DB8:0:0::BAD', '2001:db8::bad', '198.51.100.77/24', '2001:db8:5::/48'];
    const { code, stdout } = await site.run(['blocks', 'add', ...spelled]);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(3);
    expect(site.simulator.entries(6).map(({ address }) => address)).toEqual(
      expect.arrayContaining(['2001:db8::bad/128', '2001:db8:5::/48']),
    );
    expect(site.simulator.entries(6)).toHaveLength(2);
    expect(site.held()).toContain('198.51.100.0/24');
  });

  it('lists address, origin, remaining time and whether a router holds it, in aligned columns', async () => {
    const { code, stdout } = await site.run(['blocks', 'list']);
    expect(code).toBe(0);
    const [head = '', ...rows] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^ADDRESS +BY +TYPE +RISK +OFFENCE +SINCE +LEFT +ON ROUTER +WHY$/);
    expect(rows).toHaveLength(4);
    for (const row of rows) expect(row.slice(head.indexOf('ON ROUTER'))).toMatch(/^yes +\S/);
    expect(rows.find((row) => row.startsWith('203.0.113.7'))).toMatch(/ 59m \d+s +yes +abuse report 4711$/);
  });

  it('refuses protected, allowlisted and router addresses with exit 4, whatever else was named', async () => {
    const refused = (address: string, why: string, env: Record<string, string> = {}): Refusal => ({
      args: ['add', '203.0.113.50', address],
      env,
      code: 4,
      words: `ADDRESS_PROTECTED: ${address}: ${why}`,
    });
    await expectRefused([
      refused('192.168.1.10', 'internal network (192.168.0.0/16)'),
      refused('0.0.0.0/0', ''),
      refused('203.0.113.99', 'allowlist (203.0.113.96/28)', { ALLOWLIST: '203.0.113.96/28' }),
      refused('198.18.5.1', 'address of router 198.18.5.1', { ROUTER_HOST: '198.18.5.1' }),
      refused('127.0.0.1', 'address of this server'),
    ]);
  });

  it('refuses an invalid address or time with exit 2, whatever else was named', async () => {
    const refused = (args: readonly string[], words: string): Refusal => ({
      args: ['add', '203.0.113.50', ...args],
      code: 2,
      words,
    });
    const invalid = 'ADDRESS_INVALID: not an address or network: ';
    await expectRefused([
      refused(['203.0.113.300', 'example.net'], `${invalid}"203.0.113.300", "example.net"`),
      refused(['10.1'], `${invalid}"10.1"`),
      refused([''], `${invalid}""`),
      refused(['--seconds', '59'], '--seconds: got "59", wanted a whole number from 60 to 21474836'),
      refused(['--seconds', '0xe10'], '--seconds: got "0xe10"'),
    ]);
  });

  it('takes blocks off the router and leaves entries that are not its own', async () => {
    const { code, stdout } = await site.run([
      'blocks',
      'remove',
      '203.0.113.7',
      '2001:DB8::bad',
      '203.0.113.7',
    ]);
    expect(code).toBe(0);
    expect(stdout).toBe('203.0.113.7 lifted\n2001:db8::bad lifted\n');
    expect(site.held()).toEqual([FOREIGN, '198.51.100.0/24', '2001:db8:5::/48'].sort());
    expect((await listed()).map(({ address }) => address).sort()).toEqual([
      '198.51.100.0/24',
      '2001:db8:5::/48',
    ]);
  });

  it('exits 1 when one of the addresses is not blocked, and then lifts none', async () => {
    const words = 'NOT_FOUND: not blocked: 203.0.113.7';
    await expectRefused([{ args: ['remove', '198.51.100.0/24', '203.0.113.7'], code: 1, words }]);
  });

  it('does not write a router under DRY_RUN, says so, and lists a torn reason in one line', async () => {
    const before = site.held();
    const args = ['blocks', 'add', '203.0.113.60', '--reason', 'two\nlines \u001b[31mred'];
    const { code, stderr } = await site.run(args, { DRY_RUN: 'true' });
    expect(code).toBe(0);
    expect(stderr).toContain('DRY_RUN: routers are not written');
    expect(site.held()).toEqual(before);
    expect((await site.run(['blocks', 'list'])).stdout).toMatch(
      /^203\.0\.113\.60 .* no +two lines \[31mred$/m,
    );
    expect((await site.run(['blocks', 'remove', '203.0.113.60'])).code).toBe(0);
  });
});

describe('autoblock blocks when something is away', () => {
  it('keeps the decision and exits 1 while a router is away; the next sync brings it there', async () => {
    const { code, stdout, stderr } = await site.run(['blocks', 'add', '203.0.113.8'], {
      ROUTER_PORT: String(await closedPort()),
    });
    expect(code).toBe(1);
    expect(stdout).toContain('203.0.113.8 blocked until');
    expect(stderr).toMatch(/127\.0\.0\.1: not up to date: .*; the daemon tries again/);
    expect(stderr).not.toContain('router-secret');
    expect(site.held()).not.toContain('203.0.113.8');
    expect(await site.json(['sync'])).toMatchObject({ routers: [{ ok: true, added: 1 }] });
    expect(site.held()).toContain('203.0.113.8');
  });

  it('works while PostgreSQL is away: the decision is in the ledger and on the router', async () => {
    const DATABASE_URL = `postgresql://auto:db-secret-1@127.0.0.1:${await closedPort()}/logs`;
    const { code, stderr } = await site.run(['blocks', 'add', '203.0.113.9'], { DATABASE_URL });
    expect(code).toBe(0);
    expect(stderr).toContain('safe in the ledger and delivered later');
    expect(stderr).not.toContain('db-secret-1');
    expect(site.held()).toContain('203.0.113.9');
  });

  it('says without a router that the block is in the ledger only', async () => {
    const { code, stderr } = await site.run(['blocks', 'remove', '203.0.113.9'], { ROUTER_HOST: '' });
    expect(code).toBe(0);
    expect(stderr).toContain('no router configured: recorded in the ledger only');
    expect((await site.run(['sync'])).code).toBe(0);
    expect(site.held()).not.toContain('203.0.113.9');
  });
});
