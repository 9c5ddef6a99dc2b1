import { FEATURE_COUNT, FEATURE_NAMES, type FeatureName, featureIndex } from './catalogue.ts';
import { COUNT, createEntityCursor, type EntityCursor, type EntityRows, SUM } from './entity-rows.ts';
import { EVIDENCE_COLUMNS, EVIDENCE_COUNT, type EvidenceColumn, evidenceIndex } from './evidence.ts';
import type { FeatureTable } from './feature-table.ts';

const MS_PER_SECOND = 1000;
const MS_PER_MINUTE = 60_000;
const LARGEST_SINGLE = 3.4028234663852886e38;
/** Release folded rows in steps: often enough to free memory, rarely enough to cost nothing. */
const RELEASE_EVERY = 4096;

/**
 * Turns folded rows into the feature table, and releases them on the way, so that rows and table are not both
 * complete at any time.
 */
export function writeFeatureTable({
  rows,
  sources,
  windowMs,
}: {
  readonly rows: EntityRows;
  readonly sources: readonly string[];
  readonly windowMs: number;
}): FeatureTable {
  const table = emptyTable(rows.length, windowMs);
  const cursor = createEntityCursor();
  for (let entity = 0; entity < rows.length; entity += 1) {
    rows.moveTo(cursor, entity);
    writeEntity({ table, cursor, sources });
    if (entity % RELEASE_EVERY === 0) rows.releaseBelow(entity);
  }
  return table;
}

type WritableTable = FeatureTable & { readonly sourceIps: string[] };

function emptyTable(entityCount: number, windowMs: number): WritableTable {
  return {
    windowMs,
    entityCount,
    sourceIps: [],
    windowStartMs: new Float64Array(entityCount),
    firstSeenMs: new Float64Array(entityCount),
    lastSeenMs: new Float64Array(entityCount),
    logCount: new Uint32Array(entityCount),
    values: new Float32Array(entityCount * FEATURE_COUNT),
    evidence: new Float32Array(entityCount * EVIDENCE_COUNT),
  };
}

function writeEntity({
  table,
  cursor,
  sources,
}: {
  readonly table: WritableTable;
  readonly cursor: EntityCursor;
  readonly sources: readonly string[];
}): void {
  const { entity, sums, sumAt, counts, countAt } = cursor;
  table.sourceIps.push(sources[counts[countAt + COUNT.source]!]!);
  table.windowStartMs[entity] = sums[sumAt + SUM.windowStartMs]!;
  table.firstSeenMs[entity] = sums[sumAt + SUM.firstSeenMs]!;
  table.lastSeenMs[entity] = sums[sumAt + SUM.lastSeenMs]!;
  table.logCount[entity] = counts[countAt + COUNT.flows]!;
  const rhythm = rhythmOf(cursor, table.windowMs);
  const features = { out: table.values, at: entity * FEATURE_COUNT, cursor };
  writeVolume(features);
  writeTemporal(features, rhythm);
  writeProtocol(features);
  writeBehaviour(features);
  const evidence = { out: table.evidence, at: entity * EVIDENCE_COUNT, cursor };
  writeFlowEvidence(evidence);
  writeTargetEvidence(evidence, rhythm);
}

interface Rhythm {
  readonly activeSeconds: number;
  readonly gapMeanSeconds: number;
  readonly gapVariation: number;
  readonly burstShare: number;
  readonly activeMinuteShare: number;
}

function rhythmOf({ sums, sumAt, counts, countAt }: EntityCursor, windowMs: number): Rhythm {
  const gaps = counts[countAt + COUNT.flows]! - 1;
  const gapMeanSeconds = gaps === 0 ? windowMs / MS_PER_SECOND : sums[sumAt + SUM.gapSeconds]! / gaps;
  const windowMinutes = Math.ceil(windowMs / MS_PER_MINUTE);
  return {
    activeSeconds: (sums[sumAt + SUM.lastSeenMs]! - sums[sumAt + SUM.firstSeenMs]!) / MS_PER_SECOND,
    gapMeanSeconds,
    gapVariation: variationOf({ gaps, mean: gapMeanSeconds, squares: sums[sumAt + SUM.gapSecondsSquared]! }),
    burstShare: share(counts[countAt + COUNT.rapidGaps]!, gaps),
    activeMinuteShare: Math.min(1, counts[countAt + COUNT.activeMinutes]! / windowMinutes),
  };
}

