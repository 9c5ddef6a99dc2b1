import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { BoostingInput } from '../../src/detector/boosting-input.ts';
import { fitGradientBoostedTrees, predictLogOdds } from '../../src/detector/gradient-boosted-trees.ts';
import { createRandom } from '../../src/detector/random.ts';
import { mixedRows, PLAIN } from './boosting-data.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 31 });

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the same data give the same trees:', () => {
  const data = mixedRows(7, { rowCount: 300, columnCount: 5 });
  const drawn = { ...PLAIN, rowShare: 0.6, columnShare: 0.5 };

  it('for the same seed, to the bit', () => {
    const input = { ...data, settings: drawn, seed: 9 };
    expect(fitGradientBoostedTrees(input)).toEqual(fitGradientBoostedTrees(input));
    expect(fitGradientBoostedTrees({ ...input, seed: 10 })).not.toEqual(fitGradientBoostedTrees(input));
  });

  it('for any seed where nothing is drawn', () => {
    const input = { ...data, settings: PLAIN };
    expect(fitGradientBoostedTrees({ ...input, seed: 1 })).toEqual(
      fitGradientBoostedTrees({ ...input, seed: 2 }),
    );
  });

  it('on every engine, since none of its logarithms and powers are asked for', () => {
    for (const name of [
      'exp',
      'expm1',
      'log',
      'log1p',
      'log2',
      'pow',
      'sin',
      'cos',
      'tanh',
      'random',
    ] as const)
      vi.spyOn(Math, name).mockImplementation(() => {
        throw new Error(`Math.${name} is not the same on every engine`);
      });
    const model = fitGradientBoostedTrees({ ...data, settings: drawn, seed: 9 });
    expect(predictLogOdds(model, data.rows, 300)).toHaveLength(300);
  });

  it('whatever the order of the rows, but for the last bits of the leaves', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const some = mixedRows(seed, { rowCount: 80, columnCount: 3 });
        const random = createRandom(seed);
        const order = Array.from({ length: 80 }, (_, row) => ({ row, key: random.next() })).sort(
          (a, b) => a.key - b.key,
        );
        const shuffled = {
          ...some,
          rows: Float64Array.from(order.flatMap(({ row }) => [...some.rows.subarray(3 * row, 3 * row + 3)])),
          labels: Uint8Array.from(order, ({ row }) => some.labels[row]!),
        };
        expectSameTrees({ ...some, settings: PLAIN, seed }, { ...shuffled, settings: PLAIN, seed });
      }),
      { numRuns: 100 },
    );
  });

  it('when a row is given twice or with twice the weight', () => {
    fc.assert(
      fc.property(seeds, fc.constantFrom(4, 255), (seed, maxBins) => {
        const once = mixedRows(seed, { rowCount: 60, columnCount: 3 });
        const settings = { ...PLAIN, maxBins };
        const weights = Float64Array.from({ length: 60 }, (_, row) => (row % 3 === 0 ? 2 : 1));
        const twice = Array.from({ length: 60 }, (_, row) => (row % 3 === 0 ? [row, row] : [row])).flat();
        const repeated = {
          rows: Float64Array.from(twice.flatMap((row) => [...once.rows.subarray(3 * row, 3 * row + 3)])),
          rowCount: twice.length,
          columnCount: 3,
          labels: Uint8Array.from(twice, (row) => once.labels[row]!),
        };
        expectSameTrees({ ...once, weights, settings, seed }, { ...repeated, settings, seed });
      }),
      { numRuns: 100 },
    );
  });

  it('from single precision rows with the same values', () => {
    const rows = Float32Array.from(data.rows);
    const input = { ...data, settings: PLAIN, seed: 1 };
    const model = fitGradientBoostedTrees({ ...input, rows });
    expect(model).toEqual(fitGradientBoostedTrees({ ...input, rows: Float64Array.from(rows) }));
    expect(predictLogOdds(model, rows, 300)).toEqual(predictLogOdds(model, Float64Array.from(rows), 300));
  });

  it('and a row the same log-odds, alone or among others', () => {
    const model = fitGradientBoostedTrees({ ...data, settings: PLAIN, seed: 1 });
    const together = predictLogOdds(model, data.rows, 300);
    const alone = Array.from(together, (_, row) => predictLogOdds(model, data.rows.subarray(5 * row), 1)[0]);
    expect(alone).toEqual([...together]);
  });

  function expectSameTrees(one: BoostingInput, other: BoostingInput): void {
    const [a, b] = [fitGradientBoostedTrees(one), fitGradientBoostedTrees(other)];
    expect({ ...b, bias: 0, leafValues: null }).toEqual({ ...a, bias: 0, leafValues: null });
    expect(Math.abs(a.bias - b.bias)).toBeLessThan(1e-9);
    a.leafValues.forEach((value, leaf) => expect(Math.abs(value - b.leafValues[leaf]!)).toBeLessThan(1e-9));
  }
});
