import type { TierThresholds } from '../detector/detection.ts';
import { checkCandidate } from '../detector/model-check.ts';
import { decodeModel, encodeModel } from '../detector/model-files.ts';
import { trainModel } from '../detector/train-model.ts';
import type { ModelFiles, ModelMetadata, TrainedModel } from '../detector/trained-model.ts';
import type { Verdicts } from '../detector/verdicts.ts';
import {
  type OperatorVerdict,
  type VerdictsOnTraffic,
  verdictsOnTraffic,
} from '../detector/verdicts-on-traffic.ts';
import { AutoblockError } from '../errors.ts';
import { runSelfTest } from '../evaluation/self-test.ts';
import type { LogRecord } from '../features/log-record.ts';
import { createTrafficAccumulator, type TrafficWindows } from '../features/traffic-windows.ts';
import type { Logger } from '../logger.ts';

const MS_PER_MINUTE = 60_000;

/** A fifth of what `autoblock selftest` takes: enough to see that the machinery works, in a fifth of the time. */
const SELF_TEST_SAMPLES = 2000;
const HIGHEST_RISK = 100;

/** Feeds every training record to `onRecord` and says what period they cover. */
export interface TrainingSource {
  readonly kind: 'database' | 'flows';
  read(onRecord: (record: LogRecord) => void): Promise<{
    readonly records: number;
    readonly truncated: boolean;
    readonly fromMs: number;
    readonly toMs: number;
    /** Rows or lines that could not be read as a log record, by reason. */
    readonly skipped: Readonly<Partial<Record<string, number>>>;
  }>;
}

interface ModelStore {
  save(model: { files: ModelFiles; metadata: ModelMetadata }): string;
  read(version: string): { files: ModelFiles; metadata: unknown };
  promote(version: string): void;
  markRejected(version: string, reasons: readonly string[]): void;
}

interface TrainingSettings {
  readonly contamination: number;
  readonly nEstimators: number;
  readonly sampleSize: number;
  readonly chi2TopK: number;
  readonly windowMinutes: number;
  readonly seed: number;
}

export interface TrainingParts {
  readonly source: TrainingSource;
  readonly models: ModelStore;
  /** Sources the ledger knows as bad: they never teach the model what is normal. */
  readonly excludedSources: Pick<ReadonlySet<string>, 'has'>;
  /** What operators said of addresses: the labels the model learns from, and its high tier is held against. */
  readonly verdicts: readonly OperatorVerdict[];
  readonly isInternal: (ip: string) => boolean;
  readonly internalNetworks: readonly string[];
  readonly settings: TrainingSettings;
  readonly thresholds: TierThresholds;
  readonly logger: Logger;
  readonly nowMs: () => number;
  readonly onProgress?: (done: { step: string; share: number }) => void;
}

export interface TrainingResult {
  readonly version: string;
  readonly metadata: ModelMetadata;
  readonly flagRate: number;
  readonly records: number;
  readonly truncated: boolean;
  /** Operator verdicts the ledger held, those that were about some of the traffic, and the windows these label. */
  readonly verdicts: { readonly given: number } & Omit<VerdictsOnTraffic, 'verdicts'>;
  readonly durationMs: number;
}

/**
 * One training: read traffic, fit a candidate, save it, load it back from disk, check what was loaded, and only then
 * make it `latest`. A candidate that fails stays on disk under its version, marked with the reasons, and the model in
 * use stays in place (MODEL_REJECTED).
 */
export async function runTraining(parts: TrainingParts): Promise<TrainingResult> {
  const startedAtMs = parts.nowMs();
  const accumulator = createTrafficAccumulator({ windowMs: parts.settings.windowMinutes * MS_PER_MINUTE });
  parts.onProgress?.({ step: 'reading traffic', share: 0 });
  const read = await parts.source.read((record) => accumulator.add(record));
  if (read.truncated) {
    parts.logger.warn(
      { code: 'LOGS_TRUNCATED', records: read.records, oldestRead: new Date(read.fromMs).toISOString() },
      'training traffic truncated: the newest records were used',
    );
  }
  warnAboutSkipped(parts.logger, read.skipped);
  const traffic = accumulator.finish();
  const { verdicts: labels, ...told } = verdictsOnTraffic({
    words: parts.verdicts,
    traffic,
    isInternal: parts.isInternal,
  });
  const verdicts = { given: parts.verdicts.length, ...told };

  const { files, metadata } = encodeModel(fit(parts, { traffic, labels, read, startedAtMs }));
  const version = parts.models.save({ files, metadata });
  const stored = parts.models.read(version);
  const candidate = decodeModel(stored.files, stored.metadata);
  const flagRate = accept(parts, { candidate, version, traffic });

  parts.models.promote(version);
  const durationMs = parts.nowMs() - startedAtMs;
  parts.logger.info(
    {
      modelVersion: version,
      entities: metadata.counts.entities,
      excludedEntities: metadata.counts.excludedEntities,
      records: read.records,
      flagRate,
      verdicts,
      groups: metadata.groups,
      durationMs,
    },
    'model trained and promoted',
  );
  warnAboutHighTier(parts, metadata);
  const { records, truncated } = read;
  return { version, metadata, flagRate, records, truncated, verdicts, durationMs };
}

