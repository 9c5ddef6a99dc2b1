/** One line of a router's address list, as read over the API. */
export interface AddressListEntry {
  /** RouterOS internal id, for example `*1A`. */
  readonly id: string;
  /** The menu it was read from: ids are given out per family, and a DNS name tells nothing about its list. */
  readonly family: 4 | 6;
  readonly list: string;
  /** As the router prints it: IPv4 without `/32`, a single IPv6 with `/128`. */
  readonly address: string;
  readonly comment: string;
  /** Remaining seconds; null for an entry without a timeout. */
  readonly timeoutSeconds: number | null;
  readonly dynamic: boolean;
  readonly disabled: boolean;
}

/** What the ledger wants a router's list to hold. */
export interface DesiredEntry {
  /** Canonical address or network. */
  readonly address: string;
  /** Remaining seconds until the block expires, > 0, at most 21,474,836 (RouterOS' limit). */
  readonly timeoutSeconds: number;
  /** ASCII, begins with the mark of the ledger (`ownMark`). */
  readonly comment: string;
}

/** Entries whose comment begins with this were made by an autoblock, not necessarily by this one. */
export const OWN_MARK_PREFIX = 'autoblock:';

/**
 * Entries whose comment begins with this are ours; all others are never touched. Two daemons may keep one list: each
 * has a ledger, and a ledger's id (8 lower-case hex digits) tells their entries apart. The blank belongs to the mark:
 * a comment that was cut or written anew by hand is not ours any more.
 */
export function ownMark(ledgerId: string): string {
  return `${OWN_MARK_PREFIX}${ledgerId} `;
}
