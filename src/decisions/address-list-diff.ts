import { parseNetwork } from '../ip/address.ts';
import type { AddressListEntry, DesiredEntry } from './address-list-entry.ts';

/** An own entry whose remaining timeout is to be set anew. */
export interface PlannedExtension {
  readonly id: string;
  readonly family: 4 | 6;
  /** As the router prints it. */
  readonly address: string;
  readonly timeoutSeconds: number;
  readonly comment: string;
  /** Seconds it has left now; null for an entry that would stay for ever. */
  readonly beforeSeconds: number | null;
}

/** An own entry that is not to stay. */
export interface PlannedRemoval {
  readonly id: string;
  readonly family: 4 | 6;
  /** As the router prints it. */
  readonly address: string;
  /** Canonical text, as the ledger knows it. */
  readonly canonical: string;
  readonly beforeSeconds: number | null;
  /** `duplicate` and `disabled` give way to an entry of ours for the same address; nobody wants the address of the others. */
  readonly cause: 'unwanted' | 'duplicate' | 'disabled';
}

/** A wanted address that an entry of somebody else holds: RouterOS refuses a second one, whether it is enabled or not. */
export interface ForeignHold {
  readonly address: string;
  /** The list it is on. */
  readonly list: string;
  /** As the router prints it. */
  readonly printed: string;
  readonly comment: string;
  /** Null for an entry that stays. */
  readonly remainingSeconds: number | null;
}

/** What makes one router's list hold the desired entries. To be applied in the order remove, extend, add. */
export interface AddressListDiff {
  readonly add: readonly DesiredEntry[];
  readonly extend: readonly PlannedExtension[];
  readonly remove: readonly PlannedRemoval[];
  /** Own entries that are right as they are. */
  readonly unchanged: number;
  readonly foreign: readonly ForeignHold[];
  /** Likewise, but disabled: the address is not blocked, and no entry of ours can be made for it. */
  readonly foreignDisabled: readonly ForeignHold[];
  /** Own entries found. */
  readonly own: number;
}

/**
 * Compares a router's list with what it shall hold. `current` must be the entries of our lists, both families; ours
 * are those whose comment begins with `mark` and which hold an address. A disabled one blocks nothing and is replaced;
 * of several for one address the longest lasting stays. A remaining timeout may differ from the desired one by
 * `timeoutDriftSeconds` either way before it is set anew; an own entry without timeout always is, for it would stay for
 * ever. Somebody else's entry for a wanted address is enough as long as it is enabled; a disabled one is told apart, for
 * an operator has to decide about it. An address desired twice counts with its longer timeout; desired addresses are canonical, as the ledger keeps them.
 */
export function diffAddressList(options: {
  desired: readonly DesiredEntry[];
  current: readonly AddressListEntry[];
  mark: string;
  timeoutDriftSeconds: number;
}): AddressListDiff {
  const desired = longestByAddress(options.desired);
  const { own, others } = sorted(options, desired);
  const kept = new Map<string, AddressListEntry>();
  for (const key of desired.keys()) {
    const keep = longestLasting(own.get(key));
    if (keep !== null) kept.set(key, keep);
  }
  const add: DesiredEntry[] = [];
  const extend: PlannedExtension[] = [];
  const foreign: ForeignHold[] = [];
  const foreignDisabled: ForeignHold[] = [];
  for (const [key, entry] of desired) {
    const held = kept.get(key);
    const other = others.get(key);
    if (held !== undefined) {
      if (!isWithinDrift(held, entry, options.timeoutDriftSeconds)) extend.push(extension(held, entry));
    } else if (other === undefined) add.push(entry);
    else (other.disabled ? foreignDisabled : foreign).push(foreignHold(entry.address, other));
  }
  return {
    add,
    extend,
    remove: [...own].flatMap(([key, entries]) => removals({ key, entries, kept, desired })),
    unchanged: kept.size - extend.length,
    foreign,
    foreignDisabled,
    own: [...own.values()].reduce((sum, entries) => sum + entries.length, 0),
  };
}

