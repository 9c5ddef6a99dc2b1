import { entryKey, isOwnEntry } from '../decisions/address-list-diff.ts';
import type { RouterPlan } from '../decisions/router-plan.ts';
import { AutoblockError, messageOf } from '../errors.ts';
import type { Pushed } from './router-push.ts';
import type { RebootSeen } from './router-reboot-watch.ts';
import { shortfallOf } from './router-shortfall.ts';
import type { RouterSyncParts, RouterSyncResult, SyncRouter } from './router-sync-parts.ts';

interface Concluded extends Pushed {
  readonly router: SyncRouter;
  readonly startedAtMs: number;
  readonly plan: RouterPlan;
  readonly wanted: readonly string[];
  readonly unconfirmed: readonly string[];
  readonly mark: string;
  readonly facts: { readonly version: string; readonly uptimeSeconds: number };
  readonly reboot: RebootSeen;
}

/** Counts only what was read back: what the router holds now, not what was sent. */
export function concludeSync(parts: RouterSyncParts, done: Concluded): RouterSyncResult {
  const { ledger, nowMs, monotonicMs } = parts;
  const router = done.router.name;
  const { still, missing } = heldOf(parts, done);
  const wanted = still.length;
  const isOk = missing.length === 0 && done.refused.length === 0;
  const atMs = nowMs();
  const endedAtMs = monotonicMs();
  const { noticedAtMs } = done.reboot;
  const count = (action: string): number => done.changes.filter((change) => change.action === action).length;
  const result: RouterSyncResult = {
    ...planFigures(router, done.plan),
    mode: 'push',
    ok: isOk,
    confirmed: wanted - missing.length,
    // What a disabled entry of somebody else keeps out is wanted, and never counted as held.
    wanted: wanted + done.plan.foreignDisabled.length,
    added: count('entry_added'),
    extended: count('entry_extended'),
    removed: count('entry_removed'),
    refused: done.refused,
    rebooted: done.reboot.isNew,
    reprotectedMs: isOk && noticedAtMs !== null ? Math.round(endedAtMs - noticedAtMs) : null,
    ...shortfallOf({ ...done, missing }),
    durationMs: Math.round(endedAtMs - done.startedAtMs),
  };
  const absent = new Set(missing);
  const confirmed = done.unconfirmed.filter((address) => !absent.has(address));
  if (confirmed.length > 0) ledger.confirmBlocks({ addresses: confirmed, nowMs: atMs });
  ledger.recordHoldings({ router, addresses: still.filter((address) => !absent.has(address)) });
  const entries = done.isReadBack
    ? done.after.filter((entry) => isOwnEntry(entry, done.mark)).length
    : done.plan.own;
  record(parts, { ...done, result, entries, atMs });
  remember(parts, { router, entries, isOk });
  reportSync(parts, result);
  return result;
}

/** Which wanted addresses there still are, and which of them the router does not hold. */
function heldOf(
  { ledger, nowMs }: RouterSyncParts,
  { wanted, after, isReadBack }: Concluded,
): { still: readonly string[]; missing: readonly string[] } {
  // Nothing had to be done: every wanted address was found on the list.
  if (!isReadBack) return { still: wanted, missing: [] };
  const held = new Set(after.filter(({ disabled }) => !disabled).map(entryKey));
  // What ran out or was lifted on the way need not be held any more.
  const active = new Set(ledger.activeBlocks(nowMs()).map((block) => block.address));
  const still = wanted.filter((address) => active.has(address));
  return { still, missing: still.filter((address) => !held.has(address)) };
}

function record(
  { ledger, memoryOf }: RouterSyncParts,
  done: Concluded & { result: RouterSyncResult; entries: number; atMs: number; router: SyncRouter },
): void {
  const { result, facts, atMs } = done;
  const memory = memoryOf(result.router);
  const isFirst = memory.entries === null;
  const rebooted = memory.rebootUntold;
  ledger.recordRouterSync({
    router: result.router,
    nowMs: atMs,
    ok: result.ok,
    entries: done.entries,
    added: result.added,
    extended: result.extended,
    removed: result.removed,
    version: facts.version,
    uptimeSeconds: facts.uptimeSeconds,
    // By two clocks, so it wavers: told when it is news.
    ...(isFirst || rebooted ? { bootedAtMs: atMs - facts.uptimeSeconds * 1000 } : {}),
    rebooted,
    ...(result.reprotectedMs === null ? {} : { reprotectedMs: result.reprotectedMs }),
    ...(result.error === null ? {} : { error: result.error }),
    ...(result.errorCode === null ? {} : { errorCode: result.errorCode }),
  });
  memory.rebootUntold = false;
}

function remember(
  { memoryOf }: RouterSyncParts,
  { router, entries, isOk }: { router: string; entries: number; isOk: boolean },
): void {
  const memory = memoryOf(router);
  memory.entries = entries;
  memory.failures = { code: '', count: 0 };
  if (!isOk) return;
  memory.lostAtMs = null;
  memory.rebootNoticedAtMs = null;
}

