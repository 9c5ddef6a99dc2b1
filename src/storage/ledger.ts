import type { Block, LedgerHistory, ReviewItem, ReviewStatus } from '../decisions/block.ts';
import type { OperatorVerdict } from '../detector/verdicts-on-traffic.ts';
import { AutoblockError } from '../errors.ts';
import { canonicalText } from '../ip/address.ts';
import type { Logger } from '../logger.ts';
import { blockRows } from './ledger-blocks.ts';
import { type LedgerDatabase, openLedgerDatabase } from './ledger-database.ts';
import {
  type DetectionRunRecord,
  type LedgerRows,
  type RecordedDetectionRun,
  recordVerdicts,
} from './ledger-detection-run.ts';
import {
  type Approval,
  approveByHand,
  type BlockRequest,
  blockByHand,
  liftByHand,
  type Rejection,
  rejectByHand,
} from './ledger-operator.ts';
import { type BlockedMark, type FalsePositiveMark, outbox, type PendingDetection } from './ledger-outbox.ts';
import { reviewRows } from './ledger-reviews.ts';
import { type RouterRows, type RouterState, type RouterSyncOutcome, routerRows } from './ledger-routers.ts';
import { type RunKind, type RunRecord, runRows } from './ledger-runs.ts';
import { type PendingShadowDetection, type ShadowRecord, shadowRows } from './ledger-shadow.ts';
import { operatorVerdicts } from './ledger-verdicts.ts';
import { translateErrors } from './state-errors.ts';

/**
 * The ledger: what is to be blocked until when, what waits for an operator, what was run, and what PostgreSQL has
 * still to be told. One SQLite file shared by daemon and CLI. Every call is one transaction: done wholly or not at all,
 * also at a kill or a full disk. All calls may throw STATE_LOCKED, STATE_UNWRITABLE or STATE_CORRUPT.
 * Times are Unix ms, UTC, whole.
 */
export interface Ledger {
  history(nowMs: number): LedgerHistory;
  recordDetectionRun(record: DetectionRunRecord): RecordedDetectionRun;
  /** Closes blocks and pending reviews whose time is over. */
  expireDue(nowMs: number): { blocks: number; reviews: number };

  activeBlocks(nowMs: number): Block[];
  /** Those of `addresses` (canonical) this ledger has ever blocked, as far back as it remembers. */
  everBlocked(addresses: readonly string[]): Set<string>;
  /**
   * Addresses and networks blocked now or before, as far back as the ledger remembers; one that was ever lifted counts
   * as a mistake and is not among them.
   */
  knownBad(): string[];
  /** The caller has asked `protectionOf` before. Extends an active block of the address. ADDRESS_INVALID, USAGE */
  addBlock(request: BlockRequest): Block;
  /** NOT_FOUND, ADDRESS_INVALID */
  liftBlock(request: { address: string; actor: string; nowMs: number }): Block;
  /** Addresses (canonical) a router was read back with; returns how many blocks are confirmed for the first time. */
  confirmBlocks(confirmation: { addresses: readonly string[]; nowMs: number }): number;

  /** Riskiest first; all when no status is given. */
  reviews(query?: { status?: ReviewStatus }): ReviewItem[];
  /** By id or address (its pending item, otherwise its latest). NOT_FOUND */
  review(idOrAddress: number | string): ReviewItem;
  /** NOT_FOUND, CONFLICT. The caller has asked `protectionOf` before. */
  approveReview(approval: Approval): Block;
  /** NOT_FOUND, CONFLICT */
  rejectReview(rejection: Rejection): ReviewItem;

  /** Every word operators gave about an address, oldest first. */
  operatorVerdicts(): OperatorVerdict[];

  pendingDetections(limit: number): PendingDetection[];
  dropPendingDetections(ids: readonly number[]): void;
  /** Confirmed blocks PostgreSQL does not know of; `id` is for `markBlocksMarked` and is not the block's id. */
  unmarkedConfirmedBlocks(): BlockedMark[];
  markBlocksMarked(ids: readonly number[]): void;
  pendingFalsePositives(): FalsePositiveMark[];
  dropPendingFalsePositives(ids: readonly number[]): void;

  /**
   * What the shadow detector made of a run recorded before: a note in the run history and detections for PostgreSQL.
   * No block, review or count depends on it. NOT_FOUND
   */
  recordShadow(record: ShadowRecord): void;
  pendingShadowDetections(limit: number): PendingShadowDetection[];
  dropPendingShadowDetections(ids: readonly number[]): void;

