import { AutoblockError, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { runFigures } from '../runs/detection-run.ts';
import type { ClockWatch } from './clock-watch.ts';
import type { DetectorInUse } from './detector-in-use.ts';
import { deliverOnce, detectOnce } from './jobs.ts';
import type { RunWatch } from './run-watch.ts';
import { trainInThread } from './training-thread.ts';
import type { Workplace } from './workplace.ts';

export interface JobParts {
  readonly workplace: Workplace;
  readonly detector: DetectorInUse;
  readonly watch: RunWatch;
  readonly clock: ClockWatch;
  readonly monotonicMs: () => number;
  readonly stopping: AbortSignal;
  /** Asks for a router sync without waiting for it: a slow router must not delay the next detection. */
  readonly requestSync: () => void;
}

const DAY_MS = 86_400_000;
/** History in the ledger is kept for this long. */
const KEEP_HISTORY_MS = 90 * DAY_MS;
/** A clock that came up years ahead must not make all history look old; by then NTP or a person has set it. */
const STEADY_TO_PRUNE_MS = 6 * 3_600_000;
/** Versions in the models folder beside the latest. */
const KEEP_MODELS = 8;

/** One scheduled detection. Never rejects: the next tick must come. */
export async function detectionJob(parts: JobParts): Promise<void> {
  const { workplace, detector, watch, monotonicMs, stopping, requestSync } = parts;
  const { config, nowMs } = workplace;
  watch.started(monotonicMs());
  const detected = await recordedJob(parts, 'detection', async (runId) => {
    detector.refresh();
    const result = await detectOnce(workplace, {
      runId,
      detectors: detector,
      asOfMs: nowMs(),
      dryRun: config.dryRun,
      signal: stopping,
    });
    // A run that records its decisions closes its row in the same transaction.
    return config.dryRun ? { details: runFigures(result) } : null;
  });
  watch.ended(monotonicMs());
  if (!detected) return;
  requestSync();
  await deliverOrKeep(workplace);
  await pruneHistory(parts);
}

async function pruneHistory({ workplace, clock }: JobParts): Promise<void> {
  const { config, ledger, logger, nowMs } = workplace;
  if (clock.steadyForMs() < STEADY_TO_PRUNE_MS) return;
  const period = { beforeMs: nowMs() - KEEP_HISTORY_MS, auditBeforeMs: nowMs() - config.auditDays * DAY_MS };
  await quietly(logger, () => ledger.prune(period));
}

/** Weekly retraining in a thread; detection goes on beside it and picks the new model up at its next run. */
export async function trainingJob(parts: JobParts): Promise<void> {
  const { workplace, stopping } = parts;
  const { config, database, registry, ledger, logger, nowMs } = workplace;
  await recordedJob(parts, 'training', async () => {
    const { connectionString } = await database.ready();
    // Blocked yesterday is in last week's traffic: who was blocked before teaches nothing either.
    const excludedSources = ledger.knownBad();
    const verdicts = ledger.operatorVerdicts();
    const answer = await trainInThread(
      { config, connectionString, excludedSources, verdicts, asOfMs: nowMs() },
      stopping,
    );
    if (!answer.ok) throw new AutoblockError(answer.code, answer.message);
    logger.info({ modelVersion: answer.version, verdicts: answer.verdicts }, 'retrain finished: new model');
    registry.prune({ keep: KEEP_MODELS });
    return { details: answer };
  });
}

function failureSentence(kind: 'detection' | 'training', detector: DetectorInUse): string {
  if (kind === 'detection') return 'detection run failed: nothing was decided, the next run tries again';
  return detector.modelVersion() === null
    ? 'retrain failed: there is no model, the legacy detector goes on'
    : 'retrain failed: the model in use stays';
}

/** Begins a row in the run history and closes it however the work ends. Resolves to whether it worked. */
async function recordedJob(
  { workplace, detector, stopping }: JobParts,
  kind: 'detection' | 'training',
  work: (runId: number) => Promise<{ details: unknown } | null>,
): Promise<boolean> {
  const { ledger, logger, nowMs } = workplace;
  let runId: number | null = null;
  try {
    runId = ledger.beginRun(kind, nowMs());
    const outcome = await work(runId);
    if (outcome !== null) ledger.finishRun({ id: runId, status: 'ok', ...outcome, nowMs: nowMs() });
    return true;
  } catch (thrown) {
    const code = codeOf(thrown);
    if (stopping.aborted) logger.info({ kind }, 'run given up because the daemon is stopping');
    else logger[levelOf(code)]({ code, err: thrown }, failureSentence(kind, detector));
    const id = runId;
    if (id !== null) {
      const details = { code, message: messageOf(thrown) };
      await quietly(logger, () => ledger.finishRun({ id, status: 'failed', details, nowMs: nowMs() }));
    }
    return false;
  }
}

/** Tells PostgreSQL; never rejects, for the ledger keeps what could not be told. */
export async function deliverOrKeep(workplace: Workplace): Promise<void> {
  try {
    await deliverOnce(workplace);
  } catch (thrown) {
    workplace.logger.warn(
      { code: codeOf(thrown), err: thrown },
      'detections not delivered to PostgreSQL yet: the ledger keeps them for the next run',
    );
  }
}

/** Upkeep whose failure must be seen but must not end the daemon (full disk, locked file). */
async function quietly(logger: Logger, work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    logger.error({ code: codeOf(thrown), err: thrown }, 'ledger upkeep failed');
  }
}

function codeOf(thrown: unknown): AutoblockError['code'] {
  return thrown instanceof AutoblockError ? thrown.code : 'INTERNAL';
}

/** In its first days, and on a quiet network, a site has too little to learn from: nothing is broken. */
function levelOf(code: AutoblockError['code']): 'warn' | 'error' {
  return code === 'TRAINING_DATA_TOO_SMALL' ? 'warn' : 'error';
}
