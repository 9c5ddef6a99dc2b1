import { trainFromDatabase, trainFromFlows } from '../../daemon/training-job.ts';
import type { Workplace } from '../../daemon/workplace.ts';
import { AutoblockError, EXIT, messageOf } from '../../errors.ts';
import { addressSet } from '../../ip/network-set.ts';
import type { TrainingResult } from '../../runs/training-run.ts';
import { type Command, type Invocation, pointInTime, wholeNumber } from '../command.ts';
import { exclusionsText } from '../exclusions-text.ts';
import { groupLines } from '../model-text.ts';
import { createProgress } from '../progress.ts';
import { interruptSignal, withWorkplace } from '../session.ts';

const MAX_TRAIN_DAYS = 30;

export const trainCommand: Command = {
  name: 'train',
  summary: 'train a model on this site and make it the latest when it passes its checks',
  usage: [
    'train [--source database] [--days N] [--as-of TIME]',
    'train --source flows --flows FILE [--flows FILE ...]',
  ],
  details: [
    'A running daemon picks the new model up at its next detection. A candidate that fails its checks is kept for',
    'inspection, the model in use stays, and the exit code is 1.',
  ].join('\n'),
  options: {
    source: {
      type: 'string',
      placeholder: 'SOURCE',
      description: 'database (network_logs, the default) or flows',
    },
    days: {
      type: 'string',
      placeholder: 'N',
      description: 'days of traffic to learn from (default TRAIN_DAYS)',
    },
    'as-of': { type: 'string', placeholder: 'TIME', description: 'end of the training period (default now)' },
    flows: {
      type: 'string',
      multiple: true,
      placeholder: 'FILE',
      description: 'canonical flow CSV, gz allowed; more may follow',
    },
    json: { type: 'boolean', description: 'one JSON object on stdout' },
  },
  operands: true,
  examples: [
    'autoblock train',
    'autoblock train --days 14',
    'autoblock train --source flows --flows monday.csv.gz tuesday.csv.gz',
  ],
  async run(invocation) {
    const { signal, release } = interruptSignal();
    try {
      return await withWorkplace(invocation, (workplace) => trainWith(invocation, workplace, signal));
    } finally {
      release();
    }
  },
};

async function trainWith(invocation: Invocation, workplace: Workplace, signal: AbortSignal): Promise<number> {
  const { ledger, nowMs } = workplace;
  const progress = createProgress(invocation.output, nowMs);
  const runId = ledger.beginRun('training', nowMs());
  try {
    const result = await train(invocation, { workplace, signal, progress });
    progress.end();
    const { version, records, flagRate, verdicts } = result;
    const details = { version, records, flagRate, verdicts };
    ledger.finishRun({ id: runId, status: 'ok', details, nowMs: nowMs() });
    invocation.output.out(invocation.flag('json') ? JSON.stringify(result) : asText(result));
    return EXIT.ok;
  } catch (thrown) {
    progress.end();
    const code = thrown instanceof AutoblockError ? thrown.code : 'INTERNAL';
    const details = { code, message: messageOf(thrown) };
    ledger.finishRun({ id: runId, status: 'failed', details, nowMs: nowMs() });
    throw thrown;
  }
}

async function train(
  invocation: Invocation,
  {
    workplace,
    signal,
    progress,
  }: { workplace: Workplace; signal: AbortSignal; progress: ReturnType<typeof createProgress> },
): Promise<TrainingResult> {
  const { config, logger, nowMs } = workplace;
  const job = {
    config,
    logger,
    nowMs,
    excludedSources: addressSet(workplace.ledger.knownBad()),
    verdicts: workplace.ledger.operatorVerdicts(),
    onProgress: ({ step, share }: { step: string; share: number }) =>
      progress.update(`training: ${step} ${Math.round(share * 100)} %`),
  };
  const files = [...invocation.texts('flows'), ...invocation.positionals];
  const source = invocation.text('source') ?? (files.length > 0 ? 'flows' : 'database');
  if (source === 'flows') {
    if (files.length === 0)
      throw new AutoblockError('USAGE', 'train --source flows: no file given; add --flows FILE');
    return trainFromFlows({ ...job, files, signal });
  }
  if (source !== 'database') {
    throw new AutoblockError('USAGE', `--source: got "${source}", wanted database or flows`);
  }
  if (files.length > 0) throw new AutoblockError('USAGE', 'train --source database takes no files');
  const { connectionString } = await workplace.database.ready();
  return trainFromDatabase({
    ...job,
    connectionString,
    days: wholeNumber('days', invocation.text('days'), {
      fallback: config.trainDays,
      min: 1,
      max: MAX_TRAIN_DAYS,
    }),
    asOfMs: pointInTime('as-of', invocation.text('as-of'), nowMs()),
    signal,
  });
}

function asText(result: TrainingResult): string {
  const { metadata } = result;
  return [
    `model ${result.version} is now the latest`,
    `  ${result.records} log records${result.truncated ? ' (truncated)' : ''}, ${metadata.trainingWindow.from} to ${metadata.trainingWindow.to}`,
    `  ${metadata.counts.entities} source windows learnt, ${exclusionsText(metadata.counts.excludedEntities, metadata.counts.exclusions)}`,
    `  contamination ${metadata.hyperparameters.contamination}; ${(result.flagRate * 100).toFixed(2)} % of the training traffic flagged`,
    `  ${verdictsText(result.verdicts)}`,
    ...groupLines(metadata).map((line) => `  ${line}`),
    `  trained in ${(result.durationMs / 1000).toFixed(1)} s`,
  ].join('\n');
}

function verdictsText({ given, used, attackWindows, benignWindows }: TrainingResult['verdicts']): string {
  if (given === 0) return 'no operator verdict yet: `autoblock review` is where they come from';
  return (
    `${used} of ${given} operator verdicts are about this traffic: ` +
    `${attackWindows} source windows are attacks, ${benignWindows} harmless`
  );
}
