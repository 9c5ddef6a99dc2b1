import type { Detection } from '../detector/detection.ts';
import type { LedgerHistory } from './block.ts';
import { openPlaces } from './block-caps.ts';
import type { BlockPolicy } from './block-policy.ts';
import { indexPast } from './decision-past.ts';
import { compareRisk, compareText } from './detection-order.ts';
import type { Protection } from './protected-networks.ts';
import { rollUp } from './roll-up.ts';
import { rule, wouldBlock } from './rulings.ts';
import { decidingDetection, gatherSources, type Suspect, suspectsOf } from './suspects.ts';
import type { Verdict } from './verdict.ts';

export interface DecisionInput {
  /** In any order; the verdicts do not depend on it. */
  readonly detections: readonly Detection[];
  readonly protection: Protection;
  readonly history: LedgerHistory;
  readonly policy: BlockPolicy;
  readonly nowMs: number;
}

/**
 * From detections to verdicts: gather what was seen of each source, take sources of one network together where the
 * policy says so, and rule on each suspect, the riskiest first, as long as there are places for blocks. Only evidence
 * newer than what the ledger has counted can act, so deciding twice on the same logs changes nothing.
 *
 * One verdict per target, riskiest first, then by target; every source is in exactly one of them.
 * @throws AutoblockError ADDRESS_INVALID when a source is no address.
 */
export function decide({ detections, protection, history, policy, nowMs }: DecisionInput): Verdict[] {
  const past = indexPast({ history, protection, nowMs });
  const sources = gatherSources({ detections, protection, past });
  const single = suspectsOf(sources, { past, prefixLength: policy.blockIpv6Prefix });
  const suspects = rollUp(single, {
    neighbours: policy.rollUpNeighbours,
    past,
    wouldBlock: (suspect) => wouldBlock(suspect, { past, policy }),
  }).sort(byRisk);

  const places = openPlaces(policy, past);
  return suspects.map((suspect) => {
    const ruling = rule(suspect, { past, policy, capReached: places.missingFor(suspect.target) });
    if (ruling.action === 'block') places.take(suspect.target);
    return verdictOn(suspect, ruling);
  });
}

function byRisk(a: Suspect, b: Suspect): number {
  return compareRisk(decidingDetection(a), decidingDetection(b)) || compareText(a.target.text, b.target.text);
}

function verdictOn(suspect: Suspect, ruling: ReturnType<typeof rule>): Verdict {
  const detection = decidingDetection(suspect);
  const source = suspect.sources.find(({ detections }) => detections.includes(detection));
  return {
    sourceIp: (source ?? suspect.sources[0]!).network.text,
    target: suspect.target.text,
    ...ruling,
    detection,
    detections: suspect.detections,
    isNewEvidence: suspect.fresh !== null,
    coveringBlock: suspect.coveringBlock,
  };
}
