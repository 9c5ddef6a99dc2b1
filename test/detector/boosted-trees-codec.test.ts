import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBoostedTrees, encodeBoostedTrees } from '../../src/detector/boosted-trees-codec.ts';
import { fitGradientBoostedTrees, predictLogOdds } from '../../src/detector/gradient-boosted-trees.ts';
import { AutoblockError } from '../../src/errors.ts';
import { mixedRows, PLAIN } from './boosting-data.ts';

const data = mixedRows(1, { rowCount: 200, columnCount: 3 });
const model = fitGradientBoostedTrees({ ...data, settings: { ...PLAIN, rounds: 8 }, seed: 1 });
const bytes = encodeBoostedTrees(model);

const TREES = model.roots.length;
const BRANCHES = model.feature.length;
const rootsAt = 40;
const childrenAt = rootsAt + 4 * TREES;
const featureAt = childrenAt + 8 * BRANCHES;
const thresholdAt = featureAt + 4 * BRANCHES;
const leavesAt = thresholdAt + 8 * BRANCHES;

/** The file with one 32-bit word replaced. */
function withWord(at: number, word: number): Uint8Array {
  const copy = bytes.slice();
  new DataView(copy.buffer).setInt32(at, word, true);
  return copy;
}

function withFloat(at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  new DataView(copy.buffer).setFloat64(at, value, true);
  return copy;
}

describe('boosted trees as bytes', () => {
  it('come back the same to the last bit', () => {
    const decoded = decodeBoostedTrees(bytes);
    expect(decoded).toEqual(model);
    expect(encodeBoostedTrees(decoded)).toEqual(bytes);
    expect(predictLogOdds(decoded, data.rows, 200)).toEqual(predictLogOdds(model, data.rows, 200));
  });

  it('have the documented layout', () => {
    const view = new DataView(bytes.buffer);
    expect(new TextDecoder().decode(bytes.subarray(0, 8))).toBe('AB-GBT\0\0');
    const words = [8, 12, 16, 20, 24, 28].map((at) => view.getUint32(at, true));
    expect(words).toEqual([1, 3, TREES, BRANCHES, BRANCHES + TREES, 0]);
    expect(view.getFloat64(32, true)).toBe(model.bias);
    expect(view.getInt32(rootsAt + 4, true)).toBe(model.roots[1]);
    expect(view.getInt32(featureAt, true)).toBe(model.feature[0]);
    expect(view.getFloat64(thresholdAt, true)).toBe(model.threshold[0]);
    expect(view.getFloat64(bytes.length - 8, true)).toBe(model.leafValues.at(-1));
  });

  it('are read from the middle of a larger buffer, at any alignment', () => {
    const larger = new Uint8Array(bytes.length + 11);
    larger.set(bytes, 3);
    expect(decodeBoostedTrees(larger.subarray(3, 3 + bytes.length))).toEqual(model);
  });

  it('hold a model without trees', () => {
    const none = fitGradientBoostedTrees({ ...data, labels: new Uint8Array(200), settings: PLAIN, seed: 1 });
    expect(none.roots).toHaveLength(0);
    expect(decodeBoostedTrees(encodeBoostedTrees(none))).toEqual(none);
  });
});

describe('a damaged file of boosted trees is refused, saying', () => {
  it.each([
    ['nothing in it', new Uint8Array(0), /is 0 bytes long, a header alone is 40/],
    ['trailing bytes', Uint8Array.of(...bytes, 0), /bytes long, its header asks for/],
    ['another mark', withWord(0, 0), /"AB-GBT"/],
    ['another version', withWord(8, 2), /format version 2, this program reads version 1/],
    ['no columns', withWord(12, 0), /columnCount 0/],
    ['absurdly many columns', withWord(12, 65_537), /columnCount 65537, wanted 1 to 65536/],
    ['fewer columns than are asked', withWord(12, 1), /asks column \d at branch \d+, wanted 0\.\.0/],
    ['a huge count', withWord(20, -1), /leaves/],
    ['a word that must be zero', withWord(28, 1), /1 in a header field that must be 0/],
    ['a bias that is no number', withFloat(32, Number.NaN), /bias NaN/],
    ['a root out of range', withWord(rootsAt, 1_000_000), /points to 1000000 at root 0/],
    ['a child before its parent', withWord(childrenAt + 8, 0), /points to 0 at children\[2\], wanted 2\.\./],
    ['a leaf out of range', withWord(childrenAt, -1_000_000), /points to -1000000/],
    ['a child with two parents', withWord(rootsAt + 4, model.roots[0]!), /already has a parent/],
    ['a column below 0', withWord(featureAt, -1), /asks column -1 at branch 0, wanted 0\.\.2/],
    ['a threshold that is none', withFloat(thresholdAt, -Infinity), /-Infinity at threshold\[0\]/],
    ['a leaf that is no number', withFloat(leavesAt, Number.NaN), /NaN at leafValues\[0\]/],
    ['a leaf no fit gives', withFloat(leavesAt, 1e300), /1e\+300 at leafValues\[0\], wanted -16\.\.16/],
  ])('%s', (_name, damaged, message) => {
    expect(() => decodeBoostedTrees(damaged)).toThrow(message);
    expect(() => decodeBoostedTrees(damaged)).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
  });

  it('at whatever byte it was cut off', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
        expect(() => decodeBoostedTrees(bytes.subarray(0, length))).toThrow(AutoblockError);
      }),
    );
  });

  it('or, where flipped bits left a sound model, gives one that can be asked', () => {
    const flips = fc.array(fc.integer({ min: 0, max: 8 * bytes.length - 1 }), { minLength: 1, maxLength: 4 });
    let accepted = 0;
    fc.assert(
      fc.property(flips, (places) => {
        const copy = bytes.slice();
        for (const place of places) copy[place >> 3] = copy[place >> 3]! ^ (1 << (place & 7));
        try {
          const decoded = decodeBoostedTrees(copy);
          accepted += 1;
          const rows = new Float64Array(50 * decoded.columnCount);
          expect(predictLogOdds(decoded, rows, 50).every(Number.isFinite)).toBe(true);
          expect(encodeBoostedTrees(decoded)).toEqual(copy);
        } catch (thrown) {
          if (!(thrown instanceof AutoblockError)) throw thrown;
          expect(thrown.code).toBe('MODEL_INVALID');
        }
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  it('for any change to where children lie', () => {
    const place = fc.integer({ min: 0, max: TREES + 2 * BRANCHES - 1 });
    fc.assert(
      fc.property(place, fc.integer(), (index, code) => {
        const at = rootsAt + 4 * index;
        fc.pre(new DataView(bytes.buffer).getInt32(at, true) !== code);
        expect(() => decodeBoostedTrees(withWord(at, code))).toThrow(AutoblockError);
      }),
      { numRuns: 500 },
    );
  });
});
