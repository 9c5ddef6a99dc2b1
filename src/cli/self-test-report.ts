import { SELF_TEST_CRITERIA, type SelfTestResult } from '../evaluation/self-test.ts';
import { framed, renderTable } from './tables.ts';

/** The framed block operators of the original system know: counts per tier, then each measure with its meaning. */
export function selfTestReport(result: SelfTestResult): string {
  const { judged, tiers } = result;
  const tierRows = (['high', 'medium', 'low', 'none'] as const).map((tier) => [
    tier,
    tiers[tier].attacks,
    tiers[tier].normal,
  ]);
  const criteria = SELF_TEST_CRITERIA;
  const lines = [
    measureLine('precision', result.precision, {
      wanted: `>= ${percent(criteria.precision)}`,
      meaning: 'of the flagged samples, how many are attacks',
    }),
    measureLine('recall', result.recall, {
      wanted: `>= ${percent(criteria.recall)}`,
      meaning: 'of the attacks, how many were flagged',
    }),
    measureLine('F1', result.f1, { wanted: `>= ${percent(criteria.f1)}`, meaning: 'the balance of the two' }),
    measureLine('false positive rate', result.falsePositiveRate, {
      wanted: `<= ${percent(criteria.falsePositiveRate)}`,
      meaning: 'of the normal samples, how many were flagged',
    }),
  ];
  return [
    `${result.samples} synthetic samples (seed ${result.seed}): trained on ${result.trainedOn} normal ones, judged ${judged.normal} normal and ${judged.attacks} attacks`,
    '',
    renderTable(['TIER', 'ATTACKS', 'NORMAL'], tierRows),
    '',
    ...framed(lines),
    result.passed ? 'PASSED' : 'FAILED: a criterion was missed',
  ].join('\n');
}

function measureLine(
  name: string,
  value: number | null,
  { wanted, meaning }: { wanted: string; meaning: string },
): string {
  return `${name.padEnd(20)} ${percent(value).padStart(7)}  ${wanted.padEnd(8)} ${meaning}`;
}

function percent(share: number | null): string {
  return share === null ? 'none' : `${(share * 100).toFixed(1)} %`;
}