  beginRun(kind: RunKind, nowMs: number): number;
  /** NOT_FOUND */
  finishRun(end: { id: number; status: 'ok' | 'failed'; details: unknown; nowMs: number }): void;
  /** Latest first. */
  recentRuns(query: { kind?: RunKind; limit: number }): RunRecord[];
  /** Those that ended at `sinceMs` or later, oldest first. */
  runsSince(query: { kind: RunKind; sinceMs: number }): RunRecord[];
  /** For the daemon at its start: runs that began and never ended were killed. Returns how many. */
  closeInterruptedRuns(nowMs: number): number;

  recordRouterSync(outcome: RouterSyncOutcome): void;
  routerStates(): RouterState[];

  /**
   * Forgets finished runs, ended blocks, decided reviews and routers older than `beforeMs`; what still stands stays.
   * `beforeMs` must lie before the oldest log line a run reads, or old evidence may act again.
   */
  prune(period: { beforeMs: number }): {
    runs: number;
    blocks: number;
    reviews: number;
    routers: number;
    shadowDetections: number;
  };
  /** Full check of the file; empty when it is sound. */
  integrity(): string[];
  close(): void;
}

/** @throws AutoblockError STATE_CORRUPT, SCHEMA_NEWER, STATE_LOCKED, STATE_UNWRITABLE */
export function openLedger(options: { path: string; busyTimeoutMs?: number; logger: Logger }): Ledger {
  return createLedger(openLedgerDatabase(options));
}

type Guard = <A extends unknown[], R>(call: (...args: A) => R) => (...args: A) => R;

/** A ledger over an open database. */
export function createLedger(db: LedgerDatabase): Ledger {
  const rows: LedgerRows = {
    blocks: blockRows(db),
    reviews: reviewRows(db),
    runs: runRows(db),
    outbox: outbox(db),
    shadow: shadowRows(db),
  };
  const routers = routerRows(db);
  const what = `ledger ${db.name}`;
  // IMMEDIATE takes the write lock before reading: two processes never decide on the same state.
  const inTransaction: Guard =
    (call) =>
    (...args) =>
      translateErrors(what, () => db.transaction(() => call(...args)).immediate());
  const reading: Guard =
    (call) =>
    (...args) =>
      translateErrors(what, () => db.transaction(() => call(...args)).deferred());
  return {
    ...decisionCalls(rows, { inTransaction, reading }),
    ...operatorCalls(rows, { inTransaction, reading }),
    ...outboxCalls(rows, { inTransaction, reading }),
    ...shadowCalls(rows, { inTransaction, reading }),
    ...runCalls(rows, { inTransaction, reading }),
    operatorVerdicts: reading(operatorVerdicts(db)),
    ...upkeepCalls({ db, rows, routers }, { inTransaction, reading }),
  };
}

interface Guards {
  readonly inTransaction: Guard;
  readonly reading: Guard;
}

function expireDue({ blocks, reviews }: LedgerRows, nowMs: number): { blocks: number; reviews: number } {
  return { blocks: blocks.closeExpired(nowMs), reviews: reviews.expireDue(nowMs) };
}

function decisionCalls(
  rows: LedgerRows,
  { inTransaction, reading }: Guards,
): Pick<
  Ledger,
  | 'history'
  | 'recordDetectionRun'
  | 'expireDue'
  | 'activeBlocks'
  | 'everBlocked'
  | 'knownBad'
  | 'confirmBlocks'
> {
  const { blocks, reviews } = rows;
  return {
    history: reading((nowMs) => ({
      activeBlocks: blocks.activeByAddress(nowMs),
      pendingReviews: reviews.pendingUntil(nowMs),
      standingRejections: reviews.standingRejections(nowMs),
      settled: latestOf(blocks.settled(nowMs), reviews.settled(nowMs)),
    })),
    recordDetectionRun: inTransaction((record) => {
      expireDue(rows, record.nowMs);
      return recordVerdicts(rows, record);
    }),
    expireDue: inTransaction((nowMs) => expireDue(rows, nowMs)),
    activeBlocks: reading((nowMs) => blocks.active(nowMs)),
    knownBad: reading(() => blocks.neverLifted()),
    everBlocked: reading((addresses) => new Set(addresses.filter((address) => blocks.knows(address)))),
    confirmBlocks: inTransaction(({ addresses, nowMs }) => {
      const confirmed = addresses.filter((address) => blocks.confirm(address, nowMs));
      for (const address of confirmed) rows.outbox.putBlockedMark({ address, confirmedAtMs: nowMs });
      return confirmed.length;
    }),
  };
}

function latestOf(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): Map<string, number> {
  const latest = new Map(a);
  for (const [address, time] of b) latest.set(address, Math.max(time, latest.get(address) ?? time));
  return latest;
}

