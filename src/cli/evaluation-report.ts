import type { MacroResult, SiteResult } from '../evaluation/evaluation-summary.ts';
import type { DetectorMeasures, TierMeasures } from '../evaluation/trial-measures.ts';
import type { EvaluationResult, VerdictStage } from '../runs/evaluation-run.ts';
import { framed, oneLine, renderTable } from './tables.ts';

const HEAD = [
  'SITE',
  'DETECTOR',
  'ROC-AUC',
  'AP 5%',
  'TIER',
  'TP',
  'FP',
  'FN',
  'TN',
  'PRECISION',
  'RECALL',
  'F1',
  'FPR',
  'PREC. 5%',
];

/** What was read, the figures by site and in the mean, and what was found of each attack. */
export function evaluationReport(result: EvaluationResult): string {
  return [
    ...readingLines(result),
    ...result.stages.flatMap((stage) => ['', ...stageLines(stage, result)]),
    '',
    renderTable(
      ['SITE', 'ATTACK', 'WINDOWS', 'HYBRID MEDIUM', 'HYBRID HIGH', 'LEGACY MEDIUM'],
      attackRows(result),
    ),
    '',
    'Counts are sums over the seeds; AP 5% and PREC. 5% are what they would be with 5 % attacks.',
    `${(result.durationMs / 1000).toFixed(1)} s`,
  ].join('\n');
}

function readingLines({ protocol, windowMinutes, seeds, thresholds, files }: EvaluationResult): string[] {
  const lines = [
    `protocol ${protocol}, windows of ${windowMinutes} min, ${seeds.length} seeds, medium from risk ${thresholds.mediumRisk}, high from ${thresholds.highRisk}`,
  ];
  for (const { file, flows, badLines, firstBadLine, unlabelled, outOfOrder } of files) {
    const skipped = badLines + unlabelled;
    const leftOut = skipped === 0 ? '' : `; left out ${badLines} unreadable, ${unlabelled} without a label`;
    lines.push(`  ${oneLine(file)}: ${flows} flows${leftOut}`);
    if (firstBadLine !== null) lines.push(`    line ${firstBadLine.line}: ${oneLine(firstBadLine.reason)}`);
    if (outOfOrder > 0)
      lines.push(
        `    ${outOfOrder} flows are older than one before them: sort the file by time, or gaps and bursts are misread`,
      );
  }
  return lines;
}

function stageLines(stage: VerdictStage, { protocol }: EvaluationResult): string[] {
  const { sites, macro, macroTrained } = stage;
  const rows = sites.flatMap(siteRows);
  if (macro !== null) rows.push(...macroRows('MEAN', macro));
  if (macroTrained !== null && sites.some(({ inMacro, refused }) => inMacro && refused !== null))
    rows.push(...macroRows('MEAN, trained', macroTrained));
  const title = protocol === 'feedback' ? [`with ${stage.verdicts} operator verdicts`] : [];
  return [
    ...title,
    ...framed([...renderTable(HEAD, rows).split('\n'), '', ...savedLines(macro)]),
    ...sites.flatMap(({ site, refused }) =>
      refused === null
        ? []
        : [`${site}: no model in ${refused.trials} trials, judged by the legacy rules: ${refused.reason}`],
    ),
    ...sites
      .filter(({ trainedOn }) => trainedOn < stage.verdicts)
      .map(({ site, trainedOn }) => `${site}: ${trainedOn} verdicts only, on all windows it learns from`),
    ...sites
      .filter(({ inMacro }) => !inMacro)
      .map(
        ({ site, attacks }) => `${site}: ${attacks === 0 ? 'no attack' : 'nothing benign'}, not in the mean`,
      ),
  ];
}

type Row = (string | number | null)[];

function siteRows({ site, hybrid, legacy }: SiteResult): Row[] {
  return [...detectorRows(site, 'hybrid', hybrid), ...detectorRows('', 'legacy', legacy)];
}

function macroRows(title: string, { hybrid, legacy }: MacroResult): Row[] {
  return [...detectorRows(title, 'hybrid', hybrid), ...detectorRows('', 'legacy', legacy)];
}

function detectorRows(title: string, detector: string, measures: DetectorMeasures): Row[] {
  return [
    [
      title,
      detector,
      score(measures.rocAuc),
      score(measures.averagePrecision5),
      ...tierCells('medium', measures.medium),
    ],
    ['', '', '', '', ...tierCells('high', measures.high)],
  ];
}

function tierCells(
  tier: string,
  { tp, fp, fn, tn, precision, recall, f1, fpr, precision5 }: TierMeasures,
): Row {
  return [
    tier,
    tp,
    fp,
    fn,
    tn,
    percent(precision),
    percent(recall),
    percent(f1),
    percent(fpr),
    percent(precision5),
  ];
}

function savedLines(macro: MacroResult | null): string[] {
  if (macro === null) return ['no site with both labels: no mean'];
  const { legacyFalsePositives, hybridFalsePositives, saved } = macro.atLegacyRecall;
  const counts = `${hybridFalsePositives} hybrid, ${legacyFalsePositives} legacy`;
  return [
    saved === null
      ? `false positives at the recall of the legacy rules: ${counts}`
      : `false positives saved at the recall of the legacy rules: ${percent(saved)} (${counts})`,
  ];
}

function attackRows({ sites }: EvaluationResult): Row[] {
  return sites.flatMap(({ site, byAttack }) =>
    byAttack.map(({ attack, entities, hybridMedium, hybridHigh, legacyMedium }) => [
      site,
      attack,
      entities,
      percent(hybridMedium),
      percent(hybridHigh),
      percent(legacyMedium),
    ]),
  );
}

function score(value: number | null): string | null {
  return value === null ? null : value.toFixed(3);
}

function percent(share: number | null): string | null {
  return share === null ? null : `${(100 * share).toFixed(1)} %`;
}
