import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ValidationResult } from '../../src/runs/validation-run.ts';
import { CICIDS_HEADER } from '../support/cicids2017-line.ts';
import { ATTACK_WINDOWS_OF_THE_WEEK } from '../support/cicids2017-schedule.ts';
import { writeCicidsWeek } from '../support/cicids2017-week.ts';
import { autoblock, type CliResult, temporaryHome } from '../support/cli.ts';

const PROGRAM = resolve(import.meta.dirname, '../../scripts/autoblock.mjs');
const SETTINGS = { EIF_N_ESTIMATORS: '100' };

const home = temporaryHome();
const week = join(home.dir, 'week');
const run = (...args: string[]): Promise<CliResult> =>
  autoblock(['validate', ...args], { dir: home.dir, env: { ...home.env, ...SETTINGS } });

let flows: number;

beforeAll(() => {
  flows = writeCicidsWeek(week);
});
afterAll(() => home.remove());

describe('autoblock validate on a generated week in the published layout', () => {
  let code: number | null;
  let result: ValidationResult & { readonly directory: string };

  beforeAll(async () => {
    const told = await run('--dataset', week, '--json');
    expect(told.stderr).toBe('');
    code = told.code;
    result = JSON.parse(told.stdout) as typeof result;
  });

  it('reads every flow of the eight files and counts the rows of nothing but commas', () => {
    expect(result.directory).toBe(week);
    expect(result.files).toHaveLength(8);
    expect(result.files.reduce((sum, file) => sum + file.flows, 0)).toBe(flows);
    expect(result.files.map(({ emptyLines }) => emptyLines)).toEqual([0, 0, 0, 5000, 0, 0, 0, 0]);
    expect(result.files.every(({ badLineCount }) => badLineCount === 0)).toBe(true);
  });

  it('trains on Monday, inside and outside apart, with 172.16.0.1 outside', () => {
    const { training } = result;
    expect(training).toMatchObject({ day: 'monday', records: result.files[0]!.flows });
    expect(training.groups.internal!.entities).toBeGreaterThan(100);
    expect(training.groups.external!.entities).toBeGreaterThan(100);
    expect(result.internalNetworks).toEqual(['192.168.10.0/24']);
    expect(result).toMatchObject({ windowMinutes: 5, sample: 1, seed: 42 });
  });

  it('finds in the labels every window in which somebody attacks, and no other', () => {
    expect(Object.fromEntries(result.byAttack.map(({ attack, entities }) => [attack, entities]))).toEqual(
      ATTACK_WINDOWS_OF_THE_WEEK,
    );
    expect(result.days.map(({ day, hybrid }) => [day, hybrid.attacks])).toEqual([
      ['tuesday', 24],
      ['wednesday', 22],
      ['thursday', 15],
      ['friday', 25],
    ]);
  });

  it('sees what cannot be missed: port scans and password guessing, with both detectors', () => {
    for (const attack of ['PortScan', 'FTP-Patator', 'SSH-Patator'])
      expect(result.byAttack.find((share) => share.attack === attack)).toMatchObject({
        hybridFound: ATTACK_WINDOWS_OF_THE_WEEK[attack as keyof typeof ATTACK_WINDOWS_OF_THE_WEEK],
        legacyFound: ATTACK_WINDOWS_OF_THE_WEEK[attack as keyof typeof ATTACK_WINDOWS_OF_THE_WEEK],
      });
  });

  it('adds up: days to the total, attacks found to the true positives, benign and attacks to entities', () => {
    for (const detector of ['hybrid', 'legacy'] as const) {
      const total = result.total[detector];
      const sum = (count: 'entities' | 'truePositives' | 'falsePositives'): number =>
        result.days.reduce((all, day) => all + day[detector][count], 0);
      expect(total).toMatchObject({
        entities: sum('entities'),
        truePositives: sum('truePositives'),
        falsePositives: sum('falsePositives'),
        attacks: 86,
      });
      const found = result.byAttack.reduce((all, attack) => all + attack[`${detector}Found`], 0);
      expect(found).toBe(total.truePositives);
      const { truePositives, falsePositives, trueNegatives, falseNegatives } = total;
      expect(truePositives + falsePositives + trueNegatives + falseNegatives).toBe(total.entities);
    }
  });

  it('passes when all four criteria do, and exits 0 then and 1 otherwise', () => {
    const { precision, recall, falsePositiveRate, f1 } = result.total.hybrid;
    expect(result.criteria).toEqual([
      { name: 'precision', wanted: 0.9, value: precision, passed: precision! >= 0.9 },
      { name: 'recall', wanted: 0.8, value: recall, passed: recall! >= 0.8 },
      {
        name: 'falsePositiveRate',
        wanted: 0.05,
        value: falsePositiveRate,
        passed: falsePositiveRate! <= 0.05,
      },
      { name: 'f1', wanted: 0.85, value: f1, passed: f1! >= 0.85 },
    ]);
    expect(result.passed).toBe(result.criteria.every(({ passed }) => passed));
    expect(code).toBe(result.passed ? 0 : 1);
  });

  it('leaves neither a model nor a state directory behind', () => {
    expect(readdirSync(home.dir)).toEqual(['week']);
  });
});

