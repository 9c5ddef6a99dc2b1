import type { AnomalyType, Reason } from './detection.ts';
import type { Measurement, SignatureContext, SignatureRule } from './signature-rule.ts';
import { SIGNATURE_RULES } from './signature-rules.ts';
import type { TimeScale } from './trained-model.ts';

/** A hit and the window it was seen in. */
export type ScaledHit = SignatureHit & { readonly scale: TimeScale };

export interface SignatureHit {
  readonly type: AnomalyType;
  /** 0 at the floor to 1. */
  readonly strength: number;
  /** 60 at the floor to 90. */
  readonly risk: number;
  readonly reason: Reason;
}

const RISK_AT_FLOOR = 60;
const RISK_AT_FULL = 90;

/** Fewer flows than this cannot reach any floor (the smallest asks for 6), and most sources of a window have fewer. */
const FEWEST_FLOWS = 6;
const FEWEST_BYTES = 500e6;

/** The strongest signature an entity shows, the earlier one of SIGNATURE_RULES on a tie; null where none fits. */
export function matchSignature(context: SignatureContext): SignatureHit | null {
  if (context.row('flows') < FEWEST_FLOWS && context.row('bytes_total') < FEWEST_BYTES) return null;
  let best: SignatureHit | null = null;
  for (const rule of SIGNATURE_RULES) {
    const measurement = rule.measure(context);
    if (measurement === null || measurement.observed < measurement.floor) continue;
    const hit = toHit(rule, measurement);
    if (best === null || hit.strength > best.strength) best = hit;
  }
  return best;
}

function toHit(rule: SignatureRule, measurement: Measurement): SignatureHit {
  const { observed, floor, full, column, text, typical } = measurement;
  const strength = strengthBetween({ observed, floor, full });
  return {
    type: rule.type,
    strength,
    risk: RISK_AT_FLOOR + (RISK_AT_FULL - RISK_AT_FLOOR) * strength,
    reason: { text, subject: column, observed, typical },
  };
}

/** Where the site's own usual raises the floor above `full`, passing the floor is already full strength. */
function strengthBetween({
  observed,
  floor,
  full,
}: {
  readonly observed: number;
  readonly floor: number;
  readonly full: number;
}): number {
  if (full <= floor) return 1;
  return Math.min(1, Math.log(observed / floor) / Math.log(full / floor));
}
