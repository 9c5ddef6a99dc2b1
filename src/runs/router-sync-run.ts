import { type AddressListDiff, diffAddressList } from '../decisions/address-list-diff.ts';
import {
  type AddressListEntry,
  type DesiredEntry,
  OWN_COMMENT_PREFIX,
} from '../decisions/address-list-entry.ts';
import { type Block, LIFTED_BY_PROTECTION } from '../decisions/block.ts';
import { desiredEntries } from '../decisions/desired-entries.ts';
import { type Protection, protectionOf } from '../decisions/protected-networks.ts';
import { unknownEntries } from '../decisions/unknown-entries.ts';
import { AutoblockError, messageOf } from '../errors.ts';
import { canonicalText } from '../ip/address.ts';
import type { Logger } from '../logger.ts';
import { shortfallOf } from './router-shortfall.ts';

/** One router's own address list, as far as a sync needs it. */
interface AddressListRouter {
  readonly name: string;
  read(): Promise<readonly AddressListEntry[]>;
  /** Applies what it can; refusals are returned, a broken connection is thrown. */
  apply(
    plan: AddressListDiff,
  ): Promise<{ readonly refused: readonly { address: string; message: string }[] }>;
}

interface SyncLedger {
  activeBlocks(nowMs: number): readonly Block[];
  everBlocked(addresses: readonly string[]): ReadonlySet<string>;
  liftBlock(lift: { address: string; actor: string; nowMs: number }): Block;
  confirmBlocks(confirmation: { addresses: readonly string[]; nowMs: number }): number;
  recordRouterSync(sync: RouterSyncRecord): void;
}

interface RouterSyncRecord {
  readonly router: string;
  readonly nowMs: number;
  readonly ok: boolean;
  /** Own entries on the list as read back. */
  readonly entries: number;
  readonly added: number;
  readonly extended: number;
  readonly removed: number;
  readonly errorCode?: string;
  readonly error?: string;
}

export interface RouterSyncParts {
  readonly routers: readonly AddressListRouter[];
  readonly ledger: SyncLedger;
  readonly protection: Protection;
  readonly logger: Logger;
  readonly nowMs: () => number;
  /** Print the plan, write nothing to a router. */
  readonly dryRun: boolean;
}

export interface RouterSyncResult {
  readonly router: string;
  readonly ok: boolean;
  readonly plan: AddressListDiff | null;
  /** Wanted addresses that the router holds, read back after applying. */
  readonly confirmed: number;
  readonly wanted: number;
  readonly added: number;
  readonly extended: number;
  readonly removed: number;
  readonly refused: readonly { address: string; message: string }[];
  readonly error: string | null;
  readonly errorCode: string | null;
  readonly durationMs: number;
}

/** A timeout may differ by this much before it is mended: print and clock granularity, not a decision. */
const TIMEOUT_DRIFT_SECONDS = 60;

/**
 * Makes every router's list equal the ledger: read, compare, apply, read back. Routers are independent: one that is
 * away keeps its own error and is caught up by the next sync. Safe to repeat and safe to interrupt anywhere.
 */
export async function runRouterSync(parts: RouterSyncParts): Promise<RouterSyncResult[]> {
  withdrawProtected(parts);
  return Promise.all(parts.routers.map((router) => syncOne(parts, router)));
}

/** Second look before every push: an address that became protected since the decision is lifted, not pushed. */
function withdrawProtected(parts: RouterSyncParts): void {
  const nowMs = parts.nowMs();
  for (const { address } of parts.ledger.activeBlocks(nowMs)) {
    const protection = protectionOf(parts.protection, address);
    if (protection === null) continue;
    parts.logger.warn(
      { code: 'PROTECTED_BLOCK_WITHDRAWN', address, why: protection.why, dryRun: parts.dryRun },
      'block withdrawn before the push: its address is protected',
    );
    if (!parts.dryRun) liftProtected(parts, address, nowMs);
  }
}

