import { entryKey, idKey, isOwnEntry } from '../decisions/address-list-diff.ts';
import type { AddressListEntry } from '../decisions/address-list-entry.ts';
import { type RouterPlan, TIMEOUT_DRIFT_SECONDS } from '../decisions/router-plan.ts';
import { settleInterrupted } from './router-push-interrupted.ts';
import type {
  PushedChange,
  PushProgress,
  RefusedChange,
  RouterSyncParts,
  SyncRouter,
} from './router-sync-parts.ts';

/** What the router was read back with after a push, and what of the plan is there. */
export interface Pushed {
  readonly after: readonly AddressListEntry[];
  readonly refused: readonly RefusedChange[];
  readonly changes: readonly PushedChange[];
  /** False when nothing had to be done: `after` is what was read before. */
  readonly isReadBack: boolean;
}

export interface PushInput {
  readonly router: SyncRouter;
  readonly plan: RouterPlan;
  readonly before: readonly AddressListEntry[];
  readonly mark: string;
}

/** How often a long push says how far it is. */
const TELL_EVERY_MS = 5000;

/**
 * Carries a plan out and reads back what came of it. The ledger knows of the push before its first command: what a
 * killed process had put on the router is found by the next sync and stands in the audit all the same.
 */
export async function carryOutPlan(parts: RouterSyncParts, input: PushInput): Promise<Pushed> {
  const { router, plan, before, mark } = input;
  const { ledger, nowMs, monotonicMs, actor, signal } = parts;
  settleInterrupted(parts, { router: router.name, before, mark });
  if (plan.add.length + plan.extend.length + plan.remove.length === 0) {
    return { after: before, refused: [], changes: [], isReadBack: false };
  }
  ledger.beginPush({ router: router.name, actor, nowMs: nowMs(), plan });
  const beganAtMs = monotonicMs();
  const { refused } = await router.apply(plan, {
    onProgress: progressTeller(parts, router.name),
    ...(signal === undefined ? {} : { signal }),
  });
  const after = await router.read();
  const tookSeconds = (monotonicMs() - beganAtMs) / 1000;
  const changes = changesReadBack({ plan, after, mark, tookSeconds });
  ledger.finishPush({ router: router.name, nowMs: nowMs(), changes });
  return { after, refused, changes, isReadBack: true };
}

/** Only what was read back: what the router holds now, not what was sent. */
function changesReadBack({
  plan,
  after,
  mark,
  tookSeconds,
}: {
  plan: RouterPlan;
  after: readonly AddressListEntry[];
  mark: string;
  tookSeconds: number;
}): PushedChange[] {
  const own = after.filter((entry) => isOwnEntry(entry, mark));
  const byId = new Map(own.map((entry) => [idKey(entry), entry]));
  const byAddress = new Map(own.filter(({ disabled }) => !disabled).map((entry) => [entryKey(entry), entry]));
  const added = plan.add.flatMap(({ address, why }): PushedChange[] => {
    const entry = byAddress.get(address);
    if (entry === undefined) return [];
    return [
      {
        action: 'entry_added',
        address,
        before: null,
        after: { timeoutSeconds: entry.timeoutSeconds },
        reason: why,
      },
    ];
  });
  const extended = plan.extend.flatMap((planned): PushedChange[] => {
    const left = byId.get(idKey(planned))?.timeoutSeconds ?? null;
    // It has run on while the rest of the plan was carried out.
    const isSet =
      left !== null &&
      left <= planned.timeoutSeconds + TIMEOUT_DRIFT_SECONDS &&
      left >= planned.timeoutSeconds - tookSeconds - TIMEOUT_DRIFT_SECONDS;
    const { address, beforeSeconds, why } = planned;
    const before = { timeoutSeconds: beforeSeconds };
    return isSet
      ? [{ action: 'entry_extended', address, before, after: { timeoutSeconds: left }, reason: why }]
      : [];
  });
  const removed = plan.remove
    .filter((entry) => !byId.has(idKey(entry)))
    .map(({ canonical, beforeSeconds, why }): PushedChange => {
      const before = { timeoutSeconds: beforeSeconds };
      return { action: 'entry_removed', address: canonical, before, after: null, reason: why };
    });
  return [...removed, ...extended, ...added];
}

function progressTeller(
  { logger, monotonicMs, onProgress }: RouterSyncParts,
  router: string,
): (progress: PushProgress) => void {
  let toldAtMs = monotonicMs();
  return (progress) => {
    onProgress?.(router, progress);
    if (monotonicMs() - toldAtMs < TELL_EVERY_MS) return;
    toldAtMs = monotonicMs();
    logger.info({ router, ...progress }, 'push under way');
  };
}
