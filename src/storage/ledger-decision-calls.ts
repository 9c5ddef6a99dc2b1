import { type Block, type LedgerHistory, LIFT_COUNTS_SECONDS } from '../decisions/block.ts';
import {
  type DetectionRunRecord,
  type RecordedDetectionRun,
  recordVerdicts,
} from './ledger-detection-run.ts';
import type { Guards } from './ledger-guards.ts';
import { type DueChanges, expireDue, type LedgerRows } from './ledger-rows.ts';

/** What detection and router sync ask of the ledger's blocks. */
export interface DecisionCalls {
  history(nowMs: number): LedgerHistory;
  recordDetectionRun(record: DetectionRunRecord): RecordedDetectionRun;
  /** Closes blocks and pending reviews whose time is over, and opens again what a clock that was ahead had closed. */
  expireDue(nowMs: number): DueChanges;

  activeBlocks(nowMs: number): Block[];
  /** Those of `addresses` (canonical) this ledger has ever blocked, as far back as it remembers. */
  everBlocked(addresses: readonly string[]): Set<string>;
  /** Those of `addresses` (canonical) whose latest block was lifted by a person, not because they became protected. */
  liftedByOperator(addresses: readonly string[]): Set<string>;
  /**
   * Addresses and networks blocked now or before, as far back as the ledger remembers; one that was ever lifted counts
   * as a mistake and is not among them.
   */
  knownBad(): string[];
  /** Addresses (canonical) a router was read back with; returns how many blocks are confirmed for the first time. */
  confirmBlocks(confirmation: { addresses: readonly string[]; nowMs: number }): number;
}

export function decisionCalls(rows: LedgerRows, { inTransaction, reading }: Guards): DecisionCalls {
  const { blocks, reviews, outbox, pause } = rows;
  // A sync with nothing to confirm must not wait for whoever writes thousands of blocks.
  const unconfirmed = reading((nowMs: number) => blocks.unconfirmed(nowMs));
  const confirm = inTransaction((addresses: readonly string[], nowMs: number) => {
    const confirmed = blocks.confirm(addresses, nowMs);
    for (const address of confirmed) outbox.putBlockedMark({ address, confirmedAtMs: nowMs });
    return confirmed.length;
  });
  return {
    history: reading((nowMs) => ({
      activeBlocks: blocks.activeByAddress(nowMs),
      pendingReviews: reviews.pendingUntil(nowMs),
      standingRejections: reviews.standingRejections(nowMs),
      settled: latestOf(blocks.settled(nowMs), reviews.settled(nowMs)),
      offences: blocks.offences(nowMs),
      liftedNetworks: new Set(blocks.liftedNetworks(nowMs - LIFT_COUNTS_SECONDS * 1000)),
      paused: pause.current() !== null,
    })),
    recordDetectionRun: inTransaction((record) => {
      expireDue(rows, record.nowMs);
      return recordVerdicts(rows, record);
    }),
    expireDue: inTransaction((nowMs) => expireDue(rows, nowMs)),
    activeBlocks: reading((nowMs) => blocks.active(nowMs)),
    everBlocked: reading((addresses) => new Set(blocks.known(addresses))),
    liftedByOperator: reading((addresses) => new Set(blocks.liftedByPerson(addresses))),
    knownBad: reading(() => blocks.neverLifted()),
    confirmBlocks({ addresses, nowMs }) {
      const waiting = unconfirmed(nowMs);
      return addresses.some((address) => waiting.has(address)) ? confirm(addresses, nowMs) : 0;
    },
  };
}

function latestOf(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): Map<string, number> {
  const latest = new Map(a);
  for (const [address, time] of b) latest.set(address, Math.max(time, latest.get(address) ?? time));
  return latest;
}
