import type { AddressListEntry } from '../decisions/address-list-entry.ts';
import { canonicalText } from '../ip/address.ts';

/** Why the list is not what it should be: the router's own words first, otherwise the addresses it does not hold. */
export function shortfallOf({
  refused,
  missing,
  after,
}: {
  refused: readonly { readonly address: string; readonly message: string }[];
  /** Wanted, and not held. */
  missing: readonly string[];
  after: readonly AddressListEntry[];
}): { error: string | null; errorCode: string | null } {
  const [refusal] = refused;
  if (refusal !== undefined) return { error: refusal.message, errorCode: 'ROUTER_REFUSED' };
  if (missing.length === 0) return { error: null, errorCode: null };
  const disabled = new Set(
    after.filter((entry) => entry.disabled).map((entry) => canonicalText(entry.address)),
  );
  const named = missing
    .slice(0, 5)
    .map((address) => (disabled.has(address) ? `${address} (the entry there is disabled)` : address));
  const rest = missing.length > named.length ? ` and ${missing.length - named.length} more` : '';
  return {
    error: `not on the list as read back: ${named.join(', ')}${rest}`,
    errorCode: 'SYNC_INCOMPLETE',
  };
}
