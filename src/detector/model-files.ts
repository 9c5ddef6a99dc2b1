import { FEATURE_COUNT, FEATURE_NAMES } from '../features/catalogue.ts';
import { decodeBoostedTrees, encodeBoostedTrees } from './boosted-trees-codec.ts';
import { decodeForest, encodeForest } from './forest-codec.ts';
import { invalid } from './model-json.ts';
import { readModelMetadata } from './model-metadata.ts';
import { decodeParts, encodeParts } from './model-parts.ts';
import { encodeScalerFile, readScalerFile, type ScaledGroup } from './model-scaler-file.ts';
import { encodeSelectorFile, readSelectorFile } from './model-selector-file.ts';
import {
  type GroupDescription,
  type GroupModel,
  type ModelFiles,
  type ModelMetadata,
  type ScaleModel,
  SOURCE_GROUPS,
  type SourceGroup,
  TIME_SCALES,
  type TimeScale,
  type TrainedModel,
} from './trained-model.ts';

/**
 * A model as four files and its metadata: forests and boosted trees in binary, what turns scores into risks and the
 * selected features as JSON. The same model gives the same bytes.
 */
export function encodeModel(model: TrainedModel): {
  readonly files: ModelFiles;
  readonly metadata: ModelMetadata;
} {
  return {
    files: {
      isolation_forest: encodeParts(model, ({ forest }) => encodeForest(forest)),
      scaler: encodeScalerFile(model),
      feature_selector: encodeSelectorFile(model),
      gradient_boosting: encodeParts(model, ({ boosting }) => encodeBoostedTrees(boosting)),
    },
    metadata: model.metadata,
  };
}

/**
 * @throws AutoblockError MODEL_INVALID when anything is missing, of the wrong shape, or does not fit the rest
 */
export function decodeModel(files: ModelFiles, metadata: unknown): TrainedModel {
  const described = readModelMetadata(metadata);
  const parts = readParts(files);
  const groups: Partial<Record<SourceGroup, GroupModel>> = {};
  for (const group of SOURCE_GROUPS) {
    const scaled = parts.scaler[group];
    const others = [parts.forests[group], parts.boosting[group], parts.selector[group]];
    const all = [scaled, ...others, described.groups[group]];
    if (all.every((part) => part === undefined)) continue;
    if (scaled === undefined || all.includes(undefined))
      throw invalid(group, 'not in all of the files of the model');
    const model = assembleGroup(parts, { group, scaled });
    checkAgreement(model, described);
    groups[group] = model;
  }
  return { metadata: described, groups };
}

function readParts(files: ModelFiles) {
  return {
    forests: decodeParts(files.isolation_forest, { file: 'isolation_forest', decode: decodeForest }),
    boosting: decodeParts(files.gradient_boosting, { file: 'gradient_boosting', decode: decodeBoostedTrees }),
    scaler: readScalerFile(files.scaler),
    selector: readSelectorFile(files.feature_selector),
  };
}

type Parts = ReturnType<typeof readParts>;

function assembleGroup(
  parts: Parts,
  { group, scaled }: { readonly group: SourceGroup; readonly scaled: ScaledGroup },
): GroupModel {
  const short = assembleScale(parts, { group, scale: 'short', scaled: scaled.short });
  if (short === null) throw invalid(`${group}.short`, 'not in the files of the model');
  return {
    group,
    ...scaled,
    short,
    long: assembleScale(parts, { group, scale: 'long', scaled: scaled.long }),
  };
}

/** The parts of a scale must be of one training: a forest over other features would score nonsense silently. */
function assembleScale(
  { forests, boosting: boosted, selector }: Parts,
  of: { readonly group: SourceGroup; readonly scale: TimeScale; readonly scaled: ScaledGroup[TimeScale] },
): ScaleModel | null {
  const where = `${of.group}.${of.scale}`;
  const forest = forests[of.group]?.[of.scale];
  const boosting = boosted[of.group]?.[of.scale];
  const chosen = selector[of.group]?.[of.scale];
  const { scaled } = of;
  if (scaled === null && forest === undefined && boosting === undefined && chosen === undefined) return null;
  if (scaled === null || forest === undefined || boosting === undefined || chosen === undefined)
    throw invalid(where, 'not in all of the files of the model');
  const { selected } = chosen;
  if (forest.dimensions !== selected.length)
    throw invalid(where, `forest of ${forest.dimensions} features, ${selected.length} selected`);
  if (boosting.columnCount !== FEATURE_COUNT)
    throw invalid(where, `boosted trees over ${boosting.columnCount} features, there are ${FEATURE_COUNT}`);
  return { ...scaled, ...chosen, forest, boosting };
}

/** What the files hold of a group is what the metadata tell of it. */
function checkAgreement(model: GroupModel, metadata: ModelMetadata): void {
  const described = metadata.groups[model.group]!;
  const { verdicts, reliability, leastHighRisk } = model;
  const where = (name: string): string => `metadata.groups.${model.group}.${name}`;
  agree(where('entities'), { told: described.entities, held: model.short.entityCount });
  for (const scale of TIME_SCALES) checkScaleAgreement(model, { scale, metadata, described });
  agree(where('verdicts.attacks'), { told: described.verdicts.attacks, held: verdicts.attacks });
  agree(where('verdicts.benign'), { told: described.verdicts.benign, held: verdicts.benign });
  agree(where('leastHighRisk'), { told: described.leastHighRisk, held: leastHighRisk });
  const [told, held] = [JSON.stringify(described.reliability), JSON.stringify(reliability)];
  agree(where('reliability'), { told, held });
}

function checkScaleAgreement(
  model: GroupModel,
  {
    scale,
    metadata,
    described,
  }: { readonly scale: TimeScale; readonly metadata: ModelMetadata; readonly described: GroupDescription },
): void {
  const [fitted, description] = [model[scale], described[scale]];
  const field = `metadata.groups.${model.group}.${scale}`;
  if (fitted === null && description === null) return;
  if (fitted === null || description === null)
    throw invalid(field, fitted === null ? 'not in the files of the model' : 'missing beside the files');
  const held = fitted.selected.map((feature) => FEATURE_NAMES[feature]).join();
  agree(`${field}.entities`, { told: description.entities, held: fitted.entityCount });
  agree(`${field}.selectedFeatures`, { told: description.selectedFeatures.join(), held });
  agree(`${field}.selection`, { told: description.selection, held: fitted.selection.kind });
  agree(`${field}.selectionReason`, { told: description.selectionReason, held: fitted.selection.reason });
  const trees = { told: metadata.hyperparameters.nEstimators, held: fitted.forest.treeCount };
  agree(`metadata.hyperparameters.nEstimators (${model.group}.${scale})`, trees);
}

function agree<Value extends string | number>(
  field: string,
  { told, held }: { readonly told: Value; readonly held: Value },
): void {
  if (told !== held) throw invalid(field, `${told}, the files hold ${held}`);
}
