import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  fitExtendedIsolationForest,
  scoreExtendedIsolationForest,
} from '../../src/detector/extended-isolation-forest.ts';
import { rocAuc } from '../../src/evaluation/metrics.ts';

const FOLDER = join(import.meta.dirname, '../../../shared/data/anomaly-benchmarks');
const present = existsSync(join(FOLDER, 'reference.json'));
if (!present) process.stderr.write(`skipped: no reference data sets in ${FOLDER}\n`);

/** Sets on which the reference's own runs spread more than on the others (its README). */
const WIDE = new Set(['annthyroid', 'thyroid']);

/**
 * On satellite reference.json does not hold the mean of three forests: the reference seeds tree i with seed + i, so its
 * seeds 1, 2 and 3 share 248 of 250 trees, and that one forest is a lucky one. The same C++ code over 36 seeds that share
 * no tree: mean 0.7153, standard deviation 0.0087. We are held to that mean, over more seeds because one forest says so
 * little; the published 0.7397 lies 0.026 above what we reach, and as far above what the reference code itself reaches.
 */
const INDEPENDENT_FORESTS: Readonly<Record<string, { mean: number; seeds: number }>> = {
  satellite: { mean: 0.7153, seeds: 12 },
};

interface DataSet {
  readonly rows: Float64Array;
  readonly rowCount: number;
  readonly dimensions: number;
  readonly labels: number[];
}

function readDataSet(name: string): DataSet {
  const text = gunzipSync(readFileSync(join(FOLDER, `${name}.csv.gz`))).toString('utf8');
  const lines = text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').map(Number));
  const dimensions = lines[0]!.length - 1;
  const rows = Float64Array.from(lines.flatMap((line) => line.slice(0, dimensions)));
  const set = { rows, rowCount: lines.length, dimensions, labels: lines.map((line) => line[dimensions]!) };
  standardise(set);
  return set;
}

function standardise({ rows, rowCount, dimensions }: DataSet): void {
  for (let j = 0; j < dimensions; j += 1) {
    let mean = 0;
    let variance = 0;
    for (let i = 0; i < rowCount; i += 1) mean += rows[i * dimensions + j]! / rowCount;
    for (let i = 0; i < rowCount; i += 1) variance += (rows[i * dimensions + j]! - mean) ** 2 / rowCount;
    const deviation = variance === 0 ? 1 : Math.sqrt(variance);
    for (let i = 0; i < rowCount; i += 1)
      rows[i * dimensions + j] = (rows[i * dimensions + j]! - mean) / deviation;
  }
}

describe.skipIf(!present)('the forest against the reference implementation of the paper', () => {
  const reference = present
    ? (JSON.parse(readFileSync(join(FOLDER, 'reference.json'), 'utf8')) as Record<
        string,
        { n: number; eif_auc: number }
      >)
    : {};

  it('has a reference for every data set', () => {
    const sets = readdirSync(FOLDER).filter((file) => file.endsWith('.csv.gz'));
    expect(sets.map((file) => file.replace('.csv.gz', '')).sort()).toEqual(Object.keys(reference).sort());
  });

  it.each(Object.entries(reference))('reaches the mean ROC-AUC of the reference on %s', (name, expected) => {
    const set = readDataSet(name);
    expect(set.rowCount).toBe(expected.n);
    const independent = INDEPENDENT_FORESTS[name];
    const seeds = Array.from({ length: independent?.seeds ?? 3 }, (_, i) => i + 1);
    const areas = seeds.map((seed) => {
      const forest = fitExtendedIsolationForest({ ...set, treeCount: 250, sampleSize: 256, seed });
      return rocAuc(set.labels, scoreExtendedIsolationForest(forest, set.rows, set.rowCount))!;
    });
    const mean = areas.reduce((sum, area) => sum + area, 0) / areas.length;
    expect(Math.abs(mean - (independent?.mean ?? expected.eif_auc)), `mean ${mean}`).toBeLessThanOrEqual(
      WIDE.has(name) ? 0.02 : 0.01,
    );
  });
});
