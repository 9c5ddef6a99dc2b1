import { FEATURE_COUNT } from '../features/catalogue.ts';
import { EVIDENCE_COLUMNS, EVIDENCE_COUNT } from '../features/evidence.ts';
import {
  encodeJson,
  type Fields,
  invalid,
  parseJson,
  readAscending,
  readCount,
  readNumber,
  readNumbers,
  readObject,
  readTexts,
} from './model-json.ts';
import { learntGroups } from './model-parts.ts';
import { type Reviewed, readReviewed } from './model-reliability.ts';
import { LARGEST_SHAPE, SMALLEST_SHAPE } from './risk-calibration.ts';
import {
  type GroupModel,
  type RiskCalibration,
  type RiskCurve,
  type ScaleModel,
  SOURCE_GROUPS,
  type SourceGroup,
  type TrainedModel,
} from './trained-model.ts';

/** What the scaler file holds of one time scale: everything between raw features and forest, and what is usual here. */
type ScaledScale = Omit<ScaleModel, 'selected' | 'selection' | 'chiSquare' | 'forest' | 'boosting'>;

/** What the scaler file holds of a group: how scores become risk, and how that stood up to verdicts. */
export interface ScaledGroup extends Pick<GroupModel, 'longWeight' | 'curve'>, Reviewed {
  readonly short: ScaledScale;
  readonly long: ScaledScale | null;
}

export function encodeScalerFile(model: TrainedModel): Uint8Array {
  const groups = Object.fromEntries(learntGroups(model).map((group) => [group.group, describeGroup(group)]));
  return encodeJson({ evidenceColumns: EVIDENCE_COLUMNS, groups });
}

/** @throws AutoblockError MODEL_INVALID naming the field */
export function readScalerFile(bytes: Uint8Array): Partial<Record<SourceGroup, ScaledGroup>> {
  const fields = readObject(parseJson(bytes, 'scaler'), 'scaler');
  if (readTexts(fields['evidenceColumns'], 'scaler.evidenceColumns').join() !== EVIDENCE_COLUMNS.join())
    throw invalid('scaler.evidenceColumns', 'not the evidence columns of this autoblock');
  const described = readObject(fields['groups'], 'scaler.groups');
  const groups: Partial<Record<SourceGroup, ScaledGroup>> = {};
  for (const group of SOURCE_GROUPS) {
    const where = `scaler.${group}`;
    if (described[group] !== undefined) groups[group] = readGroup(readObject(described[group], where), where);
  }
  return groups;
}

function describeGroup({
  short,
  long,
  longWeight,
  curve,
  verdicts,
  reliability,
  leastHighRisk,
}: GroupModel): Fields {
  return {
    short: describeScale(short),
    long: long === null ? null : describeScale(long),
    longWeight,
    curve: { evidence: [...curve.evidence], logOdds: [...curve.logOdds] },
    verdicts,
    reliability,
    leastHighRisk,
  };
}

function describeScale(model: ScaleModel): Fields {
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

function readGroup(fields: Fields, where: string): ScaledGroup {
  const scale = (name: 'short' | 'long'): ScaledScale =>
    readScale(readObject(fields[name], `${where}.${name}`), `${where}.${name}`);
  const long = fields['long'] === null ? null : scale('long');
  const longWeight = readNumber(fields['longWeight'], { where: `${where}.longWeight`, min: 0, max: 1 });
  if (long === null && longWeight !== 0)
    throw invalid(`${where}.longWeight`, `${longWeight}, expected 0 without a long scale`);
  return {
    short: scale('short'),
    long,
    longWeight,
    curve: readCurve(fields['curve'], `${where}.curve`),
    ...readReviewed(fields, where),
  };
}

function readScale(fields: Fields, where: string): ScaledScale {
  const columns = (name: string, length: number, min = -Number.MAX_VALUE): Float64Array =>
    readNumbers(fields[name], { where: `${where}.${name}`, length, min });
  const clip = { where: `${where}.clip`, min: Number.MIN_VALUE, max: Number.MAX_VALUE };
  return {
    scaler: {
      centre: columns('centre', FEATURE_COUNT),
      scale: columns('scale', FEATURE_COUNT, Number.MIN_VALUE),
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
  const quantileScores = readAscending(fields['quantileScores'], quantiles);
  const tailStartScore = number('tailStartScore', 0);
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

function readCurve(value: unknown, where: string): RiskCurve {
  const fields = readObject(value, where);
  const min = -Number.MAX_VALUE;
  const evidence = readAscending(fields['evidence'], { where: `${where}.evidence`, length: null, min });
  if (evidence.length < 2) throw invalid(`${where}.evidence`, 'expected at least two numbers');
  const { length } = evidence;
  return { evidence, logOdds: readAscending(fields['logOdds'], { where: `${where}.logOdds`, length, min }) };
}
