import type { IpNetwork } from '../ip/address.ts';
import type { BlockOrigin } from './block.ts';
import type { BlockPolicy, RouterLimit } from './block-policy.ts';
import type { DecisionPast } from './decision-past.ts';
import type { VerdictCause } from './verdict.ts';

/** Why there is no place for another automatic block. */
export interface CapReached {
  readonly cause: Extract<VerdictCause, 'block_cap_reached' | 'total_cap_reached' | 'router_cap_reached'>;
  /** Half a sentence for the explanation. */
  readonly text: string;
}

/** Places for new blocks in one run; they go to who asks first, so ask in the order of risk. */
interface BlockPlaces {
  /** Null when there is a place. */
  missingFor(target: IpNetwork): CapReached | null;
  take(target: IpNetwork): void;
}

type Caps = Pick<BlockPolicy, 'maxBlocksPerRun' | 'maxBlocksTotal' | 'routers'>;

export function openPlaces(caps: Caps, past: DecisionPast): BlockPlaces {
  const active = activeKinds(past);
  const rooms = caps.routers
    .filter(({ scope }) => scope.origins.includes('auto'))
    .map((router) => ({
      router,
      left: router.maxEntries - active.filter((one) => isSent(router, one)).length,
    }));
  let ofRun = caps.maxBlocksPerRun;
  let ofTotal = caps.maxBlocksTotal - active.length;
  const concerned = ({ family }: IpNetwork): typeof rooms =>
    rooms.filter(({ router }) => router.scope.families.includes(family));
  return {
    missingFor(target) {
      if (ofRun <= 0) {
        return { cause: 'block_cap_reached', text: 'this run made its full number of blocks' };
      }
      if (ofTotal <= 0) {
        const text = `${caps.maxBlocksTotal} blocks are active, the most there may be`;
        return { cause: 'total_cap_reached', text };
      }
      const full = concerned(target).find(({ left }) => left <= 0);
      if (full === undefined) return null;
      const { name, maxEntries } = full.router;
      return { cause: 'router_cap_reached', text: `router ${name} holds its full ${maxEntries} entries` };
    },
    take(target) {
      ofRun -= 1;
      ofTotal -= 1;
      for (const room of concerned(target)) room.left -= 1;
    },
  };
}

interface ActiveKind {
  readonly family: 4 | 6;
  readonly origin: BlockOrigin;
}

function activeKinds({ history, nowMs }: DecisionPast): ActiveKind[] {
  return [...history.activeBlocks]
    .filter(([, block]) => block.expiresAtMs > nowMs)
    .map(([text, { origin }]) => ({ family: text.includes(':') ? 6 : 4, origin }));
}

function isSent({ scope }: RouterLimit, { family, origin }: ActiveKind): boolean {
  return scope.families.includes(family) && scope.origins.includes(origin);
}
