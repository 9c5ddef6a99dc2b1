import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeModel } from '../../src/detector/model-files.ts';
import { openLedger } from '../../src/storage/ledger.ts';
import { openModelRegistry } from '../../src/storage/model-registry.ts';
import { handMadeModel } from '../detector/hand-made-model.ts';
import { autoblock, temporaryHome } from '../support/cli.ts';
import { silentLogger } from '../support/temporary-ledger.ts';

let home: ReturnType<typeof temporaryHome>;
beforeEach(() => {
  home = temporaryHome();
});
afterEach(() => home.remove());

describe('autoblock status of a site with a model', () => {
  it('tells for which sources the high tier was tightened or closed at training, and nothing of a training that worked', async () => {
    const registry = openModelRegistry({ directory: home.env['MODELS_DIR']!, logger: silentLogger });
    registry.promote(registry.save(encodeModel(handMadeModel)));
    const text = await autoblock(['status'], home);
    expect({ code: text.code, stderr: text.stderr }).toEqual({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(
      /^high tier, internal sources: from risk 97\.25 on, tightened until 95 % .* \(see `autoblock models show`\)$/m,
    );
    expect(text.stdout).toMatch(
      /^high tier, external sources: closed: 30 source windows learnt, blocking needs 50 \(see/m,
    );
    expect(text.stdout).not.toContain('last training');
    const json = await autoblock(['status', '--json'], home);
    expect(JSON.parse(json.stdout)).toMatchObject({
      detector: 'hybrid',
      leastHighRisk: { internal: 97.25, external: 0 },
      windowsLearnt: { internal: 400, external: 30 },
      lastTraining: null,
    });
  });
});

describe('autoblock status of what needs a person', () => {
  it('tells alerts with the next step, protected addresses apart, and --check exits 1 and says why', async () => {
    const ledger = openLedger({ path: join(home.env['STATE_DIR']!, 'ledger.sqlite'), logger: silentLogger });
    const nowMs = Date.now();
    for (const message of ['once', 'held back 40 of 50 removals'])
      ledger.raiseAlert({ code: 'MASS_REMOVAL_HELD', subject: 'core', message, nowMs });
    ledger.raiseAlert({
      code: 'PROTECTED_SOURCE',
      subject: '192.168.88.9',
      message: 'internal network',
      nowMs,
    });
    const runId = ledger.beginRun('detection', nowMs);
    ledger.finishRun({ id: runId, status: 'failed', details: { code: 'DATABASE_UNAVAILABLE' }, nowMs });
    ledger.close();

    const { code, stdout } = await autoblock(['status'], home);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^open alerts:\n {2}MASS_REMOVAL_HELD {2}core {2}2 times, last \d{4}-.*Z: held back 40 of 50 removals\n {4}.*`autoblock sync --confirm-removal`\n/,
    );
    expect(stdout).toMatch(
      /\nprotected addresses that would have been blocked .*\n {2}PROTECTED_SOURCE {2}192\.168\.88\.9 {2}1 time, last \d{4}-.*Z: internal network\n/,
    );

    const check = await autoblock(['status', '--check', '--json'], home);
    expect(check.code).toBe(1);
    const needs = [
      'alert PROTECTED_SOURCE (192.168.88.9)',
      'alert MASS_REMOVAL_HELD (core)',
      'the last detection failed',
    ];
    expect(JSON.parse(check.stdout)).toMatchObject({ paused: null, alerts: [{}, {}], needsAPerson: needs });
    expect(check.stderr).toBe(needs.map((sentence) => `needs a person: ${sentence}\n`).join(''));
  });

  it('--check exits 0 where nothing does', async () => {
    expect(await autoblock(['status', '--check'], home)).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('autoblock status of a daemon that stopped', () => {
  it('needs a person when the schedule is not kept, and not while a schedule pauses', async () => {
    const ledger = openLedger({ path: join(home.env['STATE_DIR']!, 'ledger.sqlite'), logger: silentLogger });
    const nowMs = Date.now() - 3_600_000;
    const id = ledger.beginRun('detection', nowMs);
    ledger.finishRun({ id, status: 'ok', details: {}, nowMs });
    ledger.close();
    const check = (DETECT_CRON: string) =>
      autoblock(['status', '--check'], { dir: home.dir, env: { ...home.env, DETECT_CRON } });
    const stopped = await check('*/5 * * * *');
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toMatch(/needs a person: the last detection was 1h 0m ago: does the daemon run\?/);
    expect(await check('0 3 * * *')).toMatchObject({ code: 0, stderr: '' });
  });
});
