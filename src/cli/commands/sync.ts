import type { Workplace } from '../../daemon/workplace.ts';
import { AutoblockError, EXIT } from '../../errors.ts';
import type { Command, Invocation } from '../command.ts';
import { deliverOrDefer, holdsAll, syncWithProgress } from '../push-now.ts';
import { actorName, withWorkplace } from '../session.ts';
import { syncText } from '../sync-text.ts';

/** An operator's word holds for one sync of each router; one that is away has this long to come back. */
const CONFIRMATION_VALID_MS = 3_600_000;

export const syncCommand: Command = {
  name: 'sync',
  summary: "make every router's address list equal the ledger, now",
  usage: ['sync [--router NAME] [--dry-run] [--json]', 'sync --confirm-removal [--router NAME] [--json]'],
  details: [
    'Exit code 0 when every router holds every block as read back, 1 when one does not.',
    '--dry-run prints for each router what would be added, extended, removed and left, and why; it only reads.',
    'Entries that nobody lifted are not taken off in masses (MAX_REMOVAL_SHARE): look with --dry-run, then say',
    '--confirm-removal. It holds for one sync of each router, within an hour also for one that is away now.',
  ].join('\n'),
  options: {
    router: { type: 'string', placeholder: 'NAME', description: 'this router only' },
    'dry-run': { type: 'boolean', description: 'read and compare, print the plan and why, write nothing' },
    'confirm-removal': { type: 'boolean', description: 'let this sync take off what was kept back' },
    json: { type: 'boolean', description: 'one JSON object on stdout' },
  },
  examples: [
    'autoblock sync --dry-run',
    'autoblock sync',
    "autoblock sync --confirm-removal --router 'edge'",
  ],
  run: (invocation) => withWorkplace(invocation, (workplace) => syncNow(invocation, workplace)),
};

async function syncNow(invocation: Invocation, workplace: Workplace): Promise<number> {
  const { output } = invocation;
  const dryRun = invocation.flag('dry-run') || workplace.config.dryRun;
  const router = knownRouter(invocation.text('router'), workplace);
  if (invocation.flag('confirm-removal')) confirmRemoval(workplace, { dryRun, router });
  const results = await syncWithProgress(invocation, workplace, {
    dryRun,
    ...(router === undefined ? {} : { router }),
  });
  if (invocation.flag('confirm-removal')) forgetUnused(workplace, results);
  if (invocation.flag('json')) output.out(JSON.stringify({ dryRun, routers: results }));
  else if (results.length > 0) output.out(syncText(results));
  else output.out('no router configured: set ROUTER_HOST or ROUTERS_FILE');
  if (!dryRun) await deliverOrDefer(invocation, workplace);
  return results.every(holdsAll) ? EXIT.ok : EXIT.failed;
}

function knownRouter(name: string | undefined, { routers }: Workplace): string | undefined {
  if (name === undefined || routers.some((router) => router.name === name)) return name;
  const names = routers.map((router) => `"${router.name}"`).join(', ');
  throw new AutoblockError('NOT_FOUND', `no router "${name}"; there are ${names === '' ? 'none' : names}`);
}

function confirmRemoval(
  { ledger, routers, nowMs }: Workplace,
  { dryRun, router }: { dryRun: boolean; router: string | undefined },
): void {
  if (dryRun) throw new AutoblockError('USAGE', 'sync: --confirm-removal and a dry run exclude each other');
  for (const { name } of routers) {
    if (router !== undefined && name !== router) continue;
    const confirmation = { actor: actorName(), nowMs: nowMs(), validMs: CONFIRMATION_VALID_MS };
    ledger.confirmRemoval({ router: name, ...confirmation });
  }
}

/** Where the router was read there is nothing left to say yes to: the word must not let go what comes up later. */
function forgetUnused(
  { ledger, nowMs }: Workplace,
  results: readonly { readonly router: string; readonly plan: unknown }[],
): void {
  for (const { router, plan } of results) {
    if (plan !== null) ledger.takeRemovalConfirmation({ router, nowMs: nowMs() });
  }
}
