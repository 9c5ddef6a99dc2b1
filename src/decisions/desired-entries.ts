import type { DesiredEntry } from './address-list-entry.ts';
import type { Block } from './block.ts';

/** RouterOS' own limit, 35w3d13h13m56s (manual, Firewall / Address lists). */
const MAX_TIMEOUT_SECONDS = 21_474_836;

/** What a router's list shall hold now, under this ledger's mark; a block that ran out is left out. */
export function desiredEntries(
  blocks: readonly Block[],
  { mark, nowMs }: { mark: string; nowMs: number },
): DesiredEntry[] {
  return blocks
    .map((block) => ({
      address: block.address,
      timeoutSeconds: Math.min(MAX_TIMEOUT_SECONDS, Math.ceil(remainingMs(block, nowMs) / 1000)),
      comment: commentFor(block, mark),
    }))
    .filter((entry) => entry.timeoutSeconds > 0);
}

/** ASCII only: node-routeros and old WinBox versions disagree about anything else. */
function commentFor(block: Block, mark: string): string {
  const why = block.anomalyType ?? block.origin;
  const risk = block.riskScore === null ? '' : ` risk ${Math.floor(block.riskScore)}`;
  return `${mark}${why}${risk} #${block.id}`;
}

/** A clock that was set back (a board without battery starts in 1970) must not put a day's block on a router for months. */
function remainingMs(block: Block, nowMs: number): number {
  return block.expiresAtMs - Math.max(nowMs, block.createdAtMs);
}
