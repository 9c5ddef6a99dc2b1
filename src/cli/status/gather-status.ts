import { longestPauseMs } from '../../daemon/next-run.ts';
import type { Workplace } from '../../daemon/workplace.ts';
import type { ModelMetadata } from '../../detector/trained-model.ts';
import type { RunRecord } from '../../storage/ledger-runs.ts';
import { latestModelState } from '../latest-model-state.ts';
import { OVERDUE_MS } from './needs-a-person.ts';
import { conditionOf, nextTryAtMs } from './router-condition.ts';

const RECENT_RUNS = 5;

export type Status = ReturnType<typeof gatherStatus>;

/** All that `status` tells, from the state directory alone. */
export function gatherStatus(workplace: Workplace) {
  const { config, ledger, nowMs } = workplace;
  const model = latestModelState(workplace);
  const blocks = ledger.activeBlocks(nowMs());
  return {
    atMs: nowMs(),
    paused: ledger.pause(),
    alerts: ledger.alerts(),
    detector: config.useHybridDetector && model.version !== null ? 'hybrid' : 'legacy',
    model: model.version ?? 'none',
    modelProblem: model.problem,
    leastHighRisk: byGroup(model.groups, 'leastHighRisk'),
    windowsLearnt: byGroup(model.groups, 'entities'),
    lastDetection: lastEnded(ledger.recentRuns({ kind: 'detection', limit: 2 })),
    detectionOverdueMs: detectionOverdueMs(workplace),
    lastTraining: ledger.recentRuns({ kind: 'training', limit: 1 })[0] ?? null,
    useHybridDetector: config.useHybridDetector,
    shadowDetector: config.shadowDetector,
    dryRun: config.dryRun,
    autoBlock: config.autoBlock,
    blocks: blocks.length,
    blocksNotConfirmed: blocks.filter((block) => block.confirmedAtMs === null).length,
    reviewsPending: ledger.reviews({ status: 'pending' }).filter((item) => item.expiresAtMs > nowMs()).length,
    undelivered: waitsForDatabase(workplace),
    routers: routersOf(workplace),
    runs: ledger.recentRuns({ limit: RECENT_RUNS }),
  };
}

function routersOf({ config, ledger }: Workplace) {
  const states = new Map(ledger.routerStates().map((state) => [state.router, state]));
  const held = new Set(
    ledger.alerts().flatMap(({ code, subject }) => (code === 'MASS_REMOVAL_HELD' ? [subject] : [])),
  );
  return config.routers.map((router) => {
    const state = states.get(router.name) ?? null;
    const dryRun = config.dryRun || router.dryRun;
    return {
      name: router.name,
      condition: conditionOf({ dryRun, state }),
      nextTryAtMs: nextTryAtMs({ dryRun, state }),
      dryRun,
      removalHeld: held.has(router.name),
      state,
    };
  });
}

/** The one under way says nothing yet: a failing site is not well for the length of each attempt. */
function lastEnded(runs: readonly RunRecord[]): RunRecord | null {
  return runs.find(({ finishedAtMs }) => finishedAtMs !== null) ?? null;
}

/** How long ago a detection was last begun or ended, when that is too long; null when it is not, or none ever was. */
function detectionOverdueMs({ config, ledger, nowMs }: Workplace): number | null {
  const [latest] = ledger.recentRuns({ kind: 'detection', limit: 1 });
  if (latest === undefined) return null;
  const ageMs = nowMs() - (latest.finishedAtMs ?? latest.startedAtMs);
  if (ageMs <= OVERDUE_MS) return null;
  const pauseMs = longestPauseMs({ expression: config.detectCron, timezone: config.cronTimezone });
  return ageMs > pauseMs + OVERDUE_MS ? ageMs : null;
}

function waitsForDatabase({ ledger }: Workplace): boolean {
  const waiting = [
    ledger.pendingDetections(1),
    ledger.unmarkedConfirmedBlocks(),
    ledger.pendingFalsePositives(),
  ];
  return waiting.some((rows) => rows.length > 0);
}

/**
 * Per group of the model. `leastHighRisk`: 0, or the risk the high tier was raised to at training, 101 when it was closed.
 * `entities`: harmless windows learnt; a group with too few of them blocks nobody.
 */
function byGroup(
  groups: ModelMetadata['groups'],
  figure: 'leastHighRisk' | 'entities',
): Record<string, number> {
  return Object.fromEntries(Object.entries(groups).map(([group, told]) => [group, told[figure]]));
}