/** Own entries by address, and those of others for desired addresses, an enabled one first. */
function sorted(
  { current, mark }: { current: readonly AddressListEntry[]; mark: string },
  desired: ReadonlyMap<string, unknown>,
): { own: Map<string, AddressListEntry[]>; others: Map<string, AddressListEntry> } {
  const own = new Map<string, AddressListEntry[]>();
  const others = new Map<string, AddressListEntry>();
  for (const entry of current) {
    // Nearly all are wanted as printed: reading 30,000 addresses anew at each sync would cost more than all the rest.
    const printed = withoutFullPrefix(entry.address);
    const key = desired.has(printed) ? printed : entryKey(entry);
    if (key === null) continue;
    if (!entry.comment.startsWith(mark)) {
      if (desired.has(key) && !(entry.disabled && others.has(key))) others.set(key, entry);
      continue;
    }
    const group = own.get(key);
    if (group === undefined) own.set(key, [entry]);
    else group.push(entry);
  }
  return { own, others };
}

/**
 * What an entry blocks, as canonical text, so that it compares with what the ledger wants; null for a DNS name or a
 * range, which we never write: under our mark it is somebody else's making. An IPv4-mapped network on the IPv6 list
 * holds back nothing that comes by IPv4 and must not pass for the IPv4 entry.
 */
export function entryKey(entry: Pick<AddressListEntry, 'address' | 'family'>): string | null {
  const network = parseNetwork(entry.address);
  if (network === null) return null;
  return network.family === entry.family ? network.text : entry.address.toLowerCase();
}

/** Ids are given out per address family: `*1` exists on both lists. */
export function idKey({ family, id }: { readonly family: 4 | 6; readonly id: string }): string {
  return `${family} ${id}`;
}

/** True when the entry is one of those `diffAddressList` takes for ours. */
export function isOwnEntry(entry: AddressListEntry, mark: string): boolean {
  return entry.comment.startsWith(mark) && parseNetwork(entry.address) !== null;
}

function longestByAddress(desired: readonly DesiredEntry[]): Map<string, DesiredEntry> {
  const byKey = new Map<string, DesiredEntry>();
  for (const entry of desired) {
    const key = withoutFullPrefix(entry.address);
    const before = byKey.get(key);
    if (before === undefined || before.timeoutSeconds < entry.timeoutSeconds) byKey.set(key, entry);
  }
  return byKey;
}

function withoutFullPrefix(address: string): string {
  if (address.endsWith('/128')) return address.slice(0, -4);
  return address.endsWith('/32') && !address.includes(':') ? address.slice(0, -3) : address;
}

function longestLasting(entries: readonly AddressListEntry[] | undefined): AddressListEntry | null {
  let longest: AddressListEntry | null = null;
  for (const entry of entries ?? []) {
    if (entry.disabled) continue;
    if (longest === null || secondsLeft(entry) > secondsLeft(longest)) longest = entry;
  }
  return longest;
}

function secondsLeft(entry: AddressListEntry): number {
  return entry.timeoutSeconds ?? Number.POSITIVE_INFINITY;
}

function isWithinDrift(entry: AddressListEntry, desired: DesiredEntry, driftSeconds: number): boolean {
  if (entry.timeoutSeconds === null) return false;
  return Math.abs(entry.timeoutSeconds - desired.timeoutSeconds) <= driftSeconds;
}

function extension(held: AddressListEntry, { timeoutSeconds, comment }: DesiredEntry): PlannedExtension {
  const { id, family, address, timeoutSeconds: beforeSeconds } = held;
  return { id, family, address, timeoutSeconds, comment, beforeSeconds };
}

function foreignHold(address: string, held: AddressListEntry): ForeignHold {
  const { list, address: printed, comment, timeoutSeconds } = held;
  return { address, list, printed, comment, remainingSeconds: timeoutSeconds };
}

function removals({
  key,
  entries,
  kept,
  desired,
}: {
  key: string;
  entries: readonly AddressListEntry[];
  kept: ReadonlyMap<string, AddressListEntry>;
  desired: ReadonlyMap<string, unknown>;
}): PlannedRemoval[] {
  return entries
    .filter((entry) => entry !== kept.get(key))
    .map(({ id, family, address, timeoutSeconds, disabled }) => ({
      id,
      family,
      address,
      canonical: key,
      beforeSeconds: timeoutSeconds,
      cause: desired.has(key) ? (disabled ? ('disabled' as const) : ('duplicate' as const)) : 'unwanted',
    }));
}
