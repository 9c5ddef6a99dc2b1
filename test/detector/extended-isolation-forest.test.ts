import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fitExtendedIsolationForest,
  scoreExtendedIsolationForest,
  scoreRowsInto,
} from '../../src/detector/extended-isolation-forest.ts';
import { expectedPathLength } from '../../src/detector/forest-paths.ts';
import { createRandom } from '../../src/detector/random.ts';

function gaussianRows(rowCount: number, dimensions: number, seed: number): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from({ length: rowCount * dimensions }, () => random.nextGaussian());
}

/** Of this implementation; the same on every Node version, because it uses exactly rounded operations only. */
const GOLDEN_SCORES = [0.4751919317659956, 0.4981991898809148, 0.4354662591668291];

const SMALL = { treeCount: 60, sampleSize: 64, seed: 1 };

describe('fitting and scoring', () => {
  it('scores planted outliers above every row of the crowd', () => {
    const rows = gaussianRows(1000, 4, 11);
    rows.set([9, -9, 9, -9], 0);
    rows.set([0, 12, 0, 0], 4);
    const forest = fitExtendedIsolationForest({ rows, rowCount: 1000, dimensions: 4, ...SMALL });
    const scores = scoreExtendedIsolationForest(forest, rows, 1000);
    const crowd = Math.max(...scores.slice(2));
    expect(scores[0]).toBeGreaterThan(crowd);
    expect(scores[1]).toBeGreaterThan(crowd);
    expect(scores.every((score) => score > 0 && score < 1)).toBe(true);
  });

  it('gives the score of the formula for a tree that can be drawn by hand', () => {
    // Two rows, one dimension: the height limit is 1, and every row ends at depth 1 in a leaf of its own:
    // s = 2^-(1 / c(2)). Planes lie between the rows, so a leaf never holds both.
    const rows = Float64Array.of(0, 1);
    const forest = fitExtendedIsolationForest({ rows, rowCount: 2, dimensions: 1, ...SMALL });
    const score = 2 ** (-1 / 0.1544313298);
    for (const found of scoreExtendedIsolationForest(forest, Float64Array.of(0, 1, 5), 3))
      expect(found).toBeCloseTo(score, 14);
  });

  it('repeats itself bit for bit for one seed and differs for another', () => {
    const rows = gaussianRows(500, 5, 2);
    const input = { rows, rowCount: 500, dimensions: 5, ...SMALL };
    const forest = fitExtendedIsolationForest(input);
    expect(fitExtendedIsolationForest(input)).toEqual(forest);
    const other = fitExtendedIsolationForest({ ...input, seed: 2 });
    expect(scoreExtendedIsolationForest(other, rows, 500)).not.toEqual(
      scoreExtendedIsolationForest(forest, rows, 500),
    );
  });

  it('shares all trees but one with the forest of the next seed, as the reference does', () => {
    const rows = gaussianRows(300, 3, 9);
    const input = { rows, rowCount: 300, dimensions: 3, sampleSize: 64 };
    const forest = fitExtendedIsolationForest({ ...input, treeCount: 5, seed: 70 });
    const next = fitExtendedIsolationForest({ ...input, treeCount: 4, seed: 71 });
    expect(forest.normals.slice(-next.normals.length)).toEqual(next.normals);
    expect(forest.leafPathLengths.slice(-next.leafPathLengths.length)).toEqual(next.leafPathLengths);
  });

  it('keeps a golden score, so that no later change moves the scores of stored models unnoticed', () => {
    const rows = gaussianRows(300, 3, 5);
    const forest = fitExtendedIsolationForest({ rows, rowCount: 300, dimensions: 3, ...SMALL });
    const scores = scoreExtendedIsolationForest(forest, rows, 300);
    expect([scores[0], scores[1], scores[299]]).toEqual(GOLDEN_SCORES);
  });

  it('scores the same whatever the chunks, the neighbours and the block limits', () => {
    const rows = gaussianRows(3000, 7, 3);
    const forest = fitExtendedIsolationForest({ rows, rowCount: 3000, dimensions: 7, ...SMALL });
    const whole = scoreExtendedIsolationForest(forest, rows, 3000);
    const cuts = fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 4 });
    fc.assert(
      fc.property(cuts, (inner) => {
        const edges = [0, ...inner.sort((a, b) => a - b), 3000];
        const scores = new Float64Array(3000);
        edges.slice(1).forEach((toRow, i) => {
          scoreRowsInto({ forest, rows, fromRow: edges[i]!, toRow, scores });
        });
        expect(scores).toEqual(whole);
      }),
      { numRuns: 10 },
    );
  });

  it('draws each tree from different rows, at most as many as there are', () => {
    const rows = gaussianRows(40, 2, 6);
    const forest = fitExtendedIsolationForest({ rows, rowCount: 40, dimensions: 2, ...SMALL });
    expect(forest.sampleSize).toBe(40);
    expect(new Set(forest.offsets.slice(0, 1000)).size).toBeGreaterThan(900);
  });

  it('zeroes all but level + 1 components of a normal', () => {
    const rows = gaussianRows(200, 6, 8);
    for (const extensionLevel of [0, 2, 5]) {
      const forest = fitExtendedIsolationForest({
        rows,
        rowCount: 200,
        dimensions: 6,
        ...SMALL,
        extensionLevel,
      });
      const used = Array.from(
        forest.offsets,
        (_, b) => forest.normals.slice(b * 6, b * 6 + 6).filter((x) => x !== 0).length,
      );
      expect(new Set(used)).toEqual(new Set([extensionLevel + 1]));
    }
  });
});

