import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliSite, closedPort, openCliSite } from './cli-site.ts';
import { MEDIUM_TRIES, writeLoginsCsv } from './logins-csv.ts';

/** An IPv6 attacker waits for review as the network of its subscriber. */
const SIGHTED = '2001:db8:bad:cafe:1234:5678:9abc:def0';
const APPROVED = '2001:db8:bad:cafe::/64';
const REJECTED = '198.51.100.21';
const LATER = '198.51.100.22';
const LAST = '198.51.100.23';

interface Item {
  readonly id: number;
  readonly address: string;
  readonly status: string;
}

let site: CliSite;

beforeAll(async () => {
  site = await openCliSite();
  const tries = {
    [SIGHTED]: MEDIUM_TRIES + 3,
    [REJECTED]: MEDIUM_TRIES,
    [LATER]: MEDIUM_TRIES - 1,
    [LAST]: MEDIUM_TRIES - 2,
  };
  await site.json(['import', writeLoginsCsv(site.dir, { name: 'logins.csv', tries })]);
  await site.json(['detect']);
});
afterAll(() => site.close());

const items = async (status = 'pending'): Promise<Item[]> =>
  (await site.json(['review', 'list', '--status', status])) as Item[];
const idOf = async (address: string): Promise<number> =>
  (await items('all')).find((item) => item.address === address)!.id;

async function falsePositives(): Promise<Record<string, boolean[]>> {
  const { rows } = await site.pool.query<{ ip: string; marks: boolean[] }>(
    'SELECT host(source_ip) AS ip, array_agg(is_false_positive ORDER BY id) AS marks FROM detections GROUP BY 1',
  );
  return Object.fromEntries(rows.map(({ ip, marks }) => [ip, marks]));
}

