import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/detector/random.ts';

const RUNNER = join(import.meta.dirname, '../../scripts/bench.mjs');
const folder = mkdtempSync(join(tmpdir(), 'autoblock-bench-'));
afterAll(() => rmSync(folder, { recursive: true }));

function bench(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [RUNNER, ...args], { encoding: 'utf8' });
}

/** 300 normal rows of two columns and ten far out, labelled 1. */
function plantedSet(): string {
  const random = createRandom(1);
  const lines = Array.from({ length: 310 }, (_, i) => {
    const shift = i < 10 ? 9 : 0;
    return `${shift + random.nextGaussian()},${random.nextGaussian() - shift},${i < 10 ? 1 : 0}`;
  });
  return `x0,x1,label\n${lines.join('\n')}\n`;
}

describe('the bench runner', () => {
  it('lists every bench with what it measures', () => {
    const { status, stdout } = bench('--help');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}anomaly +ROC-AUC/m);
    expect(stdout).toMatch(/^ {2}forest +fit and score/m);
    expect(stdout).toMatch(/^ {2}push +push 28,700 blocks/m);
  });

  it('refuses a name it does not know, naming those it does', () => {
    const { status, stderr } = bench('nope');
    expect(status).toBe(2);
    expect(stderr).toMatch(/no bench is called nope; there are: anomaly/);
  });

  it('prints one JSON object with the measures beside the reference', () => {
    writeFileSync(join(folder, 'planted.csv'), plantedSet());
    writeFileSync(join(folder, 'unknown.csv'), plantedSet());
    writeFileSync(join(folder, 'reference.json'), '{"planted": {"eif_auc": 0.995, "eif_ap": 1}}');
    const { status, stdout, stderr } = bench('anomaly', '--dir', folder, '--json');
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      bench: 'anomaly',
      trees: 250,
      samples: 256,
      seeds: [1, 2, 3],
      sets: [
        {
          name: 'planted',
          rows: 310,
          dimensions: 2,
          anomalies: 10,
          rocAuc: 1,
          averagePrecision: 1,
          referenceRocAuc: 0.995,
          difference: 0.005,
          ok: true,
        },
        { name: 'unknown', rocAuc: 1, referenceRocAuc: null, ok: null },
      ],
    });
  });

  it('pushes to a simulated router in a process of its own, beside one command after another', () => {
    const { status, stdout, stderr } = bench('push', '--entries', '300', '--reboot-entries', '50', '--json');
    expect(status, stderr).toBe(0);
    const result = JSON.parse(stdout) as {
      slowRouter: { shareOfLimit: number; sequentialPerSecond: number };
      noChange: { commandsPerSync: Record<string, number> };
    };
    expect(result).toMatchObject({
      bench: 'push',
      entries: 300,
      slowRouter: { limitPerSecond: 666.7 },
      farRouter: { latencyMs: 5, sequentialCommands: 300 },
      reboot: { entries: 50, routerMs: 75 },
    });
    // Faster than its CPU the router cannot be, however the timers fall.
    expect(result.slowRouter.shareOfLimit).toBeLessThanOrEqual(1.01);
    const { commandsPerSync } = result.noChange;
    expect(commandsPerSync).toMatchObject({
      '/ip/firewall/address-list/print': 1,
      '/ipv6/firewall/address-list/print': 1,
    });
    expect(Object.keys(commandsPerSync).filter((command) => !command.endsWith('/print'))).toEqual([]);
  });

  it('fails when a set is too far from its reference, naming it after the measures', () => {
    writeFileSync(join(folder, 'reference.json'), '{"planted": {"eif_auc": 0.9, "eif_ap": 1}}');
    const { status, stdout, stderr } = bench('anomaly', '--dir', folder, '--json');
    expect(status).toBe(1);
    expect(stderr).toMatch(/ROC-AUC is too far from the reference on planted$/m);
    expect(JSON.parse(stdout)).toMatchObject({ sets: [{ name: 'planted', ok: false }, { ok: null }] });
  });

  it('says what is wrong with a data file, with its line', () => {
    writeFileSync(join(folder, 'planted.csv'), 'x0,label\n1,0\nabc,1\n');
    const { status, stderr } = bench('anomaly', '--dir', folder);
    expect(status).toBe(1);
    expect(stderr).toMatch(/planted\.csv, line 3: wanted 2 numbers, got "abc,1"/);
  });
});
