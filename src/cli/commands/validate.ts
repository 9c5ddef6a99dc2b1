import { trainingSettings } from '../../daemon/training-job.ts';
import { AutoblockError, EXIT } from '../../errors.ts';
import { openCicidsDataset } from '../../log-intake/cicids2017-files.ts';
import { runValidation, type ValidationResult } from '../../runs/validation-run.ts';
import type { Command, Invocation } from '../command.ts';
import { createProgress } from '../progress.ts';
import { configFrom, currentEnvironment, interruptSignal } from '../session.ts';
import { validationReport } from '../validation-report.ts';

export const validateCommand: Command = {
  name: 'validate',
  summary: 'how well does it detect on CICIDS2017, a published week of labelled attacks?',
  usage: ['validate --dataset DIR [--sample SHARE] [--json]'],
  details: [
    'DIR holds the eight CSV files of GeneratedLabelledFlows.zip (https://www.unb.ca/cic/datasets/ids-2017.html), unpacked',
    'or as .csv.gz. Trains on Monday with the settings in effect and judges Tuesday to Friday with the trained detector and,',
    'beside it, with the legacy rules. What is judged is a source IP in a window of WINDOW_MINUTES; it counts as an attack',
    'when at least half of its flows are, and as flagged when its tier is medium or high.',
    'INTERNAL_NETWORKS does not apply: the inside of this data set is 192.168.10.0/24.',
    'Needs no database and no router, and keeps no model. Exit code 1 when a production criterion is missed.',
  ].join('\n'),
  options: {
    dataset: { type: 'string', placeholder: 'DIR', description: 'folder with the eight CSV files' },
    sample: {
      type: 'string',
      placeholder: 'SHARE',
      description: 'a seeded share of the hours of each source only, 0.01-1; kept hours are complete',
    },
    json: { type: 'boolean', description: 'one JSON object on stdout' },
  },
  examples: [
    'autoblock validate --dataset TrafficLabelling',
    'autoblock validate --dataset TrafficLabelling --sample 0.1 --json',
  ],
  async run(invocation) {
    const directory = invocation.text('dataset');
    if (directory === undefined)
      throw new AutoblockError('USAGE', 'validate: no folder given; add --dataset DIR');
    const sample = sampleShare(invocation.text('sample'));
    const { signal, release } = interruptSignal();
    try {
      const { found, result } = await validate(invocation, { directory, sample, signal });
      const report = invocation.flag('json')
        ? JSON.stringify({ directory: found, ...result })
        : validationReport(found, result);
      invocation.output.out(report);
      return result.passed ? EXIT.ok : EXIT.failed;
    } finally {
      release();
    }
  },
};

const SMALLEST_SHARE = 0.01;

function sampleShare(text: string | undefined): number {
  if (text === undefined) return 1;
  const share = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || share < SMALLEST_SHARE || share > 1)
    throw new AutoblockError('USAGE', `--sample: got "${text}", wanted a share from ${SMALLEST_SHARE} to 1`);
  return share;
}

async function validate(
  { output, nowMs }: Invocation,
  { directory, sample, signal }: { directory: string; sample: number; signal: AbortSignal },
): Promise<{ found: string; result: ValidationResult }> {
  const config = configFrom(currentEnvironment());
  const dataset = await openCicidsDataset({ directory, signal });
  const progress = createProgress(output, nowMs);
  let bytesDone = 0;
  try {
    const result = await runValidation({
      dataset,
      sample,
      settings: trainingSettings(config),
      thresholds: { highRisk: config.confidenceHigh, mediumRisk: config.confidenceMedium },
      signal,
      nowMs,
      onProgress({ step, bytes }) {
        bytesDone += bytes;
        const share = Math.min(1, bytesDone / dataset.totalBytes);
        progress.update(
          `${step}: ${Math.floor(100 * share)} % of ${Math.ceil(dataset.totalBytes / 1e6)} MB read`,
        );
      },
    });
    return { found: dataset.directory, result };
  } finally {
    progress.end();
  }
}
