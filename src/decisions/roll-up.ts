import { type IpNetwork, parseNetwork } from '../ip/address.ts';
import { activeBlock, type DecisionPast } from './decision-past.ts';
import { networkAround } from './network-index.ts';
import { addressesIn, mergeSources, type Suspect } from './suspects.ts';

const NEIGHBOURHOOD_PREFIX = 24;

/** The IPv4 attackers of one /24: blocked before by themselves, and those this run would block. */
interface Neighbourhood {
  readonly network: IpNetwork;
  readonly blocked: IpNetwork[];
  readonly suspects: Suspect[];
}

/**
 * Where at least `neighbours` addresses of one /24 attack, the /24 takes the place of the single suspects in it. What
 * is blocked alone already stays so and runs out.
 *
 * @param given.wouldBlock asked without regard to the caps: they count what comes of it
 */
export function rollUp(
  suspects: readonly Suspect[],
  given: { neighbours: number; past: DecisionPast; wouldBlock: (suspect: Suspect) => boolean },
): Suspect[] {
  const { neighbours, past, wouldBlock } = given;
  if (neighbours <= 0) return [...suspects];
  const byNetwork = neighbourhoods(suspects, past);
  const replaced = new Map<Suspect, Suspect>();
  for (const hood of byNetwork.values()) {
    const attackers = hood.suspects.filter(wouldBlock);
    const counted = [...hood.blocked, ...attackers.map(({ target }) => target)];
    if (attackers.length === 0 || new Set(counted.map(({ text }) => text)).size < neighbours) continue;
    for (const [old, now] of takeTogether(hood, { attackers, counted, past })) replaced.set(old, now);
  }
  return [...new Set(suspects.map((suspect) => replaced.get(suspect) ?? suspect))];
}

function neighbourhoods(suspects: readonly Suspect[], past: DecisionPast): Map<string, Neighbourhood> {
  const byNetwork = new Map<string, Neighbourhood>();
  for (const suspect of suspects) {
    const isNew = suspect.fresh !== null && suspect.coveringBlock === null;
    const network = networkAround(suspect.target, NEIGHBOURHOOD_PREFIX);
    if (suspect.target.family !== 4 || network === null || !isNew) continue;
    if (suspect.protection !== null || suspect.isRejected) continue;
    const hood = byNetwork.get(network.text) ?? { network, blocked: [], suspects: [] };
    byNetwork.set(network.text, hood);
    hood.suspects.push(suspect);
  }
  if (byNetwork.size === 0) return byNetwork;
  for (const text of past.history.activeBlocks.keys()) {
    if (text.includes('/') || text.includes(':') || activeBlock(past, text)?.origin !== 'auto') continue;
    const address = parseNetwork(text);
    const network = address === null ? null : networkAround(address, NEIGHBOURHOOD_PREFIX);
    if (address !== null && network !== null) byNetwork.get(network.text)?.blocked.push(address);
  }
  return byNetwork;
}

/** Which suspect becomes which; all one and the same, or each itself with the reason why not. */
function takeTogether(
  hood: Neighbourhood,
  given: { attackers: readonly Suspect[]; counted: readonly IpNetwork[]; past: DecisionPast },
): (readonly [Suspect, Suspect])[] {
  // The lift told of innocent neighbours: the single attackers are blocked one by one, however many there are.
  const isLifted = given.past.history.liftedNetworks.has(hood.network.text);
  const obstacle = isLifted ? 'an operator lifted the block of it' : given.past.obstacleTo(hood.network);
  if (obstacle !== null) {
    const note = `${hood.network.text} is not taken as a whole: ${obstacle}`;
    return given.attackers.map((suspect) => [suspect, { ...suspect, notes: [...suspect.notes, note] }]);
  }
  const together = mergeSources({
    target: hood.network,
    sources: hood.suspects.flatMap((suspect) => suspect.sources),
    notes: [
      `attacked by ${addressesIn(
        hood.network,
        given.counted.map((network) => ({ network })),
      )}`,
    ],
  });
  return hood.suspects.map((suspect) => [suspect, together]);
}
