import type { TrafficWindows } from '../features/traffic-windows.ts';
import { type Detection, type Reason, type TierThresholds, tierOf } from './detection.ts';
import { byRiskThenSource, createGroupOf, type Detector } from './detector.ts';
import { type AssessedEntity, assessEntities } from './entity-assessment.ts';
import { evidenceOf, isSingleProbe } from './evidence-row.ts';
import { explainFeatures } from './explanation.ts';
import { judgeByRules, suspicionByRules } from './legacy-detector.ts';
import { formatNumber } from './number-text.ts';
import { SUSPICIOUS_LOG_ODDS } from './risk-assessment.ts';
import { evidenceReaching } from './risk-curve.ts';
import { gatherEvidence } from './stage-evidence.ts';
import {
  type GroupModel,
  SOURCE_GROUPS,
  type SourceGroup,
  type TrainedModel,
  UNREACHABLE_RISK,
} from './trained-model.ts';
import { windowFacts } from './window-facts.ts';

/** Sentences a detection carries besides the caps: enough to judge it, few enough to be read. */
const FEATURE_SENTENCES = 2;

/** In nats: evidence at the very edge is not to be lost to the last bit. */
const ROUNDING = 1e-9;

/** Exposed hosts see some eighty an hour. */
const MOST_PROBES_PER_HOUR = 500;

/** So few say little by themselves. */
const FEW_FLOWS = 3;

/**
 * Forest, boosting and signatures together, at two time scales. Sources of a group the model does not know are judged
 * by the legacy rules, and their detections say so.
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
    detect: (traffic) => {
      const entitiesOf = splitByGroup(traffic, isInternal);
      const detections = SOURCE_GROUPS.flatMap((group) => {
        const groupModel = model.groups[group];
        const entities = entitiesOf[group];
        return groupModel === undefined
          ? detectByRules({ traffic, entities, thresholds })
          : detectByModel({ traffic, entities, groupModel, modelVersion, thresholds });
      });
      return detections.sort(byRiskThenSource);
    },
    suspicion: (traffic) => {
      const entitiesOf = splitByGroup(traffic, isInternal);
      const suspicion = new Float64Array(traffic.short.entityCount);
      for (const group of SOURCE_GROUPS) {
        const groupModel = model.groups[group];
        const entities = entitiesOf[group];
        if (groupModel === undefined) {
          for (const entity of entities) suspicion[entity] = suspicionByRules(traffic.short, entity);
          continue;
        }
        for (const { entity, uncapped } of assessGroup({
          traffic,
          entities,
          groupModel,
          thresholds,
          worthFrom: -Infinity,
        }))
          suspicion[entity] = uncapped;
      }
      return suspicion;
    },
  };
}

/** Short entities of each group, ascending. */
export function splitByGroup(
  { short }: TrafficWindows,
  isInternal: (ip: string) => boolean,
): Readonly<Record<SourceGroup, Int32Array>> {
  const groupOf = createGroupOf(isInternal);
  const rows: Record<SourceGroup, number[]> = { internal: [], external: [] };
  short.sourceIps.forEach((sourceIp, entity) => rows[groupOf(sourceIp)].push(entity));
  return { internal: Int32Array.from(rows.internal), external: Int32Array.from(rows.external) };
}

function detectByRules({
  traffic,
  entities,
  thresholds,
}: {
  readonly traffic: TrafficWindows;
  readonly entities: Int32Array;
  readonly thresholds: TierThresholds;
}): Detection[] {
  const detections: Detection[] = [];
  for (const entity of entities) {
    const detection = judgeByRules({ table: traffic.short, entity, thresholds });
    if (detection !== null) detections.push(detection);
  }
  return detections;
}

interface GroupJudgement {
  readonly traffic: TrafficWindows;
  readonly entities: Int32Array;
  readonly groupModel: GroupModel;
  readonly thresholds: TierThresholds;
}

function assessGroup({
  traffic,
  entities,
  groupModel,
  thresholds,
  worthFrom,
}: GroupJudgement & { readonly worthFrom: number }): Generator<AssessedEntity> {
  const evidence = gatherEvidence({ model: groupModel, traffic, entities, worthFrom });
  return assessEntities({ traffic, entities, model: groupModel, evidence, thresholds });
}

function detectByModel(judgement: GroupJudgement & { readonly modelVersion: string }): Detection[] {
  const detections: Detection[] = [];
  const worthFrom = evidenceReaching(judgement.groupModel.curve, SUSPICIOUS_LOG_ODDS) - ROUNDING;
  const suspects = Array.from(assessGroup({ ...judgement, worthFrom })).filter(
    ({ assessment }) => assessment !== null,
  );
  for (const assessed of withoutMassOfProbes(judgement.traffic, suspects)) {
    const detection = toDetection({ ...judgement, assessed });
    if (detection !== null) detections.push(detection);
  }
  return detections;
}

