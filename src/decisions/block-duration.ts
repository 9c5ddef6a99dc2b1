import type { PastOffence } from './block.ts';
import type { BlockPolicy } from './block-policy.ts';

/** How long a block lasts and the how manieth of its target it is. */
export interface BlockTerm {
  /** 1 for the first time, up to the number of rungs. */
  readonly offence: number;
  /** From now on for a new block, from the latest evidence on for an extension. */
  readonly seconds: number;
}

/** What RouterOS takes as a timeout at most (35w3d13h13m56s), [manual] "IP/Firewall/Address list". */
const LONGEST_TIMEOUT_SECONDS = 21_474_836;
const SHORTEST_BLOCK_SECONDS = 60;
const MS_PER_DAY = 86_400_000;

type Ladder = Pick<BlockPolicy, 'blockLadder' | 'offenceDecayDays'>;

/**
 * One step up the ladder from the previous offence, one step down again for every full decay period since that block
 * ended. The number never passes the last rung: otherwise fifty offences would take years to be forgotten.
 * A clock that was set back counts as no time at all.
 */
export function nextTerm(policy: Ladder, given: { previous: PastOffence | null; nowMs: number }): BlockTerm {
  const { previous, nowMs } = given;
  if (previous === null) return termOf(policy, 1);
  const restedMs = Math.max(0, nowMs - previous.endedAtMs);
  const forgiven = Math.floor(restedMs / (policy.offenceDecayDays * MS_PER_DAY));
  return termOf(policy, rungOf(policy, previous.offence) + 1 - forgiven);
}

/** The term of an offence number; one beyond the ladder is the last rung. */
export function termOf(policy: Ladder, offence: number): BlockTerm {
  const rung = rungOf(policy, offence);
  const seconds = policy.blockLadder[rung - 1] ?? SHORTEST_BLOCK_SECONDS;
  return { offence: rung, seconds: clamp(seconds, [SHORTEST_BLOCK_SECONDS, LONGEST_TIMEOUT_SECONDS]) };
}

function rungOf({ blockLadder }: Ladder, offence: number): number {
  return clamp(offence, [1, Math.max(1, blockLadder.length)]);
}

function clamp(value: number, [least, most]: readonly [number, number]): number {
  return Math.min(most, Math.max(least, value));
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** `6 h`, `1 d`, `90 min`: the largest unit that divides it. */
export function durationText(seconds: number): string {
  const [unit, size] = UNITS.find(([, length]) => seconds % length === 0) ?? ['s', 1];
  return `${seconds / size} ${unit}`;
}
