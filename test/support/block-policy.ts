import type { BlockPolicy } from '../../src/decisions/block-policy.ts';

/** The policy of a fresh installation with blocks of one day, so that tests may count in days; change what a test is about. */
export function blockPolicyOf(changes: Partial<BlockPolicy> = {}): BlockPolicy {
  return {
    autoBlock: true,
    maxBlocksPerRun: 50,
    maxBlocksTotal: 30_000,
    routers: [],
    blockLadder: [86_400],
    offenceDecayDays: 14,
    blockSeconds: 86_400,
    blockIpv6Prefix: 64,
    rollUpNeighbours: 0,
    ...changes,
  };
}
