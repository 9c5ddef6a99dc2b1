import { EVIDENCE_COUNT, evidenceIndex } from '../features/evidence.ts';
import type { FeatureTable } from '../features/feature-table.ts';
import type { LogRecord } from '../features/log-record.ts';
import { createTrafficAccumulator, longWindowOf, type TrafficWindows } from '../features/traffic-windows.ts';
import { drawCampaign } from './attack-campaigns.ts';
import type { CampaignFlow } from './campaign-flows.ts';
import { createRandom, type Random } from './random.ts';
import type { SourceGroup } from './trained-model.ts';

/**
 * What the site's own log can tell. Injected attacks must not know more than it does, or they would be told apart
 * from real traffic by the mere presence of byte counts or drops.
 */
export interface LogTraits {
  readonly hasVolumes: boolean;
  readonly hasDrops: boolean;
}

/** Whether the log tells volumes and drops at all, for injected attacks to look as the site's log would show them. */
export function traitsOf(table: FeatureTable): LogTraits {
  const knows = (column: 'packets_total' | 'dropped_flows'): boolean => {
    for (let at = evidenceIndex(column); at < table.evidence.length; at += EVIDENCE_COUNT) {
      if (table.evidence[at]! > 0) return true;
    }
    return false;
  };
  return { hasVolumes: knows('packets_total'), hasDrops: knows('dropped_flows') };
}

export interface InjectionPlan {
  /** Campaigns, one attacker each. */
  readonly count: number;
  /** Length of the short window. */
  readonly windowMs: number;
  readonly seed: number;
  readonly traits: LogTraits;
  /** Which side the attackers are on. */
  readonly group: SourceGroup;
}

export interface InjectedAttacks {
  readonly traffic: TrafficWindows;
  /** One short entity of each campaign, in their order: that of a flow drawn at random. Length count. */
  readonly entities: Int32Array;
}

/** Of a log that shows drops, this share of the attackers meets a firewall that drops all they send. */
const DROPPED_SHARE = 0.6;

/**
 * Attack campaigns over one long window each, folded as the site's own records are. Sources lie in 240.0.0.0/4, which
 * nobody uses (RFC 1112), so they never collide with the site's. Deterministic by seed.
 */
export function injectAttacks({ count, windowMs, seed, traits, group }: InjectionPlan): InjectedAttacks {
  const random = createRandom(seed);
  const spanMs = longWindowOf(windowMs);
  const accumulator = createTrafficAccumulator({ windowMs });
  const chosen = new Map<string, number>();
  for (let index = 0; index < count; index += 1) {
    const { flows } = drawCampaign({ random, spanMs, group, index });
    const sourceIp = reservedAddress(index);
    const shown = flows[random.nextInt(flows.length)]!;
    chosen.set(sourceIp, Math.floor(shown.offsetMs / windowMs) * windowMs);
    for (const record of toRecords({ flows, sourceIp, traits, random })) accumulator.add(record);
  }
  const traffic = accumulator.finish();
  const { short } = traffic;
  const entities: number[] = [];
  short.sourceIps.forEach((sourceIp, entity) => {
    if (chosen.get(sourceIp) === short.windowStartMs[entity]) entities.push(entity);
  });
  return { traffic, entities: Int32Array.from(entities) };
}

function toRecords({
  flows,
  sourceIp,
  traits,
  random,
}: {
  readonly flows: readonly CampaignFlow[];
  readonly sourceIp: string;
  readonly traits: LogTraits;
  readonly random: Random;
}): LogRecord[] {
  const sourcePortOf = drawSourcePorts(random);
  const isDropped = traits.hasDrops && random.next() < DROPPED_SHARE;
  return flows.map((flow) => ({
    timestampMs: flow.offsetMs,
    sourceIp,
    sourcePort: sourcePortOf(),
    destinationIp: flow.destinationIp,
    destinationPort: flow.destinationPort,
    protocol: flow.protocol,
    action: isDropped ? 'drop' : 'accept',
    ...volumeOf({ flow, isDropped, traits }),
  }));
}

/** What is dropped gets no further than its first packet. */
function volumeOf({
  flow,
  isDropped,
  traits,
}: {
  readonly flow: CampaignFlow;
  readonly isDropped: boolean;
  readonly traits: LogTraits;
}): Pick<LogRecord, 'bytes' | 'packets'> {
  if (!traits.hasVolumes) return { bytes: null, packets: null };
  const packets = isDropped ? 1 : flow.packets;
  return { packets, bytes: Math.round((flow.bytes / flow.packets) * packets) };
}

/** Raw-packet scanners keep one source port, sockets count upwards, some tools draw at random. */
function drawSourcePorts(random: Random): () => number {
  const habit = random.nextInt(3);
  const drawPort = (): number => 1024 + random.nextInt(64_512);
  let port = drawPort();
  if (habit === 0) return () => port;
  if (habit === 1) return drawPort;
  return () => {
    port = 1024 + ((port - 1024 + 1 + random.nextInt(6)) % 64_512);
    return port;
  };
}

function reservedAddress(index: number): string {
  return `240.${(index >>> 16) & 255}.${(index >>> 8) & 255}.${index & 255}`;
}
