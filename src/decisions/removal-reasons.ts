import type { PlannedRemoval } from './address-list-diff.ts';
import type { ProtectionFinding } from './protected-networks.ts';

/** What the ledger and the site know about addresses that are to leave a router. Canonical texts. */
export interface RemovalFacts {
  /** Those of the addresses the ledger has ever blocked. */
  everBlocked(addresses: readonly string[]): ReadonlySet<string>;
  /** Those of the addresses whose latest block was lifted by a person. */
  liftedByOperator(addresses: readonly string[]): ReadonlySet<string>;
  protectionOf(address: string): ProtectionFinding | null;
  /** True while a block of the address stands, whether this router is to hold it or not. */
  isBlocked(address: string): boolean;
}

export interface ReasonedRemoval extends Omit<PlannedRemoval, 'cause'> {
  readonly cause:
    | 'paused'
    | 'duplicate'
    | 'disabled'
    | 'protected'
    | 'lifted'
    | 'not_this_router'
    | 'expired';
  readonly why: string;
  /** True when a person or a protection stands behind it, or it gives way to an entry of ours. */
  readonly isBacked: boolean;
  /**
   * True when the entry ends by itself. A timeout is only ever set to what the block had left, so one that outlasts its
   * block means that a clock was set: ours, most likely. It is left to the router's.
   */
  readonly runsOut: boolean;
}

/** An entry may outlast its block by the drift that is allowed twice, print and clock granularity. */
const ABOUT_TO_RUN_OUT_SECONDS = 120;

/**
 * Sorts own entries that are not to stay by why. `unknown`: this ledger never blocked the address (a backup was
 * restored, or the state directory copied): taking them off would let every attacker in at once, so they are left to
 * expire. What is about to run out anyway is left without a word.
 */
export function judgeRemovals(
  entries: readonly PlannedRemoval[],
  { facts, isPaused }: { facts: RemovalFacts; isPaused: boolean },
): { removals: readonly ReasonedRemoval[]; unknown: readonly string[] } {
  if (isPaused) return { removals: entries.map((entry) => because(entry, PAUSED)), unknown: [] };
  const unwanted = entries.filter(({ cause }) => cause === 'unwanted').map(({ canonical }) => canonical);
  const known = unwanted.length === 0 ? new Set<string>() : facts.everBlocked(unwanted);
  const lifted = unwanted.length === 0 ? new Set<string>() : facts.liftedByOperator(unwanted);
  const removals: ReasonedRemoval[] = [];
  const unknown: string[] = [];
  for (const entry of entries) {
    const reason = reasonOf(entry, { facts, lifted });
    if (reason.cause === 'expired' && !known.has(entry.canonical)) unknown.push(entry.canonical);
    else if (reason.cause !== 'expired' || !isAboutToRunOut(entry)) removals.push(because(entry, reason));
  }
  return { removals, unknown };
}

type Reason = Pick<ReasonedRemoval, 'cause' | 'why'>;

const PAUSED: Reason = { cause: 'paused', why: 'blocking is paused (autoblock panic)' };

function reasonOf(
  { canonical, cause }: PlannedRemoval,
  { facts, lifted }: { facts: RemovalFacts; lifted: ReadonlySet<string> },
): Reason {
  if (cause === 'duplicate') return { cause, why: 'a second entry of ours for this address' };
  if (cause === 'disabled') return { cause, why: 'disabled, so it blocks nothing: replaced' };
  const protection = facts.protectionOf(canonical);
  if (protection !== null)
    return { cause: 'protected', why: `protected: ${protection.why} (${protection.network})` };
  if (facts.isBlocked(canonical))
    return {
      cause: 'not_this_router',
      why: "blocked, but out of this router's scope or over its maxEntries",
    };
  if (lifted.has(canonical)) return { cause: 'lifted', why: 'its block was lifted by an operator' };
  return { cause: 'expired', why: 'its block ran out by the clock of this machine' };
}

const BACKED: ReadonlySet<ReasonedRemoval['cause']> = new Set([
  'paused',
  'duplicate',
  'disabled',
  'protected',
  'lifted',
]);

function because(entry: PlannedRemoval, { cause, why }: Reason): ReasonedRemoval {
  return {
    ...entry,
    cause,
    why,
    isBacked: BACKED.has(cause),
    runsOut: cause === 'expired' && entry.beforeSeconds !== null,
  };
}

function isAboutToRunOut({ beforeSeconds }: PlannedRemoval): boolean {
  return beforeSeconds !== null && beforeSeconds <= ABOUT_TO_RUN_OUT_SECONDS;
}
