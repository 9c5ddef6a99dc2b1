import { deliverOnce } from '../daemon/jobs.ts';
import { syncOnce } from '../daemon/router-job.ts';
import type { Workplace } from '../daemon/workplace.ts';
import { AutoblockError, EXIT } from '../errors.ts';
import type { RouterSyncResult } from '../runs/router-sync-parts.ts';
import type { Invocation } from './command.ts';
import { createProgress } from './progress.ts';
import { actorName, interruptSignal } from './session.ts';

/** An operator who just decided wants to see it on the routers, not in five minutes. Resolves to the exit code. */
export async function pushNow(invocation: Invocation, workplace: Workplace): Promise<number> {
  if (workplace.config.dryRun) {
    invocation.output.err('DRY_RUN: routers are not written');
    return EXIT.ok;
  }
  const results = await syncWithProgress(invocation, workplace, { dryRun: false });
  for (const result of results) {
    const inTheWay = result.plan?.foreignDisabled.length ?? 0;
    const why =
      inTheWay === 0 ? '' : `, disabled entries of others are in the way of ${inTheWay} (autoblock status)`;
    const state = result.ok
      ? `holds ${result.confirmed} of ${result.wanted} blocks${why}`
      : `not up to date: ${result.error ?? 'incomplete'}; the daemon tries again`;
    invocation.output.err(`${result.router}: ${state}`);
  }
  if (results.length === 0) invocation.output.err('no router configured: recorded in the ledger only');
  await deliverOrDefer(invocation, workplace);
  return results.every(holdsAll) ? EXIT.ok : EXIT.failed;
}

/** True when each block the router is to hold, and has room for, is in force there. */
export function holdsAll({ ok, mode, plan }: RouterSyncResult): boolean {
  return ok && (mode === 'dry-run' || plan === null || plan.foreignDisabled.length === 0);
}

/** Syncs all routers, or one; on a terminal a line says how far a long push is. Ctrl-C ends it between two commands. */
export async function syncWithProgress(
  { output, nowMs }: Invocation,
  workplace: Workplace,
  options: { readonly dryRun: boolean; readonly router?: string },
): Promise<RouterSyncResult[]> {
  const progress = createProgress(output, nowMs);
  const { signal, release } = interruptSignal();
  const underWay = new Map<string, string>();
  const onProgress = (router: string, { done, total }: { done: number; total: number }): void => {
    underWay.set(router, `${router} ${done}/${total}`);
    progress.update(`pushing: ${[...underWay.values()].join(', ')}`);
  };
  try {
    return await syncOnce(workplace, { ...options, actor: actorName(), signal, onProgress });
  } finally {
    release();
    if (underWay.size > 0) progress.end();
  }
}

/** Tells PostgreSQL; when it is away the ledger keeps the news and the daemon delivers it later. */
export async function deliverOrDefer(invocation: Invocation, workplace: Workplace): Promise<void> {
  try {
    await deliverOnce(workplace);
  } catch (thrown) {
    if (!(thrown instanceof AutoblockError) || thrown.exitCode !== EXIT.unavailable) throw thrown;
    invocation.output.err(`${thrown.message}; what was decided is safe in the ledger and delivered later`);
  }
}
