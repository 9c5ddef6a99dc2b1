import type { Config } from '../config/load-config.ts';
import { DEFAULT_REVIEW_SECONDS } from '../decisions/block.ts';
import type { BlockPolicy } from '../decisions/block-policy.ts';
import { AutoblockError } from '../errors.ts';
import { readLogRecords } from '../log-source/log-reader.ts';
import { deliverDetections } from '../runs/detection-delivery.ts';
import type { DetectionRunResult } from '../runs/detection-run.ts';
import { runDetection } from '../runs/detection-run.ts';
import { deliverShadowDetections } from '../runs/shadow-delivery.ts';
import { createDetectionHistory, type DetectionHistory } from '../storage/detection-history.ts';
import type { DetectorInUse } from './detector-in-use.ts';
import type { Workplace } from './workplace.ts';

const STATEMENT_TIMEOUT_MS = 120_000;

/** What a shadow detector found is kept as long as the run history it is compared by. */
const KEEP_SHADOW_MS = 90 * 86_400_000;

/** Wires one detection run to the workplace. A lost database is forgotten, so that the next run looks anew. */
export async function detectOnce(
  workplace: Workplace,
  options: {
    /** Asked once, at the start: a model that comes meanwhile takes effect in the next run. */
    detectors: Pick<DetectorInUse, 'current' | 'shadow'>;
    asOfMs: number;
    dryRun: boolean;
    signal: AbortSignal;
    runId?: number;
  },
): Promise<DetectionRunResult> {
  const { config, logger, ledger, protection, nowMs } = workplace;
  const { detectors } = options;
  const [detector, shadow] = [detectors.current(), detectors.shadow()];
  return withDatabase(workplace, ({ pool, relation }) =>
    runDetection({
      ...(options.runId === undefined ? {} : { runId: options.runId }),
      logs: {
        read: (query) =>
          readLogRecords({
            pool,
            relation,
            ...query,
            statementTimeoutMs: STATEMENT_TIMEOUT_MS,
            signal: options.signal,
          }),
      },
      detector,
      ...(shadow === undefined ? {} : { shadow }),
      ledger,
      protection,
      settings: {
        hoursBack: config.hoursBack,
        windowMinutes: config.windowMinutes,
        maxRecords: config.maxRecords,
        policy: blockPolicy(config),
        reviewSeconds: DEFAULT_REVIEW_SECONDS,
        dryRun: options.dryRun,
      },
      logger,
      nowMs,
      asOfMs: options.asOfMs,
    }),
  );
}

/** Only routers that are written to have room that could run out. */
function blockPolicy(config: Config): BlockPolicy {
  const { autoBlock, maxBlocksPerRun, maxBlocksTotal, blockLadder, offenceDecayDays } = config;
  const { blockSeconds, blockIpv6Prefix, rollUpNeighbours } = config;
  return {
    ...{ autoBlock, maxBlocksPerRun, maxBlocksTotal, blockLadder, offenceDecayDays },
    ...{ blockSeconds, blockIpv6Prefix, rollUpNeighbours },
    routers: config.routers.filter((router) => !router.dryRun),
  };
}

/**
 * Carries decided detections and marks from the ledger to PostgreSQL, then what the shadow found; a fault of the latter
 * is told and does not count: its rows wait in the ledger.
 */
export async function deliverOnce(workplace: Workplace): Promise<void> {
  const { ledger, logger } = workplace;
  await withDatabase(workplace, ({ detections }) => deliverDetections({ ledger, table: detections, logger }));
  try {
    await deliverShadowOnce(workplace);
  } catch (thrown) {
    const code = thrown instanceof AutoblockError ? thrown.code : 'INTERNAL';
    logger.warn({ code, err: thrown }, 'shadow detections not delivered yet: the ledger keeps them');
  }
}

/** Carries what the shadow detector found to PostgreSQL; throws when that is not possible. */
export async function deliverShadowOnce(workplace: Workplace): Promise<void> {
  const { ledger, logger, nowMs } = workplace;
  const keepFromMs = nowMs() - KEEP_SHADOW_MS;
  await withDatabase(workplace, ({ shadowDetections: table }) =>
    deliverShadowDetections({ ledger, table, keepFromMs, logger }),
  );
}

/** Lets `read` ask what both tables of detections hold. */
export function readDetectionHistory<T>(
  workplace: Workplace,
  read: (history: DetectionHistory) => Promise<T>,
): Promise<T> {
  return withDatabase(workplace, ({ pool }) =>
    read(createDetectionHistory(pool, workplace.config.hoursBack)),
  );
}

type ReadyDatabase = Awaited<ReturnType<Workplace['database']['ready']>>;

async function withDatabase<T>(workplace: Workplace, use: (ready: ReadyDatabase) => Promise<T>): Promise<T> {
  const ready = await workplace.database.ready();
  try {
    return await use(ready);
  } catch (thrown) {
    if (thrown instanceof AutoblockError && thrown.code === 'DATABASE_UNAVAILABLE')
      await workplace.database.reset(ready);
    throw thrown;
  }
}
