import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { positiveInteger } from '../positive-integer.mjs';

export const description =
  'fit and score the forest: 250 trees x 256 samples x 18 dimensions on 100,000 rows';

const USAGE = `npm run bench -- forest [--rows N] [--dimensions N] [--repeat N] [--json]
  Fits 250 fully extended trees of 256 samples on normal random rows and scores all rows, on one core.
  Baseline of the same run: as many plain inner products as the rows meet branches, without any tree.`;

const TREES = 250;
const SAMPLES = 256;
const CACHED_NORMALS = 64;

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: 'string', default: '100000' },
      dimensions: { type: 'string', default: '18' },
      repeat: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  const rowCount = positiveInteger('rows', values.rows);
  const dimensions = positiveInteger('dimensions', values.dimensions);
  const result = await measure({ rowCount, dimensions, repeat: positiveInteger('repeat', values.repeat) });
  console.log(values.json ? JSON.stringify(result) : describe(result));
}

async function measure({ rowCount, dimensions, repeat }) {
  const { fitExtendedIsolationForest, scoreExtendedIsolationForest } = await import(
    '../../dist/detector/extended-isolation-forest.js'
  );
  const { createRandom } = await import('../../dist/detector/random.js');
  const random = createRandom(1);
  const rows = Float64Array.from({ length: rowCount * dimensions }, () => random.nextGaussian());
  const input = { rows, rowCount, dimensions, treeCount: TREES, sampleSize: SAMPLES, seed: 1 };
  const fitMs = best(repeat, () => fitExtendedIsolationForest(input));
  const forest = fitExtendedIsolationForest(input);
  const scoreMs = best(repeat, () => scoreExtendedIsolationForest(forest, rows, rowCount));
  const branchesPerRow = countBranches(forest, rows, Math.min(rowCount, 1000));
  const baselineMs = best(repeat, () => plainProducts(forest, rows, { rowCount, perRow: branchesPerRow }));
  return {
    bench: 'forest',
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    trees: TREES,
    samples: forest.sampleSize,
    dimensions,
    rows: rowCount,
    repeat,
    fitMs,
    scoreMs,
    scoredRowsPerSecond: Math.round((rowCount / scoreMs) * 1000),
    branchesPerRow,
    baselineMs,
    scoreToBaseline: Number((scoreMs / baselineMs).toFixed(2)),
  };
}

/** Shortest of `repeat` runs in ms: the others were disturbed by something else. */
function best(repeat, work) {
  let shortest = Infinity;
  for (let i = 0; i < repeat; i += 1) {
    const startedAt = performance.now();
    work();
    shortest = Math.min(shortest, performance.now() - startedAt);
  }
  return Number(shortest.toFixed(1));
}

/** Mean number of branches a row meets in all trees, over the first rows. */
function countBranches({ dimensions, roots, children, normals, offsets }, rows, rowCount) {
  let branches = 0;
  for (let row = 0; row < rowCount; row += 1) {
    for (const root of roots) {
      for (let code = root; code >= 0; branches += 1) {
        let product = 0;
        for (let j = 0; j < dimensions; j += 1)
          product += normals[code * dimensions + j] * rows[row * dimensions + j];
        code = children[2 * code + (product < offsets[code] ? 0 : 1)];
      }
    }
  }
  return Math.round(branches / rowCount);
}

/**
 * The arithmetic of scoring as one would first write it: each row times `perRow` normals, one running sum, no tree. The
 * normals are few enough to stay in the cache. Returns a sum, so that it is really done.
 */
function plainProducts({ dimensions, normals, offsets }, rows, { rowCount, perRow }) {
  const cached = Math.min(offsets.length, CACHED_NORMALS);
  let sum = 0;
  for (let row = 0; row < rowCount; row += 1) {
    const x = row * dimensions;
    for (let k = 0; k < perRow; k += 1) {
      const n = (k % cached) * dimensions;
      let product = 0;
      for (let j = 0; j < dimensions; j += 1) product += normals[n + j] * rows[x + j];
      sum += product;
    }
  }
  return sum;
}

function describe(result) {
  return [
    `forest: ${result.trees} trees x ${result.samples} samples x ${result.dimensions} dimensions, ${result.rows} rows`,
    `  fit       ${result.fitMs} ms`,
    `  score     ${result.scoreMs} ms (${result.scoredRowsPerSecond} rows/s)`,
    `  baseline  ${result.baselineMs} ms for the same ${result.branchesPerRow} inner products a row without trees`,
    `  score / baseline = ${result.scoreToBaseline}   (node ${result.node}, ${result.cpu})`,
  ].join('\n');
}
