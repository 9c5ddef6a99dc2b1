import type { ConfidenceTier, Detection } from '../detector/detection.ts';
import { containsNetwork, type IpNetwork, parseNetwork } from '../ip/address.ts';
import type { LedgerHistory } from './block.ts';
import { type Protection, protectionOf } from './protected-networks.ts';
import type { Verdict, VerdictAction, VerdictCause } from './verdict.ts';

/**
 * From detections to verdicts. Detections are grouped by source and each source is asked, in this order: may it be
 * blocked at all, did an operator clear it, is it blocked already, was this evidence dealt with before, how sure are
 * we. Only evidence newer than what the ledger has counted can act, so deciding twice on the same logs changes nothing.
 */
export interface DecisionInput {
  /** In any order; the verdicts do not depend on it. */
  readonly detections: readonly Detection[];
  readonly protection: Protection;
  readonly history: LedgerHistory;
  readonly policy: {
    /** False: everything of high confidence waits in the review queue. */
    readonly autoBlock: boolean;
    /** New blocks per run, >= 0; extensions do not count. */
    readonly maxBlocksPerRun: number;
  };
  readonly nowMs: number;
}

/** A source with the detections that are left to act on. */
interface Source {
  readonly address: string;
  readonly detections: readonly Detection[];
  readonly coveringBlock: string | null;
  /** Best and riskiest of the detections not counted before; null when all were. */
  readonly fresh: Detection | null;
}

type Ruling = Pick<Verdict, 'action' | 'cause' | 'explanation'>;

/**
 * A probe or two that many others sent as well is worth recording, but an operator has nothing in it to decide by: with
 * thousands of such sources a day the queue would hold nothing else.
 */
export const FEWEST_FLOWS_FOR_REVIEW = 3;

const TIER_RANK: Record<ConfidenceTier, number> = { high: 2, medium: 1, low: 0 };

/**
 * One verdict per source, riskiest first, then by address.
 * @throws AutoblockError ADDRESS_INVALID when a source is no address.
 */
export function decide(input: DecisionInput): Verdict[] {
  const past = indexHistory(input.history);
  const sources = groupBySource(input.detections)
    .map(([address, detections]) => describeSource({ address, detections, past, nowMs: input.nowMs }))
    .sort(
      (a, b) => compareRisk(decidingDetection(a), decidingDetection(b)) || compareText(a.address, b.address),
    );

  let blocksLeft = input.policy.maxBlocksPerRun;
  const verdicts = sources.map((source) => {
    const ruling = rule(source, { input, blocksLeft });
    if (ruling.action === 'block') blocksLeft -= 1;
    return {
      sourceIp: source.address,
      ...ruling,
      detection: decidingDetection(source),
      detections: source.detections,
      coveringBlock: source.coveringBlock,
    };
  });
  return verdicts;
}

function rule(source: Source, run: { input: DecisionInput; blocksLeft: number }): Ruling {
  const { input, blocksLeft } = run;
  return (
    ruleProtected(source, input) ??
    ruleRejected(source, input.history) ??
    ruleBlocked(source) ??
    ruleSettled(source, input.history) ??
    ruleByTier(source, {
      autoBlock: input.policy.autoBlock,
      blocksLeft,
      isQueued: input.history.pendingReviews.has(source.address),
    })
  );
}

function ruleProtected(source: Source, { protection, policy, history }: DecisionInput): Ruling | null {
  const found = protectionOf(protection, source.address);
  if (found === null) return null;
  const detection = decidingDetection(source);
  const isBlockable = source.fresh?.confidence === 'high' && !history.standingRejections.has(source.address);
  const wouldBe = isBlockable && policy.autoBlock ? 'would have been blocked, but ' : '';
  const standing =
    found.kind === 'allowlisted'
      ? `${found.network} is on the allowlist`
      : `${found.network} is never blocked: ${found.why}`;
  return ruling('monitor', found.kind, `${summary(detection)}; ${wouldBe}${standing}`);
}

/** Before the block that may cover it: a false positive must not keep the network around it blocked for longer. */
function ruleRejected(source: Source, history: LedgerHistory): Ruling | null {
  if (!history.standingRejections.has(source.address)) return null;
  return ruling(
    'monitor',
    'rejected_before',
    `${summary(decidingDetection(source))}; an operator rejected this address and the rejection stands`,
  );
}

function ruleBlocked(source: Source): Ruling | null {
  if (source.coveringBlock === null) return null;
  if (source.fresh === null || source.fresh.confidence === 'low') {
    return ruling(
      'monitor',
      'already_blocked',
      `${summary(decidingDetection(source))}; already blocked by ${source.coveringBlock}, nothing new that would extend it`,
    );
  }
  return ruling(
    'extend',
    'already_blocked',
    `${summary(source.fresh)}; seen again, block of ${source.coveringBlock} is extended`,
  );
}

function ruleSettled(source: Source, history: LedgerHistory): Ruling | null {
  const detection = decidingDetection(source);
  if (source.fresh !== null || detection.confidence === 'low') return null;
  return history.pendingReviews.has(source.address)
    ? ruling('monitor', 'already_queued', `${summary(detection)}; waits for review already`)
    : ruling('monitor', 'already_settled', `${summary(detection)}; this evidence was dealt with before`);
}

