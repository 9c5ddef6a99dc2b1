import type { Pool } from 'pg';
import type { Config } from '../config/load-config.ts';
import type { Logger } from '../logger.ts';
import { createDetectionsTable, type DetectionsTable } from '../storage/detections-table.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../storage/embedded-postgres.ts';
import { createPostgresPool } from '../storage/postgres-connection.ts';
import { inspectLogsRelation, type LogsRelation, migrateDatabase } from '../storage/schema-migrations.ts';

interface ReadyDatabase {
  readonly connectionString: string;
  readonly pool: Pool;
  readonly relation: LogsRelation;
  readonly detections: DetectionsTable;
}

/**
 * PostgreSQL as the daemon sees it: perhaps away now, perhaps back later. `ready` prepares it once (start the embedded
 * server when DATABASE_URL is absent, migrate, look at the logs relation) and every time again after `reset`.
 */
export interface Database {
  ready(): Promise<ReadyDatabase>;
  /** Forget what was prepared: the next `ready` looks anew. Called after a connection was lost. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** A query may take this long before the server gives it up. */
const STATEMENT_TIMEOUT_MS = 120_000;

export function createDatabase({ config, logger }: { config: Config; logger: Logger }): Database {
  let prepared: Promise<ReadyDatabase> | null = null;
  let pool: Pool | null = null;
  let embedded: EmbeddedPostgres | null = null;

  async function prepare(): Promise<ReadyDatabase> {
    if (config.databaseUrl === null) {
      embedded = await startEmbeddedPostgres({ stateDir: config.stateDir, logger });
    }
    const connectionString = config.databaseUrl ?? embedded!.connectionString;
    pool = createPostgresPool({
      connectionString,
      applicationName: 'autoblock',
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      logger,
    });
    await migrateDatabase({ pool, logsRelation: config.logsRelation, logger });
    const relation = await inspectLogsRelation({ pool, relation: config.logsRelation });
    return { connectionString, pool, relation, detections: createDetectionsTable(pool) };
  }

  async function letGo(): Promise<void> {
    const [oldPool, oldServer] = [pool, embedded];
    prepared = null;
    pool = null;
    embedded = null;
    await oldPool?.end();
    await oldServer?.stop();
  }

  return {
    async ready() {
      prepared ??= prepare();
      try {
        return await prepared;
      } catch (thrown) {
        await letGo();
        throw thrown;
      }
    },
    reset: letGo,
    close: letGo,
  };
}
