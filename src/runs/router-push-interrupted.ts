import { entryKey, idKey, isOwnEntry } from '../decisions/address-list-diff.ts';
import type { AddressListEntry } from '../decisions/address-list-entry.ts';
import type { InterruptedPush, PushedChange, RouterSyncParts } from './router-sync-parts.ts';

/** A push that was cut: what of it came to pass has to be known before anything new is begun. */
export function settleInterrupted(
  { ledger, nowMs }: Pick<RouterSyncParts, 'ledger' | 'nowMs'>,
  seen: { router: string; before: readonly AddressListEntry[]; mark: string },
): void {
  const { router } = seen;
  const push = ledger.interruptedPush(router);
  if (push === null) return;
  const atMs = nowMs();
  ledger.finishPush({ router, nowMs: atMs, changes: changesFound({ ...seen, push, nowMs: atMs }) });
}

/**
 * What is on the list now is all that tells; additions are told as found, for nobody knows the moment they were made. An
 * entry that was to go and is gone may also have run out, or been lost by a reboot, since.
 */
function changesFound({
  before,
  mark,
  push: { plan, begunAtMs },
  nowMs,
}: {
  before: readonly AddressListEntry[];
  mark: string;
  push: InterruptedPush;
  nowMs: number;
}): PushedChange[] {
  const own = before.filter((entry) => isOwnEntry(entry, mark));
  const byAddress = new Map(own.map((entry) => [entryKey(entry), entry]));
  const byId = new Map(own.map((entry) => [idKey(entry), entry]));
  const elapsedSeconds = Math.max(0, nowMs - begunAtMs) / 1000;
  const removed = plan.remove
    .filter((planned) => byId.get(idKey(planned))?.address !== planned.address)
    .map(({ address, beforeSeconds, why }): PushedChange => {
      const reason = `gone since a push that was cut was to take it off: ${why}`;
      return {
        action: 'entry_removed',
        address,
        before: { timeoutSeconds: beforeSeconds },
        after: null,
        reason,
      };
    });
  const extended = plan.extend.flatMap((planned): PushedChange[] => {
    const entry = byId.get(idKey(planned));
    if (entry?.address !== planned.address || !isSet(entry, { ...planned, elapsedSeconds })) return [];
    const { address, beforeSeconds, why } = planned;
    const reason = `set by a push that was cut: ${why}`;
    const [was, is] = [{ timeoutSeconds: beforeSeconds }, { timeoutSeconds: entry.timeoutSeconds }];
    return [{ action: 'entry_extended', address, before: was, after: is, reason }];
  });
  const found = plan.add.flatMap(({ address }): PushedChange[] => {
    const entry = byAddress.get(address);
    if (entry === undefined) return [];
    const after = { timeoutSeconds: entry.timeoutSeconds };
    return [
      { action: 'entry_found', address, before: null, after, reason: 'put there by a push that was cut' },
    ];
  });
  return [...removed, ...extended, ...found];
}

/** Its time has run on since: nearer to what it was to become than to what it was. */
function isSet(
  { timeoutSeconds: left }: AddressListEntry,
  planned: { timeoutSeconds: number; beforeSeconds: number | null; elapsedSeconds: number },
): boolean {
  if (left === null) return false;
  if (planned.beforeSeconds === null) return true;
  const thenLeft = left + planned.elapsedSeconds;
  return Math.abs(thenLeft - planned.timeoutSeconds) < Math.abs(thenLeft - planned.beforeSeconds);
}
