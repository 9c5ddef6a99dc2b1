import { syncOnce } from '../../daemon/jobs.ts';
import { EXIT } from '../../errors.ts';
import type { RouterSyncResult } from '../../runs/router-sync-run.ts';
import type { Command } from '../command.ts';
import { deliverOrDefer } from '../push-now.ts';
import { withWorkplace } from '../session.ts';
import { renderTable } from '../tables.ts';

export const syncCommand: Command = {
  name: 'sync',
  summary: "make every router's address list equal the ledger, now",
  usage: ['sync [--dry-run] [--json]'],
  details: 'Exit code 0 when every router holds every block as read back, 1 when one does not.',
  options: {
    'dry-run': { type: 'boolean', description: 'read and compare, print the plan, write nothing' },
    json: { type: 'boolean', description: 'one JSON object on stdout' },
  },
  examples: ['autoblock sync --dry-run', 'autoblock sync'],
  run: (invocation) =>
    withWorkplace(invocation, async (workplace) => {
      const dryRun = invocation.flag('dry-run') || workplace.config.dryRun;
      const results = await syncOnce(workplace, { dryRun });
      const text = invocation.flag('json')
        ? JSON.stringify({ dryRun, routers: results })
        : asText(results, dryRun);
      invocation.output.out(text);
      if (!dryRun) await deliverOrDefer(invocation, workplace);
      return results.every((result) => result.ok) ? EXIT.ok : EXIT.failed;
    }),
};

function asText(results: readonly RouterSyncResult[], dryRun: boolean): string {
  if (results.length === 0) return 'no router configured: set ROUTER_HOST or ROUTERS_FILE';
  const rows = results.map((result) => [
    result.router,
    result.ok ? 'ok' : (result.errorCode ?? 'incomplete'),
    result.plan === null ? null : `${result.confirmed}/${result.wanted}`,
    dryRun ? (result.plan?.add.length ?? 0) : result.added,
    dryRun ? (result.plan?.extend.length ?? 0) : result.extended,
    dryRun ? (result.plan?.remove.length ?? 0) : result.removed,
    result.error ?? '',
  ]);
  const verbs = dryRun ? ['WOULD ADD', 'WOULD EXTEND', 'WOULD REMOVE'] : ['ADDED', 'EXTENDED', 'REMOVED'];
  return [
    renderTable(['ROUTER', 'STATE', 'HELD', ...verbs, 'ERROR'], rows),
    ...(dryRun ? results.flatMap(planLines) : []),
  ].join('\n');
}

function planLines(result: RouterSyncResult): string[] {
  if (result.plan === null) return [];
  return [
    ...result.plan.add.map(
      (entry) => `${result.router}: add ${entry.address} for ${entry.timeoutSeconds} s (${entry.comment})`,
    ),
    ...result.plan.extend.map(
      (entry) => `${result.router}: set ${entry.address} to ${entry.timeoutSeconds} s`,
    ),
    ...result.plan.remove.map((entry) => `${result.router}: remove ${entry.address}`),
    ...result.plan.foreign.map(
      (entry) => `${result.router}: leave ${entry.address}, held by another's entry (${entry.comment})`,
    ),
  ];
}
