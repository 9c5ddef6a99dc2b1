import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationResult } from '../../src/runs/evaluation-run.ts';
import { autoblock, type CliResult, temporaryHome } from '../support/cli.ts';
import { labelledFlows, writeLabelledCsv } from '../support/labelled-flows.ts';

const PROGRAM = resolve(import.meta.dirname, '../../scripts/autoblock.mjs');
const SETTINGS = { EIF_N_ESTIMATORS: '100', EIF_SAMPLE_SIZE: '64' };

const home = temporaryHome();
const fileNamed = (name: string): string => join(home.dir, name);
const run = (...args: string[]): Promise<CliResult> =>
  autoblock(['evaluate', ...args], { dir: home.dir, env: { ...home.env, ...SETTINGS } });

const OFFICE = fileNamed('office.csv.gz');
const CALM = fileNamed('calm.csv');
const TINY = fileNamed('tiny.csv');

beforeAll(() => {
  const plain = writeLabelledCsv(fileNamed('plain.csv'), labelledFlows({ normal: 160, attacks: 25 }));
  writeFileSync(OFFICE, gzipSync(readFileSync(plain)));
  writeLabelledCsv(CALM, labelledFlows({ normal: 120, attacks: 0, seed: 2 }));
  writeLabelledCsv(TINY, labelledFlows({ normal: 20, attacks: 6, seed: 3 }));
});
afterAll(() => home.remove());

const TIER_KEYS = ['precision', 'recall', 'f1', 'fpr', 'tp', 'fp', 'fn', 'tn', 'precision5'];

describe('autoblock evaluate on a site with both labels, one without attacks and one too small', () => {
  const asked = [OFFICE, CALM, TINY, '--seeds', '2'];
  let json: EvaluationResult;
  let again: EvaluationResult;

  beforeAll(async () => {
    const both = await Promise.all([run(...asked, '--json'), run(...asked, '--json')]);
    for (const { code, stderr } of both) expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    [json, again] = both.map(({ stdout }) => JSON.parse(stdout) as EvaluationResult) as [
      EvaluationResult,
      EvaluationResult,
    ];
  });

  it('prints one JSON object with every figure by site and in the mean, for both detectors', () => {
    expect(json).toMatchObject({ protocol: 'site', windowMinutes: 5, seeds: [1, 2] });
    expect(json.sites.map(({ site, entities, attacks }) => [site, entities, attacks])).toEqual([
      ['office', 185, 25],
      ['calm', 120, 0],
      ['tiny', 26, 6],
    ]);
    for (const part of [...json.sites, json.macro!, json.macroTrained!])
      for (const detector of ['hybrid', 'legacy'] as const) {
        const measures = part[detector];
        expect(Object.keys(measures)).toEqual(['rocAuc', 'averagePrecision5', 'medium', 'high']);
        expect(Object.keys(measures.medium)).toEqual(TIER_KEYS);
        expect(Object.keys(measures.high)).toEqual(TIER_KEYS);
      }
  });

  it('says of each site what it can: no recall without attacks, the legacy rules without a model', () => {
    const [office, calm, tiny] = json.sites;
    expect(office).toMatchObject({ inMacro: true, refused: null });
    expect(office!.hybrid.rocAuc).toBeGreaterThan(0.8);
    expect(office!.byAttack.map(({ attack }) => attack).sort()).toEqual([
      'brute_force',
      'flood',
      'horizontal_scan',
      'port_scan',
      'slow_scan',
    ]);
    expect(calm).toMatchObject({
      inMacro: false,
      byAttack: [],
      hybrid: { rocAuc: null, averagePrecision5: null, medium: { recall: null, precision5: null } },
    });
    expect(tiny).toMatchObject({ inMacro: true, refused: { trials: 2 } });
    expect(tiny!.hybrid).toEqual(tiny!.legacy);
    expect(json.macroTrained!.hybrid).toEqual(office!.hybrid);
  });

  it('says the same again, but for how long it took', () => {
    expect({ ...again, durationMs: 0 }).toEqual({ ...json, durationMs: 0 });
  });

  it('tells the same in words and tables', async () => {
    const { code, stdout, stderr } = await run(...asked);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('protocol site, windows of 5 min, 2 seeds, medium from risk 70, high from 95');
    expect(stdout).toContain(`${OFFICE}: ${json.files[0]!.flows} flows`);
    expect(stdout).toContain('tiny: no model in 2 trials, judged by the legacy rules: ');
    expect(stdout).toContain('calm: no attack, not in the mean');
    const rows = stdout.split('\n').map((line) =>
      line
        .replaceAll('|', ' ')
        .trim()
        .split(/\s{2,}/),
    );
    const row = rows.find(([site, detector]) => site === 'office' && detector === 'hybrid')!;
    const { rocAuc, averagePrecision5, medium } = json.sites[0]!.hybrid;
    expect(row.slice(2, 9)).toEqual([
      rocAuc!.toFixed(3),
      averagePrecision5!.toFixed(3),
      'medium',
      ...[medium.tp, medium.fp, medium.fn, medium.tn].map(String),
    ]);
    expect(rows.some(([title]) => title === 'MEAN')).toBe(true);
    expect(rows.some(([title]) => title === 'MEAN, trained')).toBe(true);
    const framed = stdout.split('\n').filter((line) => /^[+|]/.test(line));
    expect(new Set(framed.map((line) => line.length)).size).toBe(1);
  });

  it('leaves neither a model nor a state directory behind', () => {
    expect(readdirSync(home.dir).sort()).toEqual(['calm.csv', 'office.csv.gz', 'plain.csv', 'tiny.csv']);
  });
});

