import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliSite, closedPort, openCliSite } from './cli-site.ts';
import { HIGH_TRIES, MEDIUM_TRIES, writeLoginsCsv } from './logins-csv.ts';

const HIGH = '2001:db8:bad:cafe:1234:5678:9abc:def0';
/** What is blocked of an IPv6 attacker: the network a subscriber is given. */
const HIGH_NETWORK = '2001:db8:bad:cafe::/64';
const MEDIUM = '198.51.100.20';
const INTERNAL = '192.168.7.7';

let site: CliSite;

beforeAll(async () => {
  site = await openCliSite();
  const tries = { [HIGH]: HIGH_TRIES, [MEDIUM]: MEDIUM_TRIES, [INTERNAL]: HIGH_TRIES };
  await site.json(['import', writeLoginsCsv(site.dir, { name: 'logins.csv', tries })]);
});
afterAll(() => site.close());

async function everythingWritten(): Promise<unknown> {
  const { rows } = await site.pool.query('SELECT count(*)::int AS detections FROM detections');
  return {
    detections: rows,
    router: site.held(),
    blocks: await site.json(['blocks', 'list']),
    reviews: await site.json(['review', 'list', '--status', 'all']),
    // The time of asking is no writing.
    status: { ...((await site.json(['status'])) as object), atMs: null },
  };
}

describe('autoblock detect', () => {
  it('shows with --dry-run, and with DRY_RUN set, what it would decide and writes nothing anywhere', async () => {
    const before = await everythingWritten();
    const { code, stdout } = await site.run(['detect', '--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toContain('detector legacy, model none');
    expect(stdout).toMatch(/would be 1 new blocks, 0 extended, 1 for review/);
    const high = stdout.split('\n').find((line) => line.startsWith(HIGH_NETWORK))!;
    expect(high).toMatch(/ +high +brute_force +block +high_confidence +200 connections to login services/);
    const byConfiguration = await site.run(['detect'], { DRY_RUN: 'true' });
    expect(byConfiguration.stdout).toContain('would be 1 new blocks');
    expect(await everythingWritten()).toEqual(before);
  });

  it('looks at the period before --as-of', async () => {
    const result = await site.json(['detect', '--dry-run', '--as-of', '2026-01-31T03:00:00Z']);
    expect(result).toMatchObject({ toMs: Date.UTC(2026, 0, 31, 3), records: 0, verdicts: [] });
  });

  it.each(['yesterday', '2026-02-31', '2026-01-31T03:00:00', '2026-01-31T25:00:00Z'])(
    'refuses --as-of %s and says which times it takes',
    async (time) => {
      const { code, stdout, stderr } = await site.run(['detect', '--dry-run', '--as-of', time]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`--as-of: got "${time}", wanted now or an ISO 8601 time`);
    },
  );

  it('says with the command to run that there is no model, and judges with the legacy rules', async () => {
    const { code, stdout, stderr } = await site.run(['detect', '--dry-run', '--json'], {
      USE_HYBRID_DETECTOR: 'true',
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ detector: 'legacy', model: 'none', modelVersion: null });
    expect(stderr).toContain('"code":"MODEL_MISSING"');
    expect(stderr).toContain('autoblock train');
  });

  it('records what it decided, gives reasons with each verdict, and leaves the router to the sync', async () => {
    const result = await site.json(['detect']);
    expect(result).toMatchObject({
      runId: expect.any(Number) as number,
      detector: 'legacy',
      model: 'none',
      records: HIGH_TRIES * 2 + MEDIUM_TRIES,
      truncated: false,
      blocksAdded: 1,
      reviewsAdded: 1,
    });
    const { verdicts } = result as { verdicts: { sourceIp: string; reasons: string[] }[] };
    expect(Object.fromEntries(verdicts.map((verdict) => [verdict.sourceIp, verdict]))).toMatchObject({
      [HIGH]: { action: 'block', confidence: 'high', anomalyType: 'brute_force', windows: 1 },
      [MEDIUM]: { action: 'review', cause: 'medium_confidence', confidence: 'medium' },
      [INTERNAL]: { action: 'monitor', cause: 'protected' },
    });
    for (const { reasons } of verdicts)
      expect(reasons[0]).toMatch(/^\d+ connections to login services in 5 min/);
    expect(site.held()).toEqual([]);
    const { rows } = await site.pool.query<{ ip: string; reasons: unknown[] }>(
      'SELECT host(source_ip) AS ip, reasons FROM detections ORDER BY ip',
    );
    expect(rows.map(({ ip }) => ip)).toEqual([INTERNAL, MEDIUM, HIGH].sort());
    for (const { reasons } of rows) expect(reasons.length).toBeGreaterThan(0);
  });

  it('adds nothing the second time', async () => {
    expect(await site.json(['detect'])).toMatchObject({
      blocksAdded: 0,
      blocksExtended: 0,
      reviewsAdded: 0,
    });
  });

  it('exits 3 with DATABASE_UNAVAILABLE and no secret when PostgreSQL is away', async () => {
    const DATABASE_URL = `postgresql://auto:db-secret-1@127.0.0.1:${await closedPort()}/logs`;
    const { code, stdout, stderr } = await site.run(['detect'], { DATABASE_URL });
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toContain('autoblock: DATABASE_UNAVAILABLE: ');
    expect(stderr).toContain('Check DATABASE_URL');
    expect(stderr).not.toContain('db-secret-1');
  });
});

describe('autoblock status', () => {
  it('tells detector, blocks not yet on a router, queue and runs', async () => {
    const { code, stdout } = await site.run(['status']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^detector: legacy {4}model: none$/m);
    expect(stdout).toContain('blocks: 1 (1 not yet read back from a router)    for review: 1');
    expect(stdout).toMatch(/^127\.0\.0\.1 +never synced/m);
    expect(stdout).toMatch(/^detection +ok +\d{4}-/m);
  });

  it('says the same as one JSON object, also while PostgreSQL is away', async () => {
    const DATABASE_URL = `postgresql://auto:pw@127.0.0.1:${await closedPort()}/logs`;
    expect(await site.json(['status'], { DATABASE_URL, USE_HYBRID_DETECTOR: 'true' })).toMatchObject({
      detector: 'legacy',
      model: 'none',
      modelProblem: null,
      leastHighRisk: {},
      lastTraining: null,
      blocks: 1,
      blocksNotConfirmed: 1,
      reviewsPending: 1,
      undelivered: false,
      routers: [{ name: '127.0.0.1', state: null }],
    });
  });

  it('names the command that trains when the hybrid detector has no model', async () => {
    const { stdout } = await site.run(['status'], { USE_HYBRID_DETECTOR: 'true' });
    expect(stdout).toContain('model: none (train one with `autoblock train`)');
  });
});
