import { evidenceIndex } from '../features/evidence.ts';
import type { TrafficWindows } from '../features/traffic-windows.ts';
import type { TierThresholds } from './detection.ts';
import { type EvidenceRow, evidenceOf, failedFlows } from './evidence-row.ts';
import { indexNeighbours } from './neighbours.ts';
import { type Assessment, assessRisk, uncappedRisk } from './risk-assessment.ts';
import { logOddsAt, riskOfLogOdds } from './risk-curve.ts';
import type { SiteTypical } from './signature-rule.ts';
import { matchSignature, type ScaledHit } from './signatures.ts';
import { distinctLongRows, type Evidence } from './stage-evidence.ts';
import type { GroupModel, ScaleModel } from './trained-model.ts';

/** A window with less than this part of what was moved is not the one to look at. */
const EXFILTRATION_PARTS = 100;

export interface AssessedEntity {
  /** Row of traffic.short. */
  readonly entity: number;
  readonly hit: ScaledHit | null;
  /** Null when there is nothing to report. */
  readonly assessment: Assessment | null;
  /** Boosting at both scales: above 0 it looks more like an attack than like the baseline. */
  readonly boostingLogOdds: number;
  /** Risk without caps, 0-100: for ranks. */
  readonly uncapped: number;
}

/**
 * Puts together what model, signatures and neighbours say of entities of one group.
 *
 * @param entities rows of traffic.short
 * @param evidence of the entities, in their order
 */
export function* assessEntities({
  traffic,
  entities,
  model,
  evidence,
  thresholds,
}: {
  readonly traffic: TrafficWindows;
  readonly entities: Int32Array;
  readonly model: GroupModel;
  readonly evidence: Evidence;
  readonly thresholds: TierThresholds;
}): Generator<AssessedEntity> {
  const { short, long, longOf } = traffic;
  const neighboursOf = indexNeighbours(traffic, distinctLongRows(traffic, entities));
  const hitOf = createHitOf(traffic, model);
  for (const [position, entity] of entities.entries()) {
    const modelRisk = riskOfLogOdds(logOddsAt(model.curve, evidence.combined[position]!));
    const hit = hitOf(entity);
    const assessment = assessRisk({
      modelRisk,
      boostingLogOdds: evidence.boosting[position]!,
      hit,
      group: model.group,
      row: evidenceOf(short, entity),
      longRow: evidenceOf(long, longOf[entity]!),
      neighbours: neighboursOf(longOf[entity]!),
      baselineWindows: model.short.entityCount,
      thresholds,
    });
    const uncapped = uncappedRisk({ modelRisk, hit });
    yield { entity, hit, assessment, uncapped, boostingLogOdds: evidence.boosting[position]! };
  }
}

/** The stronger signature of the entity's own window and the long one around it; its own on a tie. */
function createHitOf(
  { short, long, longOf }: TrafficWindows,
  model: GroupModel,
): (entity: number) => ScaledHit | null {
  const { group } = model;
  const shortTypical = siteTypical(model.short);
  const longTypical = model.long === null ? null : siteTypical(model.long);
  const longHits = new Map<number, ScaledHit | null>();
  const longHitOf = (longRow: number): ScaledHit | null => {
    const known = longHits.get(longRow);
    if (known !== undefined) return known;
    const row = evidenceOf(long, longRow);
    const hit = matchSignature({ row, group, windowMs: long.windowMs, typical: longTypical });
    const scaled = hit === null ? null : { ...hit, scale: 'long' as const };
    longHits.set(longRow, scaled);
    return scaled;
  };
  return (entity) => {
    const row = evidenceOf(short, entity);
    const own = matchSignature({ row, group, windowMs: short.windowMs, typical: shortTypical });
    const around = longHitOf(longOf[entity]!);
    if (own !== null && own.risk >= (around?.risk ?? 0)) return { ...own, scale: 'short' };
    return around !== null && takesPart(around, row, evidenceOf(long, longOf[entity]!)) ? around : null;
  };
}

/** Whether the window holds any of what was seen around it: an infected host also has windows of ordinary work. */
function takesPart(hit: ScaledHit, row: EvidenceRow, longRow: EvidenceRow): boolean {
  switch (hit.type) {
    case 'port_scan':
    case 'slow_scan':
      return failedFlows(row) > 0;
    case 'exfiltration':
      return row('bytes_total') * EXFILTRATION_PARTS >= longRow('bytes_total');
    default:
      return row('top_port') === longRow('top_port');
  }
}

function siteTypical(model: ScaleModel): SiteTypical {
  return {
    high: (column) => model.evidenceTypicalHigh[evidenceIndex(column)]!,
    highest: (column) => model.evidenceHighest[evidenceIndex(column)]!,
  };
}
