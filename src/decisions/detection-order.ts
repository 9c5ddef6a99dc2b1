import type { ConfidenceTier, Detection } from '../detector/detection.ts';

const TIER_RANK: Record<ConfidenceTier, number> = { high: 2, medium: 1, low: 0 };

/** Best tier, riskiest, latest first. The rest of the order only makes it total, so that input order never shows. */
export function compareDetections(a: Detection, b: Detection): number {
  return (
    TIER_RANK[b.confidence] - TIER_RANK[a.confidence] ||
    compareRisk(a, b) ||
    b.lastSeenMs - a.lastSeenMs ||
    b.windowStartMs - a.windowStartMs ||
    compareText(JSON.stringify(a), JSON.stringify(b))
  );
}

/** Riskiest first. */
export function compareRisk(a: Detection, b: Detection): number {
  return b.riskScore - a.riskScore;
}

export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
