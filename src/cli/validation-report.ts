import { SOURCE_GROUPS } from '../detector/trained-model.ts';
import type { Outcome } from '../evaluation/validation-outcome.ts';
import type { ValidationResult } from '../runs/validation-run.ts';
import { exclusionsText } from './exclusions-text.ts';
import { framed, oneLine, renderTable } from './tables.ts';

const HEAD = [
  'DAY',
  'DETECTOR',
  'ENTITIES',
  'ATTACKS',
  'TP',
  'FP',
  'FN',
  'TN',
  'PRECISION',
  'RECALL',
  'F1',
  'FPR',
];

const CRITERION_TEXT = {
  precision: { name: 'precision', sign: '>=', meaning: 'of what was flagged, how much is attack' },
  recall: { name: 'recall', sign: '>=', meaning: 'of the attacks, how many were flagged' },
  falsePositiveRate: {
    name: 'false positive rate',
    sign: '<=',
    meaning: 'of the benign, how much was flagged',
  },
  f1: { name: 'F1', sign: '>=', meaning: 'the balance of precision and recall' },
} as const;

/** What was read, how both detectors did by day and by attack, and whether production would be satisfied. */
export function validationReport(directory: string, result: ValidationResult): string {
  return [
    ...readingLines(directory, result),
    ...trainingLines(result),
    '',
    ...framed([
      ...outcomeTable(result).split('\n'),
      '',
      ...attackTable(result).split('\n'),
      '',
      ...criteriaLines(result),
    ]),
    result.passed ? 'PASSED' : 'FAILED: a production criterion was missed',
    `${(result.durationMs / 1000).toFixed(1)} s`,
  ].join('\n');
}

function readingLines(directory: string, { files, sample, seed }: ValidationResult): string[] {
  const sum = (count: 'flows' | 'emptyLines' | 'badLineCount'): number =>
    files.reduce((total, file) => total + file[count], 0);
  const lines = [
    `CICIDS2017 in ${directory}: ${sum('flows')} flows in ${files.length} files; left out ${sum('emptyLines')} empty and ${sum('badLineCount')} unreadable lines`,
  ];
  for (const { file, badLines } of files)
    for (const { line, reason } of badLines) lines.push(`  ${file}:${line}: ${oneLine(reason)}`);
  if (sample < 1) lines.push(`a sample of ${percent(sample)} of the hours of each source, seed ${seed}`);
  return lines;
}

function trainingLines({
  training,
  windowMinutes,
  internalNetworks,
  thresholds,
}: ValidationResult): string[] {
  const groups = Object.entries(training.groups).map(([group, { entities }]) => `${entities} ${group}`);
  return [
    `trained on ${capitalised(training.day)}: ${training.entities} source windows of ${windowMinutes} min learnt (${groups.join(', ')}), ${exclusionsText(training.excludedEntities, training.exclusions)}`,
    ...SOURCE_GROUPS.filter((group) => training.groups[group] === undefined).map(
      (group) =>
        `too little to learn from ${group} sources: they are judged by the legacy rules, also as hybrid`,
    ),
    `inside is ${internalNetworks.join(', ')}; the attackers appear as 172.16.0.1, outside. Flagged: risk ${thresholds.mediumRisk} or more`,
    'times are cut to the minute: only Monday has seconds',
  ];
}

function outcomeTable({ days, total }: ValidationResult): string {
  const rows = [
    ...days.map(({ day, ...both }) => ({ title: capitalised(day), ...both })),
    { title: 'all', ...total },
  ];
  return renderTable(
    HEAD,
    rows.flatMap(({ title, hybrid, legacy }) => [
      outcomeRow(title, 'hybrid', hybrid),
      outcomeRow('', 'legacy', legacy),
    ]),
  );
}

function outcomeRow(title: string, detector: string, outcome: Outcome): (string | number)[] {
  return [
    title,
    detector,
    outcome.entities,
    outcome.attacks,
    outcome.truePositives,
    outcome.falsePositives,
    outcome.falseNegatives,
    outcome.trueNegatives,
    percent(outcome.precision),
    percent(outcome.recall),
    percent(outcome.f1),
    percent(outcome.falsePositiveRate),
  ];
}

function attackTable({ byAttack }: ValidationResult): string {
  if (byAttack.length === 0) return 'no attack among them';
  return renderTable(
    ['ATTACK', 'ENTITIES', 'FOUND BY HYBRID', 'FOUND BY LEGACY'],
    byAttack.map(({ attack, entities, hybridFound, legacyFound }) => [
      attack,
      entities,
      `${hybridFound} (${percent(hybridFound / entities)})`,
      `${legacyFound} (${percent(legacyFound / entities)})`,
    ]),
  );
}

function criteriaLines({ criteria }: ValidationResult): string[] {
  return criteria.map(({ name, wanted, value, passed }) => {
    const text = CRITERION_TEXT[name];
    const bound = `${text.sign} ${percent(wanted)}`;
    return `${passed ? 'PASS' : 'FAIL'}  ${text.name.padEnd(20)} ${percent(value).padStart(8)}  ${bound.padEnd(10)} ${text.meaning}`;
  });
}

/** Two places where a rate is small: 0.04 % of a hundred thousand windows is forty of them. */
function percent(share: number | null): string {
  if (share === null) return 'none';
  return `${(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 1)} %`;
}

function capitalised(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
