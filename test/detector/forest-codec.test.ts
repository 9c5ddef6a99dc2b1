import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fitExtendedIsolationForest,
  scoreExtendedIsolationForest,
} from '../../src/detector/extended-isolation-forest.ts';
import { decodeForest, encodeForest } from '../../src/detector/forest-codec.ts';
import { createRandom } from '../../src/detector/random.ts';
import { AutoblockError } from '../../src/errors.ts';

const DIMENSIONS = 3;
const random = createRandom(1);
const rows = Float64Array.from({ length: 200 * DIMENSIONS }, () => random.nextGaussian());
const forest = fitExtendedIsolationForest({
  rows,
  rowCount: 200,
  dimensions: DIMENSIONS,
  treeCount: 8,
  sampleSize: 32,
  seed: 1,
});
const bytes = encodeForest(forest);

/** The file with one 32-bit word replaced. */
function withWord(at: number, word: number): Uint8Array {
  const copy = bytes.slice();
  new DataView(copy.buffer).setInt32(at, word, true);
  return copy;
}

const rootsAt = 40;
const childrenAt = rootsAt + 4 * 8;
const normalsAt = childrenAt + 8 * forest.offsets.length;

describe('a forest as bytes', () => {
  it('comes back the same to the last bit', () => {
    const decoded = decodeForest(bytes);
    expect(decoded).toEqual(forest);
    expect(encodeForest(decoded)).toEqual(bytes);
    expect(scoreExtendedIsolationForest(decoded, rows, 200)).toEqual(
      scoreExtendedIsolationForest(forest, rows, 200),
    );
  });

  it('has the documented layout', () => {
    const view = new DataView(bytes.buffer);
    expect(new TextDecoder().decode(bytes.subarray(0, 8))).toBe('AB-EIF\0\0');
    expect([8, 12, 16, 20, 24].map((at) => view.getUint32(at, true))).toEqual([2, 3, 8, 32, 2]);
    expect(view.getInt32(rootsAt, true)).toBe(forest.roots[0]);
    expect(view.getFloat64(normalsAt, true)).toBe(forest.normals[0]);
    expect(view.getUint32(bytes.length - 4, true)).toBe(forest.leafSizes.at(-1));
  });

  it('is read from the middle of a larger buffer, at any alignment', () => {
    const larger = new Uint8Array(bytes.length + 11);
    larger.set(bytes, 3);
    expect(decodeForest(larger.subarray(3, 3 + bytes.length))).toEqual(forest);
  });

  it('holds a forest of single leaves', () => {
    const one = fitExtendedIsolationForest({
      rows: Float64Array.of(1),
      rowCount: 1,
      dimensions: 1,
      treeCount: 2,
      sampleSize: 8,
      seed: 1,
    });
    expect(decodeForest(encodeForest(one))).toEqual(one);
  });
});

describe('a damaged forest file is refused, saying', () => {
  const nan = bytes.slice();
  new DataView(nan.buffer).setFloat64(normalsAt, Number.NaN, true);
  const sizesAt = bytes.length - 4 * forest.leafSizes.length;
  const single = forest.leafSizes.indexOf(1);
  // Of 32 rows a tree has five levels of splits; leaves of several rows lie below the last.
  const crowded = forest.leafSizes.findIndex((size) => size > 1);
  const early = forest.leafPathLengths.findIndex((length) => length < 5);
  it.each([
    ['nothing in it', new Uint8Array(0), /is 0 bytes long, a header alone is 40/],
    ['cut off', bytes.subarray(0, bytes.length - 1), /bytes long, its header asks for/],
    ['trailing bytes', Uint8Array.of(...bytes, 0), /bytes long, its header asks for/],
    ['another mark', withWord(0, 0), /"AB-EIF"/],
    ['the version before', withWord(8, 1), /format version 1, this program reads version 2/],
    ['no dimensions', withWord(12, 0), /dimensions 0/],
    ['a huge count', withWord(28, -1), /leaves/],
    ['too high an extension level', withWord(24, 3), /extension level 3/],
    ['a root out of range', withWord(rootsAt, 1_000_000), /points to 1000000 at root 0/],
    ['a child before its parent', withWord(childrenAt + 8, 0), /points to 0 at children\[2\]/],
    ['a leaf out of range', withWord(childrenAt, -1_000_000), /points to -1000000/],
    ['a child with two parents', withWord(rootsAt + 4, forest.roots[0]!), /already has a parent/],
    ['a number that is none', nan, /NaN at normals\[0\]/],
    [
      'a row more than a tree was grown from',
      withWord(sizesAt + 4 * crowded, forest.leafSizes[crowded]! + 1),
      /33 rows in tree/,
    ],
    ['a row less', withWord(sizesAt + 4 * single, 0), /rows in (tree|branch)/],
    ['rows left together that are split', withWord(sizesAt + 4 * early, 7), /has 7 rows in leaf/],
  ])('%s', (_name, damaged, message) => {
    expect(() => decodeForest(damaged)).toThrow(message);
    expect(() => decodeForest(damaged)).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
  });

  it('refuses a tree deeper than its sample size allows', () => {
    const shallow = withWord(20, 2);
    expect(() => decodeForest(shallow)).toThrow(/rows in|deeper than the 1 levels/);
  });

  it('never hangs or breaks the scorer on random corruption that passes the checks', () => {
    const damage = fc.array(
      fc.tuple(fc.integer({ min: 0, max: bytes.length - 1 }), fc.integer({ min: 0, max: 255 })),
      { minLength: 1, maxLength: 6 },
    );
    let accepted = 0;
    fc.assert(
      fc.property(damage, (changes) => {
        const copy = bytes.slice();
        for (const [at, value] of changes) copy[at] = value;
        try {
          const decoded = decodeForest(copy);
          accepted += 1;
          const scores = scoreExtendedIsolationForest(decoded, rows, 50);
          expect(scores.every((score) => score > 0 && score < 1)).toBe(true);
        } catch (thrown) {
          if (!(thrown instanceof AutoblockError)) throw thrown;
          expect(thrown.code).toBe('MODEL_INVALID');
        }
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  it('refuses any change to where children lie', () => {
    const place = fc.integer({ min: 0, max: 8 + 2 * forest.offsets.length - 1 });
    fc.assert(
      fc.property(place, fc.integer(), (index, code) => {
        const at = rootsAt + 4 * index;
        fc.pre(new DataView(bytes.buffer).getInt32(at, true) !== code);
        expect(() => decodeForest(withWord(at, code))).toThrow(AutoblockError);
      }),
      { numRuns: 500 },
    );
  });
});
