import type { Workplace } from '../daemon/workplace.ts';
import { EXIT, exitCodeOfCode } from '../errors.ts';
import type { RouterSyncResult } from '../runs/router-sync-parts.ts';
import type { Invocation } from './command.ts';
import { syncWithProgress } from './push-now.ts';
import { oneLine, renderTable } from './tables.ts';

interface PushedRouter {
  readonly router: string;
  readonly ok: boolean;
  /** One in dry run is read and not written. */
  readonly mode: 'push' | 'dry-run';
  /** Entries of ours taken off and put on, and what is wanted and held there; all as read back. */
  readonly removed: number;
  readonly added: number;
  readonly held: number;
  readonly wanted: number;
  readonly errorCode: string | null;
  readonly error: string | null;
}

/**
 * Makes all routers equal the ledger side by side and tells each one's end; PostgreSQL has no part in it. The exit code
 * is 0, 3 when a router is away, 1 when one refused.
 */
export async function pushEverywhere(
  invocation: Invocation,
  workplace: Workplace,
): Promise<{ routers: readonly PushedRouter[]; text: string; exitCode: number }> {
  if (workplace.config.dryRun)
    return { routers: [], text: 'DRY_RUN: routers are not written', exitCode: EXIT.ok };
  const routers = (await syncWithProgress(invocation, workplace, { dryRun: false })).map(asPushed);
  return { routers, text: pushText(routers), exitCode: exitCodeOf(routers) };
}

function asPushed(result: RouterSyncResult): PushedRouter {
  const { router, ok, mode, removed, added, confirmed, wanted, errorCode, error } = result;
  return { router, ok, mode, removed, added, held: confirmed, wanted, errorCode, error };
}

function pushText(routers: readonly PushedRouter[]): string {
  if (routers.length === 0) return 'no router configured: recorded in the ledger only';
  return renderTable(
    ['ROUTER', 'STATE', 'TAKEN OFF', 'PUT ON', 'HELD', 'ERROR'],
    routers.map(({ router, ok, mode, removed, added, held, wanted, errorCode, error }) => [
      router,
      ok ? (mode === 'dry-run' ? 'dry run: not written' : 'ok') : (errorCode ?? 'incomplete'),
      removed,
      added,
      `${held}/${wanted}`,
      error === null ? '' : oneLine(error),
    ]),
  );
}

function exitCodeOf(routers: readonly PushedRouter[]): number {
  const failed = routers.filter(({ ok }) => !ok);
  if (failed.length === 0) return EXIT.ok;
  return failed.some(({ errorCode }) => exitCodeOfCode(errorCode) === EXIT.unavailable)
    ? EXIT.unavailable
    : EXIT.failed;
}
