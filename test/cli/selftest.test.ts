import { afterAll, describe, expect, it } from 'vitest';
import { autoblock, temporaryHome } from '../support/cli.ts';

const home = temporaryHome();
afterAll(() => home.remove());

describe('autoblock selftest', () => {
  it('passes and shows counts per tier and the framed measures with their meaning', async () => {
    const { code, stdout } = await autoblock(['selftest'], home);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^10000 synthetic samples/);
    for (const tier of ['high', 'medium', 'low', 'none']) {
      expect(stdout).toMatch(new RegExp(`^${tier} +\\d+ +\\d+$`, 'm'));
    }
    const framed = stdout.split('\n').filter((line) => /^[+|]/.test(line));
    expect(new Set(framed.map((line) => line.length)).size).toBe(1);
    expect(framed.slice(1, -1).map((line) => /^\| (\S+( \S+)*)  /.exec(line)![1])).toEqual([
      'precision',
      'recall',
      'F1',
      'false positive rate',
    ]);
    expect(stdout.trimEnd()).toMatch(/\nPASSED$/);
  });

  it('prints one JSON object with all figures, and needs no configuration', async () => {
    const { code, stdout } = await autoblock(['selftest', '--seed', '7', '--json'], {
      dir: home.dir,
      env: { HOURS_BACK: 'wrong' },
    });
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as Record<'precision' | 'recall' | 'f1' | 'falsePositiveRate', number>;
    expect(result).toMatchObject({ passed: true, seed: 7, samples: 10_000 });
    expect(result.precision).toBeGreaterThanOrEqual(0.9);
    expect(result.recall).toBeGreaterThanOrEqual(0.9);
    expect(result.f1).toBeGreaterThanOrEqual(0.9);
    expect(result.falsePositiveRate).toBeLessThanOrEqual(0.03);
  });
});
