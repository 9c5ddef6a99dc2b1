import type { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deliverShadowDetections } from '../../src/runs/shadow-delivery.ts';
import { migrateDatabase } from '../../src/storage/schema-migrations.ts';
import {
  createShadowDetectionsTable,
  type ShadowDetectionsTable,
} from '../../src/storage/shadow-detections-table.ts';
import { detectionOf } from '../support/detections.ts';
import { capturingLogger } from '../support/logger.ts';
import { runOnce, startTestPostgres, type TestPostgres, testPool } from '../support/postgres.ts';
import { runOn, type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 3, 4, 30);
const DAY = 86_400_000;
const { logger } = capturingLogger();

let postgres: TestPostgres;
let pool: Pool;
let table: ShadowDetectionsTable;
let place: TemporaryLedger;

beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  pool = await postgres.database();
  await migrateDatabase({ pool, logsRelation: 'network_logs', logger });
  table = createShadowDetectionsTable({ pool, logger });
  place = temporaryLedger();
});
afterEach(() => place.remove());

/** A recorded run whose shadow found these sources. */
function shadowFound(sourceIps: readonly string[], { atMs = NOW, logCount = 412 } = {}): void {
  const { runId } = runOn(place.ledger, [], atMs);
  const detections = sourceIps.map((sourceIp) => ({
    ...detectionOf({ sourceIp, lastSeenMs: NOW - 1000 }),
    logCount,
  }));
  place.ledger.recordShadow({ runId, figures: { detector: 'hybrid' }, detections, detectedAtMs: atMs });
}

const deliver = (changes: Partial<Parameters<typeof deliverShadowDetections>[0]> = {}) =>
  deliverShadowDetections({ ledger: place.ledger, table, keepFromMs: NOW - 90 * DAY, logger, ...changes });

async function recorded(): Promise<{ ip: string; log_count: number }[]> {
  const { rows } = await pool.query<{ ip: string; log_count: number }>(
    'SELECT host(source_ip) AS ip, log_count::int FROM shadow_detections ORDER BY source_ip',
  );
  return rows;
}

describe('the delivery of shadow detections', () => {
  it('makes its table with the first one, and leaves detections alone', async () => {
    expect(await deliver()).toEqual({ delivered: 0, pruned: 0 });
    const found = await pool.query("SELECT to_regclass('shadow_detections') AS made");
    expect(found.rows).toEqual([{ made: null }]);
    shadowFound(['198.51.100.1', '2001:db8::1']);
    expect(await deliver()).toEqual({ delivered: 2, pruned: 0 });
    expect((await recorded()).map(({ ip }) => ip)).toEqual(['198.51.100.1', '2001:db8::1']);
    expect((await pool.query('SELECT 1 FROM detections')).rowCount).toBe(0);
    expect(await migrateDatabase({ pool, logsRelation: 'network_logs', logger })).toEqual([]);
  });

  it('goes on when somebody dropped the table of an earlier trial, and loses nothing by it', async () => {
    shadowFound(['198.51.100.1']);
    await deliver();
    await pool.query('DROP TABLE shadow_detections');
    shadowFound(['198.51.100.2']);
    await expect(deliver()).rejects.toThrow('shadow_detections');
    expect(await deliver()).toMatchObject({ delivered: 1 });
    expect((await recorded()).map(({ ip }) => ip)).toEqual(['198.51.100.2']);
  });

  it('loses and doubles nothing when it dies between writing and noting it', async () => {
    shadowFound(['198.51.100.1']);
    const dying = {
      ...place.ledger,
      dropPendingShadowDetections: () => {
        throw new Error('killed here');
      },
    };
    await expect(deliver({ ledger: dying })).rejects.toThrow('killed here');
    expect(await deliver({ ledger: place.reopen() })).toMatchObject({ delivered: 1 });
    expect(await deliver()).toMatchObject({ delivered: 0 });
    expect(await recorded()).toHaveLength(1);
  });

  it('brings a window judged again up to date, but not with a part of its records', async () => {
    shadowFound(['198.51.100.1'], { logCount: 100 });
    await deliver();
    shadowFound(['198.51.100.1'], { logCount: 400, atMs: NOW + 300_000 });
    await deliver();
    shadowFound(['198.51.100.1'], { logCount: 30, atMs: NOW + 600_000 });
    await deliver();
    expect(await recorded()).toEqual([{ ip: '198.51.100.1', log_count: 400 }]);
  });

  it('forgets what is older than it is kept for, in PostgreSQL and in the ledger', async () => {
    shadowFound(['198.51.100.1'], { atMs: NOW - 91 * DAY });
    shadowFound(['198.51.100.2']);
    expect(await deliver()).toEqual({ delivered: 2, pruned: 1 });
    expect((await recorded()).map(({ ip }) => ip)).toEqual(['198.51.100.2']);
    shadowFound(['198.51.100.3']);
    expect(place.ledger.prune({ beforeMs: NOW + 1 })).toMatchObject({ shadowDetections: 1 });
    expect(place.ledger.pendingShadowDetections(5)).toEqual([]);
  });

  it('keeps everything while PostgreSQL is away', async () => {
    shadowFound(['198.51.100.1']);
    const nowhere = testPool('postgresql://nobody:none@127.0.0.1:1/none');
    const away = createShadowDetectionsTable({ pool: nowhere, logger });
    await expect(deliver({ table: away })).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await nowhere.end();
    expect(place.reopen().pendingShadowDetections(5)).toHaveLength(1);
  });

  it('is refused to a role that may create nothing, which loses nothing else by it', async () => {
    const url = new URL(postgres.connectionString);
    const { rows } = await pool.query<{ name: string }>('SELECT current_database() AS name');
    url.pathname = `/${rows[0]!.name}`;
    await runOnce(url.toString(), "DROP ROLE IF EXISTS weak; CREATE ROLE weak LOGIN PASSWORD 'weak'");
    await pool.query('GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO weak');
    url.username = 'weak';
    url.password = 'weak';
    const weak = testPool(url.toString());
    shadowFound(['198.51.100.1']);
    expect(await migrateDatabase({ pool: weak, logsRelation: 'network_logs', logger })).toEqual([]);
    const refused = deliver({ table: createShadowDetectionsTable({ pool: weak, logger }) });
    await expect(refused).rejects.toMatchObject({ code: 'DATABASE_REFUSED' });
    await weak.end();
    expect(await deliver()).toMatchObject({ delivered: 1 });
  });

  it('refuses a foreign table of that name, naming what is missing', async () => {
    await pool.query('CREATE TABLE shadow_detections (id bigint, source_ip text)');
    shadowFound(['198.51.100.1']);
    const refused = deliver();
    await expect(refused).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' });
    await expect(refused).rejects.toThrow(
      /shadow_detections: .*source_ip is text.*shadow_detector is missing/,
    );
    expect(place.ledger.pendingShadowDetections(5)).toHaveLength(1);
  });
});
