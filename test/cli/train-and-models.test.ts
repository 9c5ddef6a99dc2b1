import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CliResult } from '../support/cli.ts';
import { type CliSite, openCliSite } from './cli-site.ts';
import { writeLoginsCsv } from './logins-csv.ts';
import { writeQuietDayCsv } from './synthetic-csv.ts';

const HYBRID = { USE_HYBRID_DETECTOR: 'true', EIF_N_ESTIMATORS: '100' };

interface ModelList {
  readonly models: readonly { version: string; latest: boolean; valid: boolean }[];
  readonly latestProblem: string | null;
}

let site: CliSite;
const run = (...args: string[]): Promise<CliResult> => site.run(args, HYBRID);
const models = async (): Promise<ModelList> => (await site.json(['models', 'list'], HYBRID)) as ModelList;
const latest = async (): Promise<string | undefined> =>
  (await models()).models.find((model) => model.latest)?.version;

beforeAll(async () => {
  site = await openCliSite();
});
afterAll(() => site.close());

describe('autoblock models and train before there is a model', () => {
  it('lists none and names the command that makes one', async () => {
    expect(await run('models', 'list')).toMatchObject({
      code: 0,
      stdout: 'no model yet: `autoblock train` makes one\n',
    });
    expect(await models()).toEqual({ models: [], latestProblem: null });
  });

  it('exits 1 with MODEL_MISSING when there is nothing to show', async () => {
    const { code, stderr } = await run('models', 'show');
    expect(code).toBe(1);
    expect(stderr).toContain('autoblock: MODEL_MISSING: there is no model yet');
  });

  it('exits 1 with NOT_FOUND when there is nothing to use or to go back to', async () => {
    for (const args of [['use', '20260101T000000000Z'], ['use', '../../etc'], ['rollback']]) {
      const { code, stderr } = await run('models', ...args);
      expect(code).toBe(1);
      expect(stderr).toContain('autoblock: NOT_FOUND: ');
    }
  });

  it('refuses to learn from too little, says how many there are and how many it needs, and exits 1', async () => {
    const file = writeLoginsCsv(site.dir, { name: 'few.csv', tries: { '192.168.1.5': 3, '203.0.113.7': 2 } });
    for (const args of [
      ['--source', 'flows', '--flows', file],
      ['--days', '2'],
    ]) {
      const { code, stdout, stderr } = await run('train', ...args);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(
        /TRAINING_DATA_TOO_SMALL: .* \d internal and \d external source windows .* needs \d+ /,
      );
      expect(stderr).toContain('autoblock train --days N');
    }
    expect((await models()).models).toEqual([]);
    expect((await run('status')).stdout).toMatch(/^training +failed .*TRAINING_DATA_TOO_SMALL: /m);
  });

  it('refuses a wrong period or a missing file and exits 2', async () => {
    expect(await run('train', '--days', '31')).toMatchObject({ code: 2 });
    const { code, stderr } = await run('train', '--source', 'flows', '--flows', join(site.dir, 'absent.csv'));
    expect(code).toBe(2);
    expect(stderr).toMatch(/INPUT_FILE: .*absent\.csv/);
  });
});