/** Coefficient of variation of the gaps; 1, as for random (Poisson) arrivals, where they cannot tell. */
function variationOf({
  gaps,
  mean,
  squares,
}: {
  readonly gaps: number;
  readonly mean: number;
  readonly squares: number;
}): number {
  if (gaps < 2 || mean === 0) return 1;
  // Rounding can bring the difference of a perfectly regular beacon a hair below 0.
  return Math.sqrt(Math.max(0, squares / gaps - mean * mean)) / mean;
}

const FEATURE = Object.fromEntries(FEATURE_NAMES.map((name) => [name, featureIndex(name)])) as Readonly<
  Record<FeatureName, number>
>;

const EVIDENCE = Object.fromEntries(EVIDENCE_COLUMNS.map((name) => [name, evidenceIndex(name)])) as Readonly<
  Record<EvidenceColumn, number>
>;

interface RowWriter {
  readonly out: Float32Array;
  /** Where the entity's row begins in `out`. */
  readonly at: number;
  readonly cursor: EntityCursor;
}

// The formulas and what they do with nulls are described in catalogue.ts and evidence.ts.

function writeVolume({ out, at, cursor: { sums, sumAt, counts, countAt } }: RowWriter): void {
  const bytes = singlePrecision(sums[sumAt + SUM.bytes]!);
  const packets = singlePrecision(sums[sumAt + SUM.packets]!);
  const bytesPerFlow = share(bytes, counts[countAt + COUNT.bytesKnown]!);
  const packetsPerFlow = share(packets, counts[countAt + COUNT.packetsKnown]!);
  out[at + FEATURE.flow_count] = counts[countAt + COUNT.flows]!;
  out[at + FEATURE.bytes_total] = bytes;
  out[at + FEATURE.bytes_per_flow_mean] = singlePrecision(bytesPerFlow);
  out[at + FEATURE.packets_per_flow_mean] = singlePrecision(packetsPerFlow);
  out[at + FEATURE.bytes_per_packet_mean] = singlePrecision(share(bytesPerFlow, packetsPerFlow));
  out[at + FEATURE.flow_size_cv] = flowSizeVariation({
    sum: sums[sumAt + SUM.bytes]!,
    squares: sums[sumAt + SUM.bytesSquared]!,
    flows: counts[countAt + COUNT.bytesKnown]!,
  });
  out[at + FEATURE.peak_flows_per_minute] = counts[countAt + COUNT.peakMinuteFlows]!;
}

/** Coefficient of variation of the flow sizes; 0 where there is nothing to compare. */
function flowSizeVariation({
  sum,
  squares,
  flows,
}: {
  readonly sum: number;
  readonly squares: number;
  readonly flows: number;
}): number {
  if (flows < 2 || sum === 0) return 0;
  // In exact numbers at most sqrt(flows - 1); sums so absurd that they are infinite count as that.
  const largest = flows - 1;
  const squared = (flows * (squares / sum)) / sum - 1;
  return Math.sqrt(Number.isNaN(squared) ? largest : Math.min(largest, Math.max(0, squared)));
}

function writeTemporal({ out, at }: RowWriter, rhythm: Rhythm): void {
  out[at + FEATURE.active_seconds] = rhythm.activeSeconds;
  out[at + FEATURE.inter_arrival_mean_seconds] = rhythm.gapMeanSeconds;
  out[at + FEATURE.inter_arrival_cv] = rhythm.gapVariation;
  out[at + FEATURE.burst_share] = rhythm.burstShare;
  out[at + FEATURE.active_minute_share] = rhythm.activeMinuteShare;
}

function writeProtocol({ out, at, cursor: { counts, countAt } }: RowWriter): void {
  const flows = counts[countAt + COUNT.flows]!;
  const tcp = counts[countAt + COUNT.tcp]!;
  out[at + FEATURE.tcp_share] = tcp / flows;
  out[at + FEATURE.icmp_share] = counts[countAt + COUNT.icmp]! / flows;
  out[at + FEATURE.dropped_share] = counts[countAt + COUNT.dropped]! / flows;
  out[at + FEATURE.unanswered_share] = share(counts[countAt + COUNT.unansweredTcp]!, tcp);
  out[at + FEATURE.login_port_share] = counts[countAt + COUNT.login]! / flows;
  const exchanges = counts[countAt + COUNT.established]! + counts[countAt + COUNT.udpExchanges]!;
  out[at + FEATURE.established_share] = exchanges / flows;
  out[at + FEATURE.uncommon_port_share] = counts[countAt + COUNT.uncommonPort]! / flows;
}

