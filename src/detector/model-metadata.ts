import { FEATURE_NAMES } from '../features/catalogue.ts';
import { invalid, readCount, readNumber, readObject, readText, readTexts } from './model-json.ts';
import { type ModelMetadata, SOURCE_GROUPS } from './trained-model.ts';

const SCHEMA_VERSION = 1;

/**
 * Checks what `metadata_latest.json` held (fields that storage adds, as checksums, are passed over).
 *
 * @throws AutoblockError MODEL_INVALID naming the first field that is wrong
 */
export function readModelMetadata(value: unknown): ModelMetadata {
  const fields = readObject(value, 'metadata');
  if (fields['schemaVersion'] !== SCHEMA_VERSION)
    throw invalid('metadata.schemaVersion', `this autoblock reads version ${SCHEMA_VERSION}`);
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
    extensionLevel: readCount(fields['extensionLevel'], `${where}.extensionLevel`),
    chi2TopK: readCount(fields['chi2TopK'], `${where}.chi2TopK`, 1),
  };
}

function readCounts(value: unknown): ModelMetadata['counts'] {
  const fields = readObject(value, 'metadata.counts');
  const exclusions = readObject(fields['exclusions'], 'metadata.counts.exclusions');
  const excluded = (reason: keyof ModelMetadata['counts']['exclusions']): number =>
    readCount(exclusions[reason], `metadata.counts.exclusions.${reason}`);
  return {
    records: readCount(fields['records'], 'metadata.counts.records'),
    entities: readCount(fields['entities'], 'metadata.counts.entities'),
    excludedEntities: readCount(fields['excludedEntities'], 'metadata.counts.excludedEntities'),
    exclusions: {
      knownBadSources: excluded('knownBadSources'),
      attackSignatures: excluded('attackSignatures'),
      nothingCompleted: excluded('nothingCompleted'),
      sampledAway: excluded('sampledAway'),
    },
  };
}

function readGroups(value: unknown): ModelMetadata['groups'] {
  const fields = readObject(value, 'metadata.groups');
  const groups: ModelMetadata['groups'] = {};
  for (const group of SOURCE_GROUPS) {
    if (fields[group] === undefined) continue;
    const where = `metadata.groups.${group}`;
    const described = readObject(fields[group], where);
    groups[group] = {
      entities: readCount(described['entities'], `${where}.entities`, 1),
      selectedFeatures: readTexts(described['selectedFeatures'], `${where}.selectedFeatures`),
    };
  }
  if (Object.keys(groups).length === 0) throw invalid('metadata.groups', 'no source group at all');
  return groups;
}
