import type { AddressListEntry, DesiredEntry } from '../decisions/address-list-entry.ts';
import { parseNetwork } from '../ip/address.ts';
import { MAX_TIMEOUT_SECONDS, parseDuration } from '../routeros-wire/duration.ts';
import type { ReplyRow } from './router-session.ts';

/** What `apply` takes of a plan. */
export interface AddressListChanges {
  readonly add: readonly DesiredEntry[];
  readonly extend: readonly (DesiredEntry & { readonly id: string })[];
  readonly remove: readonly { readonly id: string; readonly address: string }[];
}

/** Name of the list in each family. */
export interface ListNames {
  readonly addressListV4: string;
  readonly addressListV6: string;
}

/** One command of a plan. */
export interface ListCommand {
  readonly address: string;
  readonly action: 'add' | 'set' | 'remove';
  readonly command: string;
  readonly words: readonly string[];
}

export const LIST_MENU = { 4: '/ip/firewall/address-list', 6: '/ipv6/firewall/address-list' } as const;

const PROPERTIES = '.id,list,address,comment,timeout,dynamic,disabled';

/** The words that print one list. */
export function printWords(list: string): string[] {
  return [`=.proplist=${PROPERTIES}`, `?list=${list}`];
}

/**
 * The commands of a plan, made one by one as they are asked for: removals, extensions, additions. In this order, because an
 * add that replaces an entry of ours is refused while the old one is there.
 */
export function* listCommands(plan: AddressListChanges, lists: ListNames): Generator<ListCommand> {
  for (const { id, address } of plan.remove) yield commandOf('remove', address, [`=.id=${id}`]);
  for (const entry of plan.extend) {
    yield commandOf('set', entry.address, [`=.id=${entry.id}`, ...lifetimeWords(entry)]);
  }
  for (const entry of plan.add) {
    const list = familyOf(entry.address) === 6 ? lists.addressListV6 : lists.addressListV4;
    yield commandOf('add', entry.address, [
      `=list=${list}`,
      `=address=${entry.address}`,
      ...lifetimeWords(entry),
    ]);
  }
}

/** RouterOS would take anything else for a DNS name and store it without a word. */
export function isSendable(address: string): boolean {
  return parseNetwork(address) !== null;
}

function commandOf(action: ListCommand['action'], address: string, words: readonly string[]): ListCommand {
  return { address, action, command: `${LIST_MENU[familyOf(address)]}/${action}`, words };
}

function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

function lifetimeWords({
  timeoutSeconds,
  comment,
}: Pick<DesiredEntry, 'timeoutSeconds' | 'comment'>): string[] {
  const seconds = Math.min(MAX_TIMEOUT_SECONDS, Math.max(1, Math.ceil(timeoutSeconds)));
  return [`=timeout=${seconds}s`, `=comment=${asciiText(comment)}`];
}

/** RouterOS stores bytes; what is not ASCII reads differently in WinBox, WebFig and the terminal. */
function asciiText(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, '?');
}

/** A printed row as an entry of the list of this family. */
export function toEntry(row: ReplyRow, family: 4 | 6): AddressListEntry {
  const { timeout } = row;
  return {
    id: row['.id'] ?? '',
    family,
    list: row['list'] ?? '',
    address: row['address'] ?? '',
    comment: row['comment'] ?? '',
    timeoutSeconds: timeout === undefined ? null : parseDuration(timeout),
    dynamic: row['dynamic'] === 'true',
    disabled: row['disabled'] === 'true',
  };
}
