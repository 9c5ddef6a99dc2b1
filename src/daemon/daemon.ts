import { type ScheduledTask, schedule } from 'node-cron';
import type { Config } from '../config/load-config.ts';
import { AutoblockError, EXIT, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { holdProcessLock } from '../storage/process-lock.ts';
import { createDetectorInUse, type DetectorInUse } from './detector-in-use.ts';
import { deliverOnce, detectOnce, syncOnce } from './jobs.ts';
import { createRunWatch, type RunWatch } from './run-watch.ts';
import { createSyncLoop, type SyncLoop } from './sync-loop.ts';
import type { SystemdNotifier } from './systemd-notify.ts';
import { trainInThread } from './training-thread.ts';
import { openWorkplace, type Workplace } from './workplace.ts';

export interface DaemonParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly notifier: SystemdNotifier;
  readonly nowMs: () => number;
  readonly random: () => number;
}

export interface Daemon {
  /** Loads the model anew (SIGHUP). */
  reload(): Promise<void>;
  /** Ends everything in order; resolves to the exit code. */
  stop(): Promise<number>;
}

interface Running {
  readonly parts: DaemonParts;
  readonly workplace: Workplace;
  readonly detector: DetectorInUse;
  readonly syncLoop: SyncLoop;
  readonly watch: RunWatch;
  readonly stopping: AbortController;
  /** Runs under way, waited for at the end. */
  readonly underWay: Set<Promise<void>>;
}

/** A detection run longer than this is stuck: reading is bounded by the statement timeout far below it. */
const MAX_RUN_MS = 15 * 60_000;
/** History in the ledger is kept for this long. */
const KEEP_HISTORY_MS = 90 * 86_400_000;

/**
 * Starts the daemon: lock, state, PostgreSQL (may be away), model, routers (may be away), schedules, and only then
 * READY. From here on it ends by `stop` alone.
 */