/** Fewer blocks than the operator expects need an explanation: the high tier did not keep what it promises. */
function warnAboutHighTier({ logger, thresholds }: TrainingParts, { version, groups }: ModelMetadata): void {
  for (const [group, { leastHighRisk, reliability }] of Object.entries(groups)) {
    if (leastHighRisk <= thresholds.highRisk) continue;
    logger.warn(
      { code: 'HIGH_TIER_TIGHTENED', modelVersion: version, group, leastHighRisk, reliability },
      leastHighRisk > HIGHEST_RISK
        ? 'high tier closed: at no risk were 95 % of what operators reviewed attacks'
        : 'high tier tightened until 95 % of what operators reviewed in it were attacks',
    );
  }
}

/** Before the fitting: where hardly anything could be read, "too little data" alone would hide why. */
function warnAboutSkipped(logger: Logger, skipped: Readonly<Partial<Record<string, number>>>): void {
  const skippedRows = Object.values(skipped).reduce<number>((sum, count) => sum + (count ?? 0), 0);
  if (skippedRows === 0) return;
  logger.warn(
    { code: 'LOGS_UNREADABLE', skippedRows, reasons: skipped },
    'training traffic skipped: unreadable',
  );
}

function fit(
  parts: TrainingParts,
  {
    traffic,
    labels,
    read,
    startedAtMs,
  }: {
    traffic: TrafficWindows;
    labels: Verdicts | null;
    read: { records: number; fromMs: number; toMs: number };
    startedAtMs: number;
  },
): TrainedModel {
  const createdAt = new Date(startedAtMs).toISOString();
  return trainModel({
    traffic,
    isInternal: parts.isInternal,
    excludedSources: parts.excludedSources,
    verdicts: labels,
    settings: parts.settings,
    thresholds: parts.thresholds,
    info: {
      version: versionFrom(createdAt),
      createdAt,
      source: parts.source.kind,
      trainingWindow: { from: new Date(read.fromMs).toISOString(), to: new Date(read.toMs).toISOString() },
      records: read.records,
      internalNetworks: parts.internalNetworks,
    },
    onProgress: (share) => parts.onProgress?.({ step: 'fitting', share }),
  });
}

/** `2026-11-22T03:00:00.123Z` → `20261122T030000123Z`: sorts by time, fine as a directory name. */
function versionFrom(createdAt: string): string {
  return createdAt.replaceAll(/[-:.]/g, '');
}

function accept(
  parts: TrainingParts,
  { candidate, version, traffic }: { candidate: TrainedModel; version: string; traffic: TrafficWindows },
): number {
  parts.onProgress?.({ step: 'checking the candidate', share: 0.9 });
  const selfTest = runSelfTest({ seed: parts.settings.seed, samples: SELF_TEST_SAMPLES });
  const checked = checkCandidate({
    model: candidate,
    traffic,
    isInternal: parts.isInternal,
    excludedSources: parts.excludedSources,
    thresholds: parts.thresholds,
    contamination: parts.settings.contamination,
    selfTestPassed: selfTest.passed,
  });
  if (checked.ok) return checked.flagRate;
  parts.models.markRejected(version, checked.reasons);
  parts.logger.error(
    { code: 'MODEL_REJECTED', modelVersion: version, reasons: checked.reasons },
    'candidate model rejected: the model in use stays',
  );
  throw new AutoblockError('MODEL_REJECTED', `candidate ${version} failed: ${checked.reasons.join('; ')}`);
}
