import type { Guards } from './ledger-guards.ts';
import type { PushChange, PushIntent, PushPlan } from './ledger-pushes.ts';
import type { RemovalConfirmation } from './ledger-removal-confirmations.ts';
import type { RouterProtected } from './ledger-router-protected.ts';
import type { RouterState, RouterSyncOutcome } from './ledger-routers.ts';
import type { LedgerRows } from './ledger-rows.ts';

interface Holdings {
  readonly router: string;
  readonly addresses: readonly string[];
}

/** What the ledger keeps of each router. */
export interface RouterCalls {
  recordRouterSync(outcome: RouterSyncOutcome): void;
  routerStates(): RouterState[];

  /** All wanted addresses (canonical) the router was read back with. */
  recordHoldings(held: Holdings): void;
  /** Address → routers that held it when they were last read back. */
  routerHoldings(): Map<string, string[]>;

  /**
   * The whole of what one router reports as its own now. An address it reports no more stays for 24 h from when it was
   * last known to report it, one of a router that is away stays until it is back.
   */
  recordRouterProtected(collection: {
    router: string;
    /** Canonical addresses or networks. */
    entries: readonly { readonly address: string; readonly why: string }[];
    nowMs: number;
  }): void;
  routerProtected(): RouterProtected[];

  /** Before the first command is sent. */
  beginPush(push: { router: string; actor: string; nowMs: number; plan: PushPlan }): void;
  /** Into the audit with what was read back; ends the push begun here and the interrupted one asked for before. */
  finishPush(end: { router: string; nowMs: number; changes: readonly PushChange[] }): void;
  /** The oldest unfinished push of the router that no other living process is at; null when there is none. */
  interruptedPush(router: string): PushIntent | null;

  /** An operator's word that one sync may take off many entries at once, within `validMs` from now. */
  confirmRemoval(confirmation: { router: string; actor: string; nowMs: number; validMs: number }): void;
  /** Uses the word up; null when there is none or its time is over. */
  takeRemovalConfirmation(request: { router: string; nowMs: number }): RemovalConfirmation | null;
}

export function routerCalls(
  { routers, routerHoldings, routerProtected, pushes, removalConfirmations }: LedgerRows,
  { inTransaction, reading }: Guards,
): RouterCalls {
  // Every sync asks for one, hardly ever is there one: no need to wait for whoever writes.
  const hasConfirmation = reading((router: string) => removalConfirmations.has(router));
  const take = inTransaction((request: { router: string; nowMs: number }) =>
    removalConfirmations.take(request),
  );
  // Nearly always as before: a sync that changed nothing must not wait for whoever writes.
  const hasHoldings = reading((held: Holdings) => routerHoldings.has(held));
  const putHoldings = inTransaction((held: Holdings) => routerHoldings.record(held));
  return {
    recordRouterSync: inTransaction((outcome) => routers.record(outcome)),
    routerStates: reading(() => routers.list()),
    recordHoldings(held) {
      if (!hasHoldings(held)) putHoldings(held);
    },
    routerHoldings: reading(() => routerHoldings.list()),
    recordRouterProtected: inTransaction((collection) => routerProtected.record(collection)),
    routerProtected: reading(() => routerProtected.list()),
    beginPush: inTransaction((push) => pushes.begin(push)),
    finishPush: inTransaction((end) => pushes.finish(end)),
    interruptedPush: reading((router) => pushes.interrupted(router)),
    confirmRemoval: inTransaction((confirmation) => removalConfirmations.confirm(confirmation)),
    takeRemovalConfirmation: (request) => (hasConfirmation(request.router) ? take(request) : null),
  };
}
