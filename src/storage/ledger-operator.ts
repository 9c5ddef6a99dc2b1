import type { Block, BlockOrigin, ReviewItem } from '../decisions/block.ts';
import { networkAround } from '../decisions/network-index.ts';
import type { Detection } from '../detector/detection.ts';
import { AutoblockError } from '../errors.ts';
import { canonicalText, parseNetwork } from '../ip/address.ts';
import { type BlockEvidence, type ChangeOrigin, NO_EVIDENCE } from './ledger-block-changes.ts';
import type { BlockRows } from './ledger-blocks.ts';
import type { LedgerRows } from './ledger-rows.ts';

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

export interface Lift {
  /** Addresses or networks, any spelling. */
  readonly addresses: readonly string[];
  readonly actor: string;
  readonly reason?: string;
  readonly nowMs: number;
}

export interface Extension extends Lift {
  /** From now on. */
  readonly seconds: number;
}

/** So many addresses are named in an error; the rest is counted. */
const NAMED_IN_ERRORS = 20;

/**
 * Blocks what the operator names; an active block of the same address is extended, never shortened. The operator's
 * latest word counts: a pending review of the address is approved by it, a standing rejection ends.
 * @throws AutoblockError ADDRESS_INVALID, USAGE, CONFLICT while blocking is paused
 */
export function blockByHand(rows: LedgerRows, request: BlockRequest): Block {
  refuseWhilePaused(rows);
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

/**
 * One block per request, in their order.
 * @throws AutoblockError as `blockByHand`, with all that is no address named; then nothing is blocked
 */
export function blockAllByHand(rows: LedgerRows, requests: readonly BlockRequest[]): Block[] {
  refuseWhilePaused(rows);
  canonicalAddresses(requests.map(({ address }) => address));
  return requests.map((request) => blockByHand(rows, request));
}

/** @throws AutoblockError NOT_FOUND naming what is not blocked, ADDRESS_INVALID; then nothing is lifted */
export function liftByHand({ blocks }: LedgerRows, request: Lift): Block[] {
  const { actor, reason = null, nowMs } = request;
  return activeOnAll(blocks, request.addresses).map(({ id }) => blocks.lift({ id, actor, reason, nowMs }));
}

/**
 * Moves the expiry of active blocks out to `seconds` from now, never in. Returns each block as it is afterwards.
 * @throws AutoblockError NOT_FOUND naming what is not blocked, ADDRESS_INVALID, USAGE; then nothing is extended
 */
export function extendByHand(rows: LedgerRows, request: Extension): Block[] {
  const { actor, reason = null, seconds, nowMs } = request;
  const expiresAtMs = endOf(seconds, nowMs);
  return activeOnAll(rows.blocks, request.addresses).map((active) =>
    prolong(rows, active, { expiresAtMs, by: { actor, reason, nowMs } }),
  );
}

/** In the order given, each once. */
function activeOnAll(blocks: BlockRows, texts: readonly string[]): Block[] {
  const addresses = canonicalAddresses(texts);
  const found = addresses.map((address) => blocks.activeOn(address));
  const missing = addresses.filter((_, index) => found[index] === null);
  if (missing.length > 0) throw new AutoblockError('NOT_FOUND', `no active block of ${listed(missing)}`);
  return found.filter((block) => block !== null);
}

function listed(texts: readonly string[]): string {
  const named = texts.slice(0, NAMED_IN_ERRORS).join(', ');
  const more = texts.length - NAMED_IN_ERRORS;
  return more > 0 ? `${named} and ${more} more` : named;
}

/** @throws AutoblockError NOT_FOUND, CONFLICT when it was decided before or expired or while blocking is paused, USAGE */
export function approveByHand(rows: LedgerRows, approval: Approval): Block {
  refuseWhilePaused(rows);
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
  const evidence = { anomalyType, riskScore, detector, modelVersion };
  // One step up from the offence before: a person's word must not make a repeat offender a first-time one.
  return putBlock(rows, request, { ...evidence, offence: rows.blocks.offencesOf(item.address) + 1 });
}

/**
 * Takes back what autoblock itself blocked around the address, or the cleared host would stay cut off with its network.
 * What a person blocked stays: that is for a person to take back.
 * @throws AutoblockError NOT_FOUND, CONFLICT when it was decided before or expired, USAGE
 */
export function rejectByHand(rows: LedgerRows, rejection: Rejection): ReviewItem {
  const { id, actor, note = null, nowMs } = rejection;
  const item = pendingItem(rows, id);
  const expiresAtMs = endOf(rejection.standsSeconds, nowMs);
  rows.outbox.putFalsePositive({ address: item.address, value: true });
  const reason = `holds ${item.address}, which was rejected as a false positive`;
  for (const { id: block, origin } of blocksHolding(rows.blocks, item.address))
    if (origin === 'auto') rows.blocks.lift({ id: block, actor, reason, nowMs });
  return rows.reviews.decide({ id, status: 'rejected', actor, note, expiresAtMs, nowMs });
}

function blocksHolding(blocks: BlockRows, address: string): Block[] {
  const asked = parseNetwork(address)!;
  const lengths = Array.from({ length: asked.prefixLength + 1 }, (_, prefixLength) => prefixLength);
  return lengths.flatMap((prefixLength) => {
    const around = networkAround(asked, prefixLength);
    return (around === null ? null : blocks.activeOn(around.text)) ?? [];
  });
}

/** Asked inside the transaction: of a pause and a block at the same moment one comes first, and the other knows it. */
function refuseWhilePaused({ pause }: LedgerRows): void {
  const paused = pause.current();
  if (paused === null) return;
  const since = new Date(paused.sinceMs).toISOString();
  throw new AutoblockError(
    'CONFLICT',
    `blocking is paused since ${since} by ${paused.actor}: \`autoblock resume\` first`,
  );
}

function putBlock(
  rows: LedgerRows,
  request: BlockRequest,
  evidence: BlockEvidence & { readonly offence?: number },
): Block {
  const { blocks } = rows;
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
  const by = { actor, reason, nowMs };
  // A person's word from now on: `resume --lift-automatic` leaves it, routers that take blocks by hand alone are sent it.
  const adopted = active.origin === 'auto' ? blocks.adopt({ id: active.id, origin }, by) : active;
  return prolong(rows, adopted, { expiresAtMs, by });
}

function prolong(
  { blocks, outbox }: LedgerRows,
  active: Block,
  { expiresAtMs, by }: { expiresAtMs: number; by: ChangeOrigin },
): Block {
  const { address, confirmedAtMs } = active;
  const extended = blocks.extend({ address, expiresAtMs, evidenceUntilMs: by.nowMs }, by);
  if (confirmedAtMs !== null) outbox.putBlockedMark({ address, confirmedAtMs });
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
  return canonicalAddresses([text])[0]!;
}

/** Each once, in the order given. */
function canonicalAddresses(texts: readonly string[]): string[] {
  const canonical = texts.map((text) => canonicalText(text));
  const invalid = texts.filter((_, index) => canonical[index] === null).map((text) => `"${text}"`);
  if (invalid.length > 0) {
    const is = invalid.length === 1 ? 'is' : 'are';
    throw new AutoblockError('ADDRESS_INVALID', `${listed(invalid)} ${is} neither an address nor a network`);
  }
  return [...new Set(canonical.filter((address) => address !== null))];
}
