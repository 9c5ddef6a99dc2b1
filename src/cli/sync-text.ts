import type { RouterPlan } from '../decisions/router-plan.ts';
import type { RouterSyncResult } from '../runs/router-sync-parts.ts';
import { durationText, oneLine, renderTable } from './tables.ts';

/** What a sync did to each router, or in a dry run would do and why. */
export function syncText(results: readonly RouterSyncResult[]): string {
  const isDryRun = results.every(({ mode }) => mode === 'dry-run');
  const verbs = isDryRun ? ['WOULD ADD', 'WOULD EXTEND', 'WOULD REMOVE'] : ['ADDED', 'EXTENDED', 'REMOVED'];
  const head = ['ROUTER', 'STATE', 'HELD', ...verbs, 'BY OTHERS', 'KEPT BACK', 'OVER CAP', 'ERROR'];
  const rows = results.map((result) => [
    result.router,
    stateOf(result, isDryRun),
    result.plan === null ? null : `${result.confirmed}/${result.wanted}`,
    ...counts(result),
    result.foreign,
    result.held,
    result.capped,
    result.error ?? '',
  ]);
  const plans = results.flatMap(({ router, mode, plan }) =>
    mode === 'dry-run' && plan !== null ? planLines(router, plan) : [],
  );
  return [renderTable(head, rows), ...results.flatMap(remarks), ...plans].join('\n');
}

function stateOf({ ok, mode, errorCode }: RouterSyncResult, isDryRun: boolean): string {
  if (!ok) return errorCode ?? 'incomplete';
  return mode === 'dry-run' && !isDryRun ? 'dry run' : 'ok';
}

function counts({ mode, plan, added, extended, removed }: RouterSyncResult): number[] {
  if (mode === 'push' || plan === null) return [added, extended, removed];
  return [plan.add.length, plan.extend.length, plan.remove.length];
}

function remarks({ router, plan, reprotectedMs }: RouterSyncResult): string[] {
  const lines: string[] = [];
  const disabled = plan?.foreignDisabled.length ?? 0;
  if (disabled > 0)
    lines.push(
      `${router}: ${disabled} not blocked, disabled entries of others are in the way (autoblock status)`,
    );
  if (reprotectedMs !== null) lines.push(`${router}: protected again ${reprotectedMs} ms after its reboot`);
  if (plan?.massRemoval != null) {
    const { found, removals, wanted } = plan.massRemoval;
    lines.push(
      `${router}: removal of ${removals} of ${found} entries kept back: nobody lifted them, and the ledger wants ${wanted};`,
      `  if that is right: autoblock sync --confirm-removal --router '${router}'`,
    );
  }
  return lines;
}

function planLines(router: string, plan: RouterPlan): string[] {
  const { unknown } = plan;
  return [
    ...plan.add.map(
      ({ address, timeoutSeconds, why }) => `add ${address} for ${timeoutSeconds} s (${oneLine(why)})`,
    ),
    ...plan.extend.map(
      ({ address, timeoutSeconds, why }) => `set ${address} to ${timeoutSeconds} s (${why})`,
    ),
    ...plan.remove.map(({ address, why }) => `remove ${address} (${oneLine(why)})`),
    ...plan.foreign.map(
      ({ address, comment, remainingSeconds }) =>
        `leave ${address}, held by another's entry ${remainingText(remainingSeconds)} (${oneLine(comment)})`,
    ),
    ...plan.foreignDisabled.map(
      ({ address, comment }) =>
        `leave out ${address}, another's entry there is disabled (${oneLine(comment)})`,
    ),
    ...plan.held.map(
      ({ address, beforeSeconds, why }) =>
        `keep ${address} until confirmed, ${remainingText(beforeSeconds)} (${oneLine(why)})`,
    ),
    ...plan.capped.map(({ address, why }) => `leave out ${address} (${why})`),
    ...unknown.map(
      (address) => `leave ${address} to expire (under our mark, but this ledger never blocked it)`,
    ),
  ].map((line) => `${router}: ${line}`);
}

function remainingText(seconds: number | null): string {
  return seconds === null ? 'for good' : `for ${durationText(seconds * 1000)}`;
}
