import type { Block, LedgerHistory, ReviewItem } from '../decisions/block.ts';
import type { BlockPolicy } from '../decisions/block-policy.ts';
import { decide } from '../decisions/decide.ts';
import type { Protection } from '../decisions/protected-networks.ts';
import type { Verdict } from '../decisions/verdict.ts';
import type { ConfidenceTier, Detection, DetectorName } from '../detector/detection.ts';
import type { Detector } from '../detector/detector.ts';
import type { LogRecord } from '../features/log-record.ts';
import { createTrafficAccumulator } from '../features/traffic-windows.ts';
import type { Logger } from '../logger.ts';
import { type AlertLedger, raiseDetectionAlerts } from './detection-alerts.ts';
import {
  countTiers,
  runShadow,
  type Shadow,
  type ShadowFigures,
  type ShadowLedger,
  type ShadowParts,
} from './shadow-judgement.ts';

const MS_PER_HOUR = 3_600_000;
const MS_PER_MINUTE = 60_000;

/** Where log records come from, newest first. */
export interface LogReader {
  read(query: {
    fromMs: number;
    toMs: number;
    maxRecords: number;
    onRecord: (record: LogRecord) => void;
  }): Promise<LogReadSummary>;
}

interface LogReadSummary {
  readonly records: number;
  /** True when older records of the asked period were left out because of `maxRecords`. */
  readonly truncated: boolean;
  readonly oldestMs: number | null;
  /** Rows that could not be read as a log record, by reason. */
  readonly skipped: Readonly<Partial<Record<string, number>>>;
}

interface DetectionLedger extends ShadowLedger, AlertLedger {
  history(nowMs: number): LedgerHistory;
  expireDue(nowMs: number): { readonly blocksReopened: number; readonly reviewsReopened: number };
  recordDetectionRun(record: DetectionRunRecord): {
    runId: number;
    blocksAdded: readonly Block[];
    blocksExtended: readonly Block[];
    reviewsAdded: readonly ReviewItem[];
    reviewsUpdated: number;
    /** Targets an operator decided about between the verdict and its recording; nothing was done about them. */
    overtaken: readonly string[];
  };
}

interface DetectionRunRecord {
  readonly run: {
    readonly runId?: number;
    readonly startedAtMs: number;
    readonly finishedAtMs: number;
    readonly detector: DetectorName;
    readonly modelVersion: string | null;
    /** The shadow asked for, whether it judges or not; absent when there is none. */
    readonly shadowDetector?: DetectorName;
    readonly recordsRead: number;
    readonly truncated: boolean;
    readonly entities: number;
    readonly windowFromMs: number;
    readonly windowToMs: number;
  };
  readonly verdicts: readonly Verdict[];
  readonly reviewSeconds: number;
  readonly nowMs: number;
}

export interface DetectionSettings {
  readonly hoursBack: number;
  readonly windowMinutes: number;
  readonly maxRecords: number;
  readonly policy: BlockPolicy;
  readonly reviewSeconds: number;
  /** Compute and report, write nothing anywhere. */
  readonly dryRun: boolean;
}

export interface DetectionRunParts {
  /** Row of the run in the ledger, when the caller has begun one. */
  readonly runId?: number;
  readonly logs: LogReader;
  readonly detector: Detector;
  /** Judges the same traffic once the active detection is recorded; never acted on. */
  readonly shadow?: Shadow;
  readonly ledger: DetectionLedger;
  readonly protection: Protection;
  readonly settings: DetectionSettings;
  readonly logger: Logger;
  /** The clock; durations and the ledger's time come from it. */
  readonly nowMs: () => number;
  /** End of the period looked at; the clock's now in the daemon. */
  readonly asOfMs: number;
}

export interface DetectionRunResult {
  readonly runId: number | null;
  readonly detector: DetectorName;
  readonly modelVersion: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly records: number;
  readonly truncated: boolean;
  readonly entities: number;
  readonly tiers: Readonly<Record<ConfidenceTier, number>>;
  readonly detections: readonly Detection[];
  readonly verdicts: readonly Verdict[];
  /** Null when no shadow was asked for. */
  readonly shadow: ShadowFigures | null;
  readonly blocksAdded: number;
  readonly blocksExtended: number;
  readonly reviewsAdded: number;
  readonly durationMs: number;
}

/**
 * One detection run: read the last hours, fold them into features, judge, decide, and write everything that belongs
 * together into the ledger in one transaction. Routers and PostgreSQL get it from there, so nothing is lost when
 * either is away or the process dies here.
 */
export async function runDetection(parts: DetectionRunParts): Promise<DetectionRunResult> {
  const startedAtMs = parts.nowMs();
  const period = detectionPeriod(parts.asOfMs, parts.settings);
  const accumulator = createTrafficAccumulator({
    windowMs: parts.settings.windowMinutes * MS_PER_MINUTE,
    longEndsAtMs: parts.asOfMs,
  });
  const read = await parts.logs.read({
    ...period,
    maxRecords: parts.settings.maxRecords,
    onRecord: (record) => accumulator.add(record),
  });
  warnAboutGaps(parts, read);

  const traffic = accumulator.finish();
  const detections = parts.detector.detect(traffic);
  const nowMs = parts.nowMs();
  if (!parts.settings.dryRun) expireDue(parts, nowMs);
  const verdicts = decide({
    detections,
    protection: parts.protection,
    history: parts.ledger.history(nowMs),
    policy: parts.settings.policy,
    nowMs,
  });

  const summary = {
    detector: parts.detector.name,
    modelVersion: parts.detector.modelVersion,
    records: read.records,
    truncated: read.truncated,
    entities: traffic.short.entityCount,
    tiers: countTiers(detections),
    detections,
    verdicts,
    ...period,
  };
  const outcome = parts.settings.dryRun
    ? nothingRecorded(verdicts)
    : record(parts, { startedAtMs, nowMs, summary });
  const shadow = inShadow(parts, { traffic, runId: outcome.runId, nowMs });
  const result = { ...summary, ...outcome, shadow, durationMs: parts.nowMs() - startedAtMs };
  const { ledger, logger, settings } = parts;
  raiseDetectionAlerts({ verdicts, ledger, logger, nowMs, dryRun: settings.dryRun });
  logger.info({ ...runFigures(result), dryRun: settings.dryRun }, 'detection run finished');
  return result;
}

