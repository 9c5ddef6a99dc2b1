import { isSet, type MenuRow } from './router-snapshot.ts';

/** What a packet has to be for a rule to take it: property by name, as printed. Empty: every packet. */
export type Matchers = Readonly<Record<string, string>>;

/** A rule as a packet meets it on its way through a chain, jumps followed. */
export interface MetRule {
  /** Position in the whole table, as the console numbers it. */
  readonly number: number;
  readonly id: string;
  readonly action: string;
  /** The rule's own conditions and those of the jumps that lead to it. */
  readonly matchers: Matchers;
  /** It stands in another chain: moving it within the table does not change when a packet meets it. */
  readonly throughJump: boolean;
}

/** Printed with a rule, but no condition of it. */
const NO_MATCHERS = new Set([
  '.id',
  '.nextid',
  '.about',
  'action',
  'bytes',
  'chain',
  'comment',
  'creation-time',
  'disabled',
  'dynamic',
  'hw-offload',
  'invalid',
  'jump-target',
  'log',
  'log-prefix',
  'packets',
  'reject-with',
]);

/** Values that leave no packet out. */
const EVERYTHING = new Set(['', '0.0.0.0/0', '::/0']);

/** Chains that jump to each other in a ring are cut off here; nobody nests deeper by intention. */
const DEEPEST_JUMP = 16;

/** The rules of `chain` in the order a packet meets them; disabled and invalid ones meet nobody. */
export function rulesMet(table: readonly MenuRow[], chain: string): MetRule[] {
  return follow({ table, chain, outer: {}, depth: 0 });
}

export function matchersOf(row: MenuRow): Matchers {
  return Object.fromEntries(
    Object.entries(row).filter(([name, value]) => !NO_MATCHERS.has(name) && !EVERYTHING.has(value)),
  );
}

export function isLive(row: MenuRow): boolean {
  return !isSet(row, 'disabled') && !isSet(row, 'invalid');
}

function follow(way: {
  table: readonly MenuRow[];
  chain: string;
  outer: Matchers;
  depth: number;
}): MetRule[] {
  const met: MetRule[] = [];
  for (const [number, row] of way.table.entries()) {
    if (row['chain'] !== way.chain || !isLive(row)) continue;
    // RouterOS' default action is accept.
    const action = row['action'] ?? 'accept';
    const matchers = { ...way.outer, ...matchersOf(row) };
    if (action === 'jump') {
      if (way.depth >= DEEPEST_JUMP) continue;
      const chain = row['jump-target'] ?? '';
      met.push(...follow({ table: way.table, chain, outer: matchers, depth: way.depth + 1 }));
      continue;
    }
    const comesBack = action === 'return' && Object.keys(matchersOf(row)).length === 0;
    // Back to the chain that jumped here: what follows in this one is never met.
    if (comesBack && way.depth > 0) break;
    met.push({ number, id: row['.id'] ?? '', action, matchers, throughJump: way.depth > 0 });
  }
  return met;
}