describe('autoblock review', () => {
  it('lists what waits, riskiest first, with the reason it is here', async () => {
    const { code, stdout } = await site.run(['review', 'list']);
    expect(code).toBe(0);
    const [head = '', ...rows] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^ID +ADDRESS +STATUS +RISK +TYPE +SEEN +LAST +WHY HERE$/);
    expect(rows.map((row) => row.split(/ +/)[1])).toEqual([APPROVED, REJECTED, LATER, LAST]);
    for (const row of rows) {
      expect(row.slice(head.indexOf('STATUS'))).toMatch(/^pending +\d\d\.\d +brute_force +1 /);
      expect(row.slice(head.indexOf('WHY HERE'))).toMatch(/connections to login services/);
    }
    expect((await items()).map(({ status }) => status)).toEqual(Array(4).fill('pending'));
  });

  it('shows the evidence by number and by address in any spelling', async () => {
    const byId = await site.run(['review', 'show', String(await idOf(APPROVED))]);
    const byAddress = await site.run(['review', 'show', APPROVED.toUpperCase()]);
    const bySource = await site.run(['review', 'show', SIGHTED.toUpperCase()]);
    expect(byId.code).toBe(0);
    expect([byAddress.stdout, bySource.stdout]).toEqual([byId.stdout, byId.stdout]);
    expect(byId.stdout).toContain(`${APPROVED}: pending, risk `);
    expect(byId.stdout).toMatch(/ {2}window \d{4}-.*Z to \d{4}-.*Z, seen in 1 run$/m);
    expect(byId.stdout).toMatch(/ {2}- 18 connections to login services in 5 min/);
    expect(await site.json(['review', 'show', APPROVED])).toMatchObject([{ address: APPROVED }]);
  });

  it('exits 1 with NOT_FOUND for what is not there', async () => {
    for (const target of ['4711', '203.0.113.200', 'nonsense']) {
      const { code, stderr } = await site.run(['review', 'show', target]);
      expect(code).toBe(1);
      expect(stderr).toContain(`autoblock: NOT_FOUND: no review item of ${target}`);
    }
  });

  it('refuses to approve an address that is protected now, and then decides none of the call', async () => {
    const { code, stdout, stderr } = await site.run(['review', 'approve', APPROVED, LATER], {
      ALLOWLIST: '198.51.100.22',
    });
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toContain('ADDRESS_PROTECTED: 198.51.100.22: allowlist');
    expect(await items()).toHaveLength(4);
    expect(site.held()).toEqual([]);
  });

  it('blocks what is approved on the router at once', async () => {
    const id = await idOf(APPROVED);
    const args = ['review', 'approve', String(id), APPROVED, '--seconds', '7200', '--note', 'known scanner'];
    const { code, stdout } = await site.run(args, { USER: 'alice' });
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${APPROVED} approved: blocked until \\d{4}-`));
    expect(site.held()).toEqual([APPROVED]);
    expect(site.simulator.entries(6)[0]!.timeoutSeconds).toBeLessThanOrEqual(7200);
    const shown = await site.run(['review', 'show', String(id)]);
    expect(shown.stdout).toMatch(/ {2}decided \d{4}-.*Z by alice: known scanner/);
    expect(await site.json(['blocks', 'list'])).toMatchObject([{ address: APPROVED, origin: 'review' }]);
  });

  it('marks the detections of what is rejected as false positives in PostgreSQL', async () => {
    const { code, stdout } = await site.run(['review', 'reject', REJECTED, '--note', 'our own monitor']);
    expect(code).toBe(0);
    expect(stdout).toContain(`${REJECTED} rejected: a false positive, left alone for 30 days`);
    expect(await falsePositives()).toEqual({
      [SIGHTED]: [false],
      [REJECTED]: [true],
      [LATER]: [false],
      [LAST]: [false],
    });
  });

  it('queues a rejected address not again, however loud it gets, and marks that detection too', async () => {
    const file = writeLoginsCsv(site.dir, {
      name: 'again.csv',
      tries: { [REJECTED]: 120 },
      when: 'just now',
    });
    await site.json(['import', file]);
    const { verdicts } = (await site.json(['detect'])) as { verdicts: { sourceIp: string }[] };
    expect(verdicts.find(({ sourceIp }) => sourceIp === REJECTED)).toMatchObject({
      action: 'monitor',
      cause: 'rejected_before',
    });
    expect((await items()).map(({ address }) => address)).toEqual([LATER, LAST]);
    const marks = (await falsePositives())[REJECTED]!;
    expect(marks.length).toBeGreaterThan(1);
    expect(marks).not.toContain(false);
    expect(site.held()).toEqual([APPROVED]);
  });

  it('decides nothing twice: exit 4 with who decided what and when, and the others of the call stay open', async () => {
    const { code, stdout, stderr } = await site.run(['review', 'approve', LATER, REJECTED]);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(
      /autoblock: CONFLICT: review item \d+ \(198\.51\.100\.21\) was rejected by \S+ at \d{4}-/,
    );
    expect((await items()).map(({ address }) => address)).toEqual([LATER, LAST]);
    expect((await site.run(['review', 'reject', APPROVED])).code).toBe(4);
  });

  it('decides while PostgreSQL is away, and tells it when it is back', async () => {
    const DATABASE_URL = `postgresql://auto:db-secret-1@127.0.0.1:${await closedPort()}/logs`;
    const rejected = await site.run(['review', 'reject', LATER], { DATABASE_URL });
    const approved = await site.run(['review', 'approve', LAST], { DATABASE_URL });
    for (const { code, stderr } of [rejected, approved]) {
      expect(code).toBe(0);
      expect(stderr).toContain('safe in the ledger and delivered later');
      expect(stderr).not.toContain('db-secret-1');
    }
    expect(site.held()).toContain(LAST);
    expect((await falsePositives())[LATER]).toEqual([false]);
    expect((await site.run(['sync'])).code).toBe(0);
    expect((await falsePositives())[LATER]).toEqual([true]);
    expect(await items()).toEqual([]);
    expect((await site.run(['review', 'list'])).stdout).toBe('no pending items\n');
  });
});
