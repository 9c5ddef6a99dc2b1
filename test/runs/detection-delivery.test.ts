import type { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deliverDetections } from '../../src/runs/detection-delivery.ts';
import { createDetectionsTable, type DetectionsTable } from '../../src/storage/detections-table.ts';
import { migrateDatabase } from '../../src/storage/schema-migrations.ts';
import { detectionOf } from '../support/detections.ts';
import { capturingLogger } from '../support/logger.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { runOn, type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 3, 4, 30);
const { logger } = capturingLogger();

let postgres: Awaited<ReturnType<typeof startTestPostgres>>;
let pool: Pool;
let table: DetectionsTable;
let place: TemporaryLedger;

beforeAll(async () => {
  postgres = await startTestPostgres();
  pool = await postgres.database();
  await migrateDatabase({ pool, logsRelation: 'network_logs', logger });
  table = createDetectionsTable(pool);
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  await pool.query('TRUNCATE detections');
  place = temporaryLedger();
});
afterEach(() => place.remove());

const recorded = () => table.recent({ sinceMs: 0, limit: 100 });
const deliver = () => deliverDetections({ ledger: place.ledger, table, logger });

describe('the delivery of detections', () => {
  it('carries detections over once, and once more changes nothing', async () => {
    runOn(place.ledger, [detectionOf({ sourceIp: '198.51.100.1', lastSeenMs: NOW - 1000 })], NOW);
    expect(await deliver()).toEqual({ delivered: 1 });
    expect(await deliver()).toEqual({ delivered: 0 });
    expect(await recorded()).toMatchObject([{ detection: { sourceIp: '198.51.100.1' }, blocked: false }]);
  });

  it('loses and doubles nothing when it dies between writing and noting it', async () => {
    runOn(place.ledger, [detectionOf({ sourceIp: '198.51.100.1', lastSeenMs: NOW - 1000 })], NOW);
    const dying = {
      ...place.ledger,
      dropPendingDetections: () => {
        throw new Error('killed here');
      },
    };
    await expect(deliverDetections({ ledger: dying, table, logger })).rejects.toThrow('killed here');
    expect(await deliver()).toEqual({ delivered: 1 });
    expect(await recorded()).toHaveLength(1);
  });

  it('keeps everything while PostgreSQL is away', async () => {
    runOn(place.ledger, [detectionOf({ sourceIp: '198.51.100.1', lastSeenMs: NOW - 1000 })], NOW);
    const away = { ...table, write: () => Promise.reject(new Error('away')) };
    await expect(deliverDetections({ ledger: place.ledger, table: away, logger })).rejects.toThrow('away');
    expect(place.reopen().pendingDetections(10)).toHaveLength(1);
  });

  it('marks what a router was read back with as blocked, later detections of the block included', async () => {
    runOn(place.ledger, [detectionOf({ sourceIp: '198.51.100.1', lastSeenMs: NOW - 1000 })], NOW);
    place.ledger.confirmBlocks({ addresses: ['198.51.100.1'], nowMs: NOW + 5000 });
    await deliver();
    expect(await recorded()).toMatchObject([{ blocked: true, blockedAtMs: NOW + 5000 }]);
    const later = NOW + 600_000;
    runOn(place.ledger, [detectionOf({ sourceIp: '198.51.100.1', lastSeenMs: later - 1000 })], later);
    await deliver();
    expect((await recorded()).map((row) => row.blocked)).toEqual([true, true]);
  });

  it("carries the operator's rejection over, for what was and what will be detected", async () => {
    const medium = (lastSeenMs: number) =>
      detectionOf({ sourceIp: '198.51.100.2', lastSeenMs, riskScore: 80 });
    runOn(place.ledger, [medium(NOW - 1000)], NOW);
    await deliver();
    const { id } = place.ledger.review('198.51.100.2');
    place.ledger.rejectReview({ id, actor: 'test', standsSeconds: 86_400, nowMs: NOW + 1000 });
    runOn(place.ledger, [medium(NOW + 599_000)], NOW + 600_000);
    await deliver();
    expect((await recorded()).map((row) => row.isFalsePositive)).toEqual([true, true]);
    expect(place.ledger.reviews({ status: 'pending' })).toEqual([]);
  });
});