describe('autoblock evaluate with other settings', () => {
  it('takes the protocol, the window and the number of seeds it is told', async () => {
    const { stdout } = await run(
      OFFICE,
      '--protocol',
      'natural',
      '--window-minutes',
      '10',
      '--seeds',
      '1',
      '--json',
    );
    expect(JSON.parse(stdout)).toMatchObject({ protocol: 'natural', windowMinutes: 10, seeds: [1] });
  });

  it('with feedback shows each number of verdicts', async () => {
    const { code, stdout } = await run(TINY, '--protocol', 'feedback', '--seeds', '1');
    expect(code).toBe(0);
    expect(stdout.match(/^with \d+ operator verdicts$/gm)).toEqual(
      [0, 50, 200, 1000].map((verdicts) => `with ${verdicts} operator verdicts`),
    );
    // 14 of 20 harmless windows and 3 attacks: no operator could have given more.
    expect(stdout.match(/^tiny: .* verdicts only.*$/gm)).toEqual(
      [50, 200, 1000].map(() => 'tiny: 17 verdicts only, on all windows it learns from'),
    );
  });

  it('tells why lines of a file were left out, that its flows are out of order, and sites of one name apart', async () => {
    const [header, ...lines] = readFileSync(TINY, 'utf8').trimEnd().split('\n');
    const twins = ['a', 'b'].map((folder) => join(home.dir, folder, 'twin.csv'));
    for (const [index, twin] of twins.entries()) {
      mkdirSync(dirname(twin));
      const held = index === 0 ? lines : ['no flow', ...lines.toReversed()];
      writeFileSync(twin, [header, ...held].join('\n'));
    }
    const [text, json] = await Promise.all([
      run(...twins, '--seeds', '1'),
      run(...twins, '--seeds', '1', '--json'),
    ]);
    const { files, sites } = JSON.parse(json.stdout) as EvaluationResult;
    expect(sites.map(({ site }) => site)).toEqual(twins.map((twin) => twin.replace('.csv', '')));
    expect(files[0]).toMatchObject({ badLines: 0, firstBadLine: null, outOfOrder: 0 });
    expect(files[1]).toMatchObject({ flows: lines.length, badLines: 1, firstBadLine: { line: 2 } });
    expect(files[1]!.outOfOrder).toBeGreaterThan(lines.length / 2);
    const [, shown] = text.stdout.split(`${twins[1]}: `);
    expect(shown!.split('\n').slice(0, 3)).toEqual([
      `${lines.length} flows; left out 1 unreadable, 0 without a label`,
      '    line 2: line: got "no flow", wanted 11 fields separated by commas',
      `    ${files[1]!.outOfOrder} flows are older than one before them: sort the file by time, or gaps and bursts are misread`,
    ]);
    for (const twin of twins) rmSync(dirname(twin), { recursive: true });
  });

  it('says that there is no mean where no site has both labels', async () => {
    const [text, json] = await Promise.all([run(CALM, '--seeds', '1'), run(CALM, '--seeds', '1', '--json')]);
    expect(text.stdout).toContain('no site with both labels: no mean');
    expect(JSON.parse(json.stdout)).toMatchObject({ macro: null, macroTrained: null });
  });
});