/** Lifted by another process meanwhile, or a full disk: no reason to leave the routers alone. It is not pushed either way. */
function liftProtected({ ledger, logger }: RouterSyncParts, address: string, nowMs: number): void {
  try {
    ledger.liftBlock({ address, actor: LIFTED_BY_PROTECTION, nowMs });
  } catch (thrown) {
    const code = thrown instanceof AutoblockError ? thrown.code : 'INTERNAL';
    logger.error(
      { code, address, err: thrown },
      'protected block not lifted in the ledger; it is not pushed',
    );
  }
}

async function syncOne(parts: RouterSyncParts, router: AddressListRouter): Promise<RouterSyncResult> {
  const startedAtMs = parts.nowMs();
  try {
    const before = await router.read();
    const readAtMs = parts.nowMs();
    const desired = desiredEntries(pushableBlocks(parts, readAtMs), readAtMs);
    const current = withoutUnknown(parts, router.name, before);
    const plan = diffAddressList({ desired, current, timeoutDriftSeconds: TIMEOUT_DRIFT_SECONDS });
    if (parts.dryRun)
      return dryResult({ router, plan, desired, before, durationMs: parts.nowMs() - startedAtMs });

    const { refused } = await router.apply(plan);
    const changed = plan.add.length + plan.extend.length + plan.remove.length > 0;
    const after = changed ? await router.read() : before;
    const done = { router: router.name, plan, desired, before, after, refused, startedAtMs };
    const result = conclude(parts, done);
    return isOvertaken(parts, plan) ? await syncOne(parts, router) : result;
  } catch (thrown) {
    return failed(parts, router.name, thrown, startedAtMs);
  }
}

/** An operator lifted what was just added: another pass takes it off, each pass needs another word of his. */
function isOvertaken({ ledger, nowMs }: RouterSyncParts, { add }: AddressListDiff): boolean {
  const active = new Set(ledger.activeBlocks(nowMs()).map((block) => block.address));
  return add.some(({ address }) => !active.has(address));
}

/**
 * Read after the router's list: what another process blocked and pushed meanwhile was in the ledger before it was on
 * the list, so it is never taken for stale.
 */
function pushableBlocks({ ledger, protection }: RouterSyncParts, nowMs: number): readonly Block[] {
  return ledger.activeBlocks(nowMs).filter((block) => protectionOf(protection, block.address) === null);
}

function withoutUnknown(
  { ledger, protection, logger }: RouterSyncParts,
  router: string,
  current: readonly AddressListEntry[],
): readonly AddressListEntry[] {
  const everBlocked = (addresses: readonly string[]) => ledger.everBlocked(addresses);
  const unknown = unknownEntries({ current, everBlocked, protection });
  if (unknown.size === 0) return current;
  logger.info(
    { code: 'UNKNOWN_ENTRIES', router, entries: unknown.size },
    'entries under our mark that this ledger never made are left to expire',
  );
  return current.filter((entry) => !unknown.has(entry));
}

interface Conclusion {
  readonly router: string;
  readonly plan: AddressListDiff;
  readonly desired: readonly DesiredEntry[];
  readonly before: readonly AddressListEntry[];
  readonly after: readonly AddressListEntry[];
  readonly refused: readonly { address: string; message: string }[];
  readonly startedAtMs: number;
}

/** Counts only what was read back: what the router holds now, not what was sent. */
function conclude(parts: RouterSyncParts, done: Conclusion): RouterSyncResult {
  const heldBefore = heldAddresses(done.before);
  const heldAfter = heldAddresses(done.after);
  const nowMs = parts.nowMs();
  // What ran out or was lifted on the way need not be held any more.
  const active = new Set(parts.ledger.activeBlocks(nowMs).map((block) => block.address));
  const wanted = done.desired.map((entry) => entry.address).filter((address) => active.has(address));
  const confirmed = wanted.filter((address) => heldAfter.has(address));
  const missing = wanted.filter((address) => !heldAfter.has(address));
  const own = done.after.filter((entry) => entry.comment.startsWith(OWN_COMMENT_PREFIX));
  const heldIds = new Set(own.map(keyOf));
  const timeouts = new Map(done.after.map((entry) => [keyOf(entry), entry.timeoutSeconds]));
  const result: RouterSyncResult = {
    router: done.router,
    ok: missing.length === 0 && done.refused.length === 0,
    plan: done.plan,
    confirmed: confirmed.length,
    wanted: wanted.length,
    added: done.plan.add.filter((entry) => heldAfter.has(entry.address) && !heldBefore.has(entry.address))
      .length,
    extended: done.plan.extend.filter(
      (entry) =>
        Math.abs((timeouts.get(keyOf(entry)) ?? Number.NaN) - entry.timeoutSeconds) <= TIMEOUT_DRIFT_SECONDS,
    ).length,
    removed: done.plan.remove.filter((entry) => !heldIds.has(keyOf(entry))).length,
    refused: done.refused,
    ...shortfallOf({ ...done, missing }),
    durationMs: nowMs - done.startedAtMs,
  };
  parts.ledger.confirmBlocks({ addresses: confirmed, nowMs });
  parts.ledger.recordRouterSync({
    router: done.router,
    nowMs,
    ok: result.ok,
    entries: own.length,
    added: result.added,
    extended: result.extended,
    removed: result.removed,
    ...(result.error === null ? {} : { error: result.error }),
    ...(result.errorCode === null ? {} : { errorCode: result.errorCode }),
  });
  reportSync(parts.logger, result);
  return result;
}

