import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRouterSite, type RouterSite } from './router-site.ts';

const COUNT = 3000;
const ADDRESSES = Array.from({ length: COUNT }, (_, index) => `198.51.${100 + (index >> 8)}.${index & 255}`);
const PROTECTED = ['10.1.2.3', '127.0.0.1'];

interface BlocksJson {
  readonly blocks: readonly { readonly address: string; readonly expiresAtMs: number }[];
  readonly added: number;
  readonly alreadyBlocked: number;
  readonly skipped: readonly unknown[];
}

let site: RouterSite<'core'>;
beforeAll(async () => {
  site = await openRouterSite(['core']);
});
afterAll(() => site.close());

describe('autoblock blocks with thousands of addresses', () => {
  it('refuses a list with protected ones whole, with exit 4, and names them with the reason', async () => {
    const feed = [...ADDRESSES.slice(0, 50), ...PROTECTED].join('\n');
    const { code, stdout, stderr } = await site.run(['blocks', 'add', '--file', '-'], {}, feed);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(
      /ADDRESS_PROTECTED: 10\.1\.2\.3: .*\(10\.0\.0\.0\/8\), 127\.0\.0\.1: address of this server/,
    );
    expect(site.held('core')).toEqual([]);
  });

  it('refuses a list with a bad line whole, with exit 2 and the number of the line', async () => {
    const { code, stdout, stderr } = await site.run(
      ['blocks', 'add', '203.0.113.1', '--file', '-'],
      {},
      `${ADDRESSES.join('\n')}\n198.51.100.256\n`,
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(
      `ADDRESS_INVALID: not an address or network: line ${COUNT + 1}: "198.51.100.256"`,
    );
    expect(site.withLedger((ledger) => ledger.activeBlocks(Date.now()))).toEqual([]);
  });

  it('blocks 3,000 of a feed on the router, skips the protected ones and sums up what it did', async () => {
    const feed = `\u{feff}# feed\r\n${[...ADDRESSES, ...PROTECTED, ADDRESSES[7]].join(' ; seen\r\n')}`;
    const args = [
      'blocks',
      'add',
      '--file',
      '-',
      '--skip-protected',
      '--seconds',
      '7200',
      '--reason',
      'feed',
    ];
    const { code, stdout, stderr } = await site.run(args, { USER: 'alice' }, feed);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(22);
    expect(lines[0]).toMatch(/^198\.51\.100\.0 blocked until \d{4}-/);
    expect(lines.slice(20)).toEqual([
      `and ${COUNT - 20} more`,
      `${COUNT} blocked: ${COUNT} new, 0 were blocked before`,
    ]);
    expect(stderr).toMatch(/2 skipped, protected: 10\.1\.2\.3: .*, 127\.0\.0\.1: /);
    expect(site.held('core')).toEqual(ADDRESSES.toSorted());
    const blocks = site.withLedger((ledger) => ledger.activeBlocks(Date.now()));
    expect(new Set(blocks.map(({ createdBy, reason }) => `${createdBy} ${reason}`))).toEqual(
      new Set(['alice feed']),
    );
  });

  it('keeps actor and reason of each in the audit', () => {
    const records = site.withLedger((ledger) =>
      ledger.audit({ actor: 'alice', actions: ['block_added'], limit: COUNT + 1 }),
    );
    expect(records).toHaveLength(COUNT);
    expect(new Set(records.map(({ reason }) => reason))).toEqual(new Set(['feed']));
  });

  it('lists those of one network, or of one origin, and says when there is none', async () => {
    const one = await site.json(['blocks', 'list', '--address', '198.51.101.0/28']);
    expect((one.value as { address: string }[]).map(({ address }) => address)).toEqual(
      Array.from({ length: 16 }, (_, index) => `198.51.101.${index}`),
    );
    expect((await site.json(['blocks', 'list', '--origin', 'auto'])).value).toEqual([]);
    const none = await site.run(['blocks', 'list', '--origin', 'manual', '--address', '203.0.113.1']);
    expect(none).toMatchObject({ code: 0, stdout: 'no such block\n' });
    const bad = await site.run(['blocks', 'list', '--address', 'example.net']);
    expect(bad).toMatchObject({ code: 2, stdout: '' });
  });

  it('extends from a file, never shortens, and tells programs the blocks as JSON', async () => {
    const file = join(site.dir, 'some.txt');
    writeFileSync(file, `${ADDRESSES.slice(0, 5).join('\n')}\n203.0.113.1\n`);
    const refused = await site.run(['blocks', 'extend', '--file', file, '--seconds', '86400']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('NOT_FOUND: not blocked: 203.0.113.1');
    const extend = ['blocks', 'extend', '--file', file, '--skip-missing'];
    const longer = (await site.json([...extend, '--seconds', '86400'])) as {
      code: number;
      value: BlocksJson;
    };
    expect(longer).toMatchObject({ code: 0, value: { skipped: ['203.0.113.1'] } });
    expect(longer.value.blocks.map(({ address }) => address)).toEqual(ADDRESSES.slice(0, 5));
    for (const { expiresAtMs } of longer.value.blocks)
      expect(expiresAtMs).toBeGreaterThan(Date.now() + 80_000_000);
    const shorter = (await site.json([...extend, '--seconds', '60'])) as { value: BlocksJson };
    expect(shorter.value.blocks.map(({ expiresAtMs }) => expiresAtMs)).toEqual(
      longer.value.blocks.map(({ expiresAtMs }) => expiresAtMs),
    );
    const entry = site.routers.core.entries(4).find(({ address }) => address === ADDRESSES[0]);
    expect(entry!.timeoutSeconds).toBeGreaterThan(80_000);
  });

  it('respects the limit of a router: refused with figure and option, and nothing is blocked', async () => {
    const tight = await openRouterSite(['core'], { maxEntries: 100 });
    try {
      const feed = ADDRESSES.slice(0, 101).join('\n');
      const { code, stdout, stderr } = await tight.run(['blocks', 'add', '--file', '-'], {}, feed);
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
      expect(stderr).toMatch(
        /CAP_REACHED: router core would have to hold 101 entries: .*ROUTER_MAX_ENTRIES\) is 100\n {2}\S/,
      );
      const total = await tight.run(['blocks', 'add', '--file', '-'], { MAX_BLOCKS_TOTAL: '50' }, feed);
      expect(total).toMatchObject({ code: 4, stdout: '' });
      expect(total.stderr).toContain(
        '0 blocks stand, with 101 more there would be 101: MAX_BLOCKS_TOTAL is 50;',
      );
      expect(tight.held('core')).toEqual([]);
    } finally {
      await tight.close();
    }
  });

  it('removes thousands at once: with one that is not blocked none, with --skip-missing all others', async () => {
    const feed = [...ADDRESSES, '203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.4'].join('\n');
    const remove = ['blocks', 'remove', '--file', '-', '--reason', 'wrong feed'];
    const refused = await site.run(remove, {}, feed);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain(`not blocked: 4 of ${COUNT + 4}; nothing was done\n  203.0.113.1\n`);
    expect(site.held('core')).toHaveLength(COUNT);
    const done = await site.run([...remove, '--skip-missing'], { USER: 'bob' }, feed);
    expect(done.code).toBe(0);
    expect(done.stdout.trimEnd().split('\n').slice(-2)).toEqual([
      `and ${COUNT - 20} more`,
      `${COUNT} lifted`,
    ]);
    expect(site.held('core')).toEqual([]);
    const lifted = site.withLedger((ledger) =>
      ledger.audit({ actor: 'bob', actions: ['block_lifted'], limit: COUNT + 1 }),
    );
    expect(lifted).toHaveLength(COUNT);
    expect(new Set(lifted.map(({ reason }) => reason))).toEqual(new Set(['wrong feed']));
  });
});