describe('autoblock train, and the choice between two models', () => {
  let first: string;
  let second: string;

  beforeAll(async () => {
    const day = writeQuietDayCsv(site.dir, 'day.csv');
    const args = ['train', '--source', 'flows', '--flows', day];
    const text = await site.run(args, HYBRID);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/^model \S+ is now the latest\n {2}\d+ log records, \d{4}-/);
    expect(text.stdout).toMatch(/contamination 0\.03; \d+\.\d\d % of the training traffic flagged/);
    expect(text.stdout).toMatch(/^ {4}short windows: (18 of|all) 25 features \(/m);
    expect(text.stdout).toMatch(/^ {4}long windows: /m);
    expect(text.stdout).toMatch(/^ {4}operator verdicts learnt: 0 attacks, 0 harmless$/m);
    first = /^model (\S+)/.exec(text.stdout)![1]!;
    const trained = await site.json(args, { ...HYBRID, SEED: '43' });
    expect(trained).toMatchObject({ truncated: false, metadata: { source: 'flows' } });
    second = (trained as { version: string }).version;
  });

  it('lists both, newest first, and the newer is the latest', async () => {
    expect(await models()).toMatchObject({
      models: [
        { version: second, latest: true, valid: true },
        { version: first, latest: false, valid: true },
      ],
      latestProblem: null,
    });
    const { stdout } = await run('models', 'list');
    expect(stdout).toMatch(new RegExp(`^${second} +\\d{4}-\\d\\d-\\d\\d \\S+Z +latest +ok$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^${first} +\\d{4}-\\d\\d-\\d\\d \\S+Z +ok$`, 'm'));
  });

  it('shows what the latest or a certain version learnt', async () => {
    const { code, stdout } = await run('models', 'show');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^model ${second}, trained \\d{4}-.* from flows\n`));
    expect(stdout).toMatch(/^ {2}short windows: (18 of|all) 25 features \(/m);
    expect(stdout).toMatch(/^ {2}high tier: from CONFIDENCE_HIGH on$/m);
    expect(stdout).toMatch(/^ {2}risk against operator verdicts: none to compare$/m);
    expect(await site.json(['models', 'show', first], HYBRID)).toMatchObject({
      schemaVersion: 2,
      version: first,
    });
    const unknown = await run('models', 'show', '20200101T000000000Z');
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('NOT_FOUND: no model 20200101T000000000Z');
  });

  it('judges with the latest model, and status names it', async () => {
    expect(await site.json(['detect', '--dry-run'], HYBRID)).toMatchObject({
      detector: 'hybrid',
      model: second,
    });
    expect(await site.json(['status'], HYBRID)).toMatchObject({ detector: 'hybrid', model: second });
  });

  it('goes back to the model before, forth to a certain one, and nowhere on an unknown version', async () => {
    expect(await run('models', 'rollback')).toMatchObject({
      code: 0,
      stdout: `model ${first} is now the latest\n`,
    });
    expect(await latest()).toBe(first);
    expect(await site.json(['detect', '--dry-run'], HYBRID)).toMatchObject({ model: first });
    const further = await run('models', 'rollback');
    expect(further.code).toBe(1);
    expect(further.stderr).toContain('NOT_FOUND: there is no earlier model to go back to');
    expect((await run('models', 'use', second)).code).toBe(0);
    expect(await latest()).toBe(second);
    const unknown = await run('models', 'use', '20200101T000000000Z');
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('NOT_FOUND: no model 20200101T000000000Z');
    expect(await latest()).toBe(second);
  });

  it('says in status that a model trained on other windows is not in use', async () => {
    const env = { ...HYBRID, WINDOW_MINUTES: '10' };
    const problem = `model ${second} was trained on 5-minute windows, WINDOW_MINUTES is 10`;
    expect(await site.json(['status'], env)).toMatchObject({ detector: 'legacy', modelProblem: problem });
    expect((await site.run(['models', 'list'], env)).stdout).toContain(problem);
    const { stdout, stderr } = await site.run(['detect', '--dry-run', '--json'], env);
    expect(JSON.parse(stdout)).toMatchObject({ detector: 'legacy', model: 'none' });
    expect(stderr).toContain(problem);
  });

  it('never uses a tampered model: status, the list and detection say why, and detection goes on', async () => {
    appendFileSync(join(site.dir, 'models', 'isolation_forest_latest'), 'x');
    const why = /isolation_forest_latest is not the file of model/;
    const status = await run('status');
    expect(status.code).toBe(0);
    expect(status.stdout).toMatch(/^detector: legacy {4}model: none$/m);
    expect(status.stdout).toMatch(why);
    const list = await run('models', 'list');
    expect(list.code).toBe(0);
    expect(list.stdout).toMatch(why);
    expect(list.stdout).toContain('`autoblock models use VERSION` puts a sound one in place');
    expect((await models()).latestProblem).toMatch(why);
    const detected = await run('detect', '--dry-run', '--json');
    expect(detected.code).toBe(0);
    expect(JSON.parse(detected.stdout)).toMatchObject({ detector: 'legacy', model: 'none' });
    expect(detected.stderr).toContain('"code":"MODEL_INVALID"');
    expect(detected.stderr).toMatch(why);
  });

  it('is sound again after the version was put in place anew', async () => {
    expect((await run('models', 'use', second)).code).toBe(0);
    expect((await models()).latestProblem).toBeNull();
    expect(await site.json(['status'], HYBRID)).toMatchObject({ detector: 'hybrid', model: second });
  });

  it('refuses a damaged version: the list says so, it cannot be chosen, and the latest stays', async () => {
    appendFileSync(join(site.dir, 'models', first, 'scaler.json'), ' ');
    const { code, stderr } = await run('models', 'use', first);
    expect(code).toBe(4);
    expect(stderr).toContain('autoblock: MODEL_INVALID: ');
    expect((await run('models', 'list')).stdout).toMatch(
      new RegExp(`^${first} .*scaler\\.json is not the file`, 'm'),
    );
    expect((await run('models', 'rollback')).code).toBe(1);
    expect(await latest()).toBe(second);
  });
});
