import type { Config } from '../config/load-config.ts';
import type { Detector } from '../detector/detector.ts';
import { createHybridDetector } from '../detector/hybrid-detector.ts';
import { createLegacyDetector } from '../detector/legacy-detector.ts';
import { decodeModel } from '../detector/model-files.ts';
import type { TrainedModel } from '../detector/trained-model.ts';
import { AutoblockError, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { ModelRegistry } from '../storage/model-registry.ts';

/** The detector every run asks for anew, so a new model takes effect between two runs and never inside one. */
export interface DetectorInUse {
  current(): Detector;
  /** Looks at `latest` on disk; swaps when it changed, keeps the present detector when the new one is unusable. */
  refresh(): void;
  /** The same, also when nothing seems to have changed. */
  reload(): void;
}

export function createDetectorInUse(parts: {
  config: Config;
  registry: ModelRegistry;
  isInternal: (ip: string) => boolean;
  logger: Logger;
}): DetectorInUse {
  const { config, registry, isInternal, logger } = parts;
  const thresholds = { highRisk: config.confidenceHigh, mediumRisk: config.confidenceMedium };
  const legacy = createLegacyDetector({ thresholds, isInternal });
  let detector: Detector = legacy;
  let seen: string | null | undefined;

  function load(): void {
    if (!config.useHybridDetector) {
      logger.info(
        { detector: 'legacy', modelVersion: null, reason: 'USE_HYBRID_DETECTOR=false' },
        'detector in use',
      );
      return;
    }
    try {
      const latest = readUsableModel({ config, registry });
      if (latest === null) {
        detector = legacy;
        logger.warn(
          { code: 'MODEL_MISSING', detector: 'legacy', model: 'none', command: 'autoblock train' },
          'no model yet: the legacy detector judges until `autoblock train` has made one',
        );
      } else {
        const { model } = latest;
        detector = createHybridDetector({ model, thresholds, isInternal });
        logger.info(
          {
            modelVersion: latest.version,
            trainedAt: model.metadata.createdAt,
            groups: model.metadata.groups,
          },
          'models loaded',
        );
      }
    } catch (thrown) {
      logger.error(
        {
          code: thrown instanceof AutoblockError ? thrown.code : 'MODEL_INVALID',
          err: thrown,
          keptDetector: detector.name,
          keptModelVersion: detector.modelVersion,
        },
        'model on disk not usable: the present detector stays',
      );
    }
    logger.info({ detector: detector.name, modelVersion: detector.modelVersion }, 'detector in use');
  }

  function refresh(): void {
    const latest = config.useHybridDetector ? latestOnDisk(registry) : null;
    if (latest === seen) return;
    seen = latest;
    load();
  }

  return {
    current: () => detector,
    refresh,
    reload() {
      seen = undefined;
      refresh();
    },
  };
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
