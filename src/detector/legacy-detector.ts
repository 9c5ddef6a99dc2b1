import type { EvidenceColumn } from '../features/evidence.ts';
import type { FeatureTable } from '../features/feature-table.ts';
import { type AnomalyType, type Detection, type Reason, type TierThresholds, tierOf } from './detection.ts';
import { byRiskThenSource, type Detector } from './detector.ts';
import { type EvidenceRow, evidenceOf, MOSTLY } from './evidence-row.ts';
import { formatDuration, formatNumber } from './number-text.ts';
import { applyCaps } from './risk-caps.ts';

const MINUTE_MS = 60_000;
const DNS_PORT = 53;

/** Risk at the threshold, and where `highAtTimes` the threshold is reached (the default of CONFIDENCE_HIGH). */
const RISK_AT_THRESHOLD = 60;
const RISK_AT_HIGH = 95;

export interface LegacyRule {
  readonly name: string;
  readonly anomalyType: AnomalyType;
  /** What is counted. */
  readonly column: EvidenceColumn;
  /** The rule fires from this count up. */
  readonly threshold: (windowMs: number) => number;
  /** The threshold in words, for the README. */
  readonly thresholdText: string;
  /** Risk 95 is reached at this many times the threshold: only far over may a rule act by itself. */
  readonly highAtTimes: number;
  /** What the count is called in reasons; `{window}` becomes the window's length. */
  readonly words: string;
  readonly meaning: string;
  /** Traffic the rule does not judge. */
  readonly applies: (row: EvidenceRow) => boolean;
}

const isNameResolution = (row: EvidenceRow): boolean => row('top_port') === DNS_PORT;

function callsInVain(row: EvidenceRow): boolean {
  const isNarrow = row('distinct_destination_ports') <= 3 && row('distinct_destinations') <= 10;
  return isNarrow && row('unanswered_tcp_flows') >= 0.9 * row('tcp_flows');
}

/**
 * The rules that need no model, with their thresholds. Source of the numbers: CrowdSec's firewall scenario (15 ports)
 * and its 5 login connections in 10 minutes, and common practice for connection rates.
 */
export const LEGACY_RULES: readonly LegacyRule[] = [
  {
    name: 'many_login_connections',
    anomalyType: 'brute_force',
    column: 'login_flows',
    threshold: (windowMs) => Math.max(5, Math.ceil((5 * windowMs) / (10 * MINUTE_MS))),
    thresholdText: '5 in a window of up to 10 min, 5 more for each further 10 min',
    highAtTimes: 6,
    words: 'connections to login services in {window}',
    meaning: 'Password guessing against SSH, telnet, RDP, VNC, SMB, FTP or Winbox.',
    applies: () => true,
  },
  {
    name: 'many_destination_ports',
    anomalyType: 'port_scan',
    column: 'distinct_destination_ports',
    threshold: () => 15,
    thresholdText: '15 in a window',
    highAtTimes: 7,
    words: 'destination ports in {window}',
    meaning: 'A client needs a handful of ports; a scanner tries them all.',
    applies: () => true,
  },
  {
    name: 'many_destinations',
    anomalyType: 'horizontal_scan',
    column: 'distinct_destinations',
    threshold: (windowMs) => Math.max(30, Math.ceil((30 * windowMs) / MINUTE_MS)),
    thresholdText: '30 for each minute of the window',
    highAtTimes: 20,
    words: 'destinations in {window}',
    meaning: 'Sweeping a network for one service. Sources that mostly resolve names are not judged.',
    applies: (row) => !isNameResolution(row),
  },
  {
    name: 'many_flows_per_minute',
    anomalyType: 'flood',
    column: 'max_flows_per_minute',
    threshold: () => 61,
    thresholdText: 'more than 60 in one minute',
    highAtTimes: 20,
    words: 'flows in the busiest minute',
    meaning: 'A rate people do not reach. Sources that mostly resolve names are not judged.',
    applies: (row) => !isNameResolution(row),
  },
  {
    name: 'many_unanswered_calls',
    anomalyType: 'beaconing',
    column: 'unanswered_tcp_flows',
    threshold: (windowMs) => Math.max(15, Math.ceil((3 * windowMs) / MINUTE_MS)),
    thresholdText: '3 for each minute of the window, at least 15',
    highAtTimes: 8,
    words: 'unanswered calls to the same few targets in {window}',
    meaning:
      'Malware calling a control server that is gone. Only where hardly any TCP is answered and at most 3 ports of 10 hosts are called.',
    applies: callsInVain,
  },
];

