import { FEATURE_COUNT } from '../features/catalogue.ts';
import {
  encodeJson,
  type Fields,
  invalid,
  parseJson,
  readNumber,
  readNumbers,
  readObject,
  readText,
} from './model-json.ts';
import { learntGroups, type ScaleParts } from './model-parts.ts';
import {
  type FeatureSelection,
  type GroupModel,
  type ScaleModel,
  SOURCE_GROUPS,
  TIME_SCALES,
  type TrainedModel,
} from './trained-model.ts';

/** What the selector file holds of one time scale: which features, why, and how well each separates. */
export type ChosenFeatures = Pick<ScaleModel, 'selected' | 'selection' | 'chiSquare'>;

export function encodeSelectorFile(model: TrainedModel): Uint8Array {
  const groups = Object.fromEntries(learntGroups(model).map((group) => [group.group, describeGroup(group)]));
  return encodeJson({ groups });
}

/** @throws AutoblockError MODEL_INVALID naming the field */
export function readSelectorFile(bytes: Uint8Array): ScaleParts<ChosenFeatures> {
  const file = 'feature_selector';
  const described = readObject(readObject(parseJson(bytes, file), file)['groups'], `${file}.groups`);
  const groups: ScaleParts<ChosenFeatures> = {};
  for (const group of SOURCE_GROUPS) {
    if (described[group] === undefined) continue;
    const scales = readObject(described[group], `${file}.${group}`);
    groups[group] = {};
    for (const scale of TIME_SCALES) {
      const where = `${file}.${group}.${scale}`;
      if (scale === 'long' && scales[scale] === null) continue;
      groups[group][scale] = readChosen(readObject(scales[scale], where), where);
    }
  }
  return groups;
}

function describeGroup({ short, long }: GroupModel): Fields {
  return { short: describeChosen(short), long: long === null ? null : describeChosen(long) };
}

function describeChosen({ selected, selection, chiSquare }: ScaleModel): Fields {
  return { selected, selection, chiSquare: [...chiSquare] };
}

function readChosen(fields: Fields, where: string): ChosenFeatures {
  const selected = readSelected(fields['selected'], `${where}.selected`);
  const selection = readSelection(fields['selection'], `${where}.selection`);
  if ((selection.kind === 'all') !== (selected.length === FEATURE_COUNT))
    throw invalid(`${where}.selection.kind`, `${selection.kind} with ${selected.length} features`);
  const chiSquare = { where: `${where}.chiSquare`, length: FEATURE_COUNT, min: 0 };
  return { selected, selection, chiSquare: readNumbers(fields['chiSquare'], chiSquare) };
}

function readSelected(value: unknown, where: string): readonly number[] {
  const selected = [...readNumbers(value, { where, length: null, min: 0 })];
  const isAscending = selected.every((feature, index) => index === 0 || feature > selected[index - 1]!);
  if (!isAscending || selected.some((feature) => !Number.isInteger(feature) || feature >= FEATURE_COUNT))
    throw invalid(where, 'expected ascending feature numbers');
  return selected;
}

function readSelection(value: unknown, where: string): FeatureSelection {
  const fields = readObject(value, where);
  const auc = (name: string): number | null =>
    fields[name] === null ? null : readNumber(fields[name], { where: `${where}.${name}`, min: 0, max: 1 });
  const kind = readSelectionKind(fields['kind'], `${where}.kind`);
  const [selectedAuc, allAuc] = [auc('selectedAuc'), auc('allAuc')];
  if ((selectedAuc === null) !== (allAuc === null))
    throw invalid(`${where}.selectedAuc`, 'expected both areas under the curve or neither');
  if (kind === 'chi-square' && !(Number(selectedAuc) > Number(allAuc)))
    throw invalid(`${where}.selectedAuc`, 'a choice is only made where it beats all features');
  return { kind, selectedAuc, allAuc, reason: readText(fields['reason'], `${where}.reason`) };
}

/** Also for the metadata, which name the kind too. */
export function readSelectionKind(value: unknown, where: string): FeatureSelection['kind'] {
  if (value !== 'chi-square' && value !== 'all') throw invalid(where, 'expected chi-square or all');
  return value;
}
