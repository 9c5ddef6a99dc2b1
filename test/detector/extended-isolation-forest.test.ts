import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  expectedPathLength,
  fitExtendedIsolationForest,
  scoreExtendedIsolationForest,
  scoreRowsInto,
} from '../../src/detector/extended-isolation-forest.ts';
import { createRandom } from '../../src/detector/random.ts';

function gaussianRows(rowCount: number, dimensions: number, seed: number): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from({ length: rowCount * dimensions }, () => random.nextGaussian());
}

/** Of this implementation; the same on every Node version, because it uses exactly rounded operations only. */
const GOLDEN_SCORES = [0.44183913277129194, 0.4744992101941933, 0.4145217055468457];

const SMALL = { treeCount: 60, sampleSize: 64, seed: 1 };

describe('expectedPathLength', () => {
  it('is the mean depth of an unsuccessful search in a binary search tree', () => {
    // By hand from 2 H(n-1) - 2 (n-1)/n: n=2: 2 - 1; n=3: 3 - 4/3; n=4: 11/3 - 3/2.
    expect(expectedPathLength(0)).toBe(0);
    expect(expectedPathLength(1)).toBe(0);
    expect(expectedPathLength(2)).toBe(1);
    expect(expectedPathLength(3)).toBeCloseTo(5 / 3, 14);
    expect(expectedPathLength(4)).toBeCloseTo(13 / 6, 14);
    // The paper's estimate with ln(255) + 0.5772156649 is 10.2448; it approaches the exact value from below.
    expect(expectedPathLength(256)).toBeCloseTo(10.2487, 3);
  });
});

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
    // Two rows, one dimension: the height limit is 1, c(2) = 1, and every row ends at depth 1 in a leaf of its own:
    // s = 2^-1. Planes lie between the rows, so a leaf never holds both.
    const rows = Float64Array.of(0, 1);
    const forest = fitExtendedIsolationForest({ rows, rowCount: 2, dimensions: 1, ...SMALL });
    expect([...scoreExtendedIsolationForest(forest, Float64Array.of(0, 1, 5), 3)]).toEqual([0.5, 0.5, 0.5]);
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
    const bad = [{ rowCount: 11 }, { treeCount: 0 }, { sampleSize: 1.5 }, { extensionLevel: 2 }];
    for (const change of bad)
      expect(() => fitExtendedIsolationForest({ ...good, ...change })).toThrow(RangeError);
    expect(() => scoreExtendedIsolationForest(forest, rows, 11)).toThrow(RangeError);
    expect(() => scoreExtendedIsolationForest(forest, Float64Array.of(1, Number.NaN), 1)).toThrow(
      /row 0, column 1 is NaN/,
    );
  });
});
