/** One line of a router's address list, as read over the API. */
export interface AddressListEntry {
  /** RouterOS internal id, for example `*1A`. */
  readonly id: string;
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
  /** ASCII, begins with OWN_COMMENT_PREFIX. */
  readonly comment: string;
}

/** Entries whose comment begins with this are ours; all others are never touched. */
export const OWN_COMMENT_PREFIX = 'autoblock:';
