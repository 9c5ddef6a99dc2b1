import type { Block, ReviewItem } from '../decisions/block.ts';
import type { BlockTerm } from '../decisions/block-duration.ts';
import type { Verdict } from '../decisions/verdict.ts';
import type { DetectorName } from '../detector/detection.ts';
import { containsNetwork, parseNetwork } from '../ip/address.ts';
import { networkTrie } from '../ip/network-trie.ts';
import { DAEMON_ACTOR } from './ledger-audit.ts';
import type { ReviewRows, ReviewSighting } from './ledger-reviews.ts';
import type { LedgerRows } from './ledger-rows.ts';
import type { RunRows } from './ledger-runs.ts';

/** One detection run as it goes into the ledger. */
export interface DetectionRunRecord {
  readonly run: {
    /** The row made by `beginRun`; a new one is made when absent. */
    readonly runId?: number;
    readonly startedAtMs: number;
    readonly finishedAtMs: number;
    readonly detector: DetectorName;
    readonly modelVersion: string | null;
    /** The shadow asked for; what became of it is added by `recordShadow`. */
    readonly shadowDetector?: DetectorName;
    readonly recordsRead: number;
    readonly truncated: boolean;
    readonly entities: number;
    readonly windowFromMs?: number;
    readonly windowToMs?: number;
  };
  readonly verdicts: readonly Verdict[];
  readonly reviewSeconds: number;
  readonly nowMs: number;
}

export interface RecordedDetectionRun {
  readonly runId: number;
  readonly blocksAdded: readonly Block[];
  readonly blocksExtended: readonly Block[];
  readonly reviewsAdded: readonly ReviewItem[];
  readonly reviewsUpdated: number;
  /** Targets an operator decided about between the verdict and now; the verdict was not carried out. */
  readonly overtaken: readonly string[];
}

interface Tally {
  readonly blocksAdded: Block[];
  readonly blocksExtended: Block[];
  readonly reviewsAdded: ReviewItem[];
  reviewsUpdated: number;
  readonly overtaken: string[];
}

/** Writes a whole run. Call it inside a transaction, after closing what expired. */
export function recordVerdicts(rows: LedgerRows, record: DetectionRunRecord): RecordedDetectionRun {
  // Known from the start: the audit of each block names the run.
  const runId = record.run.runId ?? rows.runs.begin('detection', record.run.startedAtMs);
  const tally: Tally = {
    blocksAdded: [],
    blocksExtended: [],
    reviewsAdded: [],
    reviewsUpdated: 0,
    overtaken: [],
  };
  const isRejected = rejectionTest(rows.reviews, record.nowMs);
  for (const verdict of record.verdicts) {
    const order: Order = { verdict, record, runId, isRejected, tally };
    carryOut(rows, order);
    queueDetections(rows, order);
  }
  finishRun(rows.runs, { runId, record, tally });
  return { runId, ...tally };
}

interface Order {
  readonly verdict: Verdict;
  readonly runId: number;
  readonly record: DetectionRunRecord;
  readonly isRejected: (address: string) => boolean;
  readonly tally: Tally;
}

/** The CLI shares the ledger: what an operator did after the history was read goes before the verdict. */
function carryOut(rows: LedgerRows, order: Order): void {
  const { verdict, tally } = order;
  const { action, target } = verdict;
  if (action === 'monitor') countAgainstManualBlock(rows, order);
  else if (isOvertaken(rows, order)) tally.overtaken.push(target);
  else if (action === 'review') queueForReview(rows, order);
  else if (action === 'extend') extendBlock(rows, verdict.coveringBlock ?? target, order);
  else if (rows.blocks.activeOn(target) !== null) extendBlock(rows, target, order);
  else addBlock(rows, order);
}

function isOvertaken({ blocks, reviews, pause }: LedgerRows, { verdict, isRejected }: Order): boolean {
  const { sourceIp, target, action, detection } = verdict;
  if (action !== 'review' && pause.current() !== null) return true;
  if (action === 'extend') return blocks.activeOn(verdict.coveringBlock ?? target) === null;
  if (isRejected(target)) return true;
  const named = [...new Set([target, sourceIp])];
  if (action === 'review' && named.some((address) => blocks.activeOn(address) !== null)) return true;
  const settledUntilMs = Math.max(
    ...named.flatMap((address) => [
      blocks.settledUntil(address) ?? Number.NEGATIVE_INFINITY,
      reviews.settledUntil(address) ?? Number.NEGATIVE_INFINITY,
    ]),
  );
  return detection.lastSeenMs <= settledUntilMs;
}

/** The block stays as the operator set it; the newer detections are held back by it all the same and are to be marked. */
function countAgainstManualBlock(rows: LedgerRows, order: Order): void {
  const { cause, coveringBlock, detection, isNewEvidence } = order.verdict;
  if (cause !== 'already_blocked' || coveringBlock === null) return;
  if (!isNewEvidence || detection.confidence === 'low') return;
  if (rows.blocks.activeOn(coveringBlock)?.origin === 'manual') extendBlock(rows, coveringBlock, order);
}

