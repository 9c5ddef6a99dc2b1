import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closedPort } from '../cli/cli-site.ts';
import { writeBruteForceCsv } from '../support/attack-csv.ts';
import { autoblock, type RunningDaemon, startDaemonProcess, temporaryHome } from '../support/cli.ts';
import { OFFICE_SETTINGS, writeOfficeDayCsv } from '../support/traffic-csv.ts';

const ATTACKER = '198.51.100.66';

interface Report {
  readonly active: { readonly runs: number; readonly sources: { readonly high: number } };
  readonly comparison: {
    readonly shadow: Readonly<Record<'asked' | 'judged' | 'missing', number>> & {
      readonly missingByCode: Readonly<Record<string, number>>;
    };
    readonly detectors: Readonly<
      Record<'hybrid' | 'legacy', { readonly flagged: number; readonly shadowRuns: number }>
    >;
    readonly agreement: { readonly flagged: number };
    readonly beforeAfter: { readonly before: string; readonly after: string };
  };
}

let home: ReturnType<typeof temporaryHome>;
let env: Record<string, string>;
let daemon: RunningDaemon | null;

beforeEach(async () => {
  home = temporaryHome();
  env = {
    ...home.env,
    ...OFFICE_SETTINGS,
    USE_HYBRID_DETECTOR: 'false',
    SHADOW_DETECTOR: 'hybrid',
    DETECT_CRON: '* * * * * *',
    RETRAIN_CRON: '0 0 1 1 *',
  };
  daemon = null;
  const csv = join(home.dir, 'attack.csv');
  writeBruteForceCsv(csv, [ATTACKER]);
  await run('import', csv);
});

afterEach(async () => {
  daemon?.signal('SIGKILL');
  await daemon?.ended;
  // The server that a killed daemon left behind is adopted and stopped by the next command.
  await autoblock(['detect', '--dry-run'], place());
  home.remove();
});

const place = () => ({ dir: home.dir, env });

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await autoblock(args, place());
  expect({ args, code, stderr }).toMatchObject({ code: 0 });
  return stdout;
}

const compare = async () => JSON.parse(await run('report', '--compare', '--json')) as Report;

async function trainOnOffice(): Promise<void> {
  const csv = join(home.dir, 'office.csv');
  writeOfficeDayCsv(csv);
  await run('train', '--flows', csv);
}

describe('a daemon with a shadow detector', () => {
  it('blocks by the active one alone, takes the shadow’s model up when it comes, and loses nothing to kill -9', async () => {
    daemon = startDaemonProcess(place());
    expect(
      await daemon.waitFor('shadow detector missing in this run: the active detection is not affected'),
    ).toMatchObject({ level: 'warn', code: 'MODEL_MISSING', shadow: 'hybrid' });
    expect(await daemon.waitFor('detection run finished')).toMatchObject({
      detector: 'legacy',
      blocksAdded: 1,
      shadow: { detector: 'hybrid', tiers: null, missing: { code: 'MODEL_MISSING' } },
    });
    await trainOnOffice();
    await daemon.waitFor('models loaded');
    const finished = await daemon.waitFor('detection run finished', daemon.lines.length);
    expect(finished).toMatchObject({ detector: 'legacy', shadow: { missing: null } });
    daemon.signal('SIGKILL');
    await daemon.ended;

    const { active, comparison } = await compare();
    expect(active.sources.high).toBe(1);
    expect(comparison.shadow.missingByCode['MODEL_MISSING']).toBeGreaterThan(0);
    expect(comparison.shadow.judged).toBeGreaterThan(0);
    expect(comparison.shadow.asked).toBe(comparison.shadow.judged + comparison.shadow.missing);
    expect(comparison.detectors.hybrid.shadowRuns).toBe(comparison.shadow.judged);
    expect(comparison.beforeAfter).toMatchObject({ before: 'legacy', after: 'hybrid' });
    const blocks = JSON.parse(await run('blocks', 'list', '--json')) as { address: string }[];
    expect(blocks.map((block) => block.address)).toEqual([ATTACKER]);
    const text = await run('report', '--compare');
    for (const part of ['HYBRID', 'LEGACY', 'agreement: of', 'before/after: hybrid instead of legacy'])
      expect(text).toContain(part);
    expect(await run('report')).not.toContain('before/after');
  });

  it('can be switched: the former active detector becomes the shadow and the report goes on', async () => {
    await trainOnOffice();
    const first = JSON.parse(await run('detect', '--json')) as Record<string, unknown>;
    expect(first).toMatchObject({
      detector: 'legacy',
      blocksAdded: 1,
      shadow: { detector: 'hybrid', missing: null },
    });
    Object.assign(env, { USE_HYBRID_DETECTOR: 'true', SHADOW_DETECTOR: 'legacy' });
    const second = JSON.parse(await run('detect', '--json')) as Record<string, unknown>;
    expect(second).toMatchObject({
      detector: 'hybrid',
      blocksAdded: 0,
      shadow: { detector: 'legacy', missing: null },
    });
    const { comparison } = await compare();
    expect(comparison.shadow).toMatchObject({ asked: 2, judged: 2, missing: 0 });
    expect(comparison.detectors).toMatchObject({
      hybrid: { activeRuns: 1, shadowRuns: 1 },
      legacy: { activeRuns: 1, shadowRuns: 1, flagged: 1 },
    });
    expect(comparison.beforeAfter).toMatchObject({ before: 'hybrid', after: 'legacy' });
  });
});

describe('autoblock report', () => {
  it('exits 3 while PostgreSQL is away, and 2 on days nobody kept', async () => {
    const away = { ...env, DATABASE_URL: `postgresql://auto:db-secret@127.0.0.1:${await closedPort()}/logs` };
    const refused = await autoblock(['report'], { dir: home.dir, env: away });
    expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 3, stdout: '' });
    expect(refused.stderr).toContain('DATABASE_UNAVAILABLE');
    expect(refused.stderr).not.toContain('db-secret');
    const wrong = await autoblock(['report', '--days', '91'], place());
    expect({ code: wrong.code, stderr: wrong.stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--days: got "91", wanted a whole number from 1 to 90') as string,
    });
  });

  it('says that there is nothing to compare, and what to set, where no run had a shadow', async () => {
    env['SHADOW_DETECTOR'] = '';
    await run('detect');
    const text = await run('report', '--compare');
    expect(text).toContain('nothing to compare: no run had a shadow: set SHADOW_DETECTOR');
    expect(text).toMatch(/^sources: high +1$/m);
  });
});
