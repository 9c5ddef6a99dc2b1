import type { Detection } from '../detector/detection.ts';

/** What is to be done about one source address in one run. */
export type VerdictAction =
  /** New block, to be pushed to the routers. */
  | 'block'
  /** Already blocked: its expiry moves out. */
  | 'extend'
  /** Into the review queue (or refreshing its pending item). */
  | 'review'
  /** Recorded only. */
  | 'monitor';

/** Why the action is what it is. */
export type VerdictCause =
  | 'high_confidence'
  | 'already_blocked'
  | 'medium_confidence'
  | 'low_confidence'
  /** Medium confidence on fewer than three flows. */
  | 'thin_evidence'
  | 'allowlisted'
  | 'protected'
  | 'rejected_before'
  | 'already_queued'
  | 'already_settled'
  | 'auto_block_off'
  | 'block_cap_reached';

export interface Verdict {
  /** Canonical text. */
  readonly sourceIp: string;
  readonly action: VerdictAction;
  readonly cause: VerdictCause;
  /** One sentence for the log, the queue and the audit. */
  readonly explanation: string;
  /**
   * The detection that decided: best tier, then riskiest, of those the ledger has not counted before (of all, when
   * every one was counted).
   */
  readonly detection: Detection;
  /** All detections of the source in this run, the deciding one included, best tier and riskiest first. */
  readonly detections: readonly Detection[];
  /** Address or network of the active block that covers the source; null when none does. */
  readonly coveringBlock: string | null;
}
