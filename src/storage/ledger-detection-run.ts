import type { Block, ReviewItem } from '../decisions/block.ts';
import type { Verdict } from '../decisions/verdict.ts';
import type { DetectorName } from '../detector/detection.ts';
import { DAEMON_ACTOR } from './ledger-audit.ts';
import type { ReviewSighting } from './ledger-reviews.ts';
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
  /** Lifetime of a new block from now on, and of an extended one from its latest evidence on. */
  readonly blockSeconds: number;
  readonly reviewSeconds: number;
  readonly nowMs: number;
}

export interface RecordedDetectionRun {
  readonly runId: number;
  readonly blocksAdded: readonly Block[];
  readonly blocksExtended: readonly Block[];
  readonly reviewsAdded: readonly ReviewItem[];
  readonly reviewsUpdated: number;
  /** Sources an operator decided about between the verdict and now; the verdict was not carried out. */
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
  for (const verdict of record.verdicts) {
    carryOut(rows, { verdict, record, runId, tally });
    queueDetections(rows, verdict, record.nowMs);
  }
  finishRun(rows.runs, { runId, record, tally });
  return { runId, ...tally };
}

interface Order {
  readonly verdict: Verdict;
  readonly runId: number;
  readonly record: DetectionRunRecord;
  readonly tally: Tally;
}

/** The CLI shares the ledger: what an operator did after the history was read goes before the verdict. */
function carryOut(rows: LedgerRows, order: Order): void {
  const { verdict, tally } = order;
  if (verdict.action === 'monitor') return;
  if (isOvertaken(rows, order)) tally.overtaken.push(verdict.sourceIp);
  else if (verdict.action === 'review') queueForReview(rows, order);
  else if (verdict.action === 'extend') extendBlock(rows, verdict.coveringBlock ?? verdict.sourceIp, order);
  else if (rows.blocks.activeOn(verdict.sourceIp) !== null) extendBlock(rows, verdict.sourceIp, order);
  else addBlock(rows, order);
}

function isOvertaken({ blocks, reviews }: LedgerRows, { verdict, record }: Order): boolean {
  const { sourceIp, action, detection } = verdict;
  if (action === 'extend') return blocks.activeOn(verdict.coveringBlock ?? sourceIp) === null;
  if (reviews.hasStandingRejection(sourceIp, record.nowMs)) return true;
  if (action === 'review' && blocks.activeOn(sourceIp) !== null) return true;
  const settledUntilMs = Math.max(
    blocks.settledUntil(sourceIp) ?? Number.NEGATIVE_INFINITY,
    reviews.settledUntil(sourceIp) ?? Number.NEGATIVE_INFINITY,
  );
  return detection.lastSeenMs <= settledUntilMs;
}

function addBlock({ blocks, reviews }: LedgerRows, { verdict, record, runId, tally }: Order): void {
  const { anomalyType, riskScore, detector, modelVersion } = verdict.detection;
  const { nowMs } = record;
  const block = blocks.add(
    {
      address: verdict.sourceIp,
      origin: 'auto',
      reason: verdict.explanation,
      anomalyType,
      riskScore,
      detector,
      modelVersion,
      createdBy: null,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + record.blockSeconds * 1000,
    },
    runId,
  );
  reviews.supersede({ address: block.address, note: `blocked automatically (block ${block.id})`, nowMs });
  tally.blocksAdded.push(block);
}

/** From the evidence on, not from now on: reading the same lines again must not move the expiry. */
function extendBlock(
  { blocks, outbox }: LedgerRows,
  address: string,
  { verdict, record, runId, tally }: Order,
): void {
  const { nowMs } = record;
  const evidenceUntilMs = latestEvidence(verdict, nowMs);
  const expiresAtMs = Math.floor(evidenceUntilMs + record.blockSeconds * 1000);
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
    address: verdict.sourceIp,
    detection: verdict.detection,
    explanation: verdict.explanation,
    evidenceUntilMs,
    expiresAtMs: Math.floor(record.nowMs + record.reviewSeconds * 1000),
    nowMs: record.nowMs,
  };
  if (reviews.pendingOn(verdict.sourceIp) === null) tally.reviewsAdded.push(reviews.add(sighting));
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

function queueDetections({ outbox, reviews }: LedgerRows, verdict: Verdict, nowMs: number): void {
  const isFalsePositive =
    verdict.cause === 'rejected_before' || reviews.hasStandingRejection(verdict.sourceIp, nowMs);
  for (const detection of verdict.detections) {
    outbox.putDetection({ detection, detectedAtMs: nowMs, isFalsePositive });
  }
}

function finishRun(
  runs: RunRows,
  { runId, record, tally }: { runId: number; record: DetectionRunRecord; tally: Tally },
): void {
  const { runId: _, startedAtMs: __, finishedAtMs, ...facts } = record.run;
  const { verdicts } = record;
  const details = {
    ...facts,
    sources: verdicts.length,
    detections: verdicts.reduce((sum, verdict) => sum + verdict.detections.length, 0),
    blocksAdded: tally.blocksAdded.length,
    blocksExtended: tally.blocksExtended.length,
    reviewsAdded: tally.reviewsAdded.length,
    reviewsUpdated: tally.reviewsUpdated,
    overtaken: tally.overtaken,
  };
  runs.finish({ id: runId, status: 'ok', details, nowMs: finishedAtMs });
}
