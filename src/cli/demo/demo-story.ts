import { createDetectorInUse } from '../../daemon/detector-in-use.ts';
import { deliverOnce, detectOnce } from '../../daemon/jobs.ts';
import { syncOnce } from '../../daemon/router-job.ts';
import { trainFromDatabase } from '../../daemon/training-job.ts';
import type { AddressListEntry } from '../../decisions/address-list-entry.ts';
import {
  generateSyntheticTraffic,
  listSyntheticSources,
  type SyntheticSource,
} from '../../evaluation/synthetic-traffic.ts';
import { writeLogRecords } from '../../log-intake/log-writer.ts';
import type { DetectionRunResult } from '../../runs/detection-run.ts';
import type { TrainingResult } from '../../runs/training-run.ts';
import type { DemoSite } from './demo-site.ts';

const MS_PER_DAY = 86_400_000;
const DEMO_DAYS = 7;

/** Everything the demo did, as it was read back from PostgreSQL, the ledger and the router. */
export interface DemoRun {
  readonly sources: readonly SyntheticSource[];
  readonly rows: number;
  readonly training: TrainingResult;
  readonly detection: DetectionRunResult;
  /** What a second run over the same traffic added. */
  readonly second: {
    readonly blocksAdded: number;
    readonly blocksExtended: number;
    readonly reviewsAdded: number;
  };
  readonly detectionsInDatabase: Readonly<Record<'high' | 'medium' | 'low', number>>;
  readonly addressList: readonly AddressListEntry[];
  /** What the router told of itself and those who work on it: never blocked. */
  readonly neverBlocked: readonly { readonly address: string; readonly why: string }[];
  readonly reviews: readonly {
    address: string;
    riskScore: number;
    anomalyType: string;
    explanation: string;
    reasons: readonly string[];
  }[];
}

/** The main job from traffic to address list, told to `say` step by step. */
export async function playDemo(
  site: DemoSite,
  { signal, say }: { signal: AbortSignal; say: (step: string) => void },
): Promise<DemoRun> {
  const { workplace } = site;
  const { config, logger, nowMs, ledger, registry, isInternal } = workplace;
  const endMs = nowMs();

  say('starting an embedded PostgreSQL');
  const database = await workplace.database.ready();
  const week = { startMs: endMs - DEMO_DAYS * MS_PER_DAY, endMs, seed: config.seed };
  const sources = listSyntheticSources(week);
  say(`writing ${DEMO_DAYS} days of traffic of ${sources.length} sources`);
  const rows = await writeLogRecords({
    pool: database.pool,
    relation: database.relation,
    records: generateSyntheticTraffic(week),
    routerId: 'demo-router',
    onProgress: (done) => say(`writing traffic: ${done} rows`),
    signal,
  });

  say('training on the week');
  const training = await trainFromDatabase({
    config,
    connectionString: database.connectionString,
    excludedSources: new Set(),
    verdicts: [],
    days: DEMO_DAYS,
    asOfMs: endMs,
    nowMs,
    logger,
    signal,
    onProgress: ({ step, share }) => say(`training: ${step} ${Math.round(share * 100)} %`),
  });

  say('detecting, deciding, pushing');
  const inUse = createDetectorInUse({ config, registry, isInternal, logger });
  inUse.refresh();
  const round = async (): Promise<DetectionRunResult> => {
    const result = await detectOnce(workplace, {
      detectors: inUse,
      asOfMs: endMs,
      dryRun: false,
      signal,
    });
    await syncOnce(workplace, { dryRun: false, actor: 'autoblock' });
    await deliverOnce(workplace);
    return result;
  };
  const detection = await round();
  say('the same again: nothing may be added');
  const { blocksAdded, blocksExtended, reviewsAdded } = await round();

  return {
    sources,
    rows,
    training,
    detection,
    second: { blocksAdded, blocksExtended, reviewsAdded },
    detectionsInDatabase: await database.detections.countsByTier({ sinceMs: 0 }),
    addressList: await workplace.routers[0]!.read(),
    neverBlocked: ledger.routerProtected().map(({ address, why }) => ({ address, why })),
    reviews: ledger.reviews({ status: 'pending' }).map((item) => ({
      address: item.address,
      riskScore: item.riskScore,
      anomalyType: item.anomalyType,
      explanation: item.explanation,
      reasons: (item.evidence as { reasons: { text: string }[] }).reasons.map((reason) => reason.text),
    })),
  };
}