/** Ids are given out per address family: `*1` exists on both lists. */
function keyOf(entry: { readonly id: string; readonly address: string }): string {
  return `${entry.address.includes(':') ? 6 : 4} ${entry.id}`;
}

function heldAddresses(entries: readonly AddressListEntry[]): Set<string> {
  const held = entries.filter((entry) => !entry.disabled).map((entry) => canonicalText(entry.address));
  return new Set(held.filter((address) => address !== null));
}

function reportSync(logger: Logger, result: RouterSyncResult): void {
  const { router, added, extended, removed, confirmed, wanted, error, durationMs } = result;
  const fields = { router, added, extended, removed, confirmed, wanted, durationMs };
  for (const refusal of result.refused.slice(0, 20)) {
    logger.error({ code: 'ROUTER_REFUSED', router, ...refusal }, 'router refused an address list change');
  }
  if (!result.ok) {
    logger.error({ code: 'SYNC_INCOMPLETE', ...fields, error }, 'router does not hold every block');
    return;
  }
  if (added + extended + removed > 0) logger.info(fields, 'blocks pushed');
  else logger.debug(fields, 'router list unchanged');
}

function failed(
  parts: RouterSyncParts,
  router: string,
  thrown: unknown,
  startedAtMs: number,
): RouterSyncResult {
  const errorCode = thrown instanceof AutoblockError ? thrown.code : 'INTERNAL';
  const error = messageOf(thrown);
  const nowMs = parts.nowMs();
  parts.logger.error({ code: errorCode, router, err: thrown }, 'router sync failed');
  if (!parts.dryRun) recordFailure(parts, { router, nowMs, errorCode, error });
  return {
    router,
    ok: false,
    plan: null,
    confirmed: 0,
    wanted: 0,
    added: 0,
    extended: 0,
    removed: 0,
    refused: [],
    error,
    errorCode,
    durationMs: nowMs - startedAtMs,
  };
}

/** A ledger that cannot be written must not hide how the other routers fared. */
function recordFailure(
  { ledger, logger }: RouterSyncParts,
  failure: { router: string; nowMs: number; errorCode: string; error: string },
): void {
  try {
    ledger.recordRouterSync({ ...failure, ok: false, entries: 0, added: 0, extended: 0, removed: 0 });
  } catch (thrown) {
    const code = thrown instanceof AutoblockError ? thrown.code : 'INTERNAL';
    logger.error({ code, router: failure.router, err: thrown }, 'router sync not recorded in the ledger');
  }
}

function dryResult({
  router,
  plan,
  desired,
  before,
  durationMs,
}: {
  router: AddressListRouter;
  plan: AddressListDiff;
  desired: readonly DesiredEntry[];
  before: readonly AddressListEntry[];
  durationMs: number;
}): RouterSyncResult {
  const held = heldAddresses(before);
  return {
    router: router.name,
    ok: true,
    plan,
    confirmed: desired.filter((entry) => held.has(entry.address)).length,
    wanted: desired.length,
    added: 0,
    extended: 0,
    removed: 0,
    refused: [],
    error: null,
    errorCode: null,
    durationMs,
  };
}
