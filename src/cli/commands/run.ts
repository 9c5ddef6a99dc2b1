import { type Daemon, startDaemon } from '../../daemon/daemon.ts';
import { createDetectorInUse } from '../../daemon/detector-in-use.ts';
import { deliverOnce, detectOnce } from '../../daemon/jobs.ts';
import { syncOnce } from '../../daemon/router-job.ts';
import { createSystemdNotifier } from '../../daemon/systemd-notify.ts';
import type { Workplace } from '../../daemon/workplace.ts';
import { EXIT } from '../../errors.ts';
import { createLogger } from '../../logger.ts';
import type { Command, Invocation } from '../command.ts';
import { configFrom, currentEnvironment, interruptSignal, withWorkplace } from '../session.ts';

export const runCommand: Command = {
  name: 'run',
  summary: 'run the daemon (or one whole round with --once)',
  usage: ['run', 'run --once'],
  details: [
    'The daemon detects every DETECT_CRON, retrains every RETRAIN_CRON, keeps every router equal to the ledger and logs',
    'JSON lines on stdout. SIGHUP loads the model anew, SIGTERM and SIGINT end it in order.',
    '--once does detection, router sync and delivery once and ends: 0 when all of it worked, 1 when a router was not',
    'brought up to date, 3 when PostgreSQL is away.',
  ].join('\n'),
  options: { once: { type: 'boolean', description: 'one detection, one sync, then end' } },
  examples: [
    'autoblock run',
    'autoblock run --once',
    'systemctl reload autoblock     # load the model anew (SIGHUP)',
  ],
  run: (invocation) => (invocation.flag('once') ? runOnce(invocation) : runDaemon(invocation)),
};

async function runOnce(invocation: Invocation): Promise<number> {
  const { signal, release } = interruptSignal();
  try {
    return await withWorkplace(invocation, async (workplace) => {
      const { config, registry, isInternal, nowMs } = workplace;
      const logger = createLogger({ level: config.logLevel });
      const place: Workplace = {
        ...workplace,
        logger,
        // A copy would keep the set as it was before the routers told theirs.
        get protection() {
          return workplace.protection;
        },
      };
      const detectors = createDetectorInUse({ config, registry, isInternal, logger });
      detectors.refresh();
      const options = { detectors, asOfMs: nowMs(), dryRun: config.dryRun, signal };
      // What the ledger already holds is pushed also when the logs cannot be read.
      const [detected] = await Promise.allSettled([detectOnce(place, options)]);
      const synced = await syncOnce(place, { dryRun: config.dryRun, actor: 'autoblock', signal });
      if (detected.status === 'rejected') throw detected.reason;
      if (!config.dryRun) await deliverOnce(place);
      return synced.every((result) => result.ok) ? EXIT.ok : EXIT.failed;
    });
  } finally {
    release();
  }
}

async function runDaemon(invocation: Invocation): Promise<number> {
  const env = currentEnvironment();
  const config = configFrom(env);
  const logger = createLogger({ level: config.logLevel });
  const stopAsked = new Promise<string>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  let daemon: Daemon | null = null;
  // Before the start: unheard, this signal ends the process. While it starts there is nothing to load anew.
  process.on('SIGHUP', () => {
    daemon
      ?.reload()
      .catch((thrown: unknown) => logger.error({ code: 'INTERNAL', err: thrown }, 'reload failed'));
  });
  daemon = await startDaemon({
    config,
    logger,
    notifier: createSystemdNotifier({ env, logger }),
    nowMs: invocation.nowMs,
    monotonicMs: () => performance.now(),
    random: Math.random,
  });
  logger.info({ signal: await stopAsked }, 'signal received');
  return daemon.stop();
}
