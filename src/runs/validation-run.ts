import type { TierThresholds } from '../detector/detection.ts';
import type { Detector } from '../detector/detector.ts';
import { createHybridDetector } from '../detector/hybrid-detector.ts';
import { createLegacyDetector } from '../detector/legacy-detector.ts';
import { type TrainingInput, trainModel } from '../detector/train-model.ts';
import type { ModelMetadata, TrainedModel } from '../detector/trained-model.ts';
import {
  CICIDS_INTERNAL_NETWORKS,
  CICIDS_TEST_DAYS,
  CICIDS_TRAINING_DAY,
  type CicidsDay,
} from '../evaluation/cicids2017-week.ts';
import { createEntitySample } from '../evaluation/entity-sample.ts';
import { createTruthCollector, type EntityTruth, entityKey } from '../evaluation/entity-truth.ts';
import {
  type AttackShare,
  type CriterionResult,
  type JudgedDay,
  judgeCriteria,
  type Outcome,
  outcomeOf,
  sharesByAttack,
  sumOutcomes,
} from '../evaluation/validation-outcome.ts';
import type { LogRecord } from '../features/log-record.ts';
import { createTrafficAccumulator, longWindowOf, type TrafficWindows } from '../features/traffic-windows.ts';
import { membershipTest } from '../ip/network-set.ts';

const MS_PER_MINUTE = 60_000;

/** What became of the lines of one file. */
interface FileReading {
  readonly file: string;
  readonly flows: number;
  readonly emptyLines: number;
  readonly badLineCount: number;
  readonly badLines: readonly { readonly line: number; readonly reason: string }[];
}

/** Gives the flows of one day in order of time, with the name of the attack they belong to. */
interface LabelledDays {
  readDay(order: {
    readonly day: CicidsDay;
    readonly keep: (record: Pick<LogRecord, 'sourceIp' | 'timestampMs'>) => boolean;
    readonly visit: (record: LogRecord, attack: string | null) => void;
    readonly onBytes: (bytes: number) => void;
    readonly signal: AbortSignal;
  }): Promise<readonly FileReading[]>;
}

export interface ValidationParts {
  readonly dataset: LabelledDays;
  /** Share of the hours of each source looked at, training and test alike, 0-1. */
  readonly sample: number;
  /** Those of `autoblock train`. */
  readonly settings: TrainingInput['settings'];
  readonly thresholds: TierThresholds;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  /** Bytes read since the last call, and what is being done. */
  readonly onProgress: (done: { readonly step: string; readonly bytes: number }) => void;
}

export interface ValidationResult {
  readonly windowMinutes: number;
  readonly seed: number;
  readonly sample: number;
  readonly thresholds: TierThresholds;
  readonly internalNetworks: readonly string[];
  readonly files: readonly FileReading[];
  readonly training: {
    readonly day: CicidsDay;
    readonly records: number;
    readonly entities: number;
    readonly excludedEntities: number;
    readonly exclusions: ModelMetadata['counts']['exclusions'];
    readonly groups: ModelMetadata['groups'];
  };
  readonly days: readonly JudgedDay[];
  readonly total: { readonly hybrid: Outcome; readonly legacy: Outcome };
  readonly byAttack: readonly AttackShare[];
  /** Of the hybrid detector over all days. */
  readonly criteria: readonly CriterionResult[];
  readonly passed: boolean;
  readonly durationMs: number;
}

/**
 * Trains on Monday as production does and judges the other days with both detectors. An entity is a source IP in a
 * window; it is an attack when at least half of its flows are, and flagged when its tier is medium or high. One day is
 * in memory at a time.
 *
 * @throws AutoblockError TRAINING_DATA_TOO_SMALL, what the data set throws, and the signal's reason on abort
 */
