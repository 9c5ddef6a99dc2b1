import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRouterSite, type RouterSite } from './router-site.ts';

interface Line {
  readonly actor: string;
  readonly action: string;
  readonly router: string | null;
  readonly address: string | null;
  readonly reason: string | null;
  readonly atMs: number;
}

let site: RouterSite<'core'>;
let startedAtMs: number;

beforeAll(async () => {
  site = await openRouterSite(['core']);
  startedAtMs = Date.now();
  const add = ['blocks', 'add', '203.0.113.7', '203.0.113.8', '198.51.100.0/24', '--reason', 'abuse report'];
  expect((await site.run(add, { USER: 'alice' })).code).toBe(0);
  const remove = ['blocks', 'remove', '203.0.113.8', '--reason', 'our own'];
  expect((await site.run(remove, { USER: 'bob' })).code).toBe(0);
});
afterAll(() => site.close());

async function lines(...filters: string[]): Promise<Line[]> {
  const { code, stdout, stderr } = await site.run(['audit', ...filters, '--json']);
  expect({ filters, code, stderr }).toEqual({ filters, code: 0, stderr: '' });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

describe('autoblock audit', () => {
  it('tells who did what, newest first, as JSON lines and without PostgreSQL', async () => {
    const all = await lines();
    expect(all.length).toBeGreaterThanOrEqual(4);
    const times = all.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    expect(
      all.filter(({ action }) => action === 'block_added').map(({ actor, reason }) => [actor, reason]),
    ).toEqual(Array(3).fill(['alice', 'abuse report']));
    expect(all.find(({ action }) => action === 'block_lifted')).toMatchObject({
      actor: 'bob',
      address: '203.0.113.8',
      reason: 'our own',
    });
  });

  it('is filtered by person, by action and by both', async () => {
    expect(new Set((await lines('--actor', 'bob')).map(({ actor }) => actor))).toEqual(new Set(['bob']));
    const both = await lines('--action', 'block_added', '--action', 'block_lifted', '--actor', 'bob');
    expect(both.map(({ action }) => action)).toEqual(['block_lifted']);
  });

  it('finds by an address what was done to it and to networks that touch it', async () => {
    const added = (address: string) => lines('--address', address, '--action', 'block_added');
    expect((await added('198.51.100.9')).map(({ address }) => address)).toEqual(['198.51.100.0/24']);
    expect((await added('203.0.113.0/24')).map(({ address }) => address).toSorted()).toEqual([
      '203.0.113.7',
      '203.0.113.8',
    ]);
    expect(await added('192.0.2.1')).toEqual([]);
  });

  it('tells what was pushed to which router, as read back', async () => {
    const pushed = await lines('--router', 'core', '--action', 'entry_added');
    expect(pushed.map(({ address }) => address).toSorted()).toEqual([
      '198.51.100.0/24',
      '203.0.113.7',
      '203.0.113.8',
    ]);
    expect(
      (await lines('--router', 'core', '--action', 'entry_removed')).map(({ address }) => address),
    ).toEqual(['203.0.113.8']);
    expect(await lines('--router', 'edge')).toEqual([]);
  });

  it('is bounded in time and number, and says when there is more', async () => {
    const iso = new Date(startedAtMs - 1000).toISOString();
    expect(await lines('--until', iso)).toEqual([]);
    expect((await lines('--since', iso)).length).toBe((await lines('--since', '1h')).length);
    const { code, stdout, stderr } = await site.run(['audit', '--limit', '2']);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(3);
    expect(stderr).toContain('only the latest 2 are shown');
    expect((await lines('--limit', '2')).length).toBe(2);
  });

  it('says plainly when nothing matches', async () => {
    expect(await site.run(['audit', '--actor', 'nobody-of-ours'])).toMatchObject({
      code: 0,
      stdout: 'no such record\n',
      stderr: '',
    });
  });
});
