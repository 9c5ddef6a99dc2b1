import { parseNetwork } from '../ip/address.ts';
import { type AddressListEntry, type DesiredEntry, OWN_COMMENT_PREFIX } from './address-list-entry.ts';

/** What makes one router's list hold the desired entries. To be applied in the order remove, extend, add. */
export interface AddressListDiff {
  readonly add: readonly DesiredEntry[];
  /** Own entries whose remaining timeout is to be set anew, with `address` as the router prints it. */
  readonly extend: readonly {
    readonly id: string;
    readonly address: string;
    readonly timeoutSeconds: number;
    readonly comment: string;
  }[];
  readonly remove: readonly { readonly id: string; readonly address: string }[];
  /** Own entries that are right as they are. */
  readonly unchanged: number;
  /** Desired, but held by an entry of somebody else: left alone, RouterOS would refuse a second one. */
  readonly foreign: readonly { readonly address: string; readonly comment: string }[];
}

/**
 * Compares a router's list with what it shall hold. `current` must be the entries of one list name, both families.
 * Addresses are compared canonically (RouterOS prints a single IPv6 with `/128`). Only entries that carry our comment
 * and hold an address are ours; a disabled one blocks nothing and is replaced; of several for one address one stays.
 * A remaining timeout may differ from the desired one by `timeoutDriftSeconds` either way before it is set anew; an own
 * entry without timeout always is, for it would stay for ever. An address desired twice counts with its longer timeout.
 */
export function diffAddressList(options: {
  desired: readonly DesiredEntry[];
  current: readonly AddressListEntry[];
  timeoutDriftSeconds: number;
}): AddressListDiff {
  const desired = longestByAddress(options.desired);
  const own = byAddress(options.current.filter(isOwn));
  const others = new Map(
    options.current.filter((entry) => !isOwn(entry)).map((entry) => [addressKey(entry.address), entry]),
  );
  const kept = new Map<string, AddressListEntry>();
  for (const key of desired.keys()) {
    const keep = longestLasting((own.get(key) ?? []).filter((entry) => !entry.disabled));
    if (keep !== null) kept.set(key, keep);
  }
  const isRight = ([key, entry]: [string, DesiredEntry]) =>
    isWithinDrift(kept.get(key)!, entry, options.timeoutDriftSeconds);
  const held = [...desired].filter(([key]) => kept.has(key));
  const missing = [...desired].filter(([key]) => !kept.has(key));
  return {
    add: missing.filter(([key]) => !others.has(key)).map(([, entry]) => entry),
    extend: held
      .filter((pair) => !isRight(pair))
      .map(([key, { timeoutSeconds, comment }]) => ({
        ...idAndAddress(kept.get(key)!),
        timeoutSeconds,
        comment,
      })),
    remove: [...own]
      .flatMap(([key, entries]) => entries.filter((entry) => entry !== kept.get(key)))
      .map(idAndAddress),
    unchanged: held.filter(isRight).length,
    foreign: missing
      .filter(([key]) => others.has(key))
      .map(([key, { address }]) => ({ address, comment: others.get(key)!.comment })),
  };
}

/**
 * We only ever write addresses, so a DNS name or a range under our comment is somebody's own making. It also matters
 * for safety: ids are per family, and of a DNS name nobody can tell which family's list it stands on.
 */
function isOwn(entry: AddressListEntry): boolean {
  return entry.comment.startsWith(OWN_COMMENT_PREFIX) && parseNetwork(entry.address) !== null;
}

/**
 * Canonical text, except for an IPv4-mapped IPv6 network: its canonical form is the IPv4 one, but on the IPv6 list it
 * holds back nothing that comes by IPv4 and must not pass for the IPv4 entry.
 */
function addressKey(address: string): string {
  const network = parseNetwork(address);
  const isMapped = network?.family === 4 && address.includes(':');
  return network === null || isMapped ? address.toLowerCase() : network.text;
}

function byAddress(entries: readonly AddressListEntry[]): Map<string, AddressListEntry[]> {
  const groups = new Map<string, AddressListEntry[]>();
  for (const entry of entries) {
    const key = addressKey(entry.address);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  return groups;
}

function longestByAddress(desired: readonly DesiredEntry[]): Map<string, DesiredEntry> {
  const byKey = new Map<string, DesiredEntry>();
  for (const entry of desired) {
    const key = addressKey(entry.address);
    const before = byKey.get(key);
    if (before === undefined || before.timeoutSeconds < entry.timeoutSeconds) byKey.set(key, entry);
  }
  return byKey;
}

function longestLasting(entries: readonly AddressListEntry[]): AddressListEntry | null {
  const lasting = (entry: AddressListEntry) => entry.timeoutSeconds ?? Number.POSITIVE_INFINITY;
  return entries.toSorted((left, right) => lasting(right) - lasting(left))[0] ?? null;
}

function isWithinDrift(entry: AddressListEntry, desired: DesiredEntry, driftSeconds: number): boolean {
  if (entry.timeoutSeconds === null) return false;
  return Math.abs(entry.timeoutSeconds - desired.timeoutSeconds) <= driftSeconds;
}

function idAndAddress({ id, address }: AddressListEntry): { id: string; address: string } {
  return { id, address };
}
