import type { Detection } from '../detector/detection.ts';
import type { CapReached } from './block-caps.ts';
import { type BlockTerm, durationText, nextTerm, termOf } from './block-duration.ts';
import type { BlockPolicy } from './block-policy.ts';
import { activeBlock, type DecisionPast } from './decision-past.ts';
import { decidingDetection, type Suspect } from './suspects.ts';
import type { Verdict, VerdictAction, VerdictCause } from './verdict.ts';

type Ruling = Pick<Verdict, 'action' | 'cause' | 'explanation' | 'term'>;

interface Court {
  readonly past: DecisionPast;
  readonly policy: BlockPolicy;
  /** Null when there is a place for a block of this suspect. */
  readonly capReached: CapReached | null;
}

/**
 * A probe or two that many others sent as well is worth recording, but an operator has nothing in it to decide by: with
 * thousands of such sources a day the queue would hold nothing else.
 */
export const FEWEST_FLOWS_FOR_REVIEW = 3;

/**
 * In this order: may it be blocked at all, did an operator clear it, is it blocked already, was this evidence dealt with
 * before, how sure are we.
 */
export function rule(suspect: Suspect, court: Court): Ruling {
  return (
    ruleProtected(suspect, court) ??
    ruleRejected(suspect) ??
    ruleBlocked(suspect, court) ??
    ruleSettled(suspect, court) ??
    ruleByTier(suspect, court)
  );
}

function ruleProtected(suspect: Suspect, { policy, past }: Court): Ruling | null {
  const { protection: found } = suspect;
  if (found === null) return null;
  const isBlockable = suspect.fresh?.confidence === 'high' && !suspect.isRejected;
  const wouldBe =
    isBlockable && policy.autoBlock && !past.history.paused ? 'would have been blocked, but ' : '';
  const standing =
    found.kind === 'allowlisted'
      ? `${found.network} is on the allowlist`
      : `${found.network} is never blocked: ${found.why}`;
  return ruling('monitor', found.kind, `${summary(decidingDetection(suspect))}; ${wouldBe}${standing}`);
}

/** Before the block that may cover it: a false positive must not keep the network around it blocked for longer. */
function ruleRejected(suspect: Suspect): Ruling | null {
  if (!suspect.isRejected) return null;
  return ruling(
    'monitor',
    'rejected_before',
    `${summary(decidingDetection(suspect))}; an operator rejected this address and the rejection stands`,
  );
}

function ruleBlocked(suspect: Suspect, { past, policy }: Court): Ruling | null {
  const { coveringBlock: covering, fresh } = suspect;
  const block = covering === null ? null : activeBlock(past, covering);
  if (covering === null || block === null) return null;
  if (fresh === null || fresh.confidence === 'low') {
    const text = `${summary(decidingDetection(suspect))}; already blocked by ${covering}, nothing new that would extend it`;
    return ruling('monitor', 'already_blocked', text);
  }
  const seen = `${account(suspect, fresh)}; seen again`;
  if (block.origin === 'manual') {
    const text = `${seen}, the block of ${covering} was made by hand and stays as the operator set it`;
    return ruling('monitor', 'already_blocked', text);
  }
  if (past.history.paused) {
    return ruling('monitor', 'paused', `${seen}; blocking is paused, block of ${covering} stays as it is`);
  }
  const rung = termOf(policy, block.offence);
  const term = block.origin === 'review' ? { offence: rung.offence, seconds: policy.blockSeconds } : rung;
  return ruling('extend', 'already_blocked', `${seen}, block of ${covering} is extended`, term);
}

function ruleSettled(suspect: Suspect, { past }: Court): Ruling | null {
  const detection = decidingDetection(suspect);
  if (suspect.fresh !== null || detection.confidence === 'low') return null;
  return isQueued(suspect, past)
    ? ruling('monitor', 'already_queued', `${summary(detection)}; waits for review already`)
    : ruling('monitor', 'already_settled', `${summary(detection)}; this evidence was dealt with before`);
}

function ruleByTier(suspect: Suspect, court: Court): Ruling {
  const detection = decidingDetection(suspect);
  const said = account(suspect, detection);
  if (detection.confidence === 'low')
    return ruling('monitor', 'low_confidence', `${summary(detection)}; recorded only`);
  if (detection.confidence === 'high') return ruleHigh(suspect, { said, court });
  // What waits already costs no place: the operator is to see that it goes on.
  if (isThin(suspect) && !isQueued(suspect, court.past)) {
    return ruling(
      'monitor',
      'thin_evidence',
      `${summary(detection)}; fewer than ${FEWEST_FLOWS_FOR_REVIEW} flows so far, too thin for the review queue: recorded only`,
    );
  }
  return ruling('review', 'medium_confidence', `${said}; waits for review`);
}

function ruleHigh(suspect: Suspect, { said, court }: { said: string; court: Court }): Ruling {
  const { policy, past, capReached } = court;
  if (past.history.paused) {
    return ruling('review', 'paused', `${said}; blocking is paused, waits for review`);
  }
  if (!policy.autoBlock) {
    return ruling('review', 'auto_block_off', `${said}; automatic blocking is off, waits for review`);
  }
  if (capReached !== null) {
    return ruling('review', capReached.cause, `${said}; ${capReached.text}, waits for review`);
  }
  const previous = past.history.offences.get(suspect.target.text) ?? null;
  const term = nextTerm(policy, { previous, nowMs: past.nowMs });
  const repeated =
    term.offence > 1 ? `; offence ${term.offence}: blocked for ${durationText(term.seconds)}` : '';
  return ruling('block', 'high_confidence', `${said}${repeated}`, term);
}

/** True when it would be blocked if there were a place for everything. */
export function wouldBlock(suspect: Suspect, court: Omit<Court, 'capReached'>): boolean {
  return rule(suspect, { ...court, capReached: null }).action === 'block';
}

function isQueued({ target, sources }: Suspect, { history }: DecisionPast): boolean {
  return (
    history.pendingReviews.has(target.text) ||
    sources.some((source) => history.pendingReviews.has(source.network.text))
  );
}

/** Each window of a source is detected once, so its flows add up. */
function isThin({ detections }: Suspect): boolean {
  return detections.reduce((flows, { logCount }) => flows + logCount, 0) < FEWEST_FLOWS_FOR_REVIEW;
}

function ruling(
  action: VerdictAction,
  cause: VerdictCause,
  explanation: string,
  term: BlockTerm | null = null,
): Ruling {
  return { action, cause, explanation, term };
}

/** What was seen, and why it is this target that is decided upon. */
function account(suspect: Suspect, detection: Detection): string {
  return [summary(detection), ...suspect.notes].join('; ');
}

function summary(detection: Detection): string {
  const head = `${detection.anomalyType}, risk ${detection.riskScore.toFixed(1)}, ${detection.confidence} confidence`;
  const [reason] = detection.reasons;
  return reason === undefined ? head : `${head}: ${reason.text}`;
}
