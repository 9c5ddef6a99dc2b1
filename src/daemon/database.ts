import type { Pool } from 'pg';
import type { Config } from '../config/load-config.ts';
import type { Logger } from '../logger.ts';
import { createDetectionsTable, type DetectionsTable } from '../storage/detections-table.ts';
import { startEmbeddedPostgres } from '../storage/embedded-postgres.ts';
import { createPostgresPool } from '../storage/postgres-connection.ts';
import { inspectLogsRelation, type LogsRelation, migrateDatabase } from '../storage/schema-migrations.ts';
import {
  createShadowDetectionsTable,
  type ShadowDetectionsTable,
} from '../storage/shadow-detections-table.ts';

interface ReadyDatabase {
  readonly connectionString: string;
  readonly pool: Pool;
  readonly relation: LogsRelation;
  readonly detections: DetectionsTable;
  readonly shadowDetections: ShadowDetectionsTable;
}

/**
 * PostgreSQL as the daemon sees it: perhaps away now, perhaps back later. `ready` prepares it once (start the embedded
 * server when DATABASE_URL is absent, migrate, look at the logs relation) and every time again after `reset`.
 */
export interface Database {
  ready(): Promise<ReadyDatabase>;
  /** Forget `failed`, whose connection was lost: the next `ready` looks anew. One prepared since then is kept. */
  reset(failed: ReadyDatabase): Promise<void>;
  close(): Promise<void>;
}

/** A query may take this long before the server gives it up. */
const STATEMENT_TIMEOUT_MS = 120_000;

/** One preparation and what it opened; a later one shares nothing with it. */
interface Preparation {
  readonly ready: Promise<ReadyDatabase>;
  /** Closes what was opened, once the preparation is over. May be called again. */
  release(): Promise<void>;
}

export function createDatabase(parts: { config: Config; logger: Logger }): Database {
  let current: Preparation | null = null;

  async function forget(preparation: Preparation): Promise<void> {
    if (current === preparation) current = null;
    await preparation.release();
  }

  return {
    async ready() {
      current ??= prepare(parts);
      const mine = current;
      try {
        return await mine.ready;
      } catch (thrown) {
        await forget(mine);
        throw thrown;
      }
    },
    async reset(failed) {
      const mine = current;
      // Another run may have prepared anew meanwhile: its connection is not the one that failed.
      if (mine !== null && (await settled(mine)) === failed) await forget(mine);
    },
    async close() {
      if (current !== null) await forget(current);
    },
  };
}

function prepare({ config, logger }: { config: Config; logger: Logger }): Preparation {
  const closers: (() => Promise<void>)[] = [];

  async function open(): Promise<ReadyDatabase> {
    let connectionString = config.databaseUrl;
    if (connectionString === null) {
      const server = await startEmbeddedPostgres({ stateDir: config.stateDir, logger });
      closers.push(() => server.stop());
      connectionString = server.connectionString;
    }
    const pool = createPostgresPool({
      connectionString,
      applicationName: 'autoblock',
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      logger,
    });
    closers.push(() => pool.end());
    await migrateDatabase({ pool, logsRelation: config.logsRelation, logger });
    const relation = await inspectLogsRelation({ pool, relation: config.logsRelation });
    const detections = createDetectionsTable(pool);
    const shadowDetections = createShadowDetectionsTable({ pool, logger });
    return { connectionString, pool, relation, detections, shadowDetections };
  }

  const preparation = {
    ready: open(),
    async release() {
      await settled(preparation);
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
    },
  };
  return preparation;
}

/** The prepared database, or null when the preparation failed; its error is for whoever asked for `ready`. */
function settled({ ready }: Preparation): Promise<ReadyDatabase | null> {
  return ready.catch(() => null);
}
