import { FEATURE_NAMES } from '../features/catalogue.ts';
import {
  type Fields,
  invalid,
  readCount,
  readNumber,
  readObject,
  readText,
  readTexts,
} from './model-json.ts';
import { readReviewed } from './model-reliability.ts';
import { readSelectionKind } from './model-selector-file.ts';
import {
  type BaselineExclusions,
  type GroupDescription,
  type ModelMetadata,
  type ScaleDescription,
  SOURCE_GROUPS,
} from './trained-model.ts';

const SCHEMA_VERSION: ModelMetadata['schemaVersion'] = 2;

/**
 * Models of another layout are not converted: what they lack can only be learnt from traffic.
 *
 * @param where what the number was found in, for the message
 * @throws AutoblockError MODEL_INVALID
 */
export function checkSchemaVersion(found: unknown, where: string): void {
  if (found === SCHEMA_VERSION) return;
  const age = typeof found === 'number' && found < SCHEMA_VERSION ? 'made by an earlier autoblock, ' : '';
  throw invalid(
    where,
    `${age}schema version ${String(found)}, this one reads ${SCHEMA_VERSION}: retrain with \`autoblock train\``,
  );
}

/**
 * Checks what `metadata_latest.json` held (fields that storage adds, as checksums, are passed over).
 *
 * @throws AutoblockError MODEL_INVALID naming the first field that is wrong
 */
export function readModelMetadata(value: unknown): ModelMetadata {
  const fields = readObject(value, 'metadata');
  checkSchemaVersion(fields['schemaVersion'], 'metadata.schemaVersion');
  if (fields['algorithm'] !== 'extended-isolation-forest')
    throw invalid('metadata.algorithm', 'expected extended-isolation-forest');
  const features = readTexts(fields['features'], 'metadata.features');
  if (features.join() !== FEATURE_NAMES.join())
    throw invalid('metadata.features', 'not the features of this autoblock in their order');
  const window = readObject(fields['trainingWindow'], 'metadata.trainingWindow');
  return {
    schemaVersion: SCHEMA_VERSION,
    version: readText(fields['version'], 'metadata.version'),
    createdAt: readText(fields['createdAt'], 'metadata.createdAt'),
    algorithm: 'extended-isolation-forest',
    source: readSource(fields['source']),
    trainingWindow: {
      from: readText(window['from'], 'metadata.trainingWindow.from'),
      to: readText(window['to'], 'metadata.trainingWindow.to'),
    },
    seed: readNumber(fields['seed'], {
      where: 'metadata.seed',
      min: Number.MIN_SAFE_INTEGER,
      max: Number.MAX_SAFE_INTEGER,
    }),
    windowMinutes: readNumber(fields['windowMinutes'], {
      where: 'metadata.windowMinutes',
      min: 1,
      max: 1440,
    }),
    hyperparameters: readHyperparameters(fields['hyperparameters']),
    features,
    internalNetworks: readTexts(fields['internalNetworks'], 'metadata.internalNetworks'),
    counts: readCounts(fields['counts']),
    groups: readGroups(fields['groups']),
  };
}

function readSource(value: unknown): ModelMetadata['source'] {
  if (value !== 'database' && value !== 'flows')
    throw invalid('metadata.source', 'expected database or flows');
  return value;
}

function readHyperparameters(value: unknown): ModelMetadata['hyperparameters'] {
  const where = 'metadata.hyperparameters';
  const fields = readObject(value, where);
  return {
    contamination: readNumber(fields['contamination'], {
      where: `${where}.contamination`,
      min: 0.001,
      max: 0.5,
    }),
    nEstimators: readCount(fields['nEstimators'], `${where}.nEstimators`, 1),
    sampleSize: readCount(fields['sampleSize'], `${where}.sampleSize`, 1),
    chi2TopK: readCount(fields['chi2TopK'], `${where}.chi2TopK`, 1),
  };
}

function readCounts(value: unknown): ModelMetadata['counts'] {
  const fields = readObject(value, 'metadata.counts');
  const count = (name: string): number => readCount(fields[name], `metadata.counts.${name}`);
  const exclusions = readExclusions(fields['exclusions'], 'metadata.counts.exclusions');
  const sum = Object.values<number>({ ...exclusions }).reduce((total, excluded) => total + excluded, 0);
  const excludedEntities = count('excludedEntities');
  if (excludedEntities !== sum)
    throw invalid('metadata.counts.excludedEntities', `${excludedEntities}, the exclusions add up to ${sum}`);
  return { records: count('records'), entities: count('entities'), excludedEntities, exclusions };
}

function readExclusions(value: unknown, where: string): BaselineExclusions {
  const fields = readObject(value, where);
  const excluded = (reason: keyof BaselineExclusions): number =>
    readCount(fields[reason], `${where}.${reason}`);
  return {
    knownBadSources: excluded('knownBadSources'),
    attackSignatures: excluded('attackSignatures'),
    nothingCompleted: excluded('nothingCompleted'),
    attackLike: excluded('attackLike'),
    sampledAway: excluded('sampledAway'),
  };
}

function readGroups(value: unknown): ModelMetadata['groups'] {
  const fields = readObject(value, 'metadata.groups');
  const groups: ModelMetadata['groups'] = {};
  for (const group of SOURCE_GROUPS) {
    const where = `metadata.groups.${group}`;
    if (fields[group] !== undefined) groups[group] = readGroup(readObject(fields[group], where), where);
  }
  if (Object.keys(groups).length === 0) throw invalid('metadata.groups', 'no source group at all');
  return groups;
}

function readGroup(fields: Fields, where: string): GroupDescription {
  return {
    entities: readCount(fields['entities'], `${where}.entities`, 1),
    short: readScale(fields['short'], `${where}.short`),
    long: fields['long'] === null ? null : readScale(fields['long'], `${where}.long`),
    ...readReviewed(fields, where),
  };
}

function readScale(value: unknown, where: string): ScaleDescription {
  const fields = readObject(value, where);
  return {
    entities: readCount(fields['entities'], `${where}.entities`, 1),
    selection: readSelectionKind(fields['selection'], `${where}.selection`),
    selectionReason: readText(fields['selectionReason'], `${where}.selectionReason`),
    selectedFeatures: readTexts(fields['selectedFeatures'], `${where}.selectedFeatures`),
  };
}
