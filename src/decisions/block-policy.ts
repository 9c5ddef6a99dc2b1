import type { BlockOrigin } from './block.ts';

/** What a router takes, as far as the decision has to know. */
export interface RouterLimit {
  readonly name: string;
  /** Entries of ours its lists may hold together, >= 1. */
  readonly maxEntries: number;
  /** What the router is sent; a block outside needs no room on it. */
  readonly scope: { readonly families: readonly (4 | 6)[]; readonly origins: readonly BlockOrigin[] };
}

/** The operator's rules of what is blocked by itself, for how long and how much. */
export interface BlockPolicy {
  /** False: everything of high confidence waits in the review queue. */
  readonly autoBlock: boolean;
  /** New blocks per run, >= 0; extensions do not count, a network counts one. */
  readonly maxBlocksPerRun: number;
  /** Active blocks of any origin, >= 0: no automatic one is made beyond. */
  readonly maxBlocksTotal: number;
  /** Routers that are written to; none of them is given more automatic blocks than it takes. */
  readonly routers: readonly RouterLimit[];
  /** Seconds of the first, second, … offence; the last rung holds for all later ones. At least one, never decreasing. */
  readonly blockLadder: readonly number[];
  /** Days without a block that take one offence off again, > 0. */
  readonly offenceDecayDays: number;
  /** Seconds of a block an operator approved. */
  readonly blockSeconds: number;
  /** An IPv6 source is decided upon as the network of this length, 48-128; 128 = the address alone. */
  readonly blockIpv6Prefix: number;
  /** From so many attackers in one IPv4 /24 on the /24 is blocked; 0 = never. */
  readonly rollUpNeighbours: number;
}
