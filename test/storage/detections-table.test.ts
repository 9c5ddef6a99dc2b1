import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Detection } from '../../src/detector/detection.ts';
import { createDetectionsTable, type DetectionsTable } from '../../src/storage/detections-table.ts';
import { migrateDatabase } from '../../src/storage/schema-migrations.ts';
import { silentLogger, startTestPostgres, type TestPostgres } from '../support/postgres.ts';

const T0 = Date.UTC(2026, 0, 31, 12);
let server: TestPostgres;
let pool: pg.Pool;
let table: DetectionsTable;

beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  pool = await server.database();
  await migrateDatabase({ pool, logsRelation: 'network_logs', logger: silentLogger });
  table = createDetectionsTable(pool);
});

function detection(changes: Partial<Detection> = {}): Detection {
  return {
    sourceIp: '203.0.113.7',
    windowStartMs: T0,
    windowEndMs: T0 + 300_000,
    riskScore: 97.25,
    confidence: 'high',
    anomalyType: 'port_scan',
    reasons: [
      {
        text: `412 destination ports in 5 min; it's "loud" \\ 100 %`,
        subject: 'unique_ports',
        observed: 412,
        typical: 3,
      },
    ],
    logCount: 415,
    firstSeenMs: T0 + 0.125,
    lastSeenMs: T0 + 299_999.999,
    detector: 'hybrid',
    modelVersion: '2026-01-25T03-00-00Z',
    ...changes,
  };
}

const write = (...detections: Detection[]): Promise<number> =>
  table.write(detections.map((one) => ({ detection: one, detectedAtMs: T0 + 301_000 })));

const all = (): ReturnType<DetectionsTable['recent']> => table.recent({ sinceMs: 0, limit: 100 });