function ruleByTier(
  source: Source,
  limits: { autoBlock: boolean; blocksLeft: number; isQueued: boolean },
): Ruling {
  const detection = decidingDetection(source);
  if (detection.confidence === 'low')
    return ruling('monitor', 'low_confidence', `${summary(detection)}; recorded only`);
  // What waits already costs no place: the operator is to see that it goes on.
  if (detection.confidence === 'medium' && isThin(source) && !limits.isQueued) {
    return ruling(
      'monitor',
      'thin_evidence',
      `${summary(detection)}; fewer than ${FEWEST_FLOWS_FOR_REVIEW} flows so far, too thin for the review queue: recorded only`,
    );
  }
  if (detection.confidence === 'medium')
    return ruling('review', 'medium_confidence', `${summary(detection)}; waits for review`);
  if (!limits.autoBlock) {
    return ruling(
      'review',
      'auto_block_off',
      `${summary(detection)}; automatic blocking is off, waits for review`,
    );
  }
  if (limits.blocksLeft <= 0) {
    return ruling(
      'review',
      'block_cap_reached',
      `${summary(detection)}; this run made its full number of blocks, waits for review`,
    );
  }
  return ruling('block', 'high_confidence', summary(detection));
}

/** Each window of a source is detected once, so its flows add up. */
function isThin({ detections }: Source): boolean {
  return detections.reduce((flows, { logCount }) => flows + logCount, 0) < FEWEST_FLOWS_FOR_REVIEW;
}

function ruling(action: VerdictAction, cause: VerdictCause, explanation: string): Ruling {
  return { action, cause, explanation };
}

function summary(detection: Detection): string {
  const head = `${detection.anomalyType}, risk ${detection.riskScore.toFixed(1)}, ${detection.confidence} confidence`;
  const [reason] = detection.reasons;
  return reason === undefined ? head : `${head}: ${reason.text}`;
}

/** The history with its networks parsed once, for sources inside a blocked or lifted network. */
interface IndexedHistory {
  readonly history: LedgerHistory;
  readonly blockedNetworks: readonly IpNetwork[];
  readonly settledNetworks: readonly IpNetwork[];
}

function indexHistory(history: LedgerHistory): IndexedHistory {
  return {
    history,
    blockedNetworks: networksAmong(history.activeBlocks.keys()),
    settledNetworks: networksAmong(history.settled.keys()),
  };
}

function networksAmong(texts: Iterable<string>): IpNetwork[] {
  return [...texts]
    .filter((text) => text.includes('/'))
    .map((text) => parseNetwork(text))
    .filter((network) => network !== null);
}

function groupBySource(detections: readonly Detection[]): [string, Detection[]][] {
  const bySource = new Map<string, Detection[]>();
  for (const detection of detections) {
    // A text that is no address stays as it is and is refused by the protection check.
    const address = parseNetwork(detection.sourceIp)?.text ?? detection.sourceIp;
    const group = bySource.get(address);
    if (group === undefined) bySource.set(address, [detection]);
    else group.push(detection);
  }
  return [...bySource];
}

function describeSource(given: {
  address: string;
  detections: Detection[];
  past: IndexedHistory;
  nowMs: number;
}): Source {
  const { address, past, nowMs } = given;
  const detections = [...given.detections].sort(compareDetections);
  const network = parseNetwork(address);
  const coveringBlock = network === null ? null : findCoveringBlock(network, past, nowMs);
  const countedUntilMs = Math.max(
    past.history.activeBlocks.get(coveringBlock ?? '')?.evidenceUntilMs ?? Number.NEGATIVE_INFINITY,
    past.history.pendingReviews.get(address) ?? Number.NEGATIVE_INFINITY,
    settledUntil(network, past),
  );
  // A router clock that runs ahead must not make the same lines look new in every run: no evidence is later than now.
  const isFresh = (detection: Detection): boolean => Math.min(detection.lastSeenMs, nowMs) > countedUntilMs;
  const fresh = detections.find(isFresh) ?? null;
  return { address, detections, coveringBlock, fresh };
}

/** The block on the address itself, otherwise the covering network that lasts longest (of equals the smallest, then by text). */
function findCoveringBlock(source: IpNetwork, past: IndexedHistory, nowMs: number): string | null {
  const blocks = past.history.activeBlocks;
  const expiry = (text: string): number => blocks.get(text)?.expiresAtMs ?? Number.NEGATIVE_INFINITY;
  if (expiry(source.text) > nowMs) return source.text;
  const [covering] = past.blockedNetworks
    .filter((network) => containsNetwork(network, source) && expiry(network.text) > nowMs)
    .sort(
      (a, b) =>
        expiry(b.text) - expiry(a.text) || b.prefixLength - a.prefixLength || compareText(a.text, b.text),
    );
  return covering?.text ?? null;
}

function settledUntil(source: IpNetwork | null, past: IndexedHistory): number {
  if (source === null) return Number.NEGATIVE_INFINITY;
  const { settled } = past.history;
  const holding = past.settledNetworks.filter((network) => containsNetwork(network, source));
  return Math.max(
    settled.get(source.text) ?? Number.NEGATIVE_INFINITY,
    ...holding.map((network) => settled.get(network.text)!),
  );
}

function decidingDetection(source: Source): Detection {
  return source.fresh ?? source.detections[0]!;
}

function compareRisk(a: Detection, b: Detection): number {
  return b.riskScore - a.riskScore;
}

/** Best tier, riskiest, latest first. The rest of the order only makes it total, so that input order never shows. */
function compareDetections(a: Detection, b: Detection): number {
  return (
    TIER_RANK[b.confidence] - TIER_RANK[a.confidence] ||
    compareRisk(a, b) ||
    b.lastSeenMs - a.lastSeenMs ||
    b.windowStartMs - a.windowStartMs ||
    compareText(JSON.stringify(a), JSON.stringify(b))
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
