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

/** After so many failed syncs in a row only the loop's own trials knock at a router. */
export const BREAKER_FAILURES = 5;

export function conditionOf({ dryRun, state }: RouterFacts): Condition {
  if (dryRun) return 'dry_run';
  if (state === null) return 'never_synced';
  if (state.consecutiveFailures === 0) return 'ok';
  return state.consecutiveFailures >= BREAKER_FAILURES ? 'breaker_open' : 'backing_off';
}

/** `retryAtMs`: when the daemon tries again at the latest. */
export function conditionText(facts: RouterFacts, nextTry: string | null): string {
  const failures = facts.state?.consecutiveFailures ?? 0;
  const again = nextTry === null ? '' : `, next try by ${nextTry}`;
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
