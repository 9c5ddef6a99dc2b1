import type { Block, ReviewItem, ReviewStatus } from '../decisions/block.ts';
import { networkAround } from '../decisions/network-index.ts';
import { AutoblockError } from '../errors.ts';
import { parseNetwork } from '../ip/address.ts';
import type { Guards } from './ledger-guards.ts';
import {
  type Approval,
  approveByHand,
  type BlockRequest,
  blockAllByHand,
  blockByHand,
  type Extension,
  extendByHand,
  type Lift,
  liftByHand,
  type Rejection,
  rejectByHand,
} from './ledger-operator.ts';
import type { Pause } from './ledger-pause.ts';
import type { ReviewRows } from './ledger-reviews.ts';
import { expireDue, type LedgerRows } from './ledger-rows.ts';

/** What operators decide. Each is done wholly or not at all, however many addresses it names. */
export interface OperatorCalls {
  /**
   * The caller has asked `protectionOf` before. Extends an active block of the address.
   * ADDRESS_INVALID, USAGE, CONFLICT while blocking is paused
   */
  addBlock(request: BlockRequest): Block;
  /** As `addBlock`, all or none; one block per request, in their order. */
  addBlocks(requests: readonly BlockRequest[]): Block[];
  /** NOT_FOUND, ADDRESS_INVALID */
  liftBlock(request: { address: string; actor: string; reason?: string; nowMs: number }): Block;
  /** NOT_FOUND names what is not blocked; ADDRESS_INVALID */
  liftBlocks(request: Lift): Block[];
  /** Expiry becomes the later of what it is and now + seconds. NOT_FOUND names what is not blocked; ADDRESS_INVALID, USAGE */
  extendBlocks(request: Extension): Block[];

  /** Riskiest first; all when no status is given. */
  reviews(query?: { status?: ReviewStatus }): ReviewItem[];
  /** By id or address (its pending item, otherwise its latest). NOT_FOUND */
  review(idOrAddress: number | string): ReviewItem;
  /** NOT_FOUND, CONFLICT (also while blocking is paused). The caller has asked `protectionOf` before. */
  approveReview(approval: Approval): Block;
  /** NOT_FOUND, CONFLICT */
  rejectReview(rejection: Rejection): ReviewItem;

  /** Null while blocking goes on. */
  pause(): Pause | null;
  /** Stops all blocking. Harmless when it is stopped already: the first pause stays as it is. */
  pauseBlocking(pause: { actor: string; reason?: string | null; nowMs: number }): Pause;
  /** Blocks that still stand are wanted on the routers again. CONFLICT when blocking is not paused */
  resumeBlocking(resumption: {
    actor: string;
    reason?: string | null;
    nowMs: number;
    /** Lift the automatic blocks first; those an operator approved or made stay. */
    liftAutomatic: boolean;
  }): { pausedMs: number; lifted: number };
}

export function operatorCalls(rows: LedgerRows, guards: Guards): OperatorCalls {
  const { inTransaction, reading } = guards;
  const { pause } = rows;
  const afterExpiry = closingFirst(rows, guards);
  const addAll = afterExpiry(({ requests }: { requests: readonly BlockRequest[]; nowMs: number }) =>
    blockAllByHand(rows, requests),
  );
  return {
    addBlock: afterExpiry((request) => blockByHand(rows, request)),
    addBlocks: (requests) => (requests.length === 0 ? [] : addAll({ requests, nowMs: requests[0]!.nowMs })),
    liftBlock: afterExpiry(({ address, ...lift }) => liftByHand(rows, { ...lift, addresses: [address] })[0]!),
    liftBlocks: afterExpiry((request) => liftByHand(rows, request)),
    extendBlocks: afterExpiry((request) => extendByHand(rows, request)),
    reviews: reading((query) => rows.reviews.list(query?.status ?? null)),
    review: reading((idOrAddress) => {
      const item =
        typeof idOrAddress === 'number'
          ? rows.reviews.byId(idOrAddress)
          : reviewAbout(rows.reviews, idOrAddress);
      if (item === null) throw new AutoblockError('NOT_FOUND', `no review item of ${idOrAddress}`);
      return item;
    }),
    approveReview: afterExpiry((approval) => approveByHand(rows, approval)),
    rejectReview: afterExpiry((rejection) => rejectByHand(rows, rejection)),
    pause: reading(() => pause.current()),
    pauseBlocking: inTransaction(({ actor, reason = null, nowMs }) => pause.begin({ actor, reason, nowMs })),
    resumeBlocking: afterExpiry((resumption) => resume(rows, resumption)),
  };
}

/** What ran out is closed for good in a transaction of its own, also when the operator's wish is refused. */
function closingFirst(rows: LedgerRows, { inTransaction }: Guards) {
  const close = inTransaction((nowMs: number) => expireDue(rows, nowMs));
  return <A extends { readonly nowMs: number }, R>(call: (request: A) => R): ((request: A) => R) => {
    const decide = inTransaction((request: A) => {
      expireDue(rows, request.nowMs);
      return call(request);
    });
    return (request) => {
      close(request.nowMs);
      return decide(request);
    };
  };
}

function resume(
  { blocks, pause }: LedgerRows,
  resumption: { actor: string; reason?: string | null; nowMs: number; liftAutomatic: boolean },
): { pausedMs: number; lifted: number } {
  const { actor, reason = null, nowMs, liftAutomatic } = resumption;
  const paused = pause.current();
  if (paused === null) throw new AutoblockError('CONFLICT', 'blocking is not paused');
  const lifting = liftAutomatic ? blocks.activeAutomatic() : [];
  for (const { id } of lifting) blocks.lift({ id, actor, reason, nowMs, inBulk: true });
  pause.end({ actor, reason, nowMs, lifted: lifting.length });
  return { pausedMs: Math.max(0, nowMs - paused.sinceMs), lifted: lifting.length };
}

/** Of the address itself, otherwise of the smallest network around it: IPv6 attackers wait as the network they are in. */
function reviewAbout(reviews: Pick<ReviewRows, 'byAddress'>, text: string): ReviewItem | null {
  const asked = parseNetwork(text);
  if (asked === null) return null;
  for (let prefixLength = asked.prefixLength; prefixLength > 0; prefixLength -= 1) {
    const network = networkAround(asked, prefixLength);
    const item = network === null ? null : reviews.byAddress(network.text);
    if (item !== null) return item;
  }
  return null;
}
