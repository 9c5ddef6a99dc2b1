import { type Logger as CronLogger, type ScheduledTask, schedule } from 'node-cron';
import type { Config } from '../config/load-config.ts';
import { AutoblockError, EXIT } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { clearAlertsOfRoutersGone } from '../runs/router-alerts.ts';
import { holdProcessLock } from '../storage/process-lock.ts';
import { type ClockWatch, createClockWatch } from './clock-watch.ts';
import { createDetectorInUse, type DetectorInUse, needsModel } from './detector-in-use.ts';
import { createNextRun } from './next-run.ts';
import { routerLoopsOf } from './router-job.ts';
import type { RouterLoops } from './router-loops.ts';
import { createRunWatch, type RunWatch } from './run-watch.ts';
import { detectionJob, type JobParts, trainingJob } from './scheduled-jobs.ts';
import type { SystemdNotifier } from './systemd-notify.ts';
import { openWorkplace, type Workplace } from './workplace.ts';

export interface DaemonParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly notifier: SystemdNotifier;
  readonly nowMs: () => number;
  /** A clock that is never set, for judging whether runs hang. */
  readonly monotonicMs: () => number;
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
  readonly routerLoops: RouterLoops;
  readonly watch: RunWatch;
  readonly clock: ClockWatch;
  readonly stopping: AbortController;
  /** Runs under way, waited for at the end. */
  readonly underWay: Map<string, Promise<void>>;
}

/** A detection run longer than this is stuck: reading is bounded by the statement timeout far below it. */
const MAX_RUN_MS = 15 * 60_000;

/**
 * Starts the daemon: lock, state, PostgreSQL (may be away), model, routers (may be away), schedules, and only then
 * READY. From here on it ends by `stop` alone.
 */
export async function startDaemon(parts: DaemonParts): Promise<Daemon> {
  const { config, logger, notifier, nowMs } = parts;
  const lock = holdProcessLock(config.stateDir);
  let workplace: Workplace;
  try {
    workplace = await openWorkplace({ config, logger, nowMs });
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
  void track(running, { name: 'detection', job: detectionJob });

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
      await Promise.allSettled(running.underWay.values());
      await running.routerLoops.stop();
      const failures = await workplace.closers.closeAll();
      lock.release();
      logger.info({ failures }, 'daemon stopped');
      return failures.length === 0 ? EXIT.ok : EXIT.failed;
    },
  };
}

function assemble(parts: DaemonParts, workplace: Workplace): Running {
  const { config, logger, nowMs, monotonicMs, random } = parts;
  const { registry, isInternal } = workplace;
  const next = createNextRun({ expression: config.detectCron, timezone: config.cronTimezone });
  workplace.closers.add('schedule', () => next.destroy());
  const running: Running = {
    parts,
    workplace,
    detector: createDetectorInUse({ config, registry, isInternal, logger }),
    routerLoops: routerLoopsOf(workplace, { random, monotonicMs }),
    clock: createClockWatch({ nowMs, monotonicMs, logger }),
    watch: createRunWatch({
      startedAtMs: monotonicMs(),
      untilNextRunMs: () => next.untilMs(nowMs()),
      maxRunMs: MAX_RUN_MS,
    }),
    stopping: new AbortController(),
    underWay: new Map(),
  };
  return running;
}

async function prepare({ parts, workplace, detector, routerLoops }: Running): Promise<void> {
  const { config, logger, nowMs } = parts;
  for (const warning of config.warnings) logger.warn({ code: 'CONFIG_WARNING' }, warning);
  const interrupted = workplace.ledger.closeInterruptedRuns(nowMs());
  if (interrupted > 0)
    logger.warn({ code: 'RUNS_INTERRUPTED', interrupted }, 'earlier runs ended without finishing');
  clearAlertsOfRoutersGone({
    ledger: workplace.ledger,
    routers: config.routers.map(({ name }) => name),
    nowMs: nowMs(),
  });
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
  routerLoops.request();
}

function isUnavailable(thrown: unknown): thrown is AutoblockError {
  return thrown instanceof AutoblockError && thrown.exitCode === EXIT.unavailable;
}

function scheduleRuns(running: Running): ScheduledTask[] {
  const { config, logger } = running.parts;
  const options = { timezone: config.cronTimezone, logger: cronLogger(logger) };
  const tasks = [
    schedule(config.detectCron, () => track(running, { name: 'detection', job: detectionJob }), options),
  ];
  if (needsModel(config)) {
    const retrain = { name: 'retrain', job: trainingJob };
    tasks.push(schedule(config.retrainCron, () => track(running, retrain), options));
  }
  return tasks;
}

/** What node-cron has to say (a missed tick, say) belongs into the same log. */
function cronLogger(logger: Logger): CronLogger {
  return {
    info: (message) => logger.info({ cron: message }, 'scheduler'),
    warn: (message) => logger.warn({ code: 'SCHEDULE', cron: message }, 'scheduler'),
    error: (message, thrown) =>
      logger.error({ code: 'SCHEDULE', cron: String(message), err: thrown }, 'scheduler'),
    debug: (message) => logger.debug({ cron: String(message) }, 'scheduler'),
  };
}

/** Starts a job unless one of its kind is under way or the daemon is stopping; stopping waits for it. */
async function track(
  running: Running,
  { name, job }: { name: string; job: (parts: JobParts) => Promise<void> },
): Promise<void> {
  const { parts, workplace, detector, watch, clock, stopping, routerLoops, underWay } = running;
  if (stopping.signal.aborted) return;
  if (underWay.has(name)) {
    parts.logger.warn({ code: 'RUN_SKIPPED', run: name }, 'run skipped: the one before is still under way');
    return;
  }
  const run = job({
    workplace,
    detector,
    watch,
    clock,
    monotonicMs: parts.monotonicMs,
    stopping: stopping.signal,
    requestSync: () => routerLoops.request(),
  });
  underWay.set(name, run);
  await run;
  underWay.delete(name);
}

function feedWatchdog({ parts, watch }: Running): NodeJS.Timeout {
  const everyMs = parts.notifier.watchdogIntervalMs ?? 60_000;
  return setInterval(() => {
    const { onTime, why } = watch.verdict(parts.monotonicMs());
    if (onTime) void parts.notifier.watchdog();
    else parts.logger.error({ code: 'RUNS_LATE', why }, 'detection is not on time: watchdog not fed');
  }, everyMs);
}