/**
 * Scores of rows 0, 1, 44 and 89 and the mean score by sahandha/eif 2.0.2 (C++, commit 5363acde955e, g++ 12.2 -O2) on the
 * rows below, 25 trees. Sample sizes even and odd, all rows and next to none; extension full, in part and none; the
 * largest seed range the library takes.
 */
const REFERENCE_SCORES: readonly {
  readonly sampleSize: number;
  readonly extensionLevel: number;
  readonly seed: number;
  readonly scores: readonly number[];
  readonly mean: number;
}[] = [
  {
    sampleSize: 64,
    extensionLevel: 4,
    seed: 1,
    scores: [0.48774406440708423, 0.4940167428945112, 0.51731695415058121, 0.49096617089106331],
    mean: 0.50239556296669763,
  },
  {
    sampleSize: 33,
    extensionLevel: 2,
    seed: 42,
    scores: [0.4710066061566745, 0.50558074905179184, 0.53633133338949401, 0.50808886030131772],
    mean: 0.49949272919254806,
  },
  {
    sampleSize: 90,
    extensionLevel: 1,
    seed: 2147483000,
    scores: [0.51353463564901125, 0.49094214650302065, 0.49455527244372766, 0.50486478801979962],
    mean: 0.49719939654478906,
  },
  {
    sampleSize: 3,
    extensionLevel: 4,
    seed: 3,
    scores: [0.39161137619338537, 0.38136626590118111, 0.37403264214261139, 0.38454813100751928],
    mean: 0.38719690064596113,
  },
  {
    sampleSize: 2,
    extensionLevel: 0,
    seed: 3,
    scores: [0.011238785877450428, 0.011238785877450428, 0.011238785877450428, 0.011238785877450428],
    mean: 0.011238785877450424,
  },
];

