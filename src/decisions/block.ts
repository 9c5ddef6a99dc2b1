import type { AnomalyType, DetectorName } from '../detector/detection.ts';

export type BlockOrigin = 'auto' | 'review' | 'manual';

/** Intent in the ledger: this address shall be on every router's list until it expires or is lifted. */
export interface Block {
  readonly id: number;
  /** Canonical address or CIDR network, as RouterOS prints it apart from a single IPv6's `/128`. */
  readonly address: string;
  readonly origin: BlockOrigin;
  /** One line saying why, without secrets. */
  readonly reason: string;
  readonly anomalyType: AnomalyType | null;
  readonly riskScore: number | null;
  readonly detector: DetectorName | null;
  readonly modelVersion: string | null;
  /** Who asked for it; null for an automatic block. */
  readonly createdBy: string | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** How often a repeat detection moved the expiry out. */
  readonly extendedCount: number;
  /** First time a router's list was read back with this address on it; null until then. */
  readonly confirmedAtMs: number | null;
  /** Set when an operator removed it before its expiry. */
  readonly liftedAtMs: number | null;
  readonly liftedBy: string | null;
  /** 1 when the address was blocked for the first time; counts what the decision counted, see `LedgerHistory.offences`. */
  readonly offence: number;
}

export type ReviewStatus = 'pending' | 'approved' | 'rejected' | 'expired';

/** One address waiting for (or having had) an operator's word. */
export interface ReviewItem {
  readonly id: number;
  readonly address: string;
  readonly status: ReviewStatus;
  readonly riskScore: number;
  readonly anomalyType: AnomalyType;
  /** Why it is here instead of blocked. */
  readonly explanation: string;
  /** Snapshot of the detection that put it here (Detection as JSON), refreshed by riskier ones. */
  readonly evidence: unknown;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** How many runs have seen it while pending. */
  readonly occurrences: number;
  /** A pending item expires at this time; a rejection stands until this time. */
  readonly expiresAtMs: number;
  readonly decidedAtMs: number | null;
  readonly decidedBy: string | null;
  readonly note: string | null;
}

/** How long a pending item waits for a word before it expires, seconds. */
export const DEFAULT_REVIEW_SECONDS = 7 * 86_400;

/** `liftedBy` of a block autoblock itself took back because its address is protected now: no operator's word. */
export const LIFTED_BY_PROTECTION = 'protection';

/** How long an operator's rejection keeps an address out of queue and lists, seconds. */
export const DEFAULT_REJECTION_SECONDS = 30 * 86_400;

/** So long a network somebody lifted is not taken together again: as long as a rejection stands, seconds. */
export const LIFT_COUNTS_SECONDS = 30 * 86_400;

export interface ActiveBlock {
  readonly expiresAtMs: number;
  readonly origin: BlockOrigin;
  /** Evidence last seen at or before this time has been counted into the expiry already. */
  readonly evidenceUntilMs: number;
  /** As of `Block`. */
  readonly offence: number;
}

/** The latest block of an address that ran its course. */
export interface PastOffence {
  readonly offence: number;
  readonly endedAtMs: number;
}

/**
 * What the decision needs to know of the past. Addresses are canonical text. Every run reads the last hour again, so
 * the same detection comes back until it leaves the window: these times keep it from counting twice.
 */
export interface LedgerHistory {
  /** Active blocks (not lifted, not expired), including networks. */
  readonly activeBlocks: ReadonlyMap<string, ActiveBlock>;
  /** Addresses waiting for a word: evidence last seen at or before this time is in the queue already. */
  readonly pendingReviews: ReadonlyMap<string, number>;
  /** Addresses an operator rejected and whose rejection still stands. */
  readonly standingRejections: ReadonlySet<string>;
  /**
   * Addresses (and networks) whose block ended or was lifted, or whose review was decided or expired: evidence last
   * seen at or before this time was dealt with and must not act again.
   */
  readonly settled: ReadonlyMap<string, number>;
  /** Address or network → its latest automatic or approved block that ended without anybody lifting it. */
  readonly offences: ReadonlyMap<string, PastOffence>;
  /** Networks whose latest block a person lifted of late, by itself and not with all others: see `LIFT_COUNTS_SECONDS`. */
  readonly liftedNetworks: ReadonlySet<string>;
  /** An operator stopped all blocking (`autoblock panic`). */
  readonly paused: boolean;
}
