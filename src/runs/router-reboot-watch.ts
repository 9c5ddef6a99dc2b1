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
  if (memory.uptime === null) memory.rebootNoticedAtMs = stillUnprotectedSince(parts, known);
  memory.uptime = reading;
  if (isNew) {
    memory.rebootUntold = true;
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

interface LastKnown {
  readonly uptimeSeconds: number | null;
  readonly entries: number;
  /** When a reboot was noticed whose blocks were not all read back since, Unix ms. */
  readonly unprotectedSinceMs: number | null;
}

function lastKnown({ ledger, memoryOf }: RouterSyncParts, router: string): LastKnown {
  const { uptime, entries } = memoryOf(router);
  if (uptime !== null && entries !== null)
    return { uptimeSeconds: uptime.uptimeSeconds, entries, unprotectedSinceMs: null };
  const state = ledger.routerStates().find((known) => known.router === router);
  return {
    uptimeSeconds: uptime?.uptimeSeconds ?? state?.uptimeSeconds ?? null,
    entries: entries ?? state?.entries ?? 0,
    unprotectedSinceMs: state?.reprotectedMs === null ? state.rebootedAtMs : null,
  };
}

/** A process before this one noticed a reboot and ended before all was back: the measuring goes on. */
function stillUnprotectedSince(
  { nowMs, monotonicMs }: RouterSyncParts,
  { unprotectedSinceMs }: LastKnown,
): number | null {
  return unprotectedSinceMs === null ? null : monotonicMs() - Math.max(0, nowMs() - unprotectedSinceMs);
}