/**
 * Leaves out all but the riskiest of the sources that sent a single failing probe within the hour: whoever forges
 * addresses at random could otherwise fill `detections` with a row for each.
 */
function withoutMassOfProbes(
  { short, long, longOf }: TrafficWindows,
  suspects: readonly AssessedEntity[],
): readonly AssessedEntity[] {
  const probesOf = new Map<number, AssessedEntity[]>();
  for (const suspect of suspects) {
    const longRow = longOf[suspect.entity]!;
    if (long.logCount[longRow] !== 1 || !isSingleProbe(evidenceOf(short, suspect.entity))) continue;
    const startMs = long.windowStartMs[longRow]!;
    const probes = probesOf.get(startMs);
    if (probes === undefined) probesOf.set(startMs, [suspect]);
    else probes.push(suspect);
  }
  const left = new Set<AssessedEntity>();
  for (const probes of probesOf.values()) {
    probes.sort((a, b) => b.uncapped - a.uncapped || (nameOf(a) < nameOf(b) ? -1 : 1));
    for (const probe of probes.slice(MOST_PROBES_PER_HOUR)) left.add(probe);
  }
  return left.size === 0 ? suspects : suspects.filter((suspect) => !left.has(suspect));

  function nameOf({ entity }: AssessedEntity): string {
    return short.sourceIps[entity]!;
  }
}

type JudgedEntity = GroupJudgement & { readonly modelVersion: string; readonly assessed: AssessedEntity };

/** Lone failing probes make no detection: there are hundreds of thousands of them, and a row for each would bury the rest. */
function toDetection(judged: JudgedEntity): Detection | null {
  const { groupModel, modelVersion, thresholds } = judged;
  const { short } = judged.traffic;
  const { entity, hit, assessment, boostingLogOdds } = judged.assessed;
  const row = evidenceOf(short, entity);
  if (assessment === null) return null;
  const isHeldBack =
    assessment.riskScore >= thresholds.highRisk && assessment.riskScore < groupModel.leastHighRisk;
  const confidence = isHeldBack ? 'medium' : tierOf(assessment.riskScore, thresholds);
  if (confidence === 'low' && isSingleProbe(row)) return null;
  const heldBack = isHeldBack ? [heldBackReason(assessment.riskScore, groupModel.leastHighRisk)] : [];
  return {
    sourceIp: short.sourceIps[entity]!,
    windowStartMs: short.windowStartMs[entity]!,
    windowEndMs: short.windowStartMs[entity]! + short.windowMs,
    riskScore: assessment.riskScore,
    confidence,
    anomalyType: assessment.anomalyType,
    reasons: [
      hit?.reason ?? windowFacts({ row, windowMs: short.windowMs, boostingLogOdds }),
      // Taking a forest's score apart is the dearest step: what nobody is asked to decide gets the facts alone.
      ...(confidence === 'low' ? [] : explain(judged)),
      ...assessment.caps,
      ...heldBack,
    ],
    logCount: short.logCount[entity]!,
    firstSeenMs: short.firstSeenMs[entity]!,
    lastSeenMs: short.lastSeenMs[entity]!,
    detector: 'hybrid',
    modelVersion,
  };
}

function heldBackReason(riskScore: number, leastHighRisk: number): Reason {
  const from =
    leastHighRisk >= UNREACHABLE_RISK ? 'at no risk' : `from risk ${formatNumber(leastHighRisk)} on`;
  const text = `Of what operators reviewed here too much of this risk was harmless: blocked ${from}, left to an operator`;
  return { text, subject: 'reliability', observed: riskScore, typical: null };
}

/** What the forest found odd in the window itself; where that is only a few flows, also in the long one around it. */
function explain({ traffic, groupModel, assessed: { entity, hit } }: JudgedEntity): Reason[] {
  const { short, long, longOf } = traffic;
  const common = { limit: FEATURE_SENTENCES, without: hit?.reason.subject ?? null };
  const own = explainFeatures({ table: short, entity, model: groupModel.short, ...common });
  const needsContext = hit?.scale === 'long' || short.logCount[entity]! <= FEW_FLOWS;
  if (groupModel.long === null || !needsContext) return own;
  const first = own.slice(0, FEATURE_SENTENCES - 1);
  const around = explainFeatures({
    table: long,
    entity: longOf[entity]!,
    model: groupModel.long,
    ...common,
  }).find(({ subject }) => first.every((reason) => reason.subject !== subject));
  // Two forests speak, each for half of the evidence.
  return around === undefined ? own : [...first, around].map(halved);
}

function halved(reason: Reason): Reason {
  return reason.contribution === undefined ? reason : { ...reason, contribution: reason.contribution / 2 };
}
