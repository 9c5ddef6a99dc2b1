import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitGradientBoostedTrees, predictLogOdds } from '../../src/detector/gradient-boosted-trees.ts';
import { createRandom } from '../../src/detector/random.ts';
import { rocAuc } from '../../src/evaluation/metrics.ts';
import { firstTrees, logLoss, mixedRows, PLAIN, twoMoons } from './boosting-data.ts';

const ONE_TREE = { ...PLAIN, rounds: 1 };
const seeds = fc.integer({ min: 0, max: 2 ** 31 });

describe('one tree on data small enough to do by hand', () => {
  /**
   * Labels 0 0 0 1: bias ln(1/3), p = 1/4, gradients 1/4 1/4 1/4 -3/4, hessians 3/16 each; l2 = 1/16.
   * After row 1: (1/4)^2 / (4/16) + (1/4)^2 / (10/16) = 0.25 + 0.1 = 0.35
   * After row 2: 2 (1/2)^2 / (7/16) = 1.142857
   * After row 3: (3/4)^2 / (10/16) + (3/4)^2 / (4/16) = 0.9 + 2.25 = 3.15, the best: midway between 4 and 8.
   * Newton steps -(3/4) / (10/16) = -1.2 and (3/4) / (4/16) = 3, of which half is taken.
   */
  const byHand = {
    rows: Float64Array.of(1, 2, 4, 8),
    rowCount: 4,
    columnCount: 1,
    labels: Uint8Array.of(0, 0, 0, 1),
    settings: { ...ONE_TREE, maxLeaves: 2, learningRate: 0.5, l2: 1 / 16 },
    seed: 1,
  };

  it('is the stump of the calculation', () => {
    const model = fitGradientBoostedTrees(byHand);
    expect(model.columnCount).toBe(1);
    expect(model.bias).toBeCloseTo(-1.0986122886681098, 14);
    expect([...model.roots]).toEqual([0]);
    expect([...model.feature]).toEqual([0]);
    expect([...model.threshold]).toEqual([6]);
    expect([...model.children]).toEqual([~0, ~1]);
    expect(model.leafValues[0]).toBeCloseTo(-0.6, 13);
    expect(model.leafValues[1]).toBeCloseTo(1.5, 13);
  });

  it('predicts bias plus leaf, a value on the threshold going left', () => {
    const logOdds = predictLogOdds(fitGradientBoostedTrees(byHand), Float64Array.of(-100, 6, 6.001), 3);
    expect(logOdds[0]).toBeCloseTo(-1.6986122886681098, 13);
    expect(logOdds[1]).toBe(logOdds[0]);
    expect(logOdds[2]).toBeCloseTo(0.4013877113318902, 13);
  });

  it('takes the lower bin of two equal gains, and the lower of two equal columns', () => {
    // Labels 1 0 0 1: parting off the first row saves as much as parting off the last.
    const model = fitGradientBoostedTrees({
      rows: Float64Array.of(0, 1, 1, 0, 2, 2, 0, 3, 3, 0, 4, 4),
      rowCount: 4,
      columnCount: 3,
      labels: Uint8Array.of(1, 0, 0, 1),
      settings: { ...ONE_TREE, maxLeaves: 2 },
      seed: 1,
    });
    expect([...model.feature]).toEqual([1]);
    expect([...model.threshold]).toEqual([1.5]);
  });

  it('splits the leaf that saves most first', () => {
    // After the cut at 4.5 the right side is mixed and the left is pure: the third leaf belongs to the right.
    const model = fitGradientBoostedTrees({
      rows: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      rowCount: 8,
      columnCount: 1,
      labels: Uint8Array.of(0, 0, 0, 0, 1, 1, 1, 0),
      settings: { ...ONE_TREE, maxLeaves: 3 },
      seed: 1,
    });
    expect([...model.threshold]).toEqual([4.5, 7.5]);
    expect([...model.children]).toEqual([~0, 1, ~1, ~2]);
  });

  it('splits the older leaf first where that saves more', () => {
    // Shares of class 1 at 1, 2, 3, 4, each of weight 10: 0, 0.4, 0.8, 1. Cut at 2.5; then, p being 0.55,
    // the left saves (5.5^2 + 1.5^2 - 7^2 / 2) / 2.475 = 3.2 and the right (2.5^2 + 4.5^2 - 7^2 / 2) / 2.475 = 0.8.
    const model = fitGradientBoostedTrees({
      rows: Float64Array.of(1, 2, 2, 3, 3, 4),
      rowCount: 6,
      columnCount: 1,
      labels: Uint8Array.of(0, 0, 1, 0, 1, 1),
      weights: Float64Array.of(10, 6, 4, 2, 8, 10),
      settings: { ...ONE_TREE, maxLeaves: 3, l2: 0 },
      seed: 1,
    });
    expect([...model.threshold]).toEqual([2.5, 1.5]);
    expect([...model.children]).toEqual([1, ~1, ~0, ~2]);
  });
});

