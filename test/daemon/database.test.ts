import { rmSync } from 'node:fs';
import { validate } from 'node-cron';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { createDatabase } from '../../src/daemon/database.ts';
import { capturingLogger } from '../support/logger.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(async () => {
  await postgres.stop();
  rmSync(postgres.stateDir, { recursive: true, force: true });
});

function database(url: string) {
  const config = loadConfig({ env: { DATABASE_URL: url }, isCron: validate });
  return createDatabase({ config, logger: capturingLogger().logger });
}

describe('the database of the daemon', () => {
  it('is prepared once for all who ask, and anew after its connection was lost', async () => {
    const db = database(postgres.connectionString);
    const [first, same] = await Promise.all([db.ready(), db.ready()]);
    expect(same).toBe(first);
    await db.reset(first);
    expect(first.pool.ended).toBe(true);
    const second = await db.ready();
    expect((await second.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await db.close();
    expect(second.pool.ended).toBe(true);
  });

  it('keeps what another run prepared since, when an old failure is reported late', async () => {
    const db = database(postgres.connectionString);
    const first = await db.ready();
    await db.reset(first);
    const second = await db.ready();
    await db.reset(first);
    expect(second.pool.ended).toBe(false);
    expect(await db.ready()).toBe(second);
    await db.close();
  });

  it('tries again after a failed preparation and closes nothing twice', async () => {
    const db = database('postgresql://nobody:none@127.0.0.1:1/none');
    await expect(db.ready()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await expect(db.ready()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await db.close();
    await db.close();
  });
});
