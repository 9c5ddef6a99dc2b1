import { parseNetwork } from '../ip/address.ts';
import { type AddressListEntry, OWN_COMMENT_PREFIX } from './address-list-entry.ts';
import { type Protection, protectionOf } from './protected-networks.ts';

/**
 * Entries under our mark that this ledger has nothing to say about: their address was never blocked by it (a lost
 * ledger made them, or another autoblock on the same router). Taking them off would open the door to every attacker
 * at once; they expire by their own timeout. Not among them, so that the sync takes it off: what is protected now.
 */
export function unknownEntries(options: {
  current: readonly AddressListEntry[];
  /** Those of the given canonical addresses the ledger has ever blocked. */
  everBlocked: (addresses: readonly string[]) => ReadonlySet<string>;
  protection: Protection;
}): Set<AddressListEntry> {
  const marked = options.current.flatMap((entry) => {
    const network = entry.comment.startsWith(OWN_COMMENT_PREFIX) ? parseNetwork(entry.address) : null;
    return network === null ? [] : [{ entry, address: network.text }];
  });
  const known = options.everBlocked(marked.map(({ address }) => address));
  const unknown = marked.filter(
    ({ address }) => !known.has(address) && protectionOf(options.protection, address) === null,
  );
  return new Set(unknown.map(({ entry }) => entry));
}
