import type { TierThresholds } from '../detector/detection.ts';
import type { Detector } from '../detector/detector.ts';
import { createHybridDetector } from '../detector/hybrid-detector.ts';
import { createLegacyDetector } from '../detector/legacy-detector.ts';
import { deriveSeed } from '../detector/random.ts';
import { type TrainingSettings, trainModel } from '../detector/train-model.ts';
import type { TrainedModel } from '../detector/trained-model.ts';
import type { Verdicts } from '../detector/verdicts.ts';
import { AutoblockError } from '../errors.ts';
import { selectTraffic, type TrafficWindows } from '../features/traffic-windows.ts';
import { entityKey } from './entity-truth.ts';
import type { LabelledSite } from './labelled-site.ts';
import { drawVerdicts, type Protocol, splitSite } from './protocol-split.ts';

export interface EvaluationSettings {
  readonly protocol: Protocol;
  /** Operator verdicts on entities it learns from; 0 but in `feedback`. */
  readonly verdicts: number;
  /** Those of production; the seed is that of the trial. */
  readonly training: TrainingSettings;
  readonly thresholds: TierThresholds;
  readonly isInternal: (ip: string) => boolean;
}

/** What a detector says of the test entities, in their order. */
export interface Judged {
  /** For ranks: higher is more suspicious. */
  readonly suspicion: Float64Array;
  /** 1 where the tier is medium or high, and where it is high. */
  readonly medium: Uint8Array;
  readonly high: Uint8Array;
}

/** One training and judging of a site. */
export interface Trial {
  readonly seed: number;
  /** Of the test entities. */
  readonly labels: Uint8Array;
  readonly attacks: readonly (string | null)[];
  readonly hybrid: Judged;
  readonly legacy: Judged;
  /** Entities offered to training. */
  readonly trainedOn: number;
  /** Why there is no model, so that hybrid fell back to the legacy rules as in production; null with a model. */
  readonly refused: string | null;
}

/**
 * Splits, trains and judges once, with the code of production: labels decide the split, stand for verdicts where the
 * protocol has some, and are what the result is held against; the detectors do not see them.
 */
export function runTrial(site: LabelledSite, settings: EvaluationSettings): Trial {
  const { protocol, training: trainingSettings, thresholds, isInternal } = settings;
  const { seed } = trainingSettings;
  const { training, test } = splitSite(site, { protocol, seed });
  const verdicts =
    settings.verdicts === 0 ? null : drawVerdicts({ site, training, count: settings.verdicts, seed });
  const { model, refused } = train(settings, { traffic: selectTraffic(site.traffic, training), verdicts });
  const traffic = selectTraffic(site.traffic, test);
  const legacy = createLegacyDetector({ thresholds, isInternal });
  const hybrid = model === null ? legacy : createHybridDetector({ model, thresholds, isInternal });
  return {
    seed,
    labels: Uint8Array.from(test, (entity) => site.truth.labels[entity]!),
    attacks: Array.from(test, (entity) => site.truth.attacks[entity]!),
    hybrid: judge(hybrid, traffic),
    legacy: judge(legacy, traffic),
    trainedOn: training.length,
    refused,
  };
}

function train(
  { training, isInternal, thresholds }: EvaluationSettings,
  { traffic, verdicts }: { traffic: TrafficWindows; verdicts: Verdicts | null },
): { readonly model: TrainedModel | null; readonly refused: string | null } {
  const settings = { ...training, seed: deriveSeed(training.seed, 'training') };
  const info = {
    version: 'evaluation',
    createdAt: '',
    source: 'flows',
    trainingWindow: { from: '', to: '' },
    records: traffic.short.logCount.reduce((sum, count) => sum + count, 0),
    internalNetworks: [],
  } as const;
  try {
    return {
      model: trainModel({ traffic, isInternal, verdicts, settings, thresholds, info }),
      refused: null,
    };
  } catch (thrown) {
    if (thrown instanceof AutoblockError && thrown.code === 'TRAINING_DATA_TOO_SMALL')
      return { model: null, refused: thrown.message };
    throw thrown;
  }
}

function judge(detector: Detector, traffic: TrafficWindows): Judged {
  const { short } = traffic;
  const tierOf = new Map(
    detector
      .detect(traffic)
      .map(({ sourceIp, windowStartMs, confidence }) => [entityKey(sourceIp, windowStartMs), confidence]),
  );
  const tiers = short.sourceIps.map((sourceIp, entity) =>
    tierOf.get(entityKey(sourceIp, short.windowStartMs[entity]!)),
  );
  return {
    suspicion: detector.suspicion(traffic),
    medium: Uint8Array.from(tiers, (tier) => Number(tier === 'medium' || tier === 'high')),
    high: Uint8Array.from(tiers, (tier) => Number(tier === 'high')),
  };
}
