import type { Config } from '../config/load-config.ts';
import type { OperatorVerdict } from '../detector/verdicts-on-traffic.ts';
import { membershipTest } from '../ip/network-set.ts';
import { readFlowFiles } from '../log-intake/flow-files.ts';
import { readLogRecords } from '../log-source/log-reader.ts';
import type { Logger } from '../logger.ts';
import {
  runTraining,
  type TrainingParts,
  type TrainingResult,
  type TrainingSource,
} from '../runs/training-run.ts';
import { openModelRegistry } from '../storage/model-registry.ts';
import { createPostgresPool } from '../storage/postgres-connection.ts';
import { inspectLogsRelation } from '../storage/schema-migrations.ts';

const MS_PER_DAY = 86_400_000;
/** A training week may hold this many times what one detection run reads. */
const TRAINING_RECORDS_FACTOR = 10;
/** Reading a week may take longer than reading an hour. */
const TRAINING_STATEMENT_TIMEOUT_MS = 30 * 60_000;

interface TrainingJob {
  readonly config: Config;
  readonly excludedSources: Pick<ReadonlySet<string>, 'has'>;
  readonly verdicts: readonly OperatorVerdict[];
  readonly nowMs: () => number;
  readonly logger: Logger;
  readonly onProgress?: (done: { step: string; share: number }) => void;
}

/** Trains on the last `days` of network_logs over a connection of its own. */
export async function trainFromDatabase(
  job: TrainingJob & { connectionString: string; days: number; asOfMs: number; signal: AbortSignal },
): Promise<TrainingResult> {
  const pool = createPostgresPool({
    connectionString: job.connectionString,
    applicationName: 'autoblock-training',
    statementTimeoutMs: TRAINING_STATEMENT_TIMEOUT_MS,
    logger: job.logger,
  });
  try {
    const relation = await inspectLogsRelation({ pool, relation: job.config.logsRelation });
    const fromMs = job.asOfMs - job.days * MS_PER_DAY;
    return await train(job, {
      kind: 'database',
      async read(onRecord) {
        const read = await readLogRecords({
          pool,
          relation,
          fromMs,
          toMs: job.asOfMs,
          maxRecords: job.config.maxRecords * TRAINING_RECORDS_FACTOR,
          statementTimeoutMs: TRAINING_STATEMENT_TIMEOUT_MS,
          signal: job.signal,
          onRecord,
        });
        return { ...read, fromMs: read.oldestMs ?? fromMs, toMs: job.asOfMs };
      },
    });
  } finally {
    await pool.end();
  }
}

/** Trains on canonical flow CSV files; their label, attack and dataset columns are not looked at. */
export function trainFromFlows(
  job: TrainingJob & { files: readonly string[]; signal: AbortSignal },
): Promise<TrainingResult> {
  return train(job, {
    kind: 'flows',
    async read(onRecord) {
      const read = await readFlowFiles({ files: job.files, onRecord, signal: job.signal });
      const skipped = read.badLineCount === 0 ? {} : { bad_line: read.badLineCount };
      return { records: read.rows, truncated: false, fromMs: read.fromMs, toMs: read.toMs, skipped };
    },
  });
}

/** What a training of this site is told, wherever it is started. */
export function trainingSettings(config: Config): TrainingParts['settings'] {
  return {
    contamination: config.eifContamination,
    nEstimators: config.eifNEstimators,
    sampleSize: config.eifSampleSize,
    chi2TopK: config.chi2TopK,
    windowMinutes: config.windowMinutes,
    seed: config.seed,
  };
}

function train(job: TrainingJob, source: TrainingSource): Promise<TrainingResult> {
  const { config, logger, nowMs, excludedSources, verdicts, onProgress } = job;
  return runTraining({
    source,
    models: openModelRegistry({ directory: config.modelsDir, logger }),
    excludedSources,
    verdicts,
    isInternal: membershipTest(config.internalNetworks),
    internalNetworks: config.internalNetworks,
    settings: trainingSettings(config),
    thresholds: { highRisk: config.confidenceHigh, mediumRisk: config.confidenceMedium },
    logger,
    nowMs,
    ...(onProgress === undefined ? {} : { onProgress }),
  });
}
