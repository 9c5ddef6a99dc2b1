import type { BlockOrigin } from '../../decisions/block.ts';

interface RouterRoom {
  readonly name: string;
  readonly maxEntries: number;
  readonly scope: { readonly families: readonly (4 | 6)[]; readonly origins: readonly string[] };
}

interface RoomQuestion {
  readonly active: readonly { readonly address: string; readonly origin: BlockOrigin }[];
  /** Canonical addresses and networks that would be blocked by hand; those active already take no room. */
  readonly asked: readonly string[];
  readonly maxBlocksTotal: number;
  readonly routers: readonly RouterRoom[];
}

/**
 * Which limits blocks made by hand would break, one sentence each with the figure and the option's name. The sync
 * would leave out what does not fit: refused here, an operator learns at once and not from a router that lacks some.
 */
export function roomProblems({ active, asked, maxBlocksTotal, routers }: RoomQuestion): string[] {
  const standing = new Set(active.map(({ address }) => address));
  const added = asked.filter((address) => !standing.has(address));
  if (added.length === 0) return [];
  const problems: string[] = [];
  const total = active.length + added.length;
  if (total > maxBlocksTotal)
    problems.push(
      `${active.length} blocks stand, with ${added.length} more there would be ${total}: MAX_BLOCKS_TOTAL is ${maxBlocksTotal}`,
    );
  for (const router of routers) {
    const fits = (address: string, origin: BlockOrigin): boolean =>
      router.scope.families.includes(familyOf(address)) && router.scope.origins.includes(origin);
    const more = added.filter((address) => fits(address, 'manual')).length;
    const there = active.filter(({ address, origin }) => fits(address, origin)).length;
    if (more > 0 && there + more > router.maxEntries)
      problems.push(
        `router ${router.name} would have to hold ${there + more} entries: its maxEntries (ROUTER_MAX_ENTRIES) is ${router.maxEntries}`,
      );
  }
  return problems;
}

function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}