function reportSync({ logger }: RouterSyncParts, result: RouterSyncResult): void {
  const { router, added, extended, removed, confirmed, wanted, held, capped, foreign, durationMs } = result;
  const counts = { added, extended, removed, confirmed, wanted, held, capped, foreign };
  const fields = { router, ...counts, foreignDisabled: result.plan?.foreignDisabled.length ?? 0, durationMs };
  for (const refusal of result.refused.slice(0, 20)) {
    logger.error({ code: 'ROUTER_REFUSED', router, ...refusal }, 'router refused an address list change');
  }
  if (result.reprotectedMs !== null) {
    logger.info({ router, reprotectedMs: result.reprotectedMs, confirmed }, 'router holds every block again');
  }
  if (!result.ok) {
    const { error } = result;
    logger.error({ code: 'SYNC_INCOMPLETE', ...fields, error }, 'router does not hold every block');
  } else if (added + extended + removed > 0) logger.info(fields, 'blocks pushed');
  else logger.debug(fields, 'router list unchanged');
}

function planFigures(
  router: string,
  plan: RouterPlan,
): Pick<RouterSyncResult, 'router' | 'plan' | 'foreign' | 'held' | 'capped' | 'againInMs'> {
  const ends = plan.foreign.flatMap(({ remainingSeconds }) =>
    remainingSeconds === null ? [] : [remainingSeconds],
  );
  return {
    router,
    plan,
    foreign: plan.foreign.length,
    held: plan.held.length,
    capped: plan.capped.length,
    // A second later, when it is gone for certain.
    againInMs: ends.length === 0 ? null : (ends.reduce((a, b) => Math.min(a, b)) + 1) * 1000,
  };
}

export function concludeDryRun(
  { monotonicMs }: RouterSyncParts,
  done: Pick<Concluded, 'router' | 'plan' | 'wanted' | 'startedAtMs'>,
): RouterSyncResult {
  return {
    ...planFigures(done.router.name, done.plan),
    mode: 'dry-run',
    ok: true,
    confirmed: done.wanted.length - done.plan.add.length,
    wanted: done.wanted.length + done.plan.foreignDisabled.length,
    added: 0,
    extended: 0,
    removed: 0,
    refused: [],
    rebooted: false,
    reprotectedMs: null,
    error: null,
    errorCode: null,
    durationMs: Math.round(monotonicMs() - done.startedAtMs),
  };
}

/** After so many alike a failure is known: a router that is away for a night must not fill the log. */
const TOLD_FAILURES = 5;

export function failSync(
  parts: RouterSyncParts,
  { router, thrown, startedAtMs }: { router: string; thrown: unknown; startedAtMs: number },
): RouterSyncResult {
  const errorCode = thrown instanceof AutoblockError ? thrown.code : 'INTERNAL';
  const error = messageOf(thrown);
  const isDryRun = parts.dryRun || parts.settingsOf(router).dryRun;
  const memory = parts.memoryOf(router);
  if (parts.signal?.aborted === true) {
    // Our own doing: no word about the router.
    parts.logger.info({ router }, 'router sync ended early because it was told to stop');
  } else {
    const count = memory.failures.code === errorCode ? memory.failures.count + 1 : 1;
    memory.failures = { code: errorCode, count };
    const level = count <= TOLD_FAILURES ? 'error' : 'debug';
    parts.logger[level]({ code: errorCode, router, failures: count, err: thrown }, 'router sync failed');
    if (!isDryRun) recordFailure(parts, { router, errorCode, error });
  }
  return {
    router,
    mode: isDryRun ? 'dry-run' : 'push',
    ok: false,
    plan: null,
    confirmed: 0,
    wanted: 0,
    added: 0,
    extended: 0,
    removed: 0,
    foreign: 0,
    held: 0,
    capped: 0,
    refused: [],
    rebooted: false,
    reprotectedMs: null,
    againInMs: null,
    error,
    errorCode,
    durationMs: Math.round(parts.monotonicMs() - startedAtMs),
  };
}

/** A ledger that cannot be written must not hide how the other routers fared. */
function recordFailure(
  { ledger, logger, memoryOf, nowMs }: RouterSyncParts,
  failure: { router: string; errorCode: string; error: string },
): void {
  const memory = memoryOf(failure.router);
  try {
    const nothing = { ok: false, entries: 0, added: 0, extended: 0, removed: 0 };
    const { rebootUntold: rebooted, uptime } = memory;
    const uptimeSeconds = rebooted && uptime !== null ? { uptimeSeconds: uptime.uptimeSeconds } : {};
    ledger.recordRouterSync({ ...failure, ...nothing, rebooted, ...uptimeSeconds, nowMs: nowMs() });
    memory.rebootUntold = false;
  } catch (thrown) {
    const code = thrown instanceof AutoblockError ? thrown.code : 'INTERNAL';
    logger.error({ code, router: failure.router, err: thrown }, 'router sync not recorded in the ledger');
  }
}
