import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validate } from 'node-cron';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { routerLoopsOf } from '../../src/daemon/router-job.ts';
import { openWorkplace, type Workplace } from '../../src/daemon/workplace.ts';
import { capturingLogger } from '../support/logger.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
let directory: string;
let workplace: Workplace;
let allowlist: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'autoblock-router-job-'));
  allowlist = '';
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A site whose PostgreSQL is away, opened anew as after a restart. */
async function open(env: Readonly<Record<string, string>> = {}): Promise<Workplace> {
  const config = loadConfig({
    env: {
      STATE_DIR: join(directory, 'state'),
      MODELS_DIR: join(directory, 'models'),
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
      ...(allowlist === '' ? {} : { ALLOWLIST: allowlist }),
      ...env,
    },
    isCron: validate,
  });
  workplace = await openWorkplace({ config, logger: capturingLogger().logger, nowMs: () => NOW });
  return workplace;
}

function loops() {
  return routerLoopsOf(workplace, { random: () => 0, monotonicMs: () => 0 });
}

describe('a daemon without a router', () => {
  it.each([
    ['takes back a block whose address became protected since', {}, ['198.51.100.2']],
    ['changes nothing in a dry run', { DRY_RUN: 'true' }, ['198.51.100.1', '198.51.100.2']],
  ])('%s', async (_what, env, left) => {
    const { ledger, closers } = await open();
    const given = { origin: 'manual', seconds: 3600, reason: 'test', actor: 'anna', nowMs: NOW } as const;
    ledger.addBlocks(['198.51.100.1', '198.51.100.2'].map((address) => ({ ...given, address })));
    await closers.closeAll();

    allowlist = '198.51.100.1';
    const again = await open(env);
    const running = loops();
    running.request();
    await running.stop();
    expect(again.ledger.activeBlocks(NOW).map(({ address }) => address)).toEqual(left);
    await again.closers.closeAll();
  });
});