function addBlock({ blocks, reviews }: LedgerRows, { verdict, record, runId, tally }: Order): void {
  const { anomalyType, riskScore, detector, modelVersion } = verdict.detection;
  const { nowMs } = record;
  const { offence, seconds } = termOf(verdict);
  const block = blocks.add(
    {
      address: verdict.target,
      origin: 'auto',
      reason: verdict.explanation,
      anomalyType,
      riskScore,
      detector,
      modelVersion,
      createdBy: null,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + seconds * 1000,
      offence,
    },
    runId,
  );
  const note = `blocked automatically (block ${block.id})`;
  for (const address of pendingInside(reviews, { target: block.address, nowMs })) {
    reviews.supersede({ address, note, nowMs });
  }
  tally.blocksAdded.push(block);
}

/** What waits for a word about the target, and about each address in it. */
function pendingInside(
  reviews: ReviewRows,
  { target, nowMs }: { target: string; nowMs: number },
): readonly string[] {
  const network = target.includes('/') ? parseNetwork(target) : null;
  if (network === null) return [target];
  return [...reviews.pendingUntil(nowMs).keys()].filter((address) => {
    const pending = parseNetwork(address);
    return pending !== null && containsNetwork(network, pending);
  });
}

function termOf({ action, term, target }: Verdict): BlockTerm {
  if (term === null) throw new RangeError(`a verdict to ${action} ${target} without a term`);
  return term;
}

/** From the evidence on, not from now on: reading the same lines again must not move the expiry. */
function extendBlock(
  { blocks, outbox }: LedgerRows,
  address: string,
  { verdict, record, runId, tally }: Order,
): void {
  const { nowMs } = record;
  const evidenceUntilMs = latestEvidence(verdict, nowMs);
  // A block made by hand is not moved: only the evidence is counted.
  const isManual = blocks.activeOn(address)?.origin === 'manual';
  const expiresAtMs = isManual ? 0 : Math.floor(evidenceUntilMs + termOf(verdict).seconds * 1000);
  const by = { actor: DAEMON_ACTOR, reason: verdict.explanation, nowMs, runId };
  const extended = blocks.extend({ address, expiresAtMs, evidenceUntilMs }, by);
  if (extended !== null) tally.blocksExtended.push(extended);
  // A block that lasts long enough already holds the newer detections back as well.
  const confirmedAtMs = (extended ?? blocks.activeOn(address))?.confirmedAtMs ?? null;
  if (confirmedAtMs !== null) outbox.putBlockedMark({ address, confirmedAtMs });
}

function queueForReview({ reviews }: LedgerRows, { verdict, record, tally }: Order): void {
  const evidenceUntilMs = latestEvidence(verdict, record.nowMs);
  const sighting: ReviewSighting = {
    address: verdict.target,
    detection: verdict.detection,
    explanation: verdict.explanation,
    evidenceUntilMs,
    expiresAtMs: Math.floor(record.nowMs + record.reviewSeconds * 1000),
    nowMs: record.nowMs,
  };
  if (reviews.pendingOn(verdict.target) === null) tally.reviewsAdded.push(reviews.add(sighting));
  else if (reviews.refresh(sighting)) tally.reviewsUpdated += 1;
}

/** Latest evidence that weighs (low confidence does not); a log clock that runs ahead counts as now. */
function latestEvidence(verdict: Verdict, nowMs: number): number {
  const weighing = verdict.detections.filter((detection) => detection.confidence !== 'low');
  const latest = weighing.reduce(
    (time, detection) => Math.max(time, detection.lastSeenMs),
    verdict.detection.lastSeenMs,
  );
  return Math.min(latest, nowMs);
}

function queueDetections({ outbox }: LedgerRows, { verdict, record, isRejected }: Order): void {
  for (const detection of verdict.detections) {
    const isFalsePositive = verdict.cause === 'rejected_before' || isRejected(detection.sourceIp);
    outbox.putDetection({ detection, detectedAtMs: record.nowMs, isFalsePositive });
  }
}

/** Whether an operator's rejection stands that shares an address with the asked one. */
function rejectionTest(reviews: ReviewRows, nowMs: number): (address: string) => boolean {
  const rejections = [...reviews.standingRejections(nowMs)].map(parseNetwork).filter((one) => one !== null);
  if (rejections.length === 0) return () => false;
  const trie = networkTrie(rejections);
  return (address) => {
    const network = parseNetwork(address);
    return network !== null && trie.firstOverlapping(network) !== null;
  };
}

function finishRun(
  runs: RunRows,
  { runId, record, tally }: { runId: number; record: DetectionRunRecord; tally: Tally },
): void {
  const { runId: _, startedAtMs: __, finishedAtMs, ...facts } = record.run;
  const { verdicts } = record;
  const details = {
    ...facts,
    sources: new Set(verdicts.flatMap(({ detections }) => detections.map(({ sourceIp }) => sourceIp))).size,
    detections: verdicts.reduce((sum, verdict) => sum + verdict.detections.length, 0),
    blocksAdded: tally.blocksAdded.length,
    blocksExtended: tally.blocksExtended.length,
    reviewsAdded: tally.reviewsAdded.length,
    reviewsUpdated: tally.reviewsUpdated,
    overtaken: tally.overtaken,
  };
  runs.finish({ id: runId, status: 'ok', details, nowMs: finishedAtMs });
}
