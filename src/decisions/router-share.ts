import type { Block, BlockOrigin } from './block.ts';

/** Which blocks a router is to carry out. */
export interface RouterScope {
  readonly families: readonly (4 | 6)[];
  readonly origins: readonly BlockOrigin[];
}

/** The part of the blocks that is in a router's scope. Keeps the order. */
export function blocksInScope(
  blocks: readonly Block[],
  { families, origins }: RouterScope,
): readonly Block[] {
  const takesV4 = families.includes(4);
  const takesV6 = families.includes(6);
  return blocks.filter(
    (block) => origins.includes(block.origin) && (block.address.includes(':') ? takesV6 : takesV4),
  );
}

/**
 * The blocks a list with room for `maxEntries` is to hold, and those over it: what an operator asked for first, then
 * the riskiest, then the newest. A list that grows for ever takes the router down, and with it every other block.
 */
export function blocksWithinCap(
  blocks: readonly Block[],
  maxEntries: number,
): { within: readonly Block[]; over: readonly Block[] } {
  if (blocks.length <= maxEntries) return { within: blocks, over: [] };
  const ranked = blocks.toSorted(byUrgency);
  return { within: ranked.slice(0, maxEntries), over: ranked.slice(maxEntries) };
}

/** Orders blocks by how soon a router shall have them: most urgent first. */
export function byUrgency(left: Block, right: Block): number {
  return (
    Number(right.origin === 'manual') - Number(left.origin === 'manual') ||
    (right.riskScore ?? 0) - (left.riskScore ?? 0) ||
    right.createdAtMs - left.createdAtMs ||
    right.id - left.id
  );
}