export async function startDaemon(parts: DaemonParts): Promise<Daemon> {
  const { config, logger, notifier, nowMs } = parts;
  const lock = holdProcessLock(config.stateDir);
  let workplace: Workplace;
  try {
    workplace = openWorkplace({ config, logger, nowMs });
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
  const running = assemble(parts, workplace);
  try {
    await prepare(running);
  } catch (thrown) {
    await workplace.closers.closeAll();
    lock.release();
    throw thrown;
  }
  const tasks = scheduleRuns(running);
  const beat = feedWatchdog(running);
  await notifier.ready(`detector ${running.detector.current().name}`);
  logger.info(
    { detectCron: config.detectCron, retrainCron: config.retrainCron, timezone: config.cronTimezone },
    'daemon ready',
  );
  void track(running, detectionJob(running));

  return {
    async reload() {
      await notifier.reloading();
      running.detector.reload();
      await notifier.ready(`detector ${running.detector.current().name}`);
    },
    async stop() {
      await notifier.stopping();
      logger.info('daemon stopping');
      clearInterval(beat);
      running.stopping.abort();
      for (const task of tasks) await task.destroy();
      await Promise.allSettled(running.underWay);
      await running.syncLoop.stop();
      const failures = await workplace.closers.closeAll();
      lock.release();
      logger.info({ failures }, 'daemon stopped');
      return failures.length === 0 ? EXIT.ok : EXIT.failed;
    },
  };
}

function assemble(parts: DaemonParts, workplace: Workplace): Running {
  const { config, logger, nowMs, random } = parts;
  const { registry, isInternal } = workplace;
  const running: Running = {
    parts,
    workplace,
    detector: createDetectorInUse({ config, registry, isInternal, logger }),
    syncLoop: createSyncLoop({ sync: () => syncAndDeliver(running), logger, random }),
    watch: createRunWatch({
      startedAtMs: nowMs(),
      intervalMs: longestIntervalMs(config),
      maxRunMs: MAX_RUN_MS,
    }),
    stopping: new AbortController(),
    underWay: new Set(),
  };
  return running;
}

async function prepare({ parts, workplace, detector, syncLoop }: Running): Promise<void> {
  const { config, logger, nowMs } = parts;
  for (const warning of config.warnings) logger.warn({ code: 'CONFIG_WARNING' }, warning);
  const interrupted = workplace.ledger.closeInterruptedRuns(nowMs());
  if (interrupted > 0)
    logger.warn({ code: 'RUNS_INTERRUPTED', interrupted }, 'earlier runs ended without finishing');
  try {
    await workplace.database.ready();
  } catch (thrown) {
    if (!isUnavailable(thrown)) throw thrown;
    logger.error({ code: thrown.code, err: thrown }, 'PostgreSQL is away: every run tries again');
  }
  detector.refresh();
  if (config.routers.length === 0) {
    logger.warn(
      { code: 'NO_ROUTER' },
      'no router configured: blocks are decided and recorded, but pushed nowhere',
    );
  }
  if (config.dryRun)
    logger.warn({ code: 'DRY_RUN' }, 'DRY_RUN: nothing is decided for good and no router is written');
  // Not awaited: a router that is away must not keep detection from starting.
  void syncLoop.request();
}

function isUnavailable(thrown: unknown): thrown is AutoblockError {
  return thrown instanceof AutoblockError && thrown.exitCode === EXIT.unavailable;
}

function scheduleRuns(running: Running): ScheduledTask[] {
  const { config } = running.parts;
  const options = { timezone: config.cronTimezone, noOverlap: true };
  return [
    schedule(config.detectCron, () => track(running, detectionJob(running)), { ...options, name: 'detect' }),
    schedule(config.retrainCron, () => track(running, trainingJob(running)), { ...options, name: 'retrain' }),
  ];
}

async function track(running: Running, job: Promise<void>): Promise<void> {
  running.underWay.add(job);
  try {
    await job;
  } finally {
    running.underWay.delete(job);
  }
}

/** One scheduled detection. Never throws: the next tick must come. */
async function detectionJob(running: Running): Promise<void> {
  const { parts, workplace, detector, watch, stopping } = running;
  if (stopping.signal.aborted) return;
  watch.started(parts.nowMs());
  detector.refresh();
  const runId = workplace.ledger.beginRun('detection', parts.nowMs());
  try {
    const { detections, verdicts, ...summary } = await detectOnce(workplace, {
      runId,
      detector: detector.current(),
      asOfMs: parts.nowMs(),
      dryRun: parts.config.dryRun,
      signal: stopping.signal,
    });
    if (parts.config.dryRun) {
      workplace.ledger.finishRun({ id: runId, status: 'ok', details: summary, nowMs: parts.nowMs() });
    }
    // Not awaited: a slow router must not delay the next detection.
    void running.syncLoop.request();
    await deliverOnce(workplace);
    workplace.ledger.prune({ beforeMs: parts.nowMs() - KEEP_HISTORY_MS });
  } catch (thrown) {
    reportFailure(running, {
      runId,
      thrown,
      sentence: 'detection run failed: nothing was decided, the next run tries again',
    });
  } finally {
    watch.ended(parts.nowMs());
  }
}

/** Weekly retraining in a thread; detection goes on beside it and picks the new model up at its next run. */
async function trainingJob(running: Running): Promise<void> {
  const { parts, workplace, stopping } = running;
  if (stopping.signal.aborted || !parts.config.useHybridDetector) return;
  const runId = workplace.ledger.beginRun('training', parts.nowMs());
  try {
    const { connectionString } = await workplace.database.ready();
    const order = {
      config: parts.config,
      connectionString,
      excludedSources: knownBadSources(workplace),
      asOfMs: parts.nowMs(),
    };
    const answer = await trainInThread(order, stopping.signal);
    workplace.ledger.finishRun({
      id: runId,
      status: answer.ok ? 'ok' : 'failed',
      details: answer,
      nowMs: parts.nowMs(),
    });
    if (answer.ok) parts.logger.info({ modelVersion: answer.version }, 'retrain finished: new model');
    else parts.logger.error({ ...answer, code: answer.code }, 'retrain failed: the model in use stays');
  } catch (thrown) {
    reportFailure(running, { runId, thrown, sentence: 'retrain failed: the model in use stays' });
  }
}

/** Addresses blocked now never teach a model what is normal. */
export function knownBadSources(workplace: Workplace): string[] {
  return workplace.ledger.activeBlocks(workplace.nowMs()).map((block) => block.address);
}

async function syncAndDeliver({ parts, workplace }: Running): Promise<boolean> {
  const results = await syncOnce(workplace, { dryRun: parts.config.dryRun });
  if (parts.config.dryRun) return true;
  try {
    await deliverOnce(workplace);
  } catch (thrown) {
    parts.logger.warn(
      { code: thrown instanceof AutoblockError ? thrown.code : 'INTERNAL', err: thrown },
      'PostgreSQL not told about pushed blocks yet: the ledger keeps it for the next run',
    );
  }
  return results.every((result) => result.ok);
}

function reportFailure(
  { parts, workplace }: Running,
  { runId, thrown, sentence }: { runId: number; thrown: unknown; sentence: string },
): void {
  const code = thrown instanceof AutoblockError ? thrown.code : 'INTERNAL';
  parts.logger.error({ code, err: thrown }, sentence);
  const details = { code, message: messageOf(thrown) };
  workplace.ledger.finishRun({ id: runId, status: 'failed', details, nowMs: parts.nowMs() });
}

function feedWatchdog({ parts, watch }: Running): NodeJS.Timeout {
  const everyMs = parts.notifier.watchdogIntervalMs ?? 60_000;
  return setInterval(() => {
    const { onTime, why } = watch.verdict(parts.nowMs());
    if (onTime) void parts.notifier.watchdog();
    else parts.logger.error({ code: 'RUNS_LATE', why }, 'detection is not on time: watchdog not fed');
  }, everyMs);
}

/** The longest pause the schedule itself makes, from its next runs. */
function longestIntervalMs(config: Config): number {
  const probe = schedule(config.detectCron, () => undefined, { timezone: config.cronTimezone });
  const runs = probe.getNextRuns(60).map((run) => run.getTime());
  void probe.destroy();
  const gaps = runs.slice(1).map((at, index) => at - runs[index]!);
  return Math.max(0, ...gaps);
}
