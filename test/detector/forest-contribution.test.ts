import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ExtendedIsolationForest,
  fitExtendedIsolationForest,
  scoreExtendedIsolationForest,
} from '../../src/detector/extended-isolation-forest.ts';
import { forestContributions } from '../../src/detector/forest-contribution.ts';
import { expectedPathLength, measurePaths } from '../../src/detector/forest-paths.ts';
import { createRandom } from '../../src/detector/random.ts';

function gaussianRows(rowCount: number, dimensions: number, seed: number): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from({ length: rowCount * dimensions }, () => random.nextGaussian());
}

const sumOf = (values: Iterable<number>): number => [...values].reduce((sum, value) => sum + value, 0);

function largestOf(values: Float64Array): number {
  return values.indexOf(Math.max(...values));
}

/** One split: 3 x + 4 y below 5 is the leaf of one row, the rest the leaf of three. */
function oneSplit(): ExtendedIsolationForest {
  const trees = {
    roots: Int32Array.of(0),
    children: Int32Array.of(~0, ~1),
    leafSizes: Uint32Array.of(1, 3),
  };
  return {
    dimensions: 2,
    treeCount: 1,
    sampleSize: 4,
    extensionLevel: 1,
    normals: Float64Array.of(3, 4),
    offsets: Float64Array.of(5),
    ...trees,
    ...measurePaths(trees),
  };
}

describe('contributions of features to the path length of a row', () => {
  it('are what one split gives by hand', () => {
    // Left leaf: path 1, right leaf: 1 + c(3), root: the mean (1 + 3 (1 + c(3))) / 4 = 1 + 3/4 c(3).
    const rest = expectedPathLength(3);
    const alone = forestContributions({ forest: oneSplit(), row: Float64Array.of(-2, 1) });
    expect(alone.meanPathLength).toBe(1);
    expect(alone.expectedPathLength).toBeCloseTo(1 + 0.75 * rest, 14);
    // |3 . -2| to |4 . 1| is 6 to 4 of the 3/4 c(3) saved.
    expect(alone.contributions[0]).toBeCloseTo(0.6 * 0.75 * rest, 14);
    expect(alone.contributions[1]).toBeCloseTo(0.4 * 0.75 * rest, 14);
    const crowd = forestContributions({ forest: oneSplit(), row: Float64Array.of(1, 3) });
    expect(crowd.contributions[0]).toBeCloseTo((-3 / 15) * 0.25 * rest, 14);
    expect(crowd.contributions[1]).toBeCloseTo((-12 / 15) * 0.25 * rest, 14);
  });

  it('go by the weights of the plane where the row is typical in all its features', () => {
    const { contributions } = forestContributions({ forest: oneSplit(), row: new Float64Array(2) });
    expect(contributions[1]! / contributions[0]!).toBeCloseTo(4 / 3, 14);
  });

  it('add up to the expected path length minus that of the row, which is what the score is made of', () => {
    const value = fc.oneof(fc.double({ min: -8, max: 8, noNaN: true }), fc.constant(0));
    const forest = fc.record({
      dimensions: fc.integer({ min: 1, max: 6 }),
      rowCount: fc.integer({ min: 1, max: 80 }),
      sampleSize: fc.integer({ min: 1, max: 64 }),
      treeCount: fc.integer({ min: 1, max: 20 }),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(forest, fc.array(value, { minLength: 6, maxLength: 6 }), (settings, values) => {
        const { rowCount, dimensions, seed } = settings;
        const rows = gaussianRows(rowCount, dimensions, seed);
        const extensionLevel = seed % dimensions;
        const fitted = fitExtendedIsolationForest({ ...settings, rows, extensionLevel });
        const row = Float64Array.from(values.slice(0, dimensions));
        const told = forestContributions({ forest: fitted, row });
        const saved = told.expectedPathLength - told.meanPathLength;
        expect(Math.abs(sumOf(told.contributions) - saved)).toBeLessThan(1e-10);
        const normaliser = expectedPathLength(fitted.sampleSize);
        const score = normaliser === 0 ? 0.5 : 2 ** (-told.meanPathLength / normaliser);
        expect(score).toBeCloseTo(scoreExtendedIsolationForest(fitted, row, 1)[0]!, 12);
      }),
      { numRuns: 300 },
    );
  });

  it('average to 0 over the rows a tree was grown from', () => {
    const rows = gaussianRows(64, 4, 9);
    const forest = fitExtendedIsolationForest({
      ...{ rows, rowCount: 64, dimensions: 4, treeCount: 30, sampleSize: 64, seed: 1 },
    });
    const sums = Array.from({ length: 64 }, (_, row) =>
      sumOf(forestContributions({ forest, row: rows.slice(4 * row, 4 * row + 4) }).contributions),
    );
    expect(Math.abs(sumOf(sums))).toBeLessThan(1e-9);
  });

  it('are 0 for a feature at its centre in training and in the row', () => {
    const rows = gaussianRows(300, 5, 4).map((value, i) => (i % 5 === 2 ? 0 : value));
    const size = { rowCount: 300, dimensions: 5, treeCount: 50, sampleSize: 128 };
    const forest = fitExtendedIsolationForest({ rows, ...size, seed: 2 });
    for (let row = 0; row < 300; row += 1) {
      const { contributions } = forestContributions({ forest, row: rows.slice(5 * row, 5 * row + 5) });
      expect(contributions[2]).toBe(0);
    }
  });

  it('are all 0 in a forest that has seen one row, or no difference', () => {
    const size = { dimensions: 3, treeCount: 5, sampleSize: 8, seed: 1 };
    const one = fitExtendedIsolationForest({ rows: Float64Array.of(1, 2, 3), rowCount: 1, ...size });
    const told = forestContributions({ forest: one, row: Float64Array.of(9, 9, 9) });
    expect(told).toEqual({ contributions: new Float64Array(3), meanPathLength: 0, expectedPathLength: 0 });
  });

  it.each([
    [8, 0.99],
    [5, 0.95],
  ])('are largest for the one feature that is %d deviations out, nearly always', (distance, wanted) => {
    const dimensions = 18;
    const rows = gaussianRows(600, dimensions, 21);
    const size = { rowCount: 600, dimensions, treeCount: 250, sampleSize: 256 };
    const forest = fitExtendedIsolationForest({ rows, ...size, seed: 3 });
    const planted = gaussianRows(400, dimensions, 22);
    let found = 0;
    for (let i = 0; i < 400; i += 1) {
      const row = planted.slice(dimensions * i, dimensions * (i + 1));
      const feature = i % dimensions;
      row[feature] = i % 2 === 0 ? distance : -distance;
      if (largestOf(forestContributions({ forest, row }).contributions) === feature) found += 1;
    }
    expect(found / 400).toBeGreaterThanOrEqual(wanted);
  });

  it('refuses a row of another width, and numbers that are none', () => {
    const forest = oneSplit();
    expect(() => forestContributions({ forest, row: Float64Array.of(1) })).toThrow(/has 2 values, got 1/);
    expect(() => forestContributions({ forest, row: Float64Array.of(1, Number.NaN) })).toThrow(
      /column 1 of the row is NaN/,
    );
  });
});