function operatorCalls(
  rows: LedgerRows,
  { inTransaction, reading }: Guards,
): Pick<Ledger, 'addBlock' | 'liftBlock' | 'reviews' | 'review' | 'approveReview' | 'rejectReview'> {
  // What ran out is closed for good in a transaction of its own, also when the operator's wish is refused.
  const close = inTransaction((nowMs: number) => expireDue(rows, nowMs));
  const afterExpiry = <A extends { readonly nowMs: number }, R>(
    call: (request: A) => R,
  ): ((request: A) => R) => {
    const decide = inTransaction((request: A) => {
      expireDue(rows, request.nowMs);
      return call(request);
    });
    return (request) => {
      close(request.nowMs);
      return decide(request);
    };
  };
  return {
    addBlock: afterExpiry((request) => blockByHand(rows, request)),
    liftBlock: afterExpiry((request) => liftByHand(rows, request)),
    reviews: reading((query) => rows.reviews.list(query?.status ?? null)),
    review: reading((idOrAddress) => {
      const item =
        typeof idOrAddress === 'number'
          ? rows.reviews.byId(idOrAddress)
          : rows.reviews.byAddress(canonicalText(idOrAddress) ?? idOrAddress);
      if (item === null) throw new AutoblockError('NOT_FOUND', `no review item of ${idOrAddress}`);
      return item;
    }),
    approveReview: afterExpiry((approval) => approveByHand(rows, approval)),
    rejectReview: afterExpiry((rejection) => rejectByHand(rows, rejection)),
  };
}

function outboxCalls(
  { outbox: box }: LedgerRows,
  { inTransaction, reading }: Guards,
): Pick<
  Ledger,
  | 'pendingDetections'
  | 'dropPendingDetections'
  | 'unmarkedConfirmedBlocks'
  | 'markBlocksMarked'
  | 'pendingFalsePositives'
  | 'dropPendingFalsePositives'
> {
  return {
    pendingDetections: reading((limit) => box.detections(limit)),
    dropPendingDetections: inTransaction((ids) => box.dropDetections(ids)),
    unmarkedConfirmedBlocks: reading(() => box.blockedMarks()),
    markBlocksMarked: inTransaction((ids) => box.dropMarks(ids)),
    pendingFalsePositives: reading(() => box.falsePositives()),
    dropPendingFalsePositives: inTransaction((ids) => box.dropMarks(ids)),
  };
}

function shadowCalls(
  { shadow }: LedgerRows,
  { inTransaction, reading }: Guards,
): Pick<Ledger, 'recordShadow' | 'pendingShadowDetections' | 'dropPendingShadowDetections'> {
  return {
    recordShadow: inTransaction((record) => {
      if (!shadow.record(record)) throw unknownRun(record.runId);
    }),
    pendingShadowDetections: reading((limit) => shadow.pending(limit)),
    dropPendingShadowDetections: inTransaction((ids) => shadow.drop(ids)),
  };
}

function unknownRun(id: number): AutoblockError {
  return new AutoblockError('NOT_FOUND', `no run ${id} in the ledger`);
}

function runCalls(
  { runs }: LedgerRows,
  { inTransaction, reading }: Guards,
): Pick<Ledger, 'beginRun' | 'finishRun' | 'recentRuns' | 'runsSince' | 'closeInterruptedRuns'> {
  return {
    beginRun: inTransaction((kind, nowMs) => runs.begin(kind, nowMs)),
    finishRun: inTransaction((end) => {
      if (!runs.finish(end)) throw unknownRun(end.id);
    }),
    recentRuns: reading(({ kind, limit }) => runs.recent({ kind: kind ?? null, limit })),
    runsSince: reading((query) => runs.finishedSince(query)),
    closeInterruptedRuns: inTransaction((nowMs) => runs.closeInterrupted(nowMs)),
  };
}

function upkeepCalls(
  { db, rows, routers }: { db: LedgerDatabase; rows: LedgerRows; routers: RouterRows },
  { inTransaction, reading }: Guards,
): Pick<Ledger, 'recordRouterSync' | 'routerStates' | 'prune' | 'integrity' | 'close'> {
  return {
    recordRouterSync: inTransaction((outcome) => routers.record(outcome)),
    routerStates: reading(() => routers.list()),
    prune: inTransaction(({ beforeMs }) => ({
      runs: rows.runs.prune(beforeMs),
      blocks: rows.blocks.prune(beforeMs),
      reviews: rows.reviews.prune(beforeMs),
      routers: routers.prune(beforeMs),
      shadowDetections: rows.shadow.prune(beforeMs),
    })),
    integrity: reading(() => {
      const found = db.pragma('integrity_check') as { integrity_check: string }[];
      return found.map((finding) => finding.integrity_check).filter((text) => text !== 'ok');
    }),
    // The last connection to close folds the write-ahead log into the file: copied alone, it is a whole backup.
    close: () => translateErrors(`ledger ${db.name}`, () => void db.close()),
  };
}
