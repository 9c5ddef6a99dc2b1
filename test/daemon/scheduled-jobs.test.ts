import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validate } from 'node-cron';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { createClockWatch } from '../../src/daemon/clock-watch.ts';
import { createDetectorInUse } from '../../src/daemon/detector-in-use.ts';
import { createRunWatch } from '../../src/daemon/run-watch.ts';
import { trainingJob } from '../../src/daemon/scheduled-jobs.ts';
import { trainInThread } from '../../src/daemon/training-thread.ts';
import { openWorkplace, type Workplace } from '../../src/daemon/workplace.ts';
import { encodeModel } from '../../src/detector/model-files.ts';
import { handMadeModel } from '../detector/hand-made-model.ts';
import { capturingLogger } from '../support/logger.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);

let directory: string;
const open: Workplace[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'autoblock-jobs-'));
});
afterEach(async () => {
  for (const workplace of open.splice(0)) await workplace.closers.closeAll();
  rmSync(directory, { recursive: true, force: true });
});

/** A site whose PostgreSQL is away: nobody listens on the port. */
async function site(env: Readonly<Record<string, string>>) {
  const { logger, lines } = capturingLogger();
  const config = loadConfig({
    env: {
      STATE_DIR: join(directory, 'state'),
      MODELS_DIR: join(directory, 'models'),
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
      ...env,
    },
    isCron: validate,
  });
  const workplace = await openWorkplace({ config, logger, nowMs: () => NOW });
  open.push(workplace);
  const { registry, isInternal } = workplace;
  const detector = createDetectorInUse({ config, registry, isInternal, logger });
  const parts = {
    workplace,
    detector,
    watch: createRunWatch({ startedAtMs: 0, untilNextRunMs: () => 1000, maxRunMs: 1000 }),
    clock: createClockWatch({ nowMs: () => NOW, monotonicMs: () => 0, logger }),
    monotonicMs: () => 0,
    stopping: new AbortController().signal,
    requestSync: () => undefined,
  };
  return { parts, lines, registry, config };
}

describe('a retraining that fails', () => {
  it.each([
    { USE_HYBRID_DETECTOR: 'true', SHADOW_DETECTOR: 'none' },
    { USE_HYBRID_DETECTOR: 'false', SHADOW_DETECTOR: 'hybrid' },
  ])('says that the model stays, whichever detector it serves: %o', async (env) => {
    const { parts, lines, registry } = await site(env);
    registry.promote(registry.save(encodeModel(handMadeModel)));
    parts.detector.refresh();
    await trainingJob(parts);
    expect(lines.at(-1)).toMatchObject({
      level: 'error',
      code: 'DATABASE_UNAVAILABLE',
      msg: 'retrain failed: the model in use stays',
    });
  });

  it('says that the legacy detector goes on where there is no model', async () => {
    const { parts, lines } = await site({});
    parts.detector.refresh();
    await trainingJob(parts);
    expect(lines.at(-1)?.msg).toBe('retrain failed: there is no model, the legacy detector goes on');
  });
});

describe('the training thread', () => {
  it('is not started when the daemon is stopping already', async () => {
    const { config } = await site({});
    const order = { config, connectionString: '', excludedSources: [], verdicts: [], asOfMs: NOW };
    expect(await trainInThread(order, AbortSignal.abort())).toEqual({
      ok: false,
      code: 'INTERNAL',
      message: 'training stopped because the daemon is stopping',
    });
  });
});
