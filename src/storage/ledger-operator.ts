import type { Block, BlockOrigin, ReviewItem } from '../decisions/block.ts';
import type { Detection } from '../detector/detection.ts';
import { AutoblockError } from '../errors.ts';
import { canonicalText } from '../ip/address.ts';
import { type BlockEvidence, NO_EVIDENCE } from './ledger-blocks.ts';
import type { LedgerRows } from './ledger-detection-run.ts';

/** What operators decide by hand. Each call belongs into a transaction, after closing what expired. */

export interface BlockRequest {
  /** Address or network, any spelling. */
  readonly address: string;
  readonly origin: Exclude<BlockOrigin, 'auto'>;
  readonly seconds: number;
  readonly reason: string;
  readonly actor: string;
  readonly nowMs: number;
}

export interface Approval {
  readonly id: number;
  readonly actor: string;
  readonly note?: string;
  readonly blockSeconds: number;
  readonly nowMs: number;
}

export interface Rejection {
  readonly id: number;
  readonly actor: string;
  readonly note?: string;
  /** How long the address stays out of queue and lists. */
  readonly standsSeconds: number;
  readonly nowMs: number;
}

/**
 * Blocks what the operator names; an active block of the same address is extended, never shortened. The operator's
 * latest word counts: a pending review of the address is approved by it, a standing rejection ends.
 * @throws AutoblockError ADDRESS_INVALID, USAGE
 */
export function blockByHand(rows: LedgerRows, request: BlockRequest): Block {
  const { actor, nowMs } = request;
  const address = canonicalAddress(request.address);
  const block = putBlock(rows, { ...request, address }, NO_EVIDENCE);
  const pending = rows.reviews.pendingOn(address);
  if (pending !== null) {
    const note = `blocked by hand (block ${block.id})`;
    rows.reviews.decide({ id: pending.id, status: 'approved', actor, note, expiresAtMs: nowMs, nowMs });
  }
  if (rows.reviews.endRejections(address, nowMs)) rows.outbox.putFalsePositive({ address, value: false });
  return block;
}

/** @throws AutoblockError NOT_FOUND when nothing of that address is blocked, ADDRESS_INVALID */
export function liftByHand(
  { blocks }: LedgerRows,
  request: { address: string; actor: string; nowMs: number },
): Block {
  const { actor, nowMs } = request;
  const address = canonicalAddress(request.address);
  const active = blocks.activeOn(address);
  if (active === null) throw new AutoblockError('NOT_FOUND', `no active block of ${address}`);
  return blocks.lift({ id: active.id, actor, nowMs });
}

/** @throws AutoblockError NOT_FOUND, CONFLICT when it was decided before or expired, USAGE */
export function approveByHand(rows: LedgerRows, approval: Approval): Block {
  const { id, actor, note = null, blockSeconds, nowMs } = approval;
  const item = pendingItem(rows, id);
  rows.reviews.decide({ id, status: 'approved', actor, note, expiresAtMs: nowMs, nowMs });
  const request: BlockRequest = {
    address: item.address,
    origin: 'review',
    seconds: blockSeconds,
    reason: item.explanation,
    actor,
    nowMs,
  };
  // The snapshot is a Detection this ledger wrote itself.
  const { anomalyType, riskScore, detector, modelVersion } = item.evidence as Detection;
  return putBlock(rows, request, { anomalyType, riskScore, detector, modelVersion });
}

/** @throws AutoblockError NOT_FOUND, CONFLICT when it was decided before or expired, USAGE */
export function rejectByHand(rows: LedgerRows, rejection: Rejection): ReviewItem {
  const { id, actor, note = null, nowMs } = rejection;
  const item = pendingItem(rows, id);
  const expiresAtMs = endOf(rejection.standsSeconds, nowMs);
  rows.outbox.putFalsePositive({ address: item.address, value: true });
  return rows.reviews.decide({ id, status: 'rejected', actor, note, expiresAtMs, nowMs });
}

function putBlock({ blocks, outbox }: LedgerRows, request: BlockRequest, evidence: BlockEvidence): Block {
  const { address, origin, reason, actor, nowMs } = request;
  const expiresAtMs = endOf(request.seconds, nowMs);
  const active = blocks.activeOn(address);
  if (active === null) {
    return blocks.add({
      address,
      origin,
      reason,
      createdBy: actor,
      createdAtMs: nowMs,
      expiresAtMs,
      ...evidence,
    });
  }
  const extended = blocks.extend({ address, expiresAtMs, evidenceUntilMs: nowMs });
  if (active.confirmedAtMs !== null) outbox.putBlockedMark({ address, confirmedAtMs: active.confirmedAtMs });
  return extended ?? active;
}

function pendingItem({ reviews }: LedgerRows, id: number): ReviewItem {
  const item = reviews.byId(id);
  if (item === null) throw new AutoblockError('NOT_FOUND', `no review item ${id}`);
  if (item.status !== 'pending') {
    const by = item.decidedBy === null ? '' : ` by ${item.decidedBy}`;
    const when = new Date(item.decidedAtMs ?? item.updatedAtMs).toISOString();
    throw new AutoblockError(
      'CONFLICT',
      `review item ${id} (${item.address}) was ${item.status}${by} at ${when}`,
    );
  }
  return item;
}

function endOf(seconds: number, nowMs: number): number {
  if (!Number.isFinite(seconds) || seconds <= 0) {
    throw new AutoblockError('USAGE', `a lifetime must be more than 0 seconds, got ${seconds}`);
  }
  return Math.ceil(nowMs + seconds * 1000);
}

function canonicalAddress(text: string): string {
  const canonical = canonicalText(text);
  if (canonical === null)
    throw new AutoblockError('ADDRESS_INVALID', `"${text}" is neither an address nor a network`);
  return canonical;
}
