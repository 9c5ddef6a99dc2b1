import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fitGradientBoostedTrees, predictLogOdds } from '../../src/detector/gradient-boosted-trees.ts';
import { createRandom } from '../../src/detector/random.ts';
import { rocAuc } from '../../src/evaluation/metrics.ts';
import { type LabelledRows, PLAIN } from './boosting-data.ts';

const FOLDER = join(import.meta.dirname, '../../../shared/data/anomaly-benchmarks');
const present = existsSync(FOLDER);
if (!present) process.stderr.write(`skipped: no reference data sets in ${FOLDER}\n`);

/** The rows of a data set (columns, then the label), dealt to parts: one for each share, in turn. */
function readParts(name: string, shares: readonly number[]): LabelledRows[] {
  const text = gunzipSync(readFileSync(join(FOLDER, `${name}.csv.gz`))).toString('utf8');
  const lines = text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').map(Number));
  const random = createRandom(11);
  const dealt = lines.map((line) => ({ line, place: random.next() }));
  const part = (from: number, to: number): LabelledRows => {
    const chosen = dealt.filter(({ place }) => place >= from && place < to).map(({ line }) => line);
    return {
      rows: Float64Array.from(chosen.flatMap((line) => line.slice(0, -1))),
      rowCount: chosen.length,
      columnCount: lines[0]!.length - 1,
      labels: Uint8Array.from(chosen, (line) => line.at(-1)!),
    };
  };
  const starts = shares.map((_, i) => shares.slice(0, i).reduce((sum, share) => sum + share, 0));
  return starts.map((start, i) => part(start, starts[i + 1] ?? 1));
}

const SETTINGS = { ...PLAIN, rounds: 150, maxLeaves: 15, minLeafRows: 5, minLeafHessian: 1e-3 };

describe.skipIf(!present)('boosted trees on public data sets, 70 % to learn from and 30 % unseen', () => {
  it.each(['annthyroid', 'cardio', 'satellite', 'thyroid'])('rank the unseen rows of %s', (name) => {
    const [train, unseen] = readParts(name, [0.7, 0.3]) as [LabelledRows, LabelledRows];
    const model = fitGradientBoostedTrees({ ...train, settings: SETTINGS, seed: 1 });
    const area = rocAuc(unseen.labels, predictLogOdds(model, unseen.rows, unseen.rowCount))!;
    expect(area).toBeGreaterThanOrEqual(0.95);
  });
});
