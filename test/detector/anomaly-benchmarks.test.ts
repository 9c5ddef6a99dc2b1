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
 * As in the reference these share 248 of 250 trees, so its mean is in effect that of one forest; on satellite a lucky one:
 * 36 of its forests that share no tree (seeds 1, 251, ... 8751) reach 0.718 there, standard deviation 0.013. We are within
 * the bar all the same because we draw its random numbers, hence its trees.
 */
const SEEDS = [1, 2, 3];

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
    const areas = SEEDS.map((seed) => {
      const forest = fitExtendedIsolationForest({ ...set, treeCount: 250, sampleSize: 256, seed });
      return rocAuc(set.labels, scoreExtendedIsolationForest(forest, set.rows, set.rowCount))!;
    });
    const mean = areas.reduce((sum, area) => sum + area, 0) / areas.length;
    expect(Math.abs(mean - expected.eif_auc), `mean ${mean}`).toBeLessThanOrEqual(
      WIDE.has(name) ? 0.02 : 0.01,
    );
  });
});
