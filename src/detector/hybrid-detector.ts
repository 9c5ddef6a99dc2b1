import { evidenceIndex } from '../features/evidence.ts';
import type { FeatureTable } from '../features/feature-table.ts';
import { type Detection, type TierThresholds, tierOf } from './detection.ts';
import { byRiskThenSource, createGroupOf, type Detector } from './detector.ts';
import { evidenceOf, isSingleProbe } from './evidence-row.ts';
import { explainFeatures } from './explanation.ts';
import { forestRisks } from './forest-risk.ts';
import { judgeByRules } from './legacy-detector.ts';
import { assessRisk } from './risk-assessment.ts';
import type { SiteTypical } from './signature-rule.ts';
import { matchSignature } from './signatures.ts';
import { type GroupModel, SOURCE_GROUPS, type SourceGroup, type TrainedModel } from './trained-model.ts';

/** Sentences a detection carries besides the caps: enough to judge it, few enough to be read. */
const FEATURE_SENTENCES = 2;

/**
 * Forest and signatures together. Sources of a group the model does not know are judged by the legacy rules, and their
 * detections say so.
 */
export function createHybridDetector({
  model,
  thresholds,
  isInternal,
}: {
  readonly model: TrainedModel;
  readonly thresholds: TierThresholds;
  readonly isInternal: (ip: string) => boolean;
}): Detector {
  const modelVersion = model.metadata.version;
  return {
    name: 'hybrid',
    modelVersion,
    detect: (table) => {
      const entitiesOf = splitByGroup(table, isInternal);
      const detections = SOURCE_GROUPS.flatMap((group) => {
        const groupModel = model.groups[group];
        const entities = entitiesOf[group];
        return groupModel === undefined
          ? detectByRules({ table, entities, thresholds })
          : detectByModel({ table, entities, groupModel, modelVersion, thresholds });
      });
      return detections.sort(byRiskThenSource);
    },
  };
}

/** Row numbers of each group, ascending. */
export function splitByGroup(
  table: FeatureTable,
  isInternal: (ip: string) => boolean,
): Readonly<Record<SourceGroup, Int32Array>> {
  const groupOf = createGroupOf(isInternal);
  const rows: Record<SourceGroup, number[]> = { internal: [], external: [] };
  table.sourceIps.forEach((sourceIp, entity) => rows[groupOf(sourceIp)].push(entity));
  return { internal: Int32Array.from(rows.internal), external: Int32Array.from(rows.external) };
}

function detectByRules({
  table,
  entities,
  thresholds,
}: {
  readonly table: FeatureTable;
  readonly entities: Int32Array;
  readonly thresholds: TierThresholds;
}): Detection[] {
  const detections: Detection[] = [];
  for (const entity of entities) {
    const detection = judgeByRules({ table, entity, thresholds });
    if (detection !== null) detections.push(detection);
  }
  return detections;
}

interface ModelJudgement {
  readonly table: FeatureTable;
  readonly groupModel: GroupModel;
  readonly modelVersion: string;
  readonly thresholds: TierThresholds;
}

/** Single probes are no detections and are not scored: there are hundreds of thousands of them, and a row for each would bury the rest. */
function detectByModel({
  entities: all,
  ...judgement
}: ModelJudgement & { readonly entities: Int32Array }): Detection[] {
  const { table, groupModel } = judgement;
  const entities = all.filter((entity) => !isSingleProbe(evidenceOf(table, entity)));
  const risks = forestRisks({ model: groupModel, table, entities });
  const typical = siteTypical(groupModel);
  const detections: Detection[] = [];
  entities.forEach((entity, position) => {
    const detection = judgeByModel({ ...judgement, entity, forestRisk: risks[position]!, typical });
    if (detection !== null) detections.push(detection);
  });
  return detections;
}

function judgeByModel({
  table,
  groupModel,
  modelVersion,
  thresholds,
  entity,
  forestRisk,
  typical,
}: ModelJudgement & {
  readonly entity: number;
  readonly forestRisk: number;
  readonly typical: SiteTypical;
}): Detection | null {
  const row = evidenceOf(table, entity);
  const hit = matchSignature({ row, group: groupModel.group, windowMs: table.windowMs, typical });
  const assessment = assessRisk({ forestRisk, hit, row, thresholds });
  if (assessment === null) return null;
  const without = hit?.reason.subject ?? null;
  const featureReasons = explainFeatures({
    table,
    entity,
    model: groupModel,
    limit: FEATURE_SENTENCES,
    without,
  });
  return {
    sourceIp: table.sourceIps[entity]!,
    windowStartMs: table.windowStartMs[entity]!,
    windowEndMs: table.windowStartMs[entity]! + table.windowMs,
    riskScore: assessment.riskScore,
    confidence: tierOf(assessment.riskScore, thresholds),
    anomalyType: assessment.anomalyType,
    reasons: [...(hit === null ? [] : [hit.reason]), ...featureReasons, ...assessment.caps],
    logCount: table.logCount[entity]!,
    firstSeenMs: table.firstSeenMs[entity]!,
    lastSeenMs: table.lastSeenMs[entity]!,
    detector: 'hybrid',
    modelVersion,
  };
}

function siteTypical(model: GroupModel): SiteTypical {
  return {
    high: (column) => model.evidenceTypicalHigh[evidenceIndex(column)]!,
    highest: (column) => model.evidenceHighest[evidenceIndex(column)]!,
  };
}
