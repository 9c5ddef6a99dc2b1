import { FEATURE_COUNT, FEATURE_NAMES } from '../features/catalogue.ts';
import { EVIDENCE_COLUMNS, EVIDENCE_COUNT } from '../features/evidence.ts';
import type { ExtendedIsolationForest } from './extended-isolation-forest.ts';
import { decodeForest, encodeForest } from './forest-codec.ts';
import {
  encodeJson,
  type Fields,
  invalid,
  parseJson,
  readCount,
  readNumber,
  readNumbers,
  readObject,
  readTexts,
} from './model-json.ts';
import { readModelMetadata } from './model-metadata.ts';
import { LARGEST_SHAPE, SMALLEST_SHAPE } from './risk-calibration.ts';
import {
  type GroupModel,
  type ModelFiles,
  type ModelMetadata,
  type RiskCalibration,
  SOURCE_GROUPS,
  type SourceGroup,
  type TrainedModel,
} from './trained-model.ts';

/** Per group in the order of SOURCE_GROUPS: length of its encoded forest, 0 where it has none; little-endian uint32. */
const HEADER_BYTES = 4 * SOURCE_GROUPS.length;

/**
 * A model as three files and its metadata: the forests in binary, what scales scores into risks and the selected
 * features as JSON. The same model gives the same bytes.
 */
export function encodeModel(model: TrainedModel): {
  readonly files: ModelFiles;
  readonly metadata: ModelMetadata;
} {
  const groups = SOURCE_GROUPS.flatMap((group) => model.groups[group] ?? []);
  const scaler = Object.fromEntries(groups.map((group) => [group.group, describeScaler(group)]));
  const selector = Object.fromEntries(groups.map((group) => [group.group, describeSelector(group)]));
  return {
    files: {
      isolation_forest: encodeForests(model),
      scaler: encodeJson({ evidenceColumns: EVIDENCE_COLUMNS, groups: scaler }),
      feature_selector: encodeJson({ groups: selector }),
    },
    metadata: model.metadata,
  };
}

/**
 * @throws AutoblockError MODEL_INVALID when anything is missing, of the wrong shape, or does not fit the rest
 */
export function decodeModel(files: ModelFiles, metadata: unknown): TrainedModel {
  const described = readModelMetadata(metadata);
  const forests = decodeForests(files.isolation_forest);
  const scaler = readObject(parseJson(files.scaler, 'scaler'), 'scaler');
  if (readTexts(scaler['evidenceColumns'], 'scaler.evidenceColumns').join() !== EVIDENCE_COLUMNS.join())
    throw invalid('scaler.evidenceColumns', 'not the evidence columns of this autoblock');
  const selector = readObject(parseJson(files.feature_selector, 'feature_selector'), 'feature_selector');
  const scalerGroups = readObject(scaler['groups'], 'scaler.groups');
  const selectorGroups = readObject(selector['groups'], 'feature_selector.groups');
  const groups: Partial<Record<SourceGroup, GroupModel>> = {};
  for (const group of SOURCE_GROUPS) {
    const parts = [forests[group], scalerGroups[group], selectorGroups[group], described.groups[group]];
    if (parts.every((part) => part === undefined)) continue;
    if (parts.includes(undefined)) throw invalid(group, 'not in all of the files of the model');
    const scaled = readScaler(readObject(scalerGroups[group], `scaler.${group}`), `scaler.${group}`);
    const chosen = readSelector(selectorGroups[group], `feature_selector.${group}`);
    const groupModel: GroupModel = { group, ...scaled, ...chosen, forest: forests[group]! };
    checkAgreement(groupModel, described);
    groups[group] = groupModel;
  }
  return { metadata: described, groups };
}

/** The parts of a model must be of one training: a forest over other features would score nonsense silently. */
function checkAgreement(model: GroupModel, metadata: ModelMetadata): void {
  const { group, forest, selected, entityCount } = model;
  const described = metadata.groups[group]!;
  if (forest.dimensions !== selected.length)
    throw invalid(group, `forest of ${forest.dimensions} features, ${selected.length} selected`);
  if (forest.treeCount !== metadata.hyperparameters.nEstimators)
    throw invalid(
      group,
      `forest of ${forest.treeCount} trees, metadata says ${metadata.hyperparameters.nEstimators}`,
    );
  if (selected.map((feature) => FEATURE_NAMES[feature]).join() !== described.selectedFeatures.join())
    throw invalid(group, 'metadata names other selected features');
  if (entityCount !== described.entities)
    throw invalid(group, `trained on ${entityCount} entities, metadata says ${described.entities}`);
}

function encodeForests(model: TrainedModel): Uint8Array {
  const encoded = SOURCE_GROUPS.map((group) => {
    const forest = model.groups[group]?.forest;
    return forest === undefined ? new Uint8Array(0) : encodeForest(forest);
  });
  const bytes = new Uint8Array(HEADER_BYTES + encoded.reduce((sum, part) => sum + part.length, 0));
  const header = new DataView(bytes.buffer);
  let offset = HEADER_BYTES;
  encoded.forEach((part, index) => {
    header.setUint32(4 * index, part.length, true);
    bytes.set(part, offset);
    offset += part.length;
  });
  return bytes;
}

