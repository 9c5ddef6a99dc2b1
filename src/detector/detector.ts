import type { FeatureTable } from '../features/feature-table.ts';
import type { Detection, DetectorName } from './detection.ts';
import type { SourceGroup } from './trained-model.ts';

/** Judges the entities of one table. Pure: the same table gives the same detections. */
export interface Detector {
  readonly name: DetectorName;
  /** Version of the model in use; null for the legacy detector. */
  readonly modelVersion: string | null;
  /** Suspicious entities only, riskiest first; equal risks by source address, then by window. */
  detect(table: FeatureTable): Detection[];
}

/** Riskiest first, then source, then window: a total order, so that two runs print the same list. */
export function byRiskThenSource(left: Detection, right: Detection): number {
  if (left.riskScore !== right.riskScore) return right.riskScore - left.riskScore;
  if (left.sourceIp !== right.sourceIp) return left.sourceIp < right.sourceIp ? -1 : 1;
  return left.windowStartMs - right.windowStartMs;
}

/** Remembers the answer for each source: containment in a list of networks is asked once per source, not per window. */
export function createGroupOf(isInternal: (ip: string) => boolean): (sourceIp: string) => SourceGroup {
  const known = new Map<string, SourceGroup>();
  return (sourceIp) => {
    const remembered = known.get(sourceIp);
    if (remembered !== undefined) return remembered;
    const group = isInternal(sourceIp) ? 'internal' : 'external';
    known.set(sourceIp, group);
    return group;
  };
}
