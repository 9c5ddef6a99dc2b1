import type { Detection } from '../detector/detection.ts';
import type { BlockTerm } from './block-duration.ts';

/** What is to be done about one address or network in one run. */
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
  /** An operator stopped all blocking (`autoblock panic`). */
  | 'paused'
  /** More blocks than one run may make. */
  | 'block_cap_reached'
  /** More active blocks than there may be. */
  | 'total_cap_reached'
  /** More entries than a router takes. */
  | 'router_cap_reached';

export interface Verdict {
  /** Canonical text of what is blocked or queued: the source, or the network it was taken together with others in. */
  readonly target: string;
  /** Canonical text of the source whose detection decided; inside the target. */
  readonly sourceIp: string;
  readonly action: VerdictAction;
  readonly cause: VerdictCause;
  /** One sentence for the log, the queue and the audit. */
  readonly explanation: string;
  /** How long to block or extend; null for every other action. */
  readonly term: BlockTerm | null;
  /**
   * The detection that decided: best tier, then riskiest, of those the ledger has not counted before (of all, when
   * every one was counted).
   */
  readonly detection: Detection;
  /** All detections of the target in this run, of every source in it, best tier and riskiest first. */
  readonly detections: readonly Detection[];
  /** False when the ledger had counted every detection before. */
  readonly isNewEvidence: boolean;
  /** Address or network of the active block that covers the target and may be extended; null when none does. */
  readonly coveringBlock: string | null;
}