/** After the recording: a shadow that throws or takes its time holds back no block. */
function inShadow(
  { shadow, ledger, logger }: DetectionRunParts,
  run: Pick<ShadowParts, 'traffic' | 'runId' | 'nowMs'>,
): ShadowFigures | null {
  return shadow === undefined ? null : runShadow({ ...run, shadow, ledger, logger });
}

/** Said aloud: blocks that ended and stand again are nothing an operator would guess. */
function expireDue({ ledger, logger }: DetectionRunParts, nowMs: number): void {
  const { blocksReopened, reviewsReopened } = ledger.expireDue(nowMs);
  if (blocksReopened + reviewsReopened === 0) return;
  logger.warn(
    { code: 'CLOCK_SET_BACK', blocksReopened, reviewsReopened },
    'the clock was ahead and had ended blocks or reviews too early: they stand again',
  );
}

type Summary = Omit<
  DetectionRunResult,
  'runId' | 'shadow' | 'blocksAdded' | 'blocksExtended' | 'reviewsAdded' | 'durationMs'
>;

/** Whole windows back from `asOfMs`: the oldest one is never cut in half. */
function detectionPeriod(asOfMs: number, settings: DetectionSettings): { fromMs: number; toMs: number } {
  const windowMs = settings.windowMinutes * MS_PER_MINUTE;
  const from = asOfMs - settings.hoursBack * MS_PER_HOUR;
  return { fromMs: Math.floor(from / windowMs) * windowMs, toMs: asOfMs };
}

function warnAboutGaps({ logger, settings }: DetectionRunParts, read: LogReadSummary): void {
  if (read.truncated) {
    logger.warn(
      {
        code: 'LOGS_TRUNCATED',
        maxRecords: settings.maxRecords,
        oldestRead: read.oldestMs === null ? null : new Date(read.oldestMs).toISOString(),
      },
      'log records left out: more than MAX_RECORDS in the period, the newest were read',
    );
  }
  const skippedRows = Object.values(read.skipped).reduce<number>((sum, count) => sum + (count ?? 0), 0);
  if (skippedRows > 0) {
    logger.warn(
      { code: 'LOGS_UNREADABLE', skippedRows, reasons: read.skipped },
      'log rows skipped: unreadable',
    );
  }
}

function record(
  parts: DetectionRunParts,
  { startedAtMs, nowMs, summary }: { startedAtMs: number; nowMs: number; summary: Summary },
): Pick<DetectionRunResult, 'runId' | 'blocksAdded' | 'blocksExtended' | 'reviewsAdded'> {
  const recorded = parts.ledger.recordDetectionRun({
    run: {
      ...(parts.runId === undefined ? {} : { runId: parts.runId }),
      startedAtMs,
      finishedAtMs: nowMs,
      detector: summary.detector,
      modelVersion: summary.modelVersion,
      ...(parts.shadow === undefined ? {} : { shadowDetector: parts.shadow.name }),
      recordsRead: summary.records,
      truncated: summary.truncated,
      entities: summary.entities,
      windowFromMs: summary.fromMs,
      windowToMs: summary.toMs,
    },
    verdicts: summary.verdicts,
    reviewSeconds: parts.settings.reviewSeconds,
    nowMs,
  });
  for (const block of recorded.blocksAdded) {
    parts.logger.info(
      {
        address: block.address,
        risk: block.riskScore,
        offence: block.offence,
        seconds: Math.round((block.expiresAtMs - block.createdAtMs) / 1000),
        reason: block.reason,
      },
      'block decided',
    );
  }
  for (const address of recorded.overtaken) {
    parts.logger.info({ address }, 'verdict not carried out: an operator decided meanwhile');
  }
  return {
    runId: recorded.runId,
    blocksAdded: recorded.blocksAdded.length,
    blocksExtended: recorded.blocksExtended.length,
    reviewsAdded: recorded.reviewsAdded.length,
  };
}

/** What a dry run would have done, as far as it can be known without writing. */
function nothingRecorded(
  verdicts: readonly Verdict[],
): Pick<DetectionRunResult, 'runId' | 'blocksAdded' | 'blocksExtended' | 'reviewsAdded'> {
  const count = (action: Verdict['action']): number =>
    verdicts.filter((verdict) => verdict.action === action).length;
  return {
    runId: null,
    blocksAdded: count('block'),
    blocksExtended: count('extend'),
    reviewsAdded: count('review'),
  };
}

/** The figures of a run without its lists: for the log line and the run history. */
export function runFigures(
  result: DetectionRunResult,
): Omit<DetectionRunResult, 'detections' | 'verdicts'> & { sources: number } {
  const { detections: _detections, verdicts, ...figures } = result;
  const sources = new Set(verdicts.flatMap((verdict) => verdict.detections.map(({ sourceIp }) => sourceIp)));
  return { ...figures, sources: sources.size };
}
