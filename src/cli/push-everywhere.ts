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
  /** Entries of ours that should go and stay, because the router is in dry run. */
  readonly stays: number;
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
  const { router, ok, mode, removed, added, confirmed, wanted, plan, errorCode, error } = result;
  const stays = mode === 'dry-run' ? (plan?.remove.length ?? 0) : 0;
  return { router, ok, mode, removed, added, held: confirmed, wanted, stays, errorCode, error };
}

function pushText(routers: readonly PushedRouter[]): string {
  if (routers.length === 0) return 'no router configured: recorded in the ledger only';
  return renderTable(
    ['ROUTER', 'STATE', 'TAKEN OFF', 'PUT ON', 'HELD', 'ERROR'],
    routers.map((pushed) => [
      pushed.router,
      stateText(pushed),
      pushed.removed,
      pushed.added,
      `${pushed.held}/${pushed.wanted}`,
      pushed.error === null ? '' : oneLine(pushed.error),
    ]),
  );
}

function stateText({ ok, mode, stays, errorCode }: PushedRouter): string {
  if (!ok) return errorCode ?? 'incomplete';
  if (mode === 'push') return 'ok';
  return `dry run: not written${stays > 0 ? `, ${stays} entries stay` : ''}`;
}

function exitCodeOf(routers: readonly PushedRouter[]): number {
  const failed = routers.filter(({ ok }) => !ok);
  if (failed.length === 0) return EXIT.ok;
  return failed.some(({ errorCode }) => exitCodeOfCode(errorCode) === EXIT.unavailable)
    ? EXIT.unavailable
    : EXIT.failed;
}
