import type { AddressListEntry } from '../decisions/address-list-entry.ts';
import { type Protection, protectionOf } from '../decisions/protected-networks.ts';
import { parseNetwork } from '../ip/address.ts';
import { consoleValue } from './command-text.ts';
import { error, type Finding, ok, warn } from './finding.ts';
import type { CheckedRouter, RouterSnapshot } from './router-snapshot.ts';

/** A finding names this many addresses and commands; the rest is counted. */
const MOST_NAMED = 20;
const NEARLY_FULL = 0.9;

/** What stands on the lists, whoever put it there. */
export function checkLists(
  router: CheckedRouter,
  snapshot: RouterSnapshot,
  site: { readonly protection: Protection; readonly ownMark: string },
): Finding[] {
  const { entries } = snapshot;
  const own = entries.filter(({ comment }) => comment.startsWith(site.ownMark));
  return [
    checkSize({ router, entries, own }),
    checkStatic(own),
    checkNames(entries),
    checkProtectedHeld(entries, site.protection),
  ];
}

function checkSize(lists: {
  router: CheckedRouter;
  entries: readonly AddressListEntry[];
  own: readonly AddressListEntry[];
}): Finding {
  const { maxEntries } = lists.router;
  const { length } = lists.entries;
  const text = `${length} entries, ${lists.own.length} of them ours; at most ${maxEntries} of ours are pushed`;
  if (lists.own.length < maxEntries * NEARLY_FULL) return ok('list-size', text);
  return warn('list-size', `${text}: what is over that is left out, least risk first`);
}

function checkStatic(own: readonly AddressListEntry[]): Finding {
  const found = own.filter(({ timeoutSeconds }) => timeoutSeconds === null);
  if (found.length === 0) return ok('static-entries', 'every entry of ours ends by itself');
  return warn(
    'static-entries',
    `${named(found)} carry our mark but no timeout: they would never end, and are written to flash`,
    removals(found),
  );
}

/** RouterOS stores whatever is no address as a DNS name, without a word, and resolves it for ever. */
function checkNames(entries: readonly AddressListEntry[]): Finding {
  const found = entries.filter(({ address }) => parseNetwork(address) === null && !address.includes('-'));
  if (found.length === 0) return ok('dns-names', 'no DNS names on the lists');
  return warn(
    'dns-names',
    `${named(found)}: DNS names on the list, whoever owns the name decides what is blocked`,
    removals(found),
  );
}

function checkProtectedHeld(entries: readonly AddressListEntry[], protection: Protection): Finding {
  const found = entries.flatMap((entry) => {
    const network = entry.disabled ? null : parseNetwork(entry.address);
    const why = network === null ? null : protectionOf(protection, network);
    return why === null ? [] : [{ entry, why: why.why }];
  });
  if (found.length === 0) return ok('protected-held', 'nothing on the lists that must not be blocked');
  const texts = found.slice(0, MOST_NAMED).map(({ entry, why }) => `${entry.address} (${why})`);
  return error(
    'protected-held',
    `blocked although it must not be: ${[...texts, ...more(found.length)].join(', ')}`,
    removals(found.map(({ entry }) => entry)),
  );
}

function named(entries: readonly AddressListEntry[]): string {
  const texts = entries.slice(0, MOST_NAMED).map(({ address }) => address);
  return [...texts, ...more(entries.length)].join(', ');
}

function more(count: number): string[] {
  return count > MOST_NAMED ? [`and ${count - MOST_NAMED} more`] : [];
}

function removals(entries: readonly AddressListEntry[]): string[] {
  return entries.slice(0, MOST_NAMED).map(({ family, list, address }) => {
    const menu = family === 4 ? '/ip firewall address-list' : '/ipv6 firewall address-list';
    return `${menu} remove [find list=${consoleValue(list)} address=${consoleValue(address)}]`;
  });
}
