import type { TrafficWindows } from '../features/traffic-windows.ts';
import { containsNetwork, type IpNetwork, parseNetwork } from '../ip/address.ts';
import { VERDICT, type Verdicts } from './verdicts.ts';

/** What an operator said of an address or network. All times are Unix ms. */
export interface OperatorVerdict {
  /** Canonical address or network. */
  readonly address: string;
  readonly verdict: 'false_positive' | 'confirmed';
  readonly atMs: number;
  /** First and latest evidence that was counted against the address. */
  readonly evidenceFromMs: number;
  readonly evidenceUntilMs: number;
  /** First and last record of the one detection the operator was shown; the time of the block where there was none. */
  readonly shownFromMs: number;
  readonly shownUntilMs: number;
}

export interface VerdictsOnTraffic {
  /** Null when no verdict is about any of the traffic. */
  readonly verdicts: Verdicts | null;
  /** Verdicts that have the last word on at least one window. */
  readonly used: number;
  readonly attackWindows: number;
  readonly benignWindows: number;
}

const UNSAID = -1;

/**
 * Brings what operators said of addresses to the short entities of some traffic.
 *
 * - A false positive: every window of the address that began before the word was harmless.
 * - A confirmed attack: the windows of the period the evidence covers. An infected inside host goes on working between
 *   its attacks, so of it only the windows of the detection that was shown.
 *
 * A later word overrules the earlier ones about the same windows; a confirmed attack also takes back what was called
 * harmless before, for whoever said so changed his mind about the address.
 *
 * @param words in any order; of two at the same time the false positive counts
 */
export function verdictsOnTraffic({
  words,
  traffic: { short },
  isInternal,
}: {
  readonly words: readonly OperatorVerdict[];
  readonly traffic: Pick<TrafficWindows, 'short'>;
  readonly isInternal: (ip: string) => boolean;
}): VerdictsOnTraffic {
  const spoken = [...words].sort(byTime);
  const entitiesOf = indexSources(short.sourceIps, spoken);
  const verdicts: Verdicts = new Int8Array(short.entityCount).fill(VERDICT.none);
  const wordOf = new Int32Array(short.entityCount).fill(UNSAID);
  for (const [index, word] of spoken.entries()) {
    for (const [sourceIp, entities] of entitiesOf(word.address)) {
      const isAbout = periodOf(word, { windowMs: short.windowMs, isInside: isInternal(sourceIp) });
      for (const entity of entities) {
        const said = sayOf(word, {
          isAbout: isAbout(short.windowStartMs[entity]!),
          before: verdicts[entity]!,
        });
        if (said === null) continue;
        verdicts[entity] = said;
        wordOf[entity] = said === VERDICT.none ? UNSAID : index;
      }
    }
  }
  return count(verdicts, wordOf);
}

function byTime(left: OperatorVerdict, right: OperatorVerdict): number {
  if (left.atMs !== right.atMs) return left.atMs - right.atMs;
  return Number(left.verdict === 'false_positive') - Number(right.verdict === 'false_positive');
}

/** What a word makes of a window; null when it leaves it as it was. */
function sayOf(
  { verdict }: OperatorVerdict,
  { isAbout, before }: { readonly isAbout: boolean; readonly before: number },
): number | null {
  if (isAbout) return verdict === 'confirmed' ? VERDICT.attack : VERDICT.benign;
  return verdict === 'confirmed' && before === VERDICT.benign ? VERDICT.none : null;
}

/** Whether a window, by its start, is one the word is about. */
function periodOf(
  word: OperatorVerdict,
  { windowMs, isInside }: { readonly windowMs: number; readonly isInside: boolean },
): (windowStartMs: number) => boolean {
  if (word.verdict === 'false_positive') return (startMs) => startMs < word.atMs;
  const fromMs = isInside ? word.shownFromMs : word.evidenceFromMs;
  const untilMs = Math.min(word.atMs, isInside ? word.shownUntilMs : word.evidenceUntilMs);
  return (startMs) => startMs > fromMs - windowMs && startMs <= untilMs;
}

/** Entities by source, for the sources that some word may be about. */
function indexSources(
  sourceIps: readonly string[],
  words: readonly OperatorVerdict[],
): (address: string) => Iterable<readonly [string, readonly number[]]> {
  const networks = new Map<string, IpNetwork>();
  for (const { address } of words) {
    const network = address.includes('/') ? parseNetwork(address) : null;
    if (network !== null) networks.set(address, network);
  }
  const singles = new Set(words.map(({ address }) => address));
  const bySource = new Map<string, number[]>();
  for (const [entity, sourceIp] of sourceIps.entries()) {
    if (networks.size === 0 && !singles.has(sourceIp)) continue;
    const entities = bySource.get(sourceIp);
    if (entities === undefined) bySource.set(sourceIp, [entity]);
    else entities.push(entity);
  }
  // Parsed once: an operator may have blocked a list of hundreds of networks.
  const parsed = networks.size === 0 ? [] : Array.from(bySource, ([text]) => parseNetwork(text));
  return (address) => {
    const network = networks.get(address);
    if (network !== undefined)
      return Array.from(bySource).filter((_source, index) => holds(network, parsed[index] ?? null));
    const entities = bySource.get(address);
    return entities === undefined ? [] : [[address, entities]];
  };
}

function holds(network: IpNetwork, address: IpNetwork | null): boolean {
  return address !== null && containsNetwork(network, address);
}

function count(verdicts: Verdicts, wordOf: Int32Array): VerdictsOnTraffic {
  const used = new Set(wordOf);
  used.delete(UNSAID);
  const attackWindows = verdicts.filter((verdict) => verdict === VERDICT.attack).length;
  const benignWindows = verdicts.filter((verdict) => verdict === VERDICT.benign).length;
  return { verdicts: used.size === 0 ? null : verdicts, used: used.size, attackWindows, benignWindows };
}
