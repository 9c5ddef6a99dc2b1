import { EXIT } from '../../errors.ts';
import { createLogger } from '../../logger.ts';
import { type Command, type Invocation, wholeNumber } from '../command.ts';
import { judgeDemo } from '../demo/demo-judgement.ts';
import { demoReport } from '../demo/demo-report.ts';
import { type DemoSite, openDemoSite } from '../demo/demo-site.ts';
import { playDemo } from '../demo/demo-story.ts';
import { createProgress } from '../progress.ts';
import { interruptSignal } from '../session.ts';

export const demoCommand: Command = {
  name: 'demo',
  summary: 'the main job on embedded defaults: a made-up week, a real PostgreSQL, a simulated router',
  usage: ['demo [--seed N] [--json] [--keep]'],
  details: [
    'Nothing outside a temporary directory and loopback is touched. Exit code 0 only when the main job really worked:',
    "no innocent source blocked, every loud attacker blocked as read back from the router, the operator's own entry",
    'untouched, detections in PostgreSQL, and a second run that adds nothing.',
  ].join('\n'),
  options: {
    seed: { type: 'string', placeholder: 'N', description: 'another made-up week (default 42)' },
    json: { type: 'boolean', description: 'one JSON object on stdout' },
    keep: { type: 'boolean', description: 'leave PostgreSQL and the router running until Ctrl-C' },
  },
  examples: ['autoblock demo', 'autoblock demo --seed 7 --json', 'autoblock demo --keep'],
  run: demo,
};

async function demo(invocation: Invocation): Promise<number> {
  const { output, nowMs } = invocation;
  const seed = wholeNumber('seed', invocation.text('seed'), { fallback: 42, min: 0, max: 2 ** 31 - 1 });
  const { signal, release } = interruptSignal();
  const progress = createProgress(output, nowMs);
  const startedAtMs = nowMs();
  const logger = createLogger({ level: 'error', destination: process.stderr });
  const site = await openDemoSite({ seed, logger, nowMs });
  try {
    const run = await playDemo(site, { signal, say: (step) => progress.update(step) });
    progress.end();
    const judgement = judgeDemo(run);
    const report = { run, judgement, seconds: (nowMs() - startedAtMs) / 1000 };
    output.out(invocation.flag('json') ? demoReport.json(report) : demoReport.text(report));
    if (invocation.flag('keep')) await keepOpen(site, { invocation, signal });
    return judgement.worked ? EXIT.ok : EXIT.failed;
  } finally {
    progress.end();
    release();
    await site.close();
  }
}

/** Until Ctrl-C; says how to look around meanwhile. */
async function keepOpen(
  site: DemoSite,
  { invocation, signal }: { invocation: Invocation; signal: AbortSignal },
): Promise<void> {
  const settings = Object.entries(site.settings).map(([name, value]) => `${name}=${value}`);
  invocation.output.err(
    [
      '',
      `Still running: RouterOS API on 127.0.0.1:${site.simulator.port}, state in ${site.dir}. Ctrl-C ends it.`,
      'Look around from another terminal, for example:',
      `  env ${settings.join(' ')} npx autoblock status`,
    ].join('\n'),
  );
  await new Promise<void>((resolve) => {
    // A pending promise alone does not keep a process alive.
    const alive = setInterval(() => undefined, 60_000);
    signal.addEventListener('abort', () => {
      clearInterval(alive);
      resolve();
    });
  });
}
