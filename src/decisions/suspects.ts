import type { Detection } from '../detector/detection.ts';
import { AutoblockError } from '../errors.ts';
import { type IpNetwork, parseNetwork } from '../ip/address.ts';
import { countedUntil, coveringBlock, type DecisionPast, isRejected } from './decision-past.ts';
import { compareDetections, compareText } from './detection-order.ts';
import { networkAround } from './network-index.ts';
import { type Protection, type ProtectionFinding, protectionOf } from './protected-networks.ts';

/** One source address of the run. */
interface Source {
  readonly network: IpNetwork;
  /** Best tier and riskiest first; at least one. */
  readonly detections: readonly Detection[];
  /** Best and riskiest of the detections not counted before; null when all were. */
  readonly fresh: Detection | null;
  /** Address or network of the block that covers it and may be extended. */
  readonly coveringBlock: string | null;
  readonly protection: ProtectionFinding | null;
  readonly isRejected: boolean;
}

/** What is decided upon: an address, or a network with all that was seen of it. */
export interface Suspect extends Omit<Source, 'network'> {
  readonly target: IpNetwork;
  /** By address; at least one. */
  readonly sources: readonly Source[];
  /** Half sentences for the explanation: why it is this target. */
  readonly notes: readonly string[];
}

/** How many addresses an explanation names. */
const NAMED_ADDRESSES = 10;

/** @throws AutoblockError ADDRESS_INVALID when a source is no address: it must not pass as unprotected. */
export function gatherSources(given: {
  detections: readonly Detection[];
  protection: Protection;
  past: DecisionPast;
}): Source[] {
  const bySource = new Map<string, { network: IpNetwork; detections: Detection[] }>();
  for (const detection of given.detections) {
    const network = parseNetwork(detection.sourceIp);
    if (network === null) {
      throw new AutoblockError('ADDRESS_INVALID', `"${detection.sourceIp}" (source) is no address`);
    }
    const group = bySource.get(network.text);
    if (group === undefined) bySource.set(network.text, { network, detections: [detection] });
    else group.detections.push(detection);
  }
  return [...bySource.values()]
    .map((group) => describe(group, given))
    .sort((a, b) => compareText(a.network.text, b.network.text));
}

function describe(
  { network, detections }: { network: IpNetwork; detections: readonly Detection[] },
  { protection, past }: { protection: Protection; past: DecisionPast },
): Source {
  const sorted = [...detections].sort(compareDetections);
  const counted = countedUntil(past, network);
  // A router clock that runs ahead must not make the same lines look new in every run: no evidence is later than now.
  const isFresh = (detection: Detection): boolean => Math.min(detection.lastSeenMs, past.nowMs) > counted;
  return {
    network,
    detections: sorted,
    fresh: sorted.find(isFresh) ?? null,
    coveringBlock: coveringBlock(past, network),
    protection: protectionOf(protection, network),
    isRejected: isRejected(past, network),
  };
}

/**
 * IPv6 sources become the network a subscriber is given, because an attacker inside has 2^64 addresses to go on with;
 * IPv4 sources stay alone. Where the network must not be blocked as a whole, the address stays alone as well.
 */
export function suspectsOf(
  sources: readonly Source[],
  { past, prefixLength }: { past: DecisionPast; prefixLength: number },
): Suspect[] {
  const byTarget = new Map<string, { target: IpNetwork; notes: readonly string[]; sources: Source[] }>();
  for (const source of sources) {
    const { target, notes } = targetOf(source, { past, prefixLength });
    const group = byTarget.get(target.text);
    if (group === undefined) byTarget.set(target.text, { target, notes, sources: [source] });
    else group.sources.push(source);
  }
  return [...byTarget.values()].map(({ target, notes, sources: members }) => {
    const from = target.text === members[0]?.network.text ? [] : [`from ${addressesIn(target, members)}`];
    return mergeSources({ target, sources: members, notes: [...from, ...notes] });
  });
}

interface Target {
  readonly target: IpNetwork;
  readonly notes: readonly string[];
}

function targetOf(
  source: Source,
  { past, prefixLength }: { past: DecisionPast; prefixLength: number },
): Target {
  const alone = { target: source.network, notes: [] };
  const around = source.network.family === 6 ? networkAround(source.network, prefixLength) : null;
  if (around === null || source.protection !== null || source.isRejected) return alone;
  const covering = source.coveringBlock === null ? null : parseNetwork(source.coveringBlock);
  // What is blocked by a smaller entry already keeps to it.
  if (covering !== null && covering.prefixLength > around.prefixLength)
    return { target: covering, notes: [] };
  const obstacle = past.obstacleTo(around);
  if (obstacle === null) return { target: around, notes: [] };
  return { ...alone, notes: [`${around.text} is not taken as a whole: ${obstacle}`] };
}

/** One suspect of several sources none of which is protected or rejected. */
export function mergeSources(given: {
  target: IpNetwork;
  sources: readonly Source[];
  notes: readonly string[];
}): Suspect {
  const { target, notes } = given;
  const sources = [...given.sources].sort((a, b) => compareText(a.network.text, b.network.text));
  const fresh = sources.map((source) => source.fresh).filter((detection) => detection !== null);
  const [first] = sources;
  return {
    target,
    sources,
    notes,
    detections: sources.flatMap((source) => source.detections).sort(compareDetections),
    fresh: fresh.sort(compareDetections)[0] ?? null,
    coveringBlock: first?.coveringBlock ?? null,
    protection: first?.protection ?? null,
    isRejected: first?.isRejected ?? false,
  };
}

/** The detection a suspect is judged by. */
export function decidingDetection(suspect: Pick<Suspect, 'fresh' | 'detections'>): Detection {
  return suspect.fresh ?? suspect.detections[0]!;
}

/** `3 addresses of 203.0.113.0/24 (203.0.113.1, 203.0.113.7, 203.0.113.9)` */
export function addressesIn(target: IpNetwork, sources: readonly { readonly network: IpNetwork }[]): string {
  const addresses = [...sources].map(({ network }) => network).sort(compareNetworks);
  if (addresses.length === 1) return `${addresses[0]!.text} in ${target.text}`;
  const named = addresses.slice(0, NAMED_ADDRESSES).map(({ text }) => text);
  const more = addresses.length > named.length ? ', …' : '';
  return `${addresses.length} addresses of ${target.text} (${named.join(', ')}${more})`;
}

function compareNetworks(a: IpNetwork, b: IpNetwork): number {
  const differing = a.bytes.findIndex((byte, index) => byte !== b.bytes[index]);
  return differing === -1 ? 0 : a.bytes[differing]! - b.bytes[differing]!;
}