export async function runValidation(parts: ValidationParts): Promise<ValidationResult> {
  const startedAtMs = parts.nowMs();
  const isInternal = membershipTest(CICIDS_INTERNAL_NETWORKS);
  const monday = await readDay(parts, CICIDS_TRAINING_DAY);
  parts.onProgress({ step: 'training', bytes: 0 });
  const model = fit(parts, { monday, isInternal, startedAtMs });
  const detectors = {
    hybrid: createHybridDetector({ model, thresholds: parts.thresholds, isInternal }),
    legacy: createLegacyDetector({ thresholds: parts.thresholds, isInternal }),
  };
  const files = [...monday.files];
  const judged: { day: CicidsDay; truth: EntityTruth; hybrid: Uint8Array; legacy: Uint8Array }[] = [];
  for (const day of CICIDS_TEST_DAYS) {
    const { traffic, truth, files: read } = await readDay(parts, day);
    parts.onProgress({ step: `judging ${day}`, bytes: 0 });
    const hybrid = flagEntities(detectors.hybrid, traffic);
    const legacy = flagEntities(detectors.legacy, traffic);
    judged.push({ day, truth, hybrid, legacy });
    files.push(...read);
  }
  const days = judged.map(({ day, truth, hybrid, legacy }) => ({
    day,
    hybrid: outcomeOf(truth.labels, hybrid),
    legacy: outcomeOf(truth.labels, legacy),
  }));
  const total = {
    hybrid: sumOutcomes(days.map((day) => day.hybrid)),
    legacy: sumOutcomes(days.map((day) => day.legacy)),
  };
  const criteria = judgeCriteria(total.hybrid);
  return {
    ...describeParts(parts),
    files,
    training: describeTraining(model),
    days,
    total,
    byAttack: sharesByAttack(judged),
    criteria,
    passed: criteria.every((criterion) => criterion.passed),
    durationMs: parts.nowMs() - startedAtMs,
  };
}

interface ReadDay {
  readonly traffic: TrafficWindows;
  readonly truth: EntityTruth;
  readonly records: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly files: readonly FileReading[];
}

async function readDay(parts: ValidationParts, day: CicidsDay): Promise<ReadDay> {
  const { dataset, settings, sample, signal, onProgress } = parts;
  const windowMs = settings.windowMinutes * MS_PER_MINUTE;
  const accumulator = createTrafficAccumulator({ windowMs });
  const truth = createTruthCollector(windowMs);
  let [fromMs, toMs] = [Infinity, -Infinity];
  const files = await dataset.readDay({
    day,
    keep: createEntitySample({ share: sample, blockMs: longWindowOf(windowMs), seed: settings.seed }),
    visit(record, attack) {
      accumulator.add(record);
      if (attack !== null) truth.note(record, attack);
      fromMs = Math.min(fromMs, record.timestampMs);
      toMs = Math.max(toMs, record.timestampMs);
    },
    onBytes: (bytes) => onProgress({ step: `reading ${day}`, bytes }),
    signal,
  });
  const records = accumulator.recordCount;
  const traffic = accumulator.finish();
  return { traffic, truth: truth.labelsOf(traffic.short), records, fromMs, toMs, files };
}

function fit(
  { settings }: ValidationParts,
  {
    monday,
    isInternal,
    startedAtMs,
  }: { monday: ReadDay; isInternal: (ip: string) => boolean; startedAtMs: number },
): TrainedModel {
  const timeText = (ms: number): string => (Number.isFinite(ms) ? new Date(ms).toISOString() : '');
  return trainModel({
    traffic: monday.traffic,
    isInternal,
    settings,
    info: {
      version: 'validation',
      createdAt: timeText(startedAtMs),
      source: 'flows',
      trainingWindow: { from: timeText(monday.fromMs), to: timeText(monday.toMs) },
      records: monday.records,
      internalNetworks: CICIDS_INTERNAL_NETWORKS,
    },
  });
}

/** 1 for each short entity that the detector puts into the medium or the high tier. */
function flagEntities(detector: Detector, traffic: TrafficWindows): Uint8Array {
  const flagged = new Set<string>();
  for (const { confidence, sourceIp, windowStartMs } of detector.detect(traffic))
    if (confidence !== 'low') flagged.add(entityKey(sourceIp, windowStartMs));
  const flags = Uint8Array.from(traffic.short.sourceIps, (sourceIp, entity) =>
    Number(flagged.delete(entityKey(sourceIp, traffic.short.windowStartMs[entity]!))),
  );
  if (flagged.size > 0)
    throw new Error(`${flagged.size} detections of no entity, for example ${[...flagged][0]}`);
  return flags;
}

function describeParts({
  settings,
  sample,
  thresholds,
}: ValidationParts): Pick<
  ValidationResult,
  'windowMinutes' | 'seed' | 'sample' | 'thresholds' | 'internalNetworks'
> {
  return {
    windowMinutes: settings.windowMinutes,
    seed: settings.seed,
    sample,
    thresholds,
    internalNetworks: CICIDS_INTERNAL_NETWORKS,
  };
}

function describeTraining({ metadata }: TrainedModel): ValidationResult['training'] {
  const { records, entities, excludedEntities, exclusions } = metadata.counts;
  return {
    day: CICIDS_TRAINING_DAY,
    records,
    entities,
    excludedEntities,
    exclusions,
    groups: metadata.groups,
  };
}
