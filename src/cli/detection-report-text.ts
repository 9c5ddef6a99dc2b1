import type { DetectorSummary, Difference } from '../evaluation/detector-comparison.ts';
import type { ActiveReport, ComparisonReport, DetectionReport } from '../runs/detection-report.ts';
import { framed, renderTable, timeText } from './tables.ts';

export function detectionReportText(report: DetectionReport): string {
  const { days, fromMs, toMs, active, comparison } = report;
  return [
    `${timeText(fromMs)} to ${timeText(toMs)} (${days} ${days === 1 ? 'day' : 'days'})`,
    ...activeLines(active),
    ...(comparison === null ? [] : ['', ...comparisonLines(comparison)]),
  ].join('\n');
}

function activeLines(active: ActiveReport): string[] {
  const { runs, failedRuns, runsByDetector, entitiesJudged, blockedSources } = active;
  return [
    `active detector: ${runs} runs (hybrid ${runsByDetector.hybrid}, legacy ${runsByDetector.legacy}), ${failedRuns} more failed; ` +
      `${entitiesJudged} source windows judged, each run's look back included`,
    '',
    renderTable(['', 'ACTIVE'], [...summaryRows([active]), ['sources blocked on a router', blockedSources]]),
  ];
}

/** One line a figure, one column a detector. */
function summaryRows(summaries: readonly DetectorSummary[]): (string | number)[][] {
  const row = (name: string, cell: (summary: DetectorSummary) => string | number): (string | number)[] => [
    name,
    ...summaries.map(cell),
  ];
  return [
    row('detections: high', ({ detections }) => detections.high),
    row('detections: medium', ({ detections }) => detections.medium),
    row('detections: low', ({ detections }) => detections.low),
    row('sources: high', ({ sources }) => sources.high),
    row('sources: medium', ({ sources }) => sources.medium),
    row('sources: low', ({ sources }) => sources.low),
    row('would be blocked', ({ wouldBlock }) => wouldBlock),
    row('would go to review', ({ wouldReview }) => wouldReview),
    row('operator: false positive', ({ verdicts }) => verdicts.falsePositives),
    row('operator: confirmed', ({ verdicts }) => verdicts.confirmed),
    row(
      'high or medium sources with a verdict',
      ({ flagged, verdicts }) => `${verdicts.judged} of ${flagged}${percent(verdicts.judgedShare)}`,
    ),
  ];
}

function comparisonLines(comparison: ComparisonReport): string[] {
  const { shadow, entitiesJudged, detectors, agreement, differences } = comparison;
  const { hybrid, legacy } = detectors;
  const lines = [
    `shadow detector: asked in ${shadow.asked} runs, judged in ${shadow.judged}${missingText(shadow)}`,
  ];
  if (shadow.judged === 0) {
    const advice =
      shadow.asked === 0
        ? 'no run had a shadow: set SHADOW_DETECTOR and let some runs pass'
        : 'the shadow was always missing: see the codes';
    return [...lines, `nothing to compare: ${advice}`];
  }
  return [
    ...lines,
    `compared: the ${entitiesJudged} source windows both judged`,
    '',
    renderTable(
      ['', 'HYBRID', 'LEGACY'],
      [
        ['runs as the active detector', hybrid.activeRuns, legacy.activeRuns],
        ['runs as the shadow', hybrid.shadowRuns, legacy.shadowRuns],
        ...summaryRows([hybrid, legacy]),
      ],
    ),
    '',
    `agreement: of ${agreement.flagged} sources either calls high or medium, both do for ${agreement.both}${percent(agreement.share)}, ` +
      `only hybrid for ${agreement.onlyHybrid}, only legacy for ${agreement.onlyLegacy}`,
    ...differenceLines(differences),
    '',
    ...framed(beforeAfterLines(comparison)),
  ];
}

function missingText({ missing, missingByCode }: ComparisonReport['shadow']): string {
  if (missing === 0) return '';
  const codes = Object.entries(missingByCode).map(([code, count]) => `${code} ${count}`);
  return `, missing in ${missing} (${codes.join(', ')})`;
}

function differenceLines(differences: readonly Difference[]): string[] {
  if (differences.length === 0) return ['no source is seen differently'];
  const rows = differences.map((difference) => [
    difference.sourceIp,
    sightText(difference.hybrid),
    sightText(difference.legacy),
    difference.verdict?.replace('_', ' ') ?? null,
    whyText(difference),
  ]);
  return ['', 'seen most differently:', renderTable(['SOURCE', 'HYBRID', 'LEGACY', 'VERDICT', 'WHY'], rows)];
}

function sightText(sight: Difference['hybrid']): string | null {
  return sight === null ? null : `${sight.confidence} ${sight.riskScore.toFixed(1)} ${sight.anomalyType}`;
}

function whyText({ hybrid, legacy }: Difference): string {
  const told = { hybrid: hybrid?.reasons[0], legacy: legacy?.reasons[0] };
  return Object.entries(told)
    .flatMap(([detector, reason]) => (reason === undefined ? [] : [`${detector}: ${reason}`]))
    .join('; ');
}

function beforeAfterLines({ beforeAfter, detectors }: ComparisonReport): string[] {
  const { before, after, actedBefore, actedAfter, fewer } = beforeAfter;
  const { verdicts, falsePositives, confirmed } = beforeAfter;
  const change = fewer === 0 ? 'as many sources' : sourcesText(Math.abs(fewer), fewer > 0 ? 'fewer' : 'more');
  const head =
    `before/after: ${after} instead of ${before} would have sent ${change} to blocking or review ` +
    `(${actedAfter} instead of ${actedBefore}).`;
  if (verdicts === 0)
    return [head, 'No operator verdict on any of them: which of the two is right, these figures cannot say.'];
  const share = (one: { total: number; before: number; after: number }, words: string): string =>
    `of ${one.total} ${words}, ${before} flagged ${one.before} and ${after} ${one.after}`;
  const unseen = detectors[after].flagged - detectors[after].verdicts.judged;
  return [
    head,
    `Of the ${verdicts} operator verdicts: ${share(falsePositives, 'false positives')}; ${share(confirmed, 'confirmed')}.`,
    `Operators see what ${before} flags: ${unseen} sources ${after} flagged have no verdict yet.`,
  ];
}

function sourcesText(count: number, word: 'fewer' | 'more'): string {
  return `${count} ${word} ${count === 1 ? 'source' : 'sources'}`;
}

function percent(share: number | null): string {
  return share === null ? '' : ` (${(share * 100).toFixed(1)} %)`;
}