describe('autoblock validate on a sample', () => {
  it('judges a share of the entities, each of them complete, and says so in the framed report', async () => {
    const [text, json] = await Promise.all([
      run('--dataset', week, '--sample', '0.5'),
      run('--dataset', week, '--sample', '0.5', '--json'),
    ]);
    const sampled = JSON.parse(json.stdout) as ValidationResult;
    expect(sampled.files.reduce((sum, file) => sum + file.flows, 0)).toBe(flows);
    expect(sampled.total.hybrid.entities).toBeGreaterThan(3000);
    expect(sampled.total.hybrid.entities).toBeLessThan(5500);
    const scans = sampled.byAttack.find(({ attack }) => attack === 'PortScan');
    // A tenth of the rows of a scan would be a scan still; half of its minutes would not add up to whole windows.
    if (scans !== undefined) expect(scans.hybridFound).toBe(scans.entities);

    expect(text.stderr).toBe('');
    expect(text.code).toBe(json.code);
    expect(text.stdout).toContain('a sample of 50.0 % of the hours of each source, seed 42');
    expect(text.stdout).toContain('172.16.0.1, outside');
    const framed = text.stdout.split('\n').filter((line) => /^[+|]/.test(line));
    expect(new Set(framed.map((line) => line.length)).size).toBe(1);
    for (const word of ['Tuesday', 'Friday', 'all', 'hybrid', 'legacy', 'precision', 'false positive rate'])
      expect(framed.join('\n')).toContain(word);
    expect(framed.filter((line) => /^\| (PASS|FAIL) {2}/.test(line))).toHaveLength(4);
    expect(text.stdout).toMatch(/\n(PASSED|FAILED: a production criterion was missed)\n/);
  });
});

describe('autoblock validate on a week in which the labels name no attack', () => {
  it('cannot pass: exits 1, with nothing to measure recall on', async () => {
    const benign = join(home.dir, 'benign');
    mkdirSync(benign);
    for (const name of readdirSync(week)) {
      const lines = readFileSync(join(week, name), 'latin1').split('\r\n');
      const relabelled = lines.map((line, index) =>
        index === 0 || line === '' ? line : line.replace(/,[^,]+$/, ',BENIGN'),
      );
      writeFileSync(join(benign, name), relabelled.join('\r\n'), 'latin1');
    }
    try {
      const [told, labelled] = await Promise.all([
        run('--dataset', benign, '--json'),
        run('--dataset', week, '--json'),
      ]);
      expect(told.code).toBe(1);
      const without = JSON.parse(told.stdout) as ValidationResult;
      const { total, byAttack, passed } = without;
      expect({ byAttack, passed, recall: total.hybrid.recall }).toEqual({
        byAttack: [],
        passed: false,
        recall: null,
      });
      // The labels change what is counted, never what is flagged.
      for (const detector of ['hybrid', 'legacy'] as const) {
        const { truePositives, falsePositives } = (JSON.parse(labelled.stdout) as ValidationResult).total[
          detector
        ];
        expect(total[detector].falsePositives).toBe(truePositives + falsePositives);
      }
    } finally {
      rmSync(benign, { recursive: true });
    }
  });
});

describe('autoblock validate on what is not the data set', () => {
  it('exits 2 naming the files that are missing', async () => {
    const part = join(home.dir, 'part');
    mkdirSync(part);
    for (const name of readdirSync(week))
      if (!name.startsWith('Monday')) copyFileSync(join(week, name), join(part, name.toLowerCase()));
    const { code, stdout, stderr } = await run('--dataset', part);
    rmSync(part, { recursive: true });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /DATASET_INVALID: .*lacks 1 of the 8 .*Monday-WorkingHours\.pcap_ISCX\.csv \(benign/,
    );
  });

  it('exits 2 on the MachineLearningCSV variant and names the download that has addresses', async () => {
    const other = join(home.dir, 'other');
    mkdirSync(other);
    const header = ` Destination Port,${CICIDS_HEADER.split(',').slice(7).join(',')}`;
    for (const name of readdirSync(week)) writeFileSync(join(other, name), `${header}\n`);
    const { code, stderr } = await run('--dataset', other);
    rmSync(other, { recursive: true });
    expect(code).toBe(2);
    expect(stderr).toContain('MachineLearningCSV.zip');
    expect(stderr).toContain('GeneratedLabelledFlows.zip');
  });
});

describe.skipIf(!existsSync('/proc/self/fd'))('autoblock validate that gets SIGINT while it reads', () => {
  it('says so and exits 1', async () => {
    const child: ChildProcess = spawn(process.execPath, [PROGRAM, 'validate', '--dataset', week], {
      cwd: home.dir,
      env: { ...home.env, PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const closed = once(child, 'close');
    const opensWeek = (): boolean =>
      readdirSync(`/proc/${child.pid}/fd`).some((fd) =>
        targetOf(`/proc/${child.pid}/fd/${fd}`).startsWith(week),
      );
    await expect.poll(opensWeek, { timeout: 30_000, interval: 5 }).toBe(true);
    child.kill('SIGINT');
    expect(await closed).toEqual([1, null]);
    expect(stdout).toBe('');
    expect(stderr).toContain('autoblock: INTERRUPTED: ended by SIGINT');
  });
});

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    // Closed between listing and looking.
    return '';
  }
}
