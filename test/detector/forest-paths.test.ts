import { describe, expect, it } from 'vitest';
import { expectedPathLength, measurePaths } from '../../src/detector/forest-paths.ts';

describe('expectedPathLength', () => {
  it('is the mean depth of an unsuccessful search in a binary search tree', () => {
    // By hand from the paper's 2 (ln(n-1) + 0.5772156649) - 2 (n-1)/n; n=2: 1.1544313298 - 1.
    expect(expectedPathLength(0)).toBe(0);
    expect(expectedPathLength(1)).toBe(0);
    expect(expectedPathLength(2)).toBeCloseTo(0.1544313298, 14);
    expect(expectedPathLength(3)).toBeCloseTo(2 * Math.LN2 + 1.1544313298 - 4 / 3, 14);
    expect(expectedPathLength(256)).toBeCloseTo(10.2448, 4);
    // The exact value of 2 H(255) - 2 255/256 is 10.2487: the estimate approaches it from below, by 1/(n-1).
    expect(expectedPathLength(256) + 1 / 255).toBeCloseTo(10.2487, 4);
  });
});

describe('measuring the paths of trees', () => {
  it('gives leaves their depth and expected rest, branches the mean over their rows', () => {
    // One tree: a branch with an empty leaf on the left and, on the right, a branch parting 1 row from 3; another: a leaf.
    const measured = measurePaths({
      roots: Int32Array.of(0, ~3),
      children: Int32Array.of(~0, 1, ~1, ~2),
      leafSizes: Uint32Array.of(0, 1, 3, 4),
    });
    const three = 2 + expectedPathLength(3);
    expect([...measured.leafPathLengths]).toEqual([1, 2, three, expectedPathLength(4)]);
    const mean = (2 + 3 * three) / 4;
    expect([...measured.branchPathLengths]).toEqual([mean, mean]);
  });
});