/** The detector without a model: documented rules, each counting one thing per source and window. */
export function createLegacyDetector({
  thresholds,
}: {
  readonly thresholds: TierThresholds;
  /** Part of the common signature of detectors; the rules treat inside and outside alike. */
  readonly isInternal: (ip: string) => boolean;
}): Detector {
  return {
    name: 'legacy',
    modelVersion: null,
    suspicion: ({ short }) =>
      Float64Array.from({ length: short.entityCount }, (_, entity) => suspicionByRules(short, entity)),
    detect: ({ short }) => {
      const detections: Detection[] = [];
      for (let entity = 0; entity < short.entityCount; entity += 1) {
        const detection = judgeByRules({ table: short, entity, thresholds });
        if (detection !== null) detections.push(detection);
      }
      return detections.sort(byRiskThenSource);
    },
  };
}

interface RuleHit {
  readonly rule: LegacyRule;
  readonly risk: number;
  readonly reason: Reason;
}

/** What the rules say of one entity; null when none fires. */
export function judgeByRules({
  table,
  entity,
  thresholds,
}: {
  readonly table: FeatureTable;
  readonly entity: number;
  readonly thresholds: TierThresholds;
}): Detection | null {
  const row = evidenceOf(table, entity);
  const hits = LEGACY_RULES.flatMap((rule) => matchRule({ rule, row, windowMs: table.windowMs }) ?? []).sort(
    (left, right) => right.risk - left.risk,
  );
  const strongest = hits[0];
  if (strongest === undefined) return null;
  // No second witness here, so the strict proof is asked for: answered attempts alone do not do.
  const forgeable = row('established_tcp_flows') < MOSTLY * row('flows');
  const { anomalyType } = strongest.rule;
  const raw = strongest.risk;
  const { riskScore, caps } = applyCaps({ raw, caps: [], row, forgeable, thresholds, anomalyType });
  return {
    sourceIp: table.sourceIps[entity]!,
    windowStartMs: table.windowStartMs[entity]!,
    windowEndMs: table.windowStartMs[entity]! + table.windowMs,
    riskScore,
    confidence: tierOf(riskScore, thresholds),
    anomalyType,
    reasons: [...hits.slice(0, 3).map((hit) => hit.reason), ...caps],
    logCount: table.logCount[entity]!,
    firstSeenMs: table.firstSeenMs[entity]!,
    lastSeenMs: table.lastSeenMs[entity]!,
    detector: 'legacy',
    modelVersion: null,
  };
}

/** Risk by the rule that comes nearest to its threshold or passes it furthest: below RISK_AT_THRESHOLD none fires. */
export function suspicionByRules(table: FeatureTable, entity: number): number {
  const row = evidenceOf(table, entity);
  return Math.max(
    ...LEGACY_RULES.map((rule) => {
      if (!rule.applies(row)) return 0;
      const times = row(rule.column) / rule.threshold(table.windowMs);
      return times < 1 ? RISK_AT_THRESHOLD * times : riskAtTimes(rule, times);
    }),
  );
}

function riskAtTimes(rule: LegacyRule, times: number): number {
  const excess = Math.log(times) / Math.log(rule.highAtTimes);
  return Math.min(99, RISK_AT_THRESHOLD + (RISK_AT_HIGH - RISK_AT_THRESHOLD) * excess);
}

function matchRule({
  rule,
  row,
  windowMs,
}: {
  readonly rule: LegacyRule;
  readonly row: EvidenceRow;
  readonly windowMs: number;
}): RuleHit | null {
  const observed = row(rule.column);
  const threshold = rule.threshold(windowMs);
  if (observed < threshold || !rule.applies(row)) return null;
  const risk = riskAtTimes(rule, observed / threshold);
  const words = rule.words.replace('{window}', formatDuration(windowMs));
  const text = `${formatNumber(observed)} ${words}; the rule ${rule.name} allows fewer than ${formatNumber(threshold)}`;
  return { rule, risk, reason: { text, subject: rule.name, observed, typical: null } };
}
