import { diffAddressList, type ForeignHold, type PlannedExtension } from './address-list-diff.ts';
import type { AddressListEntry, DesiredEntry } from './address-list-entry.ts';
import type { Block } from './block.ts';
import { desiredEntries } from './desired-entries.ts';
import { type MassRemoval, massRemovalOf } from './mass-removal.ts';
import { judgeRemovals, type ReasonedRemoval, type RemovalFacts } from './removal-reasons.ts';
import { blocksInScope, blocksWithinCap, byUrgency, type RouterScope } from './router-share.ts';

/** A timeout may differ by this much before it is mended: print and clock granularity, not a decision. */
export const TIMEOUT_DRIFT_SECONDS = 60;

/** What one sync does to one router, and why. To be applied in the order remove, extend, add. */
export interface RouterPlan {
  /** Most urgent first. */
  readonly add: readonly (DesiredEntry & { readonly why: string })[];
  readonly extend: readonly (PlannedExtension & { readonly why: string })[];
  readonly remove: readonly ReasonedRemoval[];
  readonly unchanged: number;
  /** Own entries found. */
  readonly own: number;
  readonly foreign: readonly ForeignHold[];
  /** Wanted, and not in force: somebody else's disabled entry is in the way. */
  readonly foreignDisabled: readonly ForeignHold[];
  /** Own entries nobody wants that are left until they run out or an operator confirms their removal. */
  readonly held: readonly ReasonedRemoval[];
  /** Wanted, but there is no room for them on this router. Most urgent first. */
  readonly capped: readonly { readonly address: string; readonly why: string }[];
  /** Own entries whose address this ledger never blocked: left to expire. Canonical addresses. */
  readonly unknown: readonly string[];
  /** Set when removals are held back until an operator confirms them. */
  readonly massRemoval: MassRemoval | null;
}

export interface RouterPlanInput {
  /** Active and not protected; none while blocking is paused. */
  readonly blocks: readonly Block[];
  readonly isPaused: boolean;
  readonly current: readonly AddressListEntry[];
  readonly mark: string;
  readonly scope: RouterScope;
  readonly maxEntries: number;
  /** 0..1, see `massRemovalOf`. */
  readonly maxRemovalShare: number;
  /** An operator has seen what is held back and wants it done. */
  readonly isConfirmed: boolean;
  readonly facts: RemovalFacts;
  readonly nowMs: number;
}

/**
 * Plans what makes a router's list equal its share of the ledger, and what of that has to wait for a person. `wanted`:
 * the canonical addresses the router shall hold afterwards, by an own entry or somebody else's.
 */
export function planRouter(input: RouterPlanInput): { plan: RouterPlan; wanted: readonly string[] } {
  const inScope = blocksInScope(input.blocks, input.scope);
  const first = blocksWithinCap(inScope, input.maxEntries);
  const desired = desiredEntries(first.within, input);
  const diff = diffAddressList({ ...input, desired, timeoutDriftSeconds: TIMEOUT_DRIFT_SECONDS });
  const { removals, unknown } = judgeRemovals(diff.remove, input);
  const unbacked = removals.filter((removal) => !removal.isBacked);
  const found = diff.own;
  const massRemoval = input.isConfirmed
    ? null
    : massRemovalOf({
        found,
        removals: unbacked.length,
        wanted: desired.length,
        maxShare: input.maxRemovalShare,
      });
  const isHeld = (removal: ReasonedRemoval): boolean =>
    !removal.isBacked && !input.isConfirmed && (massRemoval !== null || removal.runsOut);
  const remove = removals.filter((removal) => !isHeld(removal));
  const room = Math.max(0, input.maxEntries - (found - remove.length));
  const { add, over } = urgentFirst({ entries: diff.add, blocks: first.within, room });
  const plan: RouterPlan = {
    add,
    extend: diff.extend.map((entry) => ({ ...entry, why: driftText(entry) })),
    remove,
    unchanged: diff.unchanged,
    own: diff.own,
    foreign: diff.foreign,
    foreignDisabled: diff.foreignDisabled,
    held: removals.filter(isHeld),
    capped: [...over, ...first.over].map(({ address }) => ({
      address,
      why: `over this router's maxEntries ${input.maxEntries}`,
    })),
    unknown,
    massRemoval,
  };
  const left = new Set([...over, ...diff.foreignDisabled].map(({ address }) => address));
  const addresses = desired.map(({ address }) => address);
  return { plan, wanted: left.size === 0 ? addresses : addresses.filter((address) => !left.has(address)) };
}

/** After a reboot thousands are missing: the worst attackers shall not wait for the rest. */
function urgentFirst({
  entries,
  blocks,
  room,
}: {
  entries: readonly DesiredEntry[];
  blocks: readonly Block[];
  room: number;
}): { add: RouterPlan['add']; over: readonly DesiredEntry[] } {
  if (entries.length === 0) return { add: [], over: [] };
  const byAddress = new Map(blocks.map((block) => [block.address, block]));
  const ranked = entries
    .map((entry) => ({ entry, block: byAddress.get(entry.address)! }))
    .toSorted((left, right) => byUrgency(left.block, right.block));
  return {
    add: ranked.slice(0, room).map(({ entry, block }) => ({ ...entry, why: reasonToAdd(block) })),
    over: ranked.slice(room).map(({ entry }) => entry),
  };
}

function reasonToAdd({ id, origin, reason, confirmedAtMs }: Block): string {
  const news = confirmedAtMs === null ? 'new' : 'missing on this router,';
  return `${news} ${origin} block #${id}: ${reason}`;
}

function driftText({ beforeSeconds, timeoutSeconds }: PlannedExtension): string {
  return beforeSeconds === null
    ? `has no timeout and would stay for ever, wanted ${timeoutSeconds} s`
    : `runs out in ${beforeSeconds} s, wanted ${timeoutSeconds} s`;
}
