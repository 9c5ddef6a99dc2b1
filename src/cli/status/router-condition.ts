import { isTurnedAwayBy } from '../../daemon/router-loops.ts';
import { opensBreaker, retryDelayMs } from '../../daemon/sync-loop.ts';
import { EXIT, exitCodeOfCode } from '../../errors.ts';
import { timeText } from '../tables.ts';

/** What is known of one router, for the line an operator reads first. */
export interface RouterFacts {
  readonly dryRun: boolean;
  /** Null when the daemon never tried it. */
  readonly state: {
    readonly ok: boolean;
    readonly errorCode: string | null;
    readonly attemptedAtMs: number;
    readonly succeededAtMs: number | null;
    readonly consecutiveFailures: number;
  } | null;
}

export type Condition = 'ok' | 'dry_run' | 'never_synced' | 'backing_off' | 'breaker_open';

export function conditionOf({ dryRun, state }: RouterFacts): Condition {
  if (dryRun) return 'dry_run';
  if (state === null) return 'never_synced';
  if (state.consecutiveFailures === 0) return 'ok';
  return isBreakerOpen(state) ? 'breaker_open' : 'backing_off';
}

/** The loop's rule on what the ledger knows: one that answers and refuses is asked on, only one that is away is spared. */
function isBreakerOpen({ errorCode, consecutiveFailures }: NonNullable<RouterFacts['state']>): boolean {
  const isAway = exitCodeOfCode(errorCode) === EXIT.unavailable;
  return isAway && opensBreaker({ failures: consecutiveFailures, isTurnedAway: isTurnedAwayBy(errorCode) });
}

/** When a running daemon tries again at the latest, Unix ms; null while nothing fails. */
export function nextTryAtMs({ state }: RouterFacts): number | null {
  if (state === null || state.consecutiveFailures === 0) return null;
  const isTurnedAway = isTurnedAwayBy(state.errorCode);
  return state.attemptedAtMs + retryDelayMs({ failures: state.consecutiveFailures, random: 0, isTurnedAway });
}

export function conditionText(facts: RouterFacts): string {
  const failures = facts.state?.consecutiveFailures ?? 0;
  const nextMs = nextTryAtMs(facts);
  const again = nextMs === null ? '' : `, next try by ${timeText(nextMs)}`;
  const code = facts.state?.errorCode ?? 'incomplete';
  switch (conditionOf(facts)) {
    case 'ok':
      return 'ok';
    case 'dry_run':
      return 'dry run: not written';
    case 'never_synced':
      return 'never synced';
    case 'backing_off':
      return `${code}, ${failures} ${failures === 1 ? 'failure' : 'failures'}${again}`;
    case 'breaker_open':
      return `${code}, breaker open after ${failures} failures${again}`;
  }
}
