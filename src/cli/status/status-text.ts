import { FEWEST_WINDOWS_TO_BLOCK } from '../../detector/risk-assessment.ts';
import type { RunRecord } from '../../storage/ledger-runs.ts';
import { highTierText } from '../model-text.ts';
import { pauseTextWithAge } from '../pause-text.ts';
import { framed, oneLine, renderTable, timeText } from '../tables.ts';
import { alertAdvice } from './alert-advice.ts';
import type { Status } from './gather-status.ts';
import { routerTable } from './router-text.ts';

const ALERTS_SHOWN = 20;

/** The whole status for people: what needs them first. */
export function statusText(status: Status): string {
  const runs = status.runs.map((run) => [
    run.kind,
    run.status,
    timeText(run.startedAtMs),
    timeText(run.finishedAtMs),
    outcomeOf(run),
  ]);
  return [
    ...pauseLines(status),
    ...alertLines(status),
    ...modelLines(status),
    ...highTierLines(status),
    ...trainingLines(status),
    ...shadowLines(status),
    `auto-block: ${status.autoBlock ? 'on' : 'off'}${status.dryRun ? '    DRY RUN' : ''}`,
    `blocks: ${status.blocks}${status.blocksNotConfirmed > 0 ? ` (${status.blocksNotConfirmed} not yet read back from a router)` : ''}    for review: ${status.reviewsPending}`,
    ...(status.undelivered ? ['detections or decisions wait in the ledger for PostgreSQL'] : []),
    '',
    status.routers.length === 0 ? 'no router configured' : routerTable(status.routers),
    '',
    runs.length === 0 ? 'no run yet' : renderTable(['RUN', 'STATUS', 'STARTED', 'FINISHED', 'OUTCOME'], runs),
  ].join('\n');
}

function pauseLines({ paused, atMs }: Status): string[] {
  if (paused === null) return [];
  return [
    ...framed([
      `PAUSED since ${pauseTextWithAge(paused, atMs)}`,
      'nobody is blocked on any router until `autoblock resume`',
    ]),
    '',
  ];
}

/** Protected addresses apart: they tell of a host of one's own that behaves like an attacker, not of autoblock. */
function alertLines({ alerts }: Status): string[] {
  const isProtected = ({ code }: Status['alerts'][number]): boolean => code === 'PROTECTED_SOURCE';
  return [
    ...alertBlock(
      'open alerts:',
      alerts.filter((alert) => !isProtected(alert)),
    ),
    ...alertBlock(
      'protected addresses that would have been blocked (never are; look at those hosts):',
      alerts.filter(isProtected),
    ),
  ];
}

function alertBlock(title: string, alerts: Status['alerts']): string[] {
  if (alerts.length === 0) return [];
  const lines = alerts
    .slice(0, ALERTS_SHOWN)
    .flatMap(({ code, subject, message, count, lastAtMs }) => [
      `  ${code}  ${oneLine(subject)}  ${count} ${count === 1 ? 'time' : 'times'}, last ${timeText(lastAtMs)}: ${oneLine(message)}`,
      ...(code === 'PROTECTED_SOURCE' ? [] : [`    ${alertAdvice(code)}`]),
    ]);
  const rest = alerts.length - ALERTS_SHOWN;
  return [title, ...lines, ...(rest > 0 ? [`  and ${rest} more (--json has all)`] : []), ''];
}

function shadowLines({ shadowDetector, model }: Status): string[] {
  if (shadowDetector === 'none') return [];
  const state = model === 'none' ? 'missing until there is a model' : 'recorded, never acted on';
  return [`shadow: ${shadowDetector} (${state}; see \`autoblock report --compare\`)`];
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