describe('the detections table', () => {
  it('gives back what was written, IPv6, microseconds and quotes included', async () => {
    const v6 = detection({
      sourceIp: '2001:db8::1',
      detector: 'legacy',
      modelVersion: null,
      riskScore: 0,
      reasons: [],
    });
    expect(await write(detection(), v6)).toBe(2);
    const mark = { blocked: false, blockedAtMs: null, isFalsePositive: false, detectedAtMs: T0 + 301_000 };
    expect(await all()).toEqual([
      { id: expect.any(Number) as number, detection: detection(), ...mark },
      { id: expect.any(Number) as number, detection: v6, ...mark },
    ]);
  });

  it('keeps one row per source, window and detector, with the latest judgement', async () => {
    await write(detection());
    expect(await write(detection({ riskScore: 71, confidence: 'medium', logCount: 500 }))).toBe(1);
    const again = { confidence: 'medium', logCount: 500 } as const;
    expect(await write(detection({ riskScore: 1 }), detection({ riskScore: 72, ...again }))).toBe(1);
    await write(detection({ detector: 'legacy' }), detection({ windowStartMs: T0 + 1 }));
    const rows = await all();
    expect(rows.map((row) => row.detection.riskScore).sort()).toEqual([72, 97.25, 97.25]);
  });

  it('keeps the judgement of the whole window when the window is seen again in part', async () => {
    await write(detection());
    const part = detection({ riskScore: 55, confidence: 'low', anomalyType: 'unclassified', logCount: 414 });
    expect(await write(part)).toBe(0);
    expect(await all()).toMatchObject([
      { detection: { riskScore: 97.25, confidence: 'high', logCount: 415 } },
    ]);
    // As much seen, judged otherwise: by another model.
    expect(await write({ ...part, logCount: 415 })).toBe(1);
    expect(await all()).toMatchObject([{ detection: { riskScore: 55, confidence: 'low' } }]);
  });

  it('never lets a new judgement take back a block or an operator’s word', async () => {
    await write(detection());
    expect(await table.markBlocked([{ address: '203.0.113.7', blockedAtMs: T0 + 400_000 }])).toBe(1);
    expect(await table.markFalsePositive([{ address: '203.0.113.7', value: true }])).toBe(1);
    await write(detection({ riskScore: 80, confidence: 'medium' }));
    expect(await all()).toMatchObject([
      { blocked: true, blockedAtMs: T0 + 400_000, isFalsePositive: true, detection: { riskScore: 80 } },
    ]);
  });

  it('marks hosts and whole networks as blocked, each row once, and keeps the first time', async () => {
    await write(
      detection({ sourceIp: '203.0.113.7' }),
      detection({ sourceIp: '203.0.113.8' }),
      detection({ sourceIp: '198.51.100.1' }),
      detection({ sourceIp: '2001:db8::5' }),
    );
    const first = [
      { address: '203.0.113.7', blockedAtMs: T0 },
      { address: '2001:db8::/64', blockedAtMs: T0 + 1 },
    ];
    expect(await table.markBlocked(first)).toBe(2);
    expect(await table.markBlocked([{ address: '203.0.113.0/24', blockedAtMs: T0 + 2 }])).toBe(1);
    expect(await table.markBlocked(first)).toBe(0);
    expect(await table.markBlocked([])).toBe(0);
    const times = Object.fromEntries((await all()).map((row) => [row.detection.sourceIp, row.blockedAtMs]));
    expect(times).toEqual({
      '203.0.113.7': T0,
      '203.0.113.8': T0 + 2,
      '198.51.100.1': null,
      '2001:db8::5': T0 + 1,
    });
  });

  it('takes the operator’s last word on an address, and a word given with the detection', async () => {
    await write(detection());
    const marks = [true, false, true].map((value) => ({ address: '203.0.113.7', value }));
    expect(await table.markFalsePositive(marks)).toBe(3);
    expect(await table.markFalsePositive([{ address: '203.0.113.0/24', value: false }])).toBe(1);
    expect(await all()).toMatchObject([{ isFalsePositive: false }]);
    await table.write([{ detection: detection(), detectedAtMs: T0, isFalsePositive: true }]);
    expect(await all()).toMatchObject([{ isFalsePositive: true }]);
  });

  it('counts tiers since a time and lists the newest and riskiest first', async () => {
    await table.write([
      { detection: detection({ sourceIp: '10.0.0.1', confidence: 'low', riskScore: 20 }), detectedAtMs: T0 },
      {
        detection: detection({ sourceIp: '10.0.0.2', confidence: 'low', riskScore: 10 }),
        detectedAtMs: T0 + 1,
      },
      { detection: detection({ sourceIp: '10.0.0.3' }), detectedAtMs: T0 + 1 },
    ]);
    expect(await table.countsByTier({ sinceMs: 0 })).toEqual({ high: 1, medium: 0, low: 2 });
    expect(await table.countsByTier({ sinceMs: T0 + 1 })).toEqual({ high: 1, medium: 0, low: 1 });
    const newest = await table.recent({ sinceMs: 0, limit: 2 });
    expect(newest.map((row) => row.detection.sourceIp)).toEqual(['10.0.0.3', '10.0.0.2']);
  });

  it('writes more than a batch, and finds it written the second time', async () => {
    const many = Array.from({ length: 2500 }, (_, index) =>
      detection({ windowStartMs: T0 - index * 300_000 }),
    );
    expect(await write(...many)).toBe(2500);
    expect(await write(...many)).toBe(2500);
    expect(await table.countsByTier({ sinceMs: 0 })).toEqual({ high: 2500, medium: 0, low: 0 });
    expect(await write()).toBe(0);
  });

  it('says DATABASE_UNAVAILABLE when the server is away', async () => {
    const { testPool } = await import('../support/postgres.ts');
    const nobody = testPool('postgres://someone:secret@127.0.0.1:1/none');
    const away = createDetectionsTable(nobody).write([{ detection: detection(), detectedAtMs: T0 }]);
    await expect(away).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await expect(away).rejects.not.toThrow('secret');
    await nobody.end();
  });
});