function decodeForests(bytes: Uint8Array): Partial<Record<SourceGroup, ExtendedIsolationForest>> {
  if (bytes.length < HEADER_BYTES) throw invalid('isolation_forest', `only ${bytes.length} bytes`);
  const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const forests: Partial<Record<SourceGroup, ExtendedIsolationForest>> = {};
  let offset = HEADER_BYTES;
  for (const [index, group] of SOURCE_GROUPS.entries()) {
    const length = header.getUint32(4 * index, true);
    if (length > bytes.length - offset) throw invalid('isolation_forest', `the ${group} forest is cut off`);
    if (length > 0) forests[group] = decodeForest(bytes.slice(offset, offset + length));
    offset += length;
  }
  if (offset !== bytes.length) throw invalid('isolation_forest', `${bytes.length - offset} bytes too many`);
  return forests;
}

function describeScaler(model: GroupModel): Fields {
  const { scaler, calibration } = model;
  return {
    centre: [...scaler.centre],
    scale: [...scaler.scale],
    clip: scaler.clip,
    calibration: { ...calibration, quantileScores: [...calibration.quantileScores] },
    typicalMedian: [...model.typicalMedian],
    typicalHigh: [...model.typicalHigh],
    evidenceTypicalHigh: [...model.evidenceTypicalHigh],
    evidenceHighest: [...model.evidenceHighest],
    entityCount: model.entityCount,
  };
}

function readScaler(
  fields: Fields,
  where: string,
): Omit<GroupModel, 'group' | 'selected' | 'chiSquare' | 'forest'> {
  const columns = (name: string, length: number): Float64Array =>
    readNumbers(fields[name], { where: `${where}.${name}`, length, min: -Number.MAX_VALUE });
  const scale = { where: `${where}.scale`, length: FEATURE_COUNT, min: Number.MIN_VALUE };
  const clip = { where: `${where}.clip`, min: Number.MIN_VALUE, max: Number.MAX_VALUE };
  return {
    scaler: {
      centre: columns('centre', FEATURE_COUNT),
      scale: readNumbers(fields['scale'], scale),
      clip: readNumber(fields['clip'], clip),
    },
    calibration: readCalibration(fields['calibration'], `${where}.calibration`),
    typicalMedian: columns('typicalMedian', FEATURE_COUNT),
    typicalHigh: columns('typicalHigh', FEATURE_COUNT),
    evidenceTypicalHigh: columns('evidenceTypicalHigh', EVIDENCE_COUNT),
    evidenceHighest: columns('evidenceHighest', EVIDENCE_COUNT),
    entityCount: readCount(fields['entityCount'], `${where}.entityCount`, 1),
  };
}

function readCalibration(value: unknown, where: string): RiskCalibration {
  const fields = readObject(value, where);
  const number = (name: string, min: number, max = 1): number =>
    readNumber(fields[name], { where: `${where}.${name}`, min, max });
  const quantiles = { where: `${where}.quantileScores`, length: null, min: 0 };
  const quantileScores = readNumbers(fields['quantileScores'], quantiles);
  const tailStartScore = number('tailStartScore', 0);
  if (quantileScores.some((score, index) => index > 0 && score < quantileScores[index - 1]!))
    throw invalid(quantiles.where, 'not ascending');
  if (quantileScores.length < 2 || quantileScores.at(-1) !== tailStartScore)
    throw invalid(quantiles.where, 'does not end where the tail starts');
  return {
    quantileScores,
    tailStartScore,
    tailShape: number('tailShape', SMALLEST_SHAPE, LARGEST_SHAPE),
    tailScale: number('tailScale', Number.MIN_VALUE, Number.MAX_VALUE),
    contamination: number('contamination', 0.001),
  };
}

function describeSelector(model: GroupModel): Fields {
  return { selected: model.selected, chiSquare: [...model.chiSquare] };
}

function readSelector(value: unknown, where: string): Pick<GroupModel, 'selected' | 'chiSquare'> {
  const fields = readObject(value, where);
  const numbers = { where: `${where}.selected`, length: null, min: 0 };
  const selected = [...readNumbers(fields['selected'], numbers)];
  const isAscending = selected.every((feature, index) => index === 0 || feature > selected[index - 1]!);
  if (!isAscending || selected.some((feature) => !Number.isInteger(feature) || feature >= FEATURE_COUNT))
    throw invalid(`${where}.selected`, 'expected ascending feature numbers');
  const chiSquare = { where: `${where}.chiSquare`, length: FEATURE_COUNT, min: 0 };
  return { selected, chiSquare: readNumbers(fields['chiSquare'], chiSquare) };
}
