import { FEATURE_COUNT } from './catalogue.ts';
import { EVIDENCE_COUNT } from './evidence.ts';
import type { FeatureTable } from './feature-table.ts';

/**
 * A table of its own with the given entities of `table`, in the given order (an index may come twice).
 *
 * @throws RangeError when an index is not an entity of the table
 */
export function selectEntities(table: FeatureTable, indices: ArrayLike<number>): FeatureTable {
  const entityCount = indices.length;
  const chosen = Uint32Array.from(indices);
  for (let row = 0; row < entityCount; row += 1) {
    if (chosen[row] !== indices[row] || chosen[row]! >= table.entityCount) {
      throw new RangeError(`no entity ${indices[row]} in a table of ${table.entityCount}`);
    }
  }
  return {
    windowMs: table.windowMs,
    entityCount,
    sourceIps: Array.from(chosen, (index) => table.sourceIps[index]!),
    windowStartMs: Float64Array.from(chosen, (index) => table.windowStartMs[index]!),
    firstSeenMs: Float64Array.from(chosen, (index) => table.firstSeenMs[index]!),
    lastSeenMs: Float64Array.from(chosen, (index) => table.lastSeenMs[index]!),
    logCount: chosen.map((index) => table.logCount[index]!),
    values: selectRows({ rows: table.values, width: FEATURE_COUNT, chosen }),
    evidence: selectRows({ rows: table.evidence, width: EVIDENCE_COUNT, chosen }),
  };
}

/** The chosen rows of a row-major matrix of `width` columns, in the given order. */
export function selectRows({
  rows,
  width,
  chosen,
}: {
  readonly rows: Float32Array;
  readonly width: number;
  readonly chosen: ArrayLike<number>;
}): Float32Array {
  const selected = new Float32Array(chosen.length * width);
  for (let row = 0; row < chosen.length; row += 1) {
    const from = chosen[row]! * width;
    selected.set(rows.subarray(from, from + width), row * width);
  }
  return selected;
}
