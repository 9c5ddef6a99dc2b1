import { FEWEST_WINDOWS_TO_BLOCK } from '../detector/risk-assessment.ts';
import type {
  GroupDescription,
  ModelMetadata,
  ReliabilityBand,
  ScaleDescription,
} from '../detector/trained-model.ts';
import { exclusionsText } from './exclusions-text.ts';
import { oneLine, renderTable, timeText } from './tables.ts';

const HIGHEST_RISK = 100;

/** Everything the metadata of a model tell, for people. */
export function modelText(metadata: ModelMetadata): string {
  const { counts, hyperparameters, trainingWindow } = metadata;
  return [
    `model ${metadata.version}, trained ${timeText(Date.parse(metadata.createdAt))} from ${metadata.source}`,
    `  ${counts.records} log records, ${trainingWindow.from} to ${trainingWindow.to}, in windows of ${metadata.windowMinutes} min`,
    `  ${counts.entities} source windows learnt, ${exclusionsText(counts.excludedEntities, counts.exclusions)}`,
    `  ${hyperparameters.nEstimators} trees x ${hyperparameters.sampleSize} samples; contamination ${hyperparameters.contamination}; seed ${metadata.seed}`,
    ...Object.entries(metadata.groups).flatMap(([group, described]) => [
      '',
      ...describeGroup(group, { described, features: metadata.features.length }),
      ...reliabilityLines(described.reliability),
    ]),
  ].join('\n');
}

/** What was learnt of each group of sources: both time scales, their features and why, verdicts and the high tier. */
export function groupLines({ groups, features }: Pick<ModelMetadata, 'groups' | 'features'>): string[] {
  return Object.entries(groups).flatMap(([group, described]) =>
    describeGroup(group, { described, features: features.length }),
  );
}

function describeGroup(
  group: string,
  { described, features }: { readonly described: GroupDescription; readonly features: number },
): string[] {
  const { short, long, verdicts } = described;
  return [
    `${group}: ${described.entities} source windows`,
    `  short windows: ${scaleText(short, features)}`,
    long === null
      ? '  long windows: too few to learn from'
      : `  long windows: ${long.entities}; ${scaleText(long, features)}`,
    `  operator verdicts learnt: ${verdicts.attacks} attacks, ${verdicts.benign} harmless`,
    `  high tier: ${highTierText(described)}`,
  ];
}

function scaleText(
  { selection, selectionReason, selectedFeatures }: ScaleDescription,
  features: number,
): string {
  const why = `(${oneLine(selectionReason)})`;
  return selection === 'all'
    ? `all ${features} features ${why}`
    : `${selectedFeatures.length} of ${features} features ${why}: ${selectedFeatures.join(', ')}`;
}

/** From which risk on a source may be in the high tier: by what operators reviewed, and by how much was learnt. */
export function highTierText({
  entities,
  leastHighRisk,
}: Pick<GroupDescription, 'entities' | 'leastHighRisk'>): string {
  if (entities < FEWEST_WINDOWS_TO_BLOCK)
    return `closed: ${entities} source windows learnt, blocking needs ${FEWEST_WINDOWS_TO_BLOCK}`;
  if (leastHighRisk === 0) return 'from CONFIDENCE_HIGH on';
  if (leastHighRisk > HIGHEST_RISK)
    return 'closed: at no risk were 95 % of the reviewed source windows attacks';
  const from = Math.ceil(leastHighRisk * 100) / 100;
  return `from risk ${from} on, tightened until 95 % of the reviewed source windows above it were attacks`;
}

function reliabilityLines(bands: readonly ReliabilityBand[]): string[] {
  if (bands.every(({ reviewed }) => reviewed === 0))
    return ['  risk against operator verdicts: none to compare'];
  const rows = bands.map(({ from, to, reviewed, attacks }) => [
    `${from}-${to}`,
    reviewed,
    attacks,
    reviewed === 0 ? null : `${Math.round((100 * attacks) / reviewed)} %`,
  ]);
  const table = renderTable(['RISK', 'REVIEWED', 'ATTACKS', 'SHARE'], rows);
  return ['  risk against operator verdicts:', ...table.split('\n').map((line) => `    ${line}`)];
}
