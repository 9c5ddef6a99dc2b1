import { OWN_MARK_PREFIX } from '../../decisions/address-list-entry.ts';
import type { AnomalyType } from '../../detector/detection.ts';
import type { SyntheticSource } from '../../evaluation/synthetic-traffic.ts';
import { canonicalText } from '../../ip/address.ts';
import { addressSet } from '../../ip/network-set.ts';
import { OPERATORS_ENTRY } from './demo-site.ts';
import type { DemoRun } from './demo-story.ts';

type Outcome = 'blocked' | 'for review' | 'recorded only' | 'missed';

export interface JudgedSource {
  readonly address: string;
  readonly role: SyntheticSource['role'];
  readonly attack: AnomalyType | null;
  readonly outcome: Outcome;
}

export interface DemoJudgement {
  /** Attackers with traffic in the detection period. */
  readonly attackers: readonly JudgedSource[];
  readonly attackersNotBlocked: readonly JudgedSource[];
  readonly innocentsBlocked: readonly JudgedSource[];
  readonly innocentsForReview: readonly JudgedSource[];
  /** What has to be true of a main job that works, each with whether it is. */
  readonly checks: readonly { readonly name: string; readonly holds: boolean }[];
  readonly worked: boolean;
}

/** Holds what happened against the truth about the made-up week. Only what was read back counts as blocked. */
export function judgeDemo(run: DemoRun): DemoJudgement {
  const outcomeOf = outcomes(run);
  const judged = run.sources
    .filter((source) => source.activeToMs > run.detection.fromMs)
    .map(({ sourceIp, role, attack }) => ({ address: sourceIp, role, attack, outcome: outcomeOf(sourceIp) }));
  const attackers = judged.filter((source) => source.attack !== null);
  const innocents = judged.filter((source) => source.attack === null);
  const innocentsBlocked = innocents.filter((source) => source.outcome === 'blocked');
  const checks = checksOf(run, { attackers, innocentsBlocked });
  return {
    attackers,
    attackersNotBlocked: attackers.filter((source) => source.outcome !== 'blocked'),
    innocentsBlocked,
    innocentsForReview: innocents.filter((source) => source.outcome === 'for review'),
    checks,
    worked: checks.every((check) => check.holds),
  };
}

function outcomes(run: DemoRun): (address: string) => Outcome {
  // IPv6 attackers are blocked and queued as the network they are in.
  const blocked = addressSet(ownEntries(run));
  const queued = addressSet(run.reviews.map((review) => review.address));
  const recorded = new Set(run.detection.detections.map((detection) => detection.sourceIp));
  return (address) => {
    if (blocked.has(address)) return 'blocked';
    if (queued.has(address)) return 'for review';
    return recorded.has(address) ? 'recorded only' : 'missed';
  };
}

/** Canonical addresses of our entries as the router printed them. */
function ownEntries(run: DemoRun): string[] {
  return run.addressList
    .filter((entry) => entry.comment.startsWith(OWN_MARK_PREFIX))
    .map((entry) => canonicalText(entry.address) ?? entry.address);
}

function checksOf(
  run: DemoRun,
  found: { attackers: readonly JudgedSource[]; innocentsBlocked: readonly JudgedSource[] },
): DemoJudgement['checks'] {
  const blockedAttacks = (attack: AnomalyType): JudgedSource[] =>
    found.attackers.filter((source) => source.attack === attack && source.outcome === 'blocked');
  const all = (attack: AnomalyType): number =>
    found.attackers.filter((source) => source.attack === attack).length;
  const allBlocked = (attack: AnomalyType): boolean =>
    all(attack) > 0 && blockedAttacks(attack).length === all(attack);
  const { high, medium, low } = run.detection.tiers;
  const inDatabase = run.detectionsInDatabase;
  const { blocksAdded, blocksExtended, reviewsAdded } = run.second;
  return [
    { name: 'no innocent source is blocked', holds: found.innocentsBlocked.length === 0 },
    { name: 'every port scanner is blocked', holds: allBlocked('port_scan') },
    { name: 'every brute forcer is blocked', holds: allBlocked('brute_force') },
    // A flood of forgeable packets must not block the address it claims to come from; one over real connections must.
    { name: 'a flood over completed connections is blocked', holds: blockedAttacks('flood').length > 0 },
    {
      name: "the operator's own entry is untouched",
      holds: run.addressList.filter((entry) => entry.comment === OPERATORS_ENTRY.comment).length === 1,
    },
    {
      name: 'the router holds exactly the decided blocks',
      holds: ownEntries(run).length === run.detection.blocksAdded,
    },
    {
      name: 'every detection is in PostgreSQL',
      holds: inDatabase.high === high && inDatabase.medium === medium && inDatabase.low === low,
    },
    { name: 'a second run adds nothing', holds: blocksAdded + blocksExtended + reviewsAdded === 0 },
  ];
}