describe('autoblock evaluate asked for what there is not', () => {
  it.each([
    { args: [], said: 'evaluate: no file given' },
    {
      args: ['x.csv', '--protocol', 'clean'],
      said: '--protocol: got "clean", wanted site, natural, feedback',
    },
    { args: ['x.csv', '--seeds', '0'], said: '--seeds: got "0"' },
    { args: ['x.csv', '--seeds', '101'], said: '--seeds: got "101"' },
    { args: ['x.csv', '--seeds', 'two'], said: '--seeds: got "two"' },
    { args: ['x.csv', '--window-minutes', '0'], said: '--window-minutes: got "0"' },
    { args: ['x.csv', '--window-minutes', '61'], said: '--window-minutes: got "61"' },
    { args: ['x.csv', '--window-minutes', '1.5'], said: '--window-minutes: got "1.5"' },
  ])('exits 2 on $args', async ({ args, said }) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`autoblock: USAGE: `);
    expect(stderr).toContain(said);
  });

  it('exits 2 on a file that is missing or has no labels, naming it, and prints no figures of the others', async () => {
    const unlabelled = fileNamed('unlabelled.csv');
    writeFileSync(
      unlabelled,
      'timestamp,source_ip,source_port,destination_ip,destination_port,protocol,action,bytes,packets\n' +
        '2026-01-01T00:00:00Z,198.51.100.7,40000,192.0.2.10,443,tcp,accept,2400,18\n',
    );
    const [missing, none] = await Promise.all([run(TINY, fileNamed('missing.csv')), run(TINY, unlabelled)]);
    expect({ code: missing.code, stdout: missing.stdout }).toEqual({ code: 2, stdout: '' });
    expect(missing.stderr).toMatch(/autoblock: INPUT_FILE: .*missing\.csv/);
    expect({ code: none.code, stdout: none.stdout }).toEqual({ code: 2, stdout: '' });
    expect(none.stderr).toMatch(/autoblock: INPUT_FILE: .*unlabelled\.csv has no labels: 1 flows/);
  });
});

describe.skipIf(!existsSync('/proc/self/stat'))(
  'autoblock evaluate that gets SIGINT between two trials',
  () => {
    it('says so, prints nothing and exits 1', async () => {
      const child = spawn(process.execPath, [PROGRAM, 'evaluate', OFFICE, '--seeds', '100'], {
        cwd: home.dir,
        env: { ...home.env, ...SETTINGS, PATH: process.env['PATH'] },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      const closed = once(child, 'close');
      try {
        await expect.poll(() => cpuSeconds(child.pid!), { timeout: 30_000, interval: 50 }).toBeGreaterThan(3);
        child.kill('SIGINT');
        expect(await closed).toEqual([1, null]);
      } finally {
        child.kill('SIGKILL');
      }
      expect(stdout).toBe('');
      expect(stderr).toContain('autoblock: INTERRUPTED: ended by SIGINT');
    });
  },
);

/** Time a process has computed, in seconds (proc(5): fields 14 and 15, in hundredths): starting takes less than one. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
