import type { Config } from '../config/load-config.ts';
import type { TierThresholds } from '../detector/detection.ts';
import type { Detector } from '../detector/detector.ts';
import { createHybridDetector } from '../detector/hybrid-detector.ts';
import { createLegacyDetector } from '../detector/legacy-detector.ts';
import { decodeModel } from '../detector/model-files.ts';
import type { TrainedModel } from '../detector/trained-model.ts';
import { AutoblockError, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Shadow, ShadowProblem } from '../runs/shadow-judgement.ts';
import type { ModelRegistry } from '../storage/model-registry.ts';

/** The detectors every run asks for anew, so a new model takes effect between two runs and never inside one. */
export interface DetectorInUse {
  /** The active one: its detections are acted on. */
  current(): Detector;
  /** The other one, which judges beside it; undefined while SHADOW_DETECTOR is none. */
  shadow(): Shadow | undefined;
  /** Of the model that is loaded, be it for the active detector or for the shadow; null without one. */
  modelVersion(): string | null;
  /**
   * Looks at `latest` on disk; swaps when it changed, keeps the present model when the new one is unusable. An unusable
   * one is tried again each time, for what was wrong may be put right under the same version, but told once.
   */
  refresh(): void;
  /** The same, also when nothing seems to have changed. */
  reload(): void;
}

/** True when either detector works with a trained model: then it is loaded, reloaded and retrained. */
export function needsModel(config: Pick<Config, 'useHybridDetector' | 'shadowDetector'>): boolean {
  return config.useHybridDetector || config.shadowDetector === 'hybrid';
}

/** The hybrid detector, or why there is none. */
type Hybrid = { readonly detector: Detector } | { readonly problem: ShadowProblem };

export function createDetectorInUse(parts: DetectorParts): DetectorInUse {
  const { config, registry, isInternal, logger } = parts;
  const legacy = createLegacyDetector({ thresholds: thresholdsOf(config), isInternal });
  let hybrid: Hybrid = { problem: { code: 'MODEL_MISSING', message: 'no model is loaded' } };
  let failure: string | null = null;
  let seen: string | null | undefined;

  const current = (): Detector =>
    config.useHybridDetector && 'detector' in hybrid ? hybrid.detector : legacy;

  function shadow(): Shadow | undefined {
    if (config.shadowDetector === 'hybrid') return { name: 'hybrid', ...hybrid };
    if (config.shadowDetector !== 'legacy') return undefined;
    // Without a model the active detector is the legacy one itself: beside itself it would only agree.
    return 'detector' in hybrid ? { name: 'legacy', detector: legacy } : { name: 'legacy', ...hybrid };
  }

  function load(): void {
    const told = failure;
    if (needsModel(config))
      ({ hybrid, failure } = loadHybrid({ ...parts, present: hybrid, active: current(), told }));
    if (failure !== null && failure === told) return;
    const { name, modelVersion } = current();
    const reason = config.useHybridDetector ? {} : { reason: 'USE_HYBRID_DETECTOR=false' };
    const beside = config.shadowDetector === 'none' ? {} : { shadow: config.shadowDetector };
    logger.info({ detector: name, modelVersion, ...reason, ...beside }, 'detector in use');
  }

  function refresh(): void {
    const latest = needsModel(config) ? latestOnDisk(registry) : null;
    if (latest === seen && failure === null) return;
    seen = latest;
    load();
  }

  return {
    current,
    shadow,
    modelVersion: () => modelVersionOf(hybrid),
    refresh,
    reload() {
      seen = undefined;
      failure = null;
      refresh();
    },
  };
}

interface DetectorParts {
  readonly config: Config;
  readonly registry: ModelRegistry;
  readonly isInternal: (ip: string) => boolean;
  readonly logger: Logger;
}

/** The latest model as a detector; an unusable one leaves the present detector, a missing one leaves none. */
function loadHybrid(parts: DetectorParts & { present: Hybrid; active: Detector; told: string | null }): {
  hybrid: Hybrid;
  /** What made the one on disk unusable; null when nothing did. */
  failure: string | null;
} {
  const { config, isInternal, logger, present, active, told } = parts;
  try {
    const latest = readUsableModel(parts);
    if (latest === null) return { hybrid: noModelYet(parts), failure: null };
    const { version, model } = latest;
    const { createdAt: trainedAt, groups } = model.metadata;
    const detector = createHybridDetector({ model, thresholds: thresholdsOf(config), isInternal });
    logger.info({ modelVersion: version, trainedAt, groups }, 'models loaded');
    return { hybrid: { detector }, failure: null };
  } catch (thrown) {
    const code = thrown instanceof AutoblockError ? thrown.code : 'MODEL_INVALID';
    const message = messageOf(thrown);
    if (message !== told) {
      logger.error(
        { code, err: thrown, keptDetector: active.name, keptModelVersion: modelVersionOf(present) },
        'model on disk not usable: the present detector stays',
      );
    }
    return { hybrid: 'detector' in present ? present : { problem: { code, message } }, failure: message };
  }
}

function noModelYet({ config, logger }: DetectorParts): Hybrid {
  const code = 'MODEL_MISSING';
  const command = 'autoblock train';
  const fields = { code, detector: 'legacy', model: 'none', command };
  if (config.useHybridDetector)
    logger.warn(fields, 'no model yet: the legacy detector judges until `autoblock train` has made one');
  else
    logger.warn(fields, 'no model yet: the shadow detector is missing until `autoblock train` has made one');
  return { problem: { code, message: 'no model was trained yet' } };
}

function modelVersionOf(hybrid: Hybrid): string | null {
  return 'detector' in hybrid ? hybrid.detector.modelVersion : null;
}

function thresholdsOf(config: Config): TierThresholds {
  return { highRisk: config.confidenceHigh, mediumRisk: config.confidenceMedium };
}

/** A folder that cannot be read (rights, a broken disk) is told once by `load`; it must not end detection. */
function latestOnDisk(registry: ModelRegistry): string | null {
  try {
    return registry.latestVersion();
  } catch (thrown) {
    return `unreadable: ${messageOf(thrown)}`;
  }
}

/**
 * The latest model, proven to be one that can judge with these settings; null when none was trained yet.
 * @throws AutoblockError MODEL_INVALID
 */
export function readUsableModel({
  config,
  registry,
}: {
  config: Config;
  registry: ModelRegistry;
}): { version: string; model: TrainedModel } | null {
  const stored = registry.readLatest();
  if (stored === null) return null;
  const model = decodeModel(stored.files, stored.metadata);
  const { windowMinutes } = model.metadata;
  if (windowMinutes !== config.windowMinutes) {
    throw new AutoblockError(
      'MODEL_INVALID',
      `model ${stored.version} was trained on ${windowMinutes}-minute windows, WINDOW_MINUTES is ${config.windowMinutes}`,
    );
  }
  return { version: stored.version, model };
}
