import type { LedgerHistory } from '../../src/decisions/block.ts';

/** A ledger in which nothing has happened yet. */
export const NO_HISTORY: LedgerHistory = {
  activeBlocks: new Map(),
  pendingReviews: new Map(),
  standingRejections: new Set(),
  settled: new Map(),
  offences: new Map(),
  liftedNetworks: new Set<string>(),
  paused: false,
};
