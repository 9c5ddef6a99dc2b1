import { FEATURE_COUNT, FEATURE_NAMES, type FeatureName } from '../features/catalogue.ts';
import type { FeatureTable } from '../features/feature-table.ts';
import { scaleRows } from '../features/robust-scaler.ts';
import type { Reason } from './detection.ts';
import { forestContributions } from './forest-contribution.ts';
import { formatBytes, formatDuration, formatNumber, formatShare } from './number-text.ts';
import type { ScaleModel } from './trained-model.ts';

interface Phrase {
  readonly format: (value: number) => string;
  /** Follows the formatted number; `{window}` becomes the window's length. */
  readonly words: string;
}

const count = (words: string): Phrase => ({ format: formatNumber, words });
const bytes = (words: string): Phrase => ({ format: formatBytes, words });
const share = (words: string): Phrase => ({ format: formatShare, words });
const seconds = (words: string): Phrase => ({ format: (value) => formatDuration(value * 1000), words });

/** How each feature is said. Ratios near 0 and 1 are said as shares. */
const PHRASES: Readonly<Record<FeatureName, Phrase>> = {
  flow_count: count('flows in {window}'),
  bytes_total: bytes('moved in {window}'),
  bytes_per_flow_mean: bytes('per flow'),
  packets_per_flow_mean: count('packets per flow'),
  bytes_per_packet_mean: bytes('per packet'),
  flow_size_cv: share('spread of the flow sizes'),
  peak_flows_per_minute: count('flows in the busiest minute'),
  active_seconds: seconds('between first and last flow'),
  inter_arrival_mean_seconds: seconds('between flows on average'),
  inter_arrival_cv: share('spread of the gaps between flows'),
  burst_share: share('of the flows within a second of the one before'),
  active_minute_share: share('of the minutes active'),
  tcp_share: share('of the flows TCP'),
  icmp_share: share('of the flows ICMP'),
  dropped_share: share('of the flows refused by the firewall'),
  unanswered_share: share('of the TCP flows unanswered'),
  established_share: share('of the flows with a completed exchange'),
  login_port_share: share('of the flows to login services'),
  uncommon_port_share: share('of the flows to uncommon ports'),
  distinct_destinations: count('destinations in {window}'),
  distinct_destination_ports: count('destination ports in {window}'),
  destinations_per_flow: share('of the flows to a new destination'),
  ports_per_flow: share('of the flows to a new port'),
  ports_per_destination: count('ports per destination'),
  source_port_repeat_share: share('of the flows from the same source port as the one before'),
};

/**
 * The features that made the forest call one entity anomalous, the largest contribution first, at most `limit`; only
 * such as read differently from what is typical. A feature that spoke for harmless is no reason.
 *
 * @param without feature name that another reason already tells
 */
export function explainFeatures({
  table,
  entity,
  model,
  limit,
  without,
}: {
  readonly table: FeatureTable;
  readonly entity: number;
  readonly model: ScaleModel;
  readonly limit: number;
  readonly without: string | null;
}): Reason[] {
  const values = table.values.subarray(entity * FEATURE_COUNT, (entity + 1) * FEATURE_COUNT);
  return evidenceShares(model, values)
    .filter(({ feature, share: evidence }) => evidence > 0 && FEATURE_NAMES[feature] !== without)
    .sort((left, right) => right.share - left.share || left.feature - right.feature)
    .flatMap(({ feature, share: contribution }) => {
      const reason = sentenceOf({ table, model, feature, value: values[feature]! });
      return reason === null ? [] : { ...reason, contribution };
    })
    .slice(0, limit);
}

/** Share of the forest's evidence each selected feature holds: of all that makes the entity more anomalous. */
function evidenceShares(
  { scaler, selected, forest }: ScaleModel,
  values: Float32Array,
): { readonly feature: number; readonly share: number }[] {
  const row = scaleRows({ scaler, values, rowCount: 1, selected });
  const { contributions } = forestContributions({ forest, row });
  const evidence = contributions.reduce((sum, contribution) => sum + Math.max(0, contribution), 0);
  return selected.map((feature, column) => ({
    feature,
    share: evidence === 0 ? 0 : Math.max(0, contributions[column]!) / evidence,
  }));
}

function sentenceOf({
  table,
  model,
  feature,
  value,
}: {
  readonly table: FeatureTable;
  readonly model: ScaleModel;
  readonly feature: number;
  readonly value: number;
}): Reason | null {
  const name = FEATURE_NAMES[feature]!;
  const { format, words } = PHRASES[name];
  const typical = model.typicalMedian[feature]!;
  if (format(value) === format(typical)) return null;
  const said = `${format(value)} ${words.replace('{window}', formatDuration(table.windowMs))}`;
  return {
    text: `${said}; typical for this network: ${format(typical)}`,
    subject: name,
    observed: value,
    typical,
  };
}
