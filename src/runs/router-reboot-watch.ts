import type { AddressListEntry } from '../decisions/address-list-entry.ts';
import { ownMark } from '../decisions/address-list-entry.ts';
import { hasRebooted } from '../decisions/router-reboot.ts';
import type { RouterSyncParts } from './router-sync-parts.ts';

/** What a sync found out about a restart of its router. */
export interface RebootSeen {
  /** True when this sync was the one to notice. */
  readonly isNew: boolean;
  /** Since when the router is known to lack its blocks, monotonic ms; null when it does not. */
  readonly noticedAtMs: number | null;
}

/** A reboot takes every dynamic entry with it: noticed by uptime, told once, measured until all is read back. */
export function rebootSeen(
  parts: RouterSyncParts,
  seen: {
    readonly router: string;
    readonly entries: readonly AddressListEntry[];
    readonly facts: { readonly uptimeSeconds: number };
    readonly readAtMs: number;
    readonly startedAtMs: number;
  },
): RebootSeen {
  const memory = parts.memoryOf(seen.router);
  const mark = ownMark(parts.ledger.id);
  const own = seen.entries.filter(({ comment }) => comment.startsWith(mark)).length;
  const reading = { uptimeSeconds: seen.facts.uptimeSeconds, atMonotonicMs: seen.readAtMs };
  const known = lastKnown(parts, seen.router);
  // The readings of two processes have no common clock that is never set: only going back counts between them.
  const isNew =
    memory.uptime === null
      ? known.uptimeSeconds !== null && reading.uptimeSeconds < known.uptimeSeconds
      : hasRebooted(memory.uptime, reading);
  memory.uptime = reading;
  if (isNew) {
    memory.rebootNoticedAtMs = memory.lostAtMs ?? seen.startedAtMs;
    parts.logger.info(
      {
        code: 'ROUTER_REBOOTED',
        router: seen.router,
        uptimeSeconds: reading.uptimeSeconds,
        entriesLost: Math.max(0, known.entries - own),
      },
      'router has started anew and lost its entries: they are pushed again',
    );
  }
  return { isNew, noticedAtMs: memory.rebootNoticedAtMs };
}

function lastKnown(
  { ledger, memoryOf }: RouterSyncParts,
  router: string,
): { uptimeSeconds: number | null; entries: number } {
  const { uptime, entries } = memoryOf(router);
  if (uptime !== null && entries !== null) return { uptimeSeconds: uptime.uptimeSeconds, entries };
  const state = ledger.routerStates().find((known) => known.router === router);
  return {
    uptimeSeconds: uptime?.uptimeSeconds ?? state?.uptimeSeconds ?? null,
    entries: entries ?? state?.entries ?? 0,
  };
}
