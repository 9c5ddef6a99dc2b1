import type { AddressListEntry } from '../decisions/address-list-entry.ts';
import type { Block } from '../decisions/block.ts';
import type { Protection } from '../decisions/protected-networks.ts';
import type { RouterPlan } from '../decisions/router-plan.ts';
import type { RouterScope } from '../decisions/router-share.ts';
import type { Logger } from '../logger.ts';
import type { RouterMemory } from './router-memory.ts';

export interface PushProgress {
  readonly done: number;
  readonly total: number;
}

export interface RefusedChange {
  readonly address: string;
  readonly message: string;
  /** What the refusal means, as far as a sync cares; others count as refused. */
  readonly meaning?: string;
}

/** One router, as far as a sync needs it. */
export interface SyncRouter {
  readonly name: string;
  facts(): Promise<{ readonly version: string; readonly uptimeSeconds: number }>;
  /** Our lists, both families, whoever made the entries. */
  read(): Promise<readonly AddressListEntry[]>;
  /** Applies what it can; refusals are returned, a broken connection is thrown. */
  apply(
    plan: Pick<RouterPlan, 'add' | 'extend' | 'remove'>,
    options?: { onProgress?: (progress: PushProgress) => void; signal?: AbortSignal },
  ): Promise<{ readonly refused: readonly RefusedChange[] }>;
  /** Ends the session; everything under way rejects. */
  giveUp(reason: string): void;
}

export interface ProtectedAddress {
  readonly address: string;
  readonly why: string;
}

/** A change of a router's list as it was read back. Timeouts in seconds. */
export interface PushedChange {
  readonly action: 'entry_added' | 'entry_extended' | 'entry_removed' | 'entry_found';
  readonly address: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly reason: string;
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
  readonly version?: string;
  readonly uptimeSeconds?: number;
  readonly bootedAtMs?: number;
  readonly rebooted?: boolean;
  readonly reprotectedMs?: number;
}

/** A push that was begun and never ended: by a cut line, a stop, a kill. */
export interface InterruptedPush {
  readonly begunAtMs: number;
  readonly plan: {
    readonly add: readonly { readonly address: string }[];
    readonly extend: readonly (InterruptedChange & { readonly timeoutSeconds: number })[];
    readonly remove: readonly InterruptedChange[];
  };
}

interface InterruptedChange {
  readonly id: string;
  readonly family: 4 | 6;
  readonly address: string;
  readonly beforeSeconds: number | null;
  readonly why: string;
}

interface SyncLedger {
  readonly id: string;
  activeBlocks(nowMs: number): readonly Block[];
  everBlocked(addresses: readonly string[]): ReadonlySet<string>;
  liftedByOperator(addresses: readonly string[]): ReadonlySet<string>;
  liftBlock(lift: { address: string; actor: string; nowMs: number }): Block;
  confirmBlocks(confirmation: { addresses: readonly string[]; nowMs: number }): number;
  pause(): { readonly sinceMs: number } | null;
  recordHoldings(held: { router: string; addresses: readonly string[] }): void;
  recordRouterSync(sync: RouterSyncRecord): void;
  routerStates(): readonly {
    readonly router: string;
    readonly entries: number;
    readonly uptimeSeconds: number | null;
    readonly rebootedAtMs: number | null;
    readonly reprotectedMs: number | null;
  }[];
  recordRouterProtected(seen: { router: string; entries: readonly ProtectedAddress[]; nowMs: number }): void;
  beginPush(push: {
    router: string;
    actor: string;
    nowMs: number;
    plan: Pick<RouterPlan, 'add' | 'extend' | 'remove'>;
  }): void;
  interruptedPush(router: string): InterruptedPush | null;
  finishPush(push: { router: string; nowMs: number; changes: readonly PushedChange[] }): void;
  takeRemovalConfirmation(request: { router: string; nowMs: number }): { readonly actor: string } | null;
  raiseAlert(alert: { code: string; subject: string; message: string; nowMs: number }): void;
  clearAlert(alert: { code: string; subject: string; nowMs: number }): void;
}

/** What an operator set for one router. */
export interface RouterSettings {
  readonly scope: RouterScope;
  readonly maxEntries: number;
  readonly dryRun: boolean;
}

export interface RouterSyncParts {
  readonly settingsOf: (router: string) => RouterSettings;
  /** What is known of a router since this process started; the same object at every sync of it. */
  readonly memoryOf: (router: string) => RouterMemory;
  readonly ledger: SyncLedger;
  /** Asked after the router's own addresses were collected. */
  readonly protection: () => Protection;
  /** Collects what must never be blocked as the router itself knows it. */
  readonly neverBlockOf: (router: SyncRouter) => Promise<readonly ProtectedAddress[]>;
  readonly logger: Logger;
  readonly nowMs: () => number;
  /** A clock that is never set, for durations and reboots. */
  readonly monotonicMs: () => number;
  /** Who pushes, for the audit. */
  readonly actor: string;
  /** Print the plan, write nothing, neither to a router nor to the ledger. */
  readonly dryRun: boolean;
  /** 0..1, see `massRemovalOf`. */
  readonly maxRemovalShare: number;
  /** A whole sync of one router takes no longer. */
  readonly deadlineMs: number;
  /** Ends a push early; what is left is done by the next sync. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (router: string, progress: PushProgress) => void;
}

export interface RouterSyncResult {
  readonly router: string;
  readonly mode: 'push' | 'dry-run';
  readonly ok: boolean;
  readonly plan: RouterPlan | null;
  /** Wanted addresses that the router holds, read back after applying. */
  readonly confirmed: number;
  readonly wanted: number;
  readonly added: number;
  readonly extended: number;
  readonly removed: number;
  /** Wanted addresses that somebody else's entry holds. */
  readonly foreign: number;
  /** Removals held back. */
  readonly held: number;
  /** Blocks this router has no room for. */
  readonly capped: number;
  readonly refused: readonly RefusedChange[];
  readonly rebooted: boolean;
  /** From the moment the reboot was noticed to the reading back; null without one. */
  readonly reprotectedMs: number | null;
  /** When somebody else's entry for a wanted address runs out, ms from now; null: none does. */
  readonly againInMs: number | null;
  readonly error: string | null;
  readonly errorCode: string | null;
  readonly durationMs: number;
}
