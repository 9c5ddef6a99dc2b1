import { basename } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { trainingSettings } from '../../daemon/training-job.ts';
import { AutoblockError, EXIT } from '../../errors.ts';
import { PROTOCOLS, type Protocol } from '../../evaluation/protocol-split.ts';
import { membershipTest } from '../../ip/network-set.ts';
import { readLabelledFlows } from '../../log-intake/flow-files.ts';
import { type EvaluationResult, runEvaluation } from '../../runs/evaluation-run.ts';
import { type Command, type Invocation, wholeNumber } from '../command.ts';
import { evaluationReport } from '../evaluation-report.ts';
import { createProgress } from '../progress.ts';
import { configFrom, currentEnvironment, interruptSignal } from '../session.ts';

const MOST_SEEDS = 100;

/**
 * `--json` prints the EvaluationResult of `runs/evaluation-run.ts`: `protocol`, `windowMinutes`, `seeds`, `thresholds`,
 * `files[]` (`file`, `flows`, `badLines`, `firstBadLine`, `unlabelled`, `outOfOrder`), `verdicts`, `sites[]` (`site`,
 * `entities`, `attacks`, `trainedOn`, `inMacro`, `hybrid`, `legacy`, `atLegacyRecall`, `byAttack[]`, `refused`), `macro` and `macroTrained` (`hybrid`, `legacy`, `atLegacyRecall`, or null), `stages[]`
 * (`verdicts`, `sites`, `macro`, `macroTrained`; one per number of verdicts, the last one is also at the top). `hybrid`
 * and `legacy` have `rocAuc`, `averagePrecision5`, `medium` and `high`, these `precision`, `recall`, `f1`, `fpr`, `tp`,
 * `fp`, `fn`, `tn`, `precision5`. Counts are sums over the seeds, shares 0-1 or null where not defined.
 */
export const evaluateCommand: Command = {
  name: 'evaluate',
  summary: 'how well does it detect on labelled traffic of yours? one site per file',
  usage: ['evaluate FILE... [--window-minutes N] [--protocol site|natural|feedback] [--seeds N] [--json]'],
  details: [
    'Trains and judges each labelled flow CSV as a site of its own, with the code and settings of production, and the legacy',
    'rules beside it. What is judged is a source IP in a window; it counts as an attack when at least half of its flows do.',
    '  site      learns from 70 % of the benign windows; asked about the other benign and all attack windows',
    '  natural   learns as in production, unlabelled: 70 % of the benign windows, and attacks up to 20 % of all it learns',
    '            from; asked about the rest. A label with ten sources or more is split by source: none is in both parts',
    '  feedback  as natural, with the true labels of 0, 50, 200 and 1000 windows it learns from (all where there are',
    '            fewer), as operator verdicts',
    'FILE has the columns of `autoblock import` and label (1 attack, 0 harmless) and, if you like, attack (its name); its',
    'flows should be in order of time.',
    'Average precision and precision at 5 % are what they would be with 5 % attacks. Sites with one label are left out of',
    'the macro figures. Needs no database and no router, and keeps no model.',
  ].join('\n'),
  options: {
    'window-minutes': { type: 'string', placeholder: 'N', description: 'default WINDOW_MINUTES' },
    protocol: { type: 'string', placeholder: 'NAME', description: 'site (the default), natural or feedback' },
    seeds: { type: 'string', placeholder: 'N', description: 'trials per site, seeds 1 to N (default 5)' },
    json: { type: 'boolean', description: 'one JSON object on stdout' },
  },
  operands: true,
  examples: [
    'autoblock evaluate office.csv.gz branch.csv.gz',
    'autoblock evaluate site.csv.gz --window-minutes 1 --protocol natural',
    'autoblock evaluate site.csv.gz --protocol feedback --json | jq ".stages[].macro.hybrid.averagePrecision5"',
  ],
  async run(invocation) {
    const files = invocation.positionals;
    if (files.length === 0)
      throw new AutoblockError('USAGE', 'evaluate: no file given; name a labelled flow CSV');
    const { signal, release } = interruptSignal();
    try {
      const result = await evaluate(invocation, { files, signal });
      invocation.output.out(invocation.flag('json') ? JSON.stringify(result) : evaluationReport(result));
      return EXIT.ok;
    } finally {
      release();
    }
  },
};

function protocolFrom(text: string | undefined): Protocol {
  const protocol = PROTOCOLS.find((known) => known === (text ?? 'site'));
  if (protocol === undefined)
    throw new AutoblockError('USAGE', `--protocol: got "${text}", wanted ${PROTOCOLS.join(', ')}`);
  return protocol;
}

/** The name of the file, or its path where another file has the same name: figures must not pass for another site's. */
function siteName(file: string, files: readonly string[]): string {
  const plain = (path: string): string => path.replace(/\.gz$/, '').replace(/\.csv$/, '');
  const name = plain(basename(file));
  const isUnique = files.filter((other) => plain(basename(other)) === name).length === 1;
  return isUnique ? name : plain(file);
}

async function evaluate(
  invocation: Invocation,
  { files, signal }: { files: readonly string[]; signal: AbortSignal },
): Promise<EvaluationResult> {
  const config = configFrom(currentEnvironment());
  const number = (name: string, limits: { fallback: number; min: number; max: number }): number =>
    wholeNumber(name, invocation.text(name), limits);
  const windowMinutes = number('window-minutes', { fallback: config.windowMinutes, min: 1, max: 60 });
  const seeds = number('seeds', { fallback: 5, min: 1, max: MOST_SEEDS });
  const progress = createProgress(invocation.output, invocation.nowMs);
  try {
    return await runEvaluation({
      protocol: protocolFrom(invocation.text('protocol')),
      files,
      readFlows: (path, onFlow) => readLabelledFlows({ path, signal, onFlow }),
      siteName: (file) => siteName(file, files),
      training: { ...trainingSettings(config), windowMinutes },
      seeds: Array.from({ length: seeds }, (_, index) => index + 1),
      thresholds: { highRisk: config.confidenceHigh, mediumRisk: config.confidenceMedium },
      isInternal: membershipTest(config.internalNetworks),
      nowMs: invocation.nowMs,
      onProgress: ({ step, share }) => progress.update(`${Math.floor(100 * share)} % ${step}`),
      async breathe() {
        await nextTurn();
        signal.throwIfAborted();
      },
    });
  } finally {
    progress.end();
  }
}
