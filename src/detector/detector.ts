import type { TrafficWindows } from '../features/traffic-windows.ts';
import type { Detection, DetectorName } from './detection.ts';
import type { SourceGroup } from './trained-model.ts';

/** Judges the short entities of some traffic. Pure: the same traffic gives the same detections. */
export interface Detector {
  readonly name: DetectorName;
  /** Version of the model in use; null for the legacy detector. */
  readonly modelVersion: string | null;
  /** Suspicious entities only, riskiest first; equal risks by source address, then by window. */
  detect(traffic: TrafficWindows): Detection[];
  /**
   * How suspicious each short entity is, in the order of the table: the risk (0-100) without rounding, caps and
   * thresholds, also of entities that make no detection. For ranking them.
   */
  suspicion(traffic: TrafficWindows): Float64Array;
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
