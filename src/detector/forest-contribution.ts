import type { ExtendedIsolationForest } from './extended-isolation-forest.ts';

/** Why a row scores as it does, in path length (splits until the row is alone, mean over the trees). */
export interface ForestContributions {
  /**
   * One per dimension: splits the feature saved the row, positive = makes it more anomalous. Their sum is
   * expectedPathLength - meanPathLength, to rounding.
   */
  readonly contributions: Float64Array;
  /** Of the row: h in its score 2^(-h / c). */
  readonly meanPathLength: number;
  /** Of the rows the trees were grown from. */
  readonly expectedPathLength: number;
}

/**
 * Splits a row's path length among its features.
 *
 * On the way down a tree the path length to be expected (the mean over the sample rows below) changes at each branch;
 * the changes add up to the leaf's path length minus the root's (Saabas 2014, "Interpreting random forests", for axis-
 * parallel trees). A hyperplane involves many features, so each change is shared among them by how far each moves the
 * row's projection from that of the centre, |normal_j x row_j|: rows are robustly scaled, the centre is 0. The
 * intercept point is not kept (only normal . point is), and would judge by one random point of a shrinking box, while
 * the centre is the same in all trees and gives a feature at its typical value no share. Weighing by the projection is
 * how feature importances of forests with hyperplanes are made (Carletti, Terzi, Susto 2023, DIFFI, for the depth;
 * Arcudi, Frizzo, Masiero, Susto 2024, ExIFFI, for the planes); theirs are weights without a sum to be held against.
 *
 * @param row one scaled row, `dimensions` finite values
 * @throws RangeError when the row does not fit the forest or holds a value that is not finite
 */
export function forestContributions({
  forest,
  row,
}: {
  readonly forest: ExtendedIsolationForest;
  readonly row: Float64Array;
}): ForestContributions {
  checkRow(row, forest.dimensions);
  const walk = {
    forest,
    row,
    weights: new Float64Array(forest.dimensions),
    contributions: new Float64Array(forest.dimensions),
  };
  let pathLengths = 0;
  let expectedLengths = 0;
  for (const root of forest.roots) {
    let length = pathLengthAt(forest, root);
    expectedLengths += length;
    for (let code = root; code >= 0; ) {
      const next = weighFeatures(walk, code);
      const lengthThere = pathLengthAt(forest, next);
      shareOut(walk, length - lengthThere);
      length = lengthThere;
      code = next;
    }
    pathLengths += length;
  }
  return {
    contributions: walk.contributions.map((sum) => sum / forest.treeCount),
    meanPathLength: pathLengths / forest.treeCount,
    expectedPathLength: expectedLengths / forest.treeCount,
  };
}

interface Walk {
  readonly forest: ExtendedIsolationForest;
  readonly row: Float64Array;
  /** Of the features in the branch at hand, >= 0, not all 0. */
  readonly weights: Float64Array;
  readonly contributions: Float64Array;
}

function pathLengthAt(forest: ExtendedIsolationForest, code: number): number {
  return code >= 0 ? forest.branchPathLengths[code]! : forest.leafPathLengths[~code]!;
}

/**
 * Sets the weights of one branch; returns where the row goes. The projection is summed in column order, as scoring
 * does: the same row goes the same way.
 */
function weighFeatures({ forest, row, weights }: Walk, branch: number): number {
  const { normals, offsets, children, dimensions } = forest;
  const base = branch * dimensions;
  let projection = 0;
  let isTypical = true;
  for (let j = 0; j < dimensions; j += 1) {
    const product = normals[base + j]! * row[j]!;
    projection += product;
    weights[j] = Math.abs(product);
    if (product !== 0) isTypical = false;
  }
  // Where the row is typical in all features of the plane, the plane's own weights must do.
  if (isTypical) for (let j = 0; j < dimensions; j += 1) weights[j] = Math.abs(normals[base + j]!);
  return children[2 * branch + (projection < offsets[branch]! ? 0 : 1)]!;
}

/** Adds each feature its part of the path length one branch saved. */
function shareOut({ weights, contributions }: Walk, saved: number): void {
  let total = 0;
  for (let j = 0; j < weights.length; j += 1) total += weights[j]!;
  // Each divided by itself: saved / total would overflow where all weights are next to nothing.
  for (let j = 0; j < weights.length; j += 1)
    contributions[j] = contributions[j]! + saved * (weights[j]! / total);
}

function checkRow(row: Float64Array, dimensions: number): void {
  if (row.length !== dimensions)
    throw new RangeError(`a row of this forest has ${dimensions} values, got ${row.length}`);
  const bad = row.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new RangeError(`column ${bad} of the row is ${row[bad]!}`);
}
