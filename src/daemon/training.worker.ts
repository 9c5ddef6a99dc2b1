import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from '../config/load-config.ts';
import type { OperatorVerdict } from '../detector/verdicts-on-traffic.ts';
import { AutoblockError, type ErrorCode, messageOf } from '../errors.ts';
import { addressSet } from '../ip/network-set.ts';
import { createLogger } from '../logger.ts';
import type { TrainingResult } from '../runs/training-run.ts';
import { trainFromDatabase } from './training-job.ts';

/** What the daemon hands to the training thread: plain data only. */
export interface TrainingOrder {
  readonly config: Config;
  /** Where PostgreSQL answers: the embedded server belongs to the main thread. */
  readonly connectionString: string;
  readonly excludedSources: readonly string[];
  readonly verdicts: readonly OperatorVerdict[];
  readonly asOfMs: number;
}

export type TrainingAnswer =
  | { readonly ok: true; readonly version: string; readonly verdicts: TrainingResult['verdicts'] }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

const order = workerData as TrainingOrder;
const logger = createLogger({ level: order.config.logLevel });

let answer: TrainingAnswer;
try {
  const result = await trainFromDatabase({
    config: order.config,
    connectionString: order.connectionString,
    excludedSources: addressSet(order.excludedSources),
    verdicts: order.verdicts,
    days: order.config.trainDays,
    asOfMs: order.asOfMs,
    nowMs: Date.now,
    logger,
    signal: new AbortController().signal,
  });
  answer = { ok: true, version: result.version, verdicts: result.verdicts };
} catch (thrown) {
  const code = thrown instanceof AutoblockError ? thrown.code : 'INTERNAL';
  answer = { ok: false, code, message: messageOf(thrown) };
}
parentPort?.postMessage(answer);
