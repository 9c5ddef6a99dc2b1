import type { Workplace } from '../../daemon/workplace.ts';
import { FEWEST_WINDOWS_TO_BLOCK } from '../../detector/risk-assessment.ts';
import type { ModelMetadata } from '../../detector/trained-model.ts';
import { EXIT } from '../../errors.ts';
import type { RunRecord } from '../../storage/ledger-runs.ts';
import type { Command } from '../command.ts';
import { latestModelState } from '../latest-model-state.ts';
import { highTierText } from '../model-text.ts';
import { withWorkplace } from '../session.ts';
import { renderTable, timeText } from '../tables.ts';

const RECENT_RUNS = 5;

export const statusCommand: Command = {
  name: 'status',
  summary: 'what is going on: model, last runs, blocks, queue, routers',
  usage: ['status [--json]'],
  details: 'Works from the state directory alone, also while PostgreSQL or a router is away.',
  options: { json: { type: 'boolean', description: 'one JSON object on stdout' } },
  examples: ['autoblock status', 'autoblock status --json'],
  run: (invocation) =>
    withWorkplace(invocation, (workplace) => {
      const status = gather(workplace);
      invocation.output.out(invocation.flag('json') ? JSON.stringify(status) : asText(status));
      return Promise.resolve(EXIT.ok);
    }),
};

type Status = ReturnType<typeof gather>;

function gather(workplace: Workplace) {
  const { config, ledger, routers, nowMs } = workplace;
  const model = latestModelState(workplace);
  const blocks = ledger.activeBlocks(nowMs());
  const states = new Map(ledger.routerStates().map((state) => [state.router, state]));
  return {
    detector: config.useHybridDetector && model.version !== null ? 'hybrid' : 'legacy',
    model: model.version ?? 'none',
    modelProblem: model.problem,
    leastHighRisk: byGroup(model.groups, 'leastHighRisk'),
    windowsLearnt: byGroup(model.groups, 'entities'),
    lastTraining: ledger.recentRuns({ kind: 'training', limit: 1 })[0] ?? null,
    useHybridDetector: config.useHybridDetector,
    shadowDetector: config.shadowDetector,
    dryRun: config.dryRun,
    autoBlock: config.autoBlock,
    blocks: blocks.length,
    blocksNotConfirmed: blocks.filter((block) => block.confirmedAtMs === null).length,
    reviewsPending: ledger.reviews({ status: 'pending' }).filter((item) => item.expiresAtMs > nowMs()).length,
    undelivered: waitsForDatabase(workplace),
    routers: routers.map(({ name }) => ({ name, state: states.get(name) ?? null })),
    runs: ledger.recentRuns({ limit: RECENT_RUNS }),
  };
}

function waitsForDatabase({ ledger }: Workplace): boolean {
  const waiting = [
    ledger.pendingDetections(1),
    ledger.unmarkedConfirmedBlocks(),
    ledger.pendingFalsePositives(),
  ];
  return waiting.some((rows) => rows.length > 0);
}

function shadowLines({ shadowDetector, model }: Status): string[] {
  if (shadowDetector === 'none') return [];
  const state = model === 'none' ? 'missing until there is a model' : 'recorded, never acted on';
  return [`shadow: ${shadowDetector} (${state}; see \`autoblock report --compare\`)`];
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

function highTierLines({ leastHighRisk, windowsLearnt }: Status): string[] {
  return Object.entries(windowsLearnt).flatMap(([group, entities]) => {
    const told = { entities, leastHighRisk: leastHighRisk[group]! };
    if (told.leastHighRisk === 0 && entities >= FEWEST_WINDOWS_TO_BLOCK) return [];
    return [`high tier, ${group} sources: ${highTierText(told)} (see \`autoblock models show\`)`];
  });
}

/** Said apart: a weekly training has long left the list of the latest runs. */
function trainingLines({ lastTraining, model }: Status): string[] {
  if (lastTraining?.status !== 'failed') return [];
  const meanwhile = model === 'none' ? 'the legacy rules judge meanwhile' : 'the model in use stays';
  return [
    `last training failed ${timeText(lastTraining.startedAtMs)}: ${outcomeOf(lastTraining)}`,
    `  ${meanwhile}`,
  ];
}

function modelLines({ detector, model, modelProblem, useHybridDetector }: Status): string[] {
  const advice = useHybridDetector && model === 'none' && modelProblem === null;
  return [
    `detector: ${detector}    model: ${model}${advice ? ' (train one with `autoblock train`)' : ''}`,
    ...(modelProblem === null
      ? []
      : [`the latest model is not usable: ${modelProblem}`, 'see `autoblock models list`']),
  ];
}

const FIGURES = [
  ['recordsRead', 'log records'],
  ['detections', 'detections'],
  ['blocksAdded', 'new blocks'],
  ['reviewsAdded', 'for review'],
] as const;

/** What a run had to tell, in one line; each kind of run leaves other details. */
function outcomeOf({ details }: RunRecord): string {
  const told = (details ?? {}) as Readonly<Record<string, unknown>>;
  const { code, message, version } = told;
  if (typeof message === 'string') return typeof code === 'string' ? `${code}: ${message}` : message;
  if (typeof version === 'string') return `model ${version}`;
  return FIGURES.flatMap(([key, words]) =>
    typeof told[key] === 'number' ? `${told[key]} ${words}` : [],
  ).join(', ');
}

function asText(status: Status): string {
  const routers = status.routers.map(({ name, state }) =>
    state === null
      ? [name, 'never synced', null, null, null]
      : [name, state.errorCode ?? 'ok', timeText(state.succeededAtMs), state.entries, state.error],
  );
  const runs = status.runs.map((run) => [
    run.kind,
    run.status,
    timeText(run.startedAtMs),
    timeText(run.finishedAtMs),
    outcomeOf(run),
  ]);
  return [
    ...modelLines(status),
    ...highTierLines(status),
    ...trainingLines(status),
    ...shadowLines(status),
    `auto-block: ${status.autoBlock ? 'on' : 'off'}${status.dryRun ? '    DRY RUN' : ''}`,
    `blocks: ${status.blocks}${status.blocksNotConfirmed > 0 ? ` (${status.blocksNotConfirmed} not yet read back from a router)` : ''}    for review: ${status.reviewsPending}`,
    ...(status.undelivered ? ['detections or decisions wait in the ledger for PostgreSQL'] : []),
    '',
    routers.length === 0
      ? 'no router configured'
      : renderTable(['ROUTER', 'STATE', 'LAST GOOD SYNC', 'ENTRIES', 'ERROR'], routers),
    '',
    runs.length === 0 ? 'no run yet' : renderTable(['RUN', 'STATUS', 'STARTED', 'FINISHED', 'OUTCOME'], runs),
  ].join('\n');
}