function writeBehaviour({ out, at, cursor: { counts, countAt } }: RowWriter): void {
  const flows = counts[countAt + COUNT.flows]!;
  const destinations = counts[countAt + COUNT.destinations]!;
  const ports = counts[countAt + COUNT.ports]!;
  out[at + FEATURE.distinct_destinations] = destinations;
  out[at + FEATURE.distinct_destination_ports] = ports;
  out[at + FEATURE.destinations_per_flow] = destinations / flows;
  out[at + FEATURE.ports_per_flow] = ports / flows;
  out[at + FEATURE.ports_per_destination] = counts[countAt + COUNT.targetPairs]! / destinations;
  out[at + FEATURE.source_port_repeat_share] = share(counts[countAt + COUNT.sourcePortRepeats]!, flows - 1);
}

function writeFlowEvidence({ out, at, cursor: { counts, countAt } }: RowWriter): void {
  out[at + EVIDENCE.flows] = counts[countAt + COUNT.flows]!;
  out[at + EVIDENCE.tcp_flows] = counts[countAt + COUNT.tcp]!;
  out[at + EVIDENCE.udp_flows] = counts[countAt + COUNT.udp]!;
  out[at + EVIDENCE.icmp_flows] = counts[countAt + COUNT.icmp]!;
  out[at + EVIDENCE.established_tcp_flows] = counts[countAt + COUNT.established]!;
  out[at + EVIDENCE.dropped_flows] = counts[countAt + COUNT.dropped]!;
  out[at + EVIDENCE.login_flows] = counts[countAt + COUNT.login]!;
  out[at + EVIDENCE.established_login_flows] = counts[countAt + COUNT.establishedLogin]!;
  out[at + EVIDENCE.answered_tcp_flows] = counts[countAt + COUNT.answeredTcp]!;
  out[at + EVIDENCE.unanswered_tcp_flows] = counts[countAt + COUNT.unansweredTcp]!;
  out[at + EVIDENCE.udp_exchange_flows] = counts[countAt + COUNT.udpExchanges]!;
  out[at + EVIDENCE.long_flows] = counts[countAt + COUNT.longFlows]!;
  out[at + EVIDENCE.service_reply_flows] = counts[countAt + COUNT.serviceReplies]!;
  out[at + EVIDENCE.max_flows_per_minute] = counts[countAt + COUNT.peakMinuteFlows]!;
}

function writeTargetEvidence(writer: RowWriter, rhythm: Rhythm): void {
  const { out, at } = writer;
  const { sums, sumAt, counts, countAt } = writer.cursor;
  const portsKnown = counts[countAt + COUNT.ports]! > 0;
  out[at + EVIDENCE.distinct_destinations] = counts[countAt + COUNT.destinations]!;
  out[at + EVIDENCE.distinct_destination_ports] = counts[countAt + COUNT.ports]!;
  out[at + EVIDENCE.distinct_login_destinations] = counts[countAt + COUNT.loginDestinations]!;
  out[at + EVIDENCE.distinct_target_pairs] = counts[countAt + COUNT.targetPairs]!;
  out[at + EVIDENCE.top_port] = portsKnown ? counts[countAt + COUNT.topPort]! : -1;
  out[at + EVIDENCE.top_port_flows] = counts[countAt + COUNT.topPortFlows]!;
  out[at + EVIDENCE.bytes_total] = singlePrecision(sums[sumAt + SUM.bytes]!);
  out[at + EVIDENCE.packets_total] = singlePrecision(sums[sumAt + SUM.packets]!);
  out[at + EVIDENCE.duration_seconds] = rhythm.activeSeconds;
  out[at + EVIDENCE.inter_arrival_cv] = rhythm.gapVariation;
}

/** 0 where there is nothing to take a share of. */
function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** Keeps absurd sums finite in single precision. */
function singlePrecision(value: number): number {
  return Math.min(value, LARGEST_SINGLE);
}
