import type { TrafficWindows } from '../features/traffic-windows.ts';
import { parseNetwork } from '../ip/address.ts';
import { evidenceOf, failedFlows } from './evidence-row.ts';

/** How many other sources did the same as one source in the same long window: nothing but attempts that came to nothing. */
export interface Neighbours {
  /** Of the same network: /24, or /64 for IPv6. */
  readonly sameNetwork: number;
  /** Asking mostly for the same port. */
  readonly samePort: number;
}

/** Who else; `null` for a source of which something came through: it is judged by what it did. */
export type NeighboursOf = (longRow: number) => Neighbours | null;

/**
 * Counts the sources of which nothing came through, by network and by port. A single failing probe tells nothing, but a
 * network of scanners and a worm looking for one port send many at once, from an address each.
 *
 * @param longRows rows of traffic.long to be counted; the others are asked about in vain
 */
export function indexNeighbours(traffic: TrafficWindows, longRows: Int32Array): NeighboursOf {
  const { long } = traffic;
  const keysOf = new Map<number, { readonly network: string; readonly port: string }>();
  const counts = new Map<string, number>();
  for (const row of longRows) {
    const evidence = evidenceOf(long, row);
    if (failedFlows(evidence) < evidence('flows')) continue;
    const startMs = long.windowStartMs[row]!;
    const keys = {
      network: `${startMs} ${networkOf(long.sourceIps[row]!)}`,
      port: `${startMs} port ${evidence('top_port')}`,
    };
    keysOf.set(row, keys);
    counts.set(keys.network, (counts.get(keys.network) ?? 0) + 1);
    counts.set(keys.port, (counts.get(keys.port) ?? 0) + 1);
  }
  return (longRow) => {
    const keys = keysOf.get(longRow);
    if (keys === undefined) return null;
    return { sameNetwork: counts.get(keys.network)! - 1, samePort: counts.get(keys.port)! - 1 };
  };
}

/** What one holder has: a /24, or a /64 of IPv6. */
function networkOf(address: string): string {
  if (address.includes(':')) return parseNetwork(`${address}/64`)?.text ?? address;
  return address.slice(0, address.lastIndexOf('.'));
}
