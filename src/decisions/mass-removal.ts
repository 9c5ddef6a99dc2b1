/** What would take too much off a router at once to be believed without a person's word. */
export interface MassRemoval {
  /** Own entries on the router. */
  readonly found: number;
  /** Own entries that would go although no operator lifted them and nothing protects them. */
  readonly removals: number;
  /** What the ledger wants the router to hold. */
  readonly wanted: number;
}

/** Below this a share says nothing: of three entries, two is no mass. */
const SMALLEST_MASS = 10;

/**
 * Judges removals nobody asked for: a clock that jumped, a ledger restored from a backup, a scope mistyped. They are a
 * mass when they are more than `maxShare` (0..1) of the own entries found and at least 10, or when the ledger wants
 * nothing at all. Null when there is nothing to ask an operator about.
 */
export function massRemovalOf({
  maxShare,
  ...counts
}: MassRemoval & { maxShare: number }): MassRemoval | null {
  const { found, removals, wanted } = counts;
  if (removals === 0) return null;
  const isMass = removals >= SMALLEST_MASS && removals > maxShare * found;
  return isMass || wanted === 0 ? counts : null;
}
