import type { IpNetwork } from './address.ts';

/**
 * Networks in a binary trie, asked "which of you, in the order you were given, is the first to share an address with
 * this one?". A question walks down the bits of the candidate only as far as the trie has branches, so that tens of
 * thousands of addresses are checked against thousands of networks in milliseconds. The answer is the one a search
 * through the list from its head would give.
 */
export interface NetworkTrie {
  /** Position in the given list of the first network that overlaps `candidate`, or null. */
  firstOverlapping(candidate: IpNetwork): number | null;
}

interface Node {
  zero: Node | null;
  one: Node | null;
  /** Least position of the networks that end exactly here; Infinity for none. */
  own: number;
  /** Least position of the networks that end here or below. */
  least: number;
}

export function networkTrie(networks: readonly IpNetwork[]): NetworkTrie {
  const roots = { 4: emptyNode(), 6: emptyNode() };
  networks.forEach((network, position) => {
    insert(roots[network.family], network, position);
  });
  return {
    firstOverlapping: (candidate) => {
      const position = leastOnPath(roots[candidate.family], candidate);
      return position === Number.POSITIVE_INFINITY ? null : position;
    },
  };
}

function emptyNode(): Node {
  return { zero: null, one: null, own: Number.POSITIVE_INFINITY, least: Number.POSITIVE_INFINITY };
}

function insert(root: Node, { bytes, prefixLength }: IpNetwork, position: number): void {
  let node = root;
  node.least = Math.min(node.least, position);
  for (let bit = 0; bit < prefixLength; bit += 1) {
    if (isSet(bytes, bit)) node = node.one ??= emptyNode();
    else node = node.zero ??= emptyNode();
    node.least = Math.min(node.least, position);
  }
  node.own = Math.min(node.own, position);
}

/** Networks around the candidate lie on its path; those inside it lie below the path's end. */
function leastOnPath(root: Node, { bytes, prefixLength }: IpNetwork): number {
  let node = root;
  let least = node.own;
  for (let bit = 0; bit < prefixLength; bit += 1) {
    const next = isSet(bytes, bit) ? node.one : node.zero;
    if (next === null) return least;
    node = next;
    least = Math.min(least, node.own);
  }
  return Math.min(least, node.least);
}

function isSet(bytes: readonly number[], bit: number): boolean {
  return ((bytes[bit >> 3]! >> (7 - (bit & 7))) & 1) === 1;
}
