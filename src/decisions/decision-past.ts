import { type IpNetwork, parseNetwork } from '../ip/address.ts';
import { networkTrie } from '../ip/network-trie.ts';
import type { ActiveBlock, LedgerHistory } from './block.ts';
import { compareText } from './detection-order.ts';
import { indexNetworks, type NetworkIndex, networksHolding } from './network-index.ts';
import { type Protection, protectionOf } from './protected-networks.ts';

const NEVER = Number.NEGATIVE_INFINITY;

/** The ledger's history with its networks parsed once, for the questions asked about every source. */
export interface DecisionPast {
  readonly history: LedgerHistory;
  readonly nowMs: number;
  readonly blocks: NetworkIndex;
  readonly pending: NetworkIndex;
  readonly settled: NetworkIndex;
  readonly rejected: NetworkIndex;
  /** Why the network must not be blocked as a whole, in words; null when it may. */
  readonly obstacleTo: (network: IpNetwork) => string | null;
  /** True for a block of a network that is not to last longer than it does. */
  readonly isWithheld: (text: string) => boolean;
}

export function indexPast(given: {
  history: LedgerHistory;
  protection: Protection;
  nowMs: number;
}): DecisionPast {
  const { history, protection, nowMs } = given;
  const rejections = [...history.standingRejections]
    .sort(compareText)
    .map((text) => parseNetwork(text))
    .filter((network) => network !== null);
  const trie = networkTrie(rejections);
  const rejectedIn = (network: IpNetwork): IpNetwork | null =>
    rejections[trie.firstOverlapping(network) ?? -1] ?? null;
  const obstacleTo = onceEach((network: IpNetwork) => obstacle(network, { protection, rejectedIn }));
  return {
    history,
    nowMs,
    blocks: indexNetworks(history.activeBlocks.keys()),
    pending: indexNetworks(history.pendingReviews.keys()),
    settled: indexNetworks(history.settled.keys()),
    rejected: indexNetworks(history.standingRejections),
    obstacleTo,
    isWithheld: (text) => {
      const network = text.includes('/') ? parseNetwork(text) : null;
      if (network === null) return false;
      const isManual = history.activeBlocks.get(text)?.origin === 'manual';
      return isManual ? protectionOf(protection, network) !== null : obstacleTo(network) !== null;
    },
  };
}

/**
 * Ranges of IPv6 in which unlike hosts share a network: behind a NAT64 or a Teredo server the low bits are somebody
 * else's IPv4 address, so that one /64 would be half the Internet (RFC 6052, RFC 8215, RFC 4380).
 */
const SHARED_RANGES = networkTrie(
  ['64:ff9b::/96', '64:ff9b:1::/48', '2001::/32'].map(parseNetwork).filter((network) => network !== null),
);

function obstacle(
  network: IpNetwork,
  given: { protection: Protection; rejectedIn: (network: IpNetwork) => IpNetwork | null },
): string | null {
  if (SHARED_RANGES.firstOverlapping(network) !== null) return 'unlike hosts share it';
  const found = protectionOf(given.protection, network);
  if (found?.kind === 'allowlisted') return `${found.network} is on the allowlist`;
  if (found !== null) return `${found.network} is never blocked: ${found.why}`;
  const rejected = given.rejectedIn(network);
  return rejected === null ? null : `an operator rejected ${rejected.text}`;
}

function onceEach<R>(ask: (network: IpNetwork) => R): (network: IpNetwork) => R {
  const answers = new Map<string, R>();
  return (network) => {
    const known = answers.get(network.text);
    if (known !== undefined) return known;
    const answer = ask(network);
    answers.set(network.text, answer);
    return answer;
  };
}

/**
 * The block that covers the source and may be extended: on the address itself, otherwise the network that lasts longest
 * (of equals the smallest, then by text). A network that meanwhile touches something protected is passed over: routers
 * are not sent it any more; so is one an operator's rejection lies in: his address must not stay blocked for others.
 */
export function coveringBlock(past: DecisionPast, source: IpNetwork): string | null {
  const active = activeOver(past, source).filter((text) => !past.isWithheld(text));
  return active[0] ?? null;
}

export function activeBlock(past: DecisionPast, text: string): ActiveBlock | null {
  const block = past.history.activeBlocks.get(text);
  return block !== undefined && block.expiresAtMs > past.nowMs ? block : null;
}

/** All active blocks the source lies in, the one to be named first. */
function activeOver(past: DecisionPast, source: IpNetwork): string[] {
  const expiry = (text: string): number => activeBlock(past, text)?.expiresAtMs ?? NEVER;
  const around = networksHolding(past.blocks, source)
    .filter((network) => network.text !== source.text && expiry(network.text) > NEVER)
    .sort(
      (a, b) =>
        expiry(b.text) - expiry(a.text) || b.prefixLength - a.prefixLength || compareText(a.text, b.text),
    )
    .map((network) => network.text);
  return expiry(source.text) > NEVER ? [source.text, ...around] : around;
}

/** True when an operator rejected the address or a network around it. */
export function isRejected(past: DecisionPast, source: IpNetwork): boolean {
  return (
    past.history.standingRejections.has(source.text) || networksHolding(past.rejected, source).length > 0
  );
}

/** Evidence of the source last seen at or before this time was dealt with: in a block, the queue or a decision. */
export function countedUntil(past: DecisionPast, source: IpNetwork): number {
  const { pendingReviews, settled } = past.history;
  const covering = coveringBlock(past, source);
  // A block that is passed over has counted all the same what it was made of.
  const counting = covering === null ? activeOver(past, source) : [covering];
  return Math.max(
    NEVER,
    ...counting.map((text) => activeBlock(past, text)?.evidenceUntilMs ?? NEVER),
    ...[source, ...networksHolding(past.pending, source)].map(
      ({ text }) => pendingReviews.get(text) ?? NEVER,
    ),
    ...[source, ...networksHolding(past.settled, source)].map(({ text }) => settled.get(text) ?? NEVER),
  );
}