describe('boosted trees learn', () => {
  it('exclusive or, with four leaves', () => {
    const random = createRandom(3);
    const draw = (rowCount: number) => {
      const rows = Float64Array.from({ length: 2 * rowCount }, () => 2 * random.next() - 1);
      const labels = Uint8Array.from({ length: rowCount }, (_, i) =>
        rows[2 * i]! * rows[2 * i + 1]! > 0 ? 1 : 0,
      );
      return { rows, rowCount, columnCount: 2, labels };
    };
    const settings = { ...PLAIN, maxLeaves: 4, rounds: 50 };
    const model = fitGradientBoostedTrees({ ...draw(400), settings, seed: 1 });
    const unseen = draw(2000);
    expect(rocAuc(unseen.labels, predictLogOdds(model, unseen.rows, 2000))).toBeGreaterThan(0.99);
    const corners = predictLogOdds(model, Float64Array.of(-0.7, -0.7, -0.7, 0.7, 0.7, -0.7, 0.7, 0.7), 4);
    expect([...corners].map(Math.sign)).toEqual([1, -1, -1, 1]);
  });

  it('two moons, told apart on unseen rows, also from shares of rows and columns', () => {
    const unseen = twoMoons(2, 2000);
    for (const shares of [{}, { rowShare: 0.5, columnShare: 0.5 }]) {
      const settings = { ...PLAIN, rounds: 100, minLeafRows: 5, ...shares };
      const model = fitGradientBoostedTrees({ ...twoMoons(1, 600), settings, seed: 1 });
      expect(rocAuc(unseen.labels, predictLogOdds(model, unseen.rows, 2000))).toBeGreaterThan(0.95);
    }
  });

  it('without the training loss ever rising, when the steps are small and all rows are used', () => {
    const settings = fc.record({
      learningRate: fc.double({ min: 0.01, max: 0.1, noNaN: true }),
      l2: fc.double({ min: 0, max: 5, noNaN: true }),
      maxLeaves: fc.integer({ min: 2, max: 12 }),
      minLeafRows: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(seeds, settings, (seed, chosen) => {
        const data = mixedRows(seed, { rowCount: 60, columnCount: 3 });
        const model = fitGradientBoostedTrees({ ...data, settings: { ...PLAIN, ...chosen }, seed });
        let before = Infinity;
        for (let trees = 0; trees <= model.roots.length; trees += 1) {
          const loss = logLoss(data.labels, predictLogOdds(firstTrees(model, trees), data.rows, 60));
          expect(loss).toBeLessThanOrEqual(before);
          before = loss;
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('what is asked of a tree is kept:', () => {
  it('log-odds never go against a monotone direction', () => {
    const directions = fc.array(fc.constantFrom(-1, 0, 1), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(seeds, directions, (seed, chosen) => {
        const monotone = Int8Array.from(chosen);
        const data = mixedRows(seed, { rowCount: 80, columnCount: 4 });
        const settings = { ...PLAIN, maxLeaves: 12, learningRate: 0.5, l2: 0.1 };
        const model = fitGradientBoostedTrees({ ...data, settings, seed, monotone });
        const sorted = Float64Array.from(data.rows).sort();
        monotone.forEach((direction, column) => {
          for (let row = 0; row < 10; row += 1) {
            const sweep = new Float64Array(sorted.length * 4);
            sorted.forEach((value, i) => {
              sweep.set(data.rows.subarray(4 * row, 4 * row + 4), 4 * i);
              sweep[4 * i + column] = value;
            });
            const logOdds = predictLogOdds(model, sweep, sorted.length);
            const turns = logOdds.slice(1).filter((x, i) => direction * (x - logOdds[i]!) < -1e-12);
            expect(turns).toHaveLength(0);
          }
        });
      }),
      { numRuns: 100 },
    );
  });

  it('a monotone column is still used where the data agree with the direction', () => {
    const data = mixedRows(1, { rowCount: 200, columnCount: 4 });
    const fitWith = (direction: number): number[] => [
      ...fitGradientBoostedTrees({
        ...data,
        settings: PLAIN,
        seed: 1,
        monotone: Int8Array.of(direction, 0, 0, 0),
      }).feature,
    ];
    expect(fitWith(1)).toContain(0);
    expect(fitWith(1).filter((column) => column === 0).length).toBeGreaterThan(
      fitWith(-1).filter((column) => column === 0).length,
    );
  });

  it('no leaf has fewer rows or less hessian than wanted, no tree more leaves', () => {
    const data = mixedRows(4, { rowCount: 300, columnCount: 3 });
    const settings = { ...ONE_TREE, maxLeaves: 20, minLeafRows: 12, minLeafHessian: 4 };
    const model = fitGradientBoostedTrees({ ...data, settings, seed: 1 });
    expect(model.leafValues.length).toBeGreaterThan(4);
    expect(model.leafValues.length).toBeLessThanOrEqual(20);
    // All rows of the first tree have the hessian p (1 - p) of the bias.
    const p = 1 / (1 + Math.exp(-model.bias));
    const fewest = Math.max(12, 4 / (p * (1 - p)));
    const counts = new Map<number, number>();
    for (const x of predictLogOdds(model, data.rows, 300)) counts.set(x, (counts.get(x) ?? 0) + 1);
    expect(Math.min(...counts.values())).toBeGreaterThanOrEqual(fewest);
    expect(counts.size).toBe(model.leafValues.length);
  });

  it('a tree asks no more columns than its share', () => {
    const data = mixedRows(5, { rowCount: 200, columnCount: 4 });
    const settings = { ...PLAIN, columnShare: 0.25 };
    const { roots, feature } = fitGradientBoostedTrees({ ...data, settings, seed: 1 });
    const columns = [...roots].map((root, tree) => new Set(feature.slice(root, roots[tree + 1])));
    expect(columns.every((asked) => asked.size === 1)).toBe(true);
    expect(new Set(columns.flatMap((asked) => [...asked])).size).toBe(4);
  });
});

describe('data with nothing to learn', () => {
  const fit = (rows: number[], labels: number[], columnCount = 1) =>
    fitGradientBoostedTrees({
      rows: Float64Array.from(rows),
      rowCount: labels.length,
      columnCount,
      labels: Uint8Array.from(labels),
      settings: PLAIN,
      seed: 1,
    });

  it('of one class give no trees and a finite bias', () => {
    // ln((1 - 1e-15) / 1e-15) = 34.538776
    expect(fit([1, 2, 3], [0, 0, 0]).bias).toBeCloseTo(-34.538776, 5);
    const ones = fit([1, 2, 3], [1, 1, 1]);
    expect(ones.bias).toBeCloseTo(34.54, 1);
    expect(ones.roots).toHaveLength(0);
    expect([...predictLogOdds(ones, Float64Array.of(7, 8), 2)]).toEqual([ones.bias, ones.bias]);
  });

  it('of one row give the bias of its class', () => {
    expect(fit([5], [1])).toMatchObject({ roots: new Int32Array(0), columnCount: 1 });
  });

  it('of constant columns give no trees and the log-odds of the labels', () => {
    const model = fit([1, 2, 1, 2, 1, 2, 1, 2], [0, 1, 1, 1], 2);
    expect(model.roots).toHaveLength(0);
    expect(model.bias).toBeCloseTo(Math.log(3), 14);
  });

  it('of equal rows with both labels give no trees', () => {
    expect(fit([1, 1, 1, 1, 2, 2, 2, 2], [0, 1, 0, 1, 0, 1, 0, 1]).roots).toHaveLength(0);
  });

  it('in most columns are passed over when columns are drawn', () => {
    const { rows, labels } = mixedRows(1, { rowCount: 50, columnCount: 2 });
    const wide = Float64Array.from({ length: 50 * 20 }, (_, i) =>
      i % 20 === 7 ? rows[2 * Math.floor(i / 20)]! : 3,
    );
    const settings = { ...PLAIN, columnShare: 0.05 };
    const model = fitGradientBoostedTrees({
      rows: wide,
      rowCount: 50,
      columnCount: 20,
      labels,
      settings,
      seed: 1,
    });
    expect(model.roots).toHaveLength(PLAIN.rounds);
    expect(new Set(model.feature)).toEqual(new Set([7]));
  });
});

it('a leaf that is all but certain takes a bounded step', () => {
  // Without l2 the one row against a million has a step of -g / h = -1 / p near a million, and of 16 with the bound.
  const model = fitGradientBoostedTrees({
    rows: Float64Array.of(0, 1),
    rowCount: 2,
    columnCount: 1,
    labels: Uint8Array.of(0, 1),
    weights: Float64Array.of(1e6, 1),
    settings: { ...ONE_TREE, l2: 0, learningRate: 1 },
    seed: 1,
  });
  expect(model.leafValues[1]).toBe(16);
});