describe('the reference implementation of the paper', () => {
  const rowCount = 90;
  const dimensions = 5;
  const rows = Float64Array.from(
    { length: rowCount * dimensions },
    (_, k) => ((k * k * 7919 + k * 104729) % 10007) / 1024,
  );

  it.each(REFERENCE_SCORES)(
    'gives the same scores with $sampleSize samples, extension level $extensionLevel and seed $seed',
    ({ scores, mean, ...settings }) => {
      const forest = fitExtendedIsolationForest({ rows, rowCount, dimensions, treeCount: 25, ...settings });
      const found = scoreExtendedIsolationForest(forest, rows, rowCount);
      [0, 1, 44, 89].forEach((row, i) => expect(found[row]).toBeCloseTo(scores[i]!, 14));
      expect(found.reduce((sum, score) => sum + score, 0) / rowCount).toBeCloseTo(mean, 14);
    },
  );
});

describe('small and degenerate input', () => {
  it('refuses to learn from no rows with a code the operator can act on', () => {
    const rows = new Float64Array(0);
    expect(() => fitExtendedIsolationForest({ rows, rowCount: 0, dimensions: 3, ...SMALL })).toThrow(
      expect.objectContaining({ code: 'TRAINING_DATA_TOO_SMALL' }),
    );
  });

  it('scores everything 0.5 after seeing one row', () => {
    const forest = fitExtendedIsolationForest({
      rows: Float64Array.of(1, 2),
      rowCount: 1,
      dimensions: 2,
      ...SMALL,
    });
    expect([...scoreExtendedIsolationForest(forest, Float64Array.of(1, 2, 900, -900), 2)]).toEqual([
      0.5, 0.5,
    ]);
  });

  it('scores no rows as no scores', () => {
    const forest = fitExtendedIsolationForest({
      rows: gaussianRows(10, 2, 1),
      rowCount: 10,
      dimensions: 2,
      ...SMALL,
    });
    expect(scoreExtendedIsolationForest(forest, new Float64Array(0), 0)).toEqual(new Float64Array(0));
  });

  it('ends on rows that are all equal, and tells them from any other row', () => {
    const rows = new Float64Array(300 * 3).fill(4.2);
    const forest = fitExtendedIsolationForest({ rows, rowCount: 300, dimensions: 3, ...SMALL });
    const [same, other] = scoreExtendedIsolationForest(
      forest,
      Float64Array.of(4.2, 4.2, 4.2, 4.3, 4.2, 4.1),
      2,
    );
    // All equal rows fall to the height limit 6 and share a leaf of 64: 2^-((6 + c(64)) / c(64)).
    expect(same).toBeCloseTo(2 ** (-(6 + expectedPathLength(64)) / expectedPathLength(64)), 12);
    expect(other).toBeGreaterThan(0.6);
  });

  it('copes with any small data set', () => {
    const data = fc.tuple(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 5, maxLength: 60 }),
    );
    fc.assert(
      fc.property(data, ([dimensions, values]) => {
        const rowCount = Math.floor(values.length / dimensions);
        const rows = Float64Array.from(values);
        const forest = fitExtendedIsolationForest({
          rows,
          rowCount,
          dimensions,
          treeCount: 5,
          sampleSize: 16,
          seed: 1,
        });
        const scores = scoreExtendedIsolationForest(forest, rows, rowCount);
        expect(scores.every((score) => score > 0 && score < 1)).toBe(true);
      }),
    );
  });

  it('refuses sizes that do not fit and values that are not finite', () => {
    const rows = gaussianRows(10, 2, 1);
    const good = { rows, rowCount: 10, dimensions: 2, ...SMALL };
    const forest = fitExtendedIsolationForest(good);
    const bad = [
      { rowCount: 11 },
      { treeCount: 0 },
      { sampleSize: 1.5 },
      { extensionLevel: 2 },
      { seed: -1 },
    ];
    for (const change of bad)
      expect(() => fitExtendedIsolationForest({ ...good, ...change })).toThrow(RangeError);
    expect(() => scoreExtendedIsolationForest(forest, rows, 11)).toThrow(RangeError);
    expect(() => scoreExtendedIsolationForest(forest, Float64Array.of(1, Number.NaN), 1)).toThrow(
      /row 0, column 1 is NaN/,
    );
  });
});
