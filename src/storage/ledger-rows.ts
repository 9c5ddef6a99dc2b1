import { type AlertRows, alertRows } from './ledger-alerts.ts';
import { type AuditRows, auditRows } from './ledger-audit.ts';
import { type BlockRows, blockRows } from './ledger-blocks.ts';
import { type ClockRepair, type ClockRepairs, clockRepairs } from './ledger-clock.ts';
import type { LedgerDatabase } from './ledger-database.ts';
import { type Outbox, outbox } from './ledger-outbox.ts';
import { type PauseRow, pauseRow } from './ledger-pause.ts';
import { type PushRows, pushRows } from './ledger-pushes.ts';
import { type RemovalConfirmationRows, removalConfirmationRows } from './ledger-removal-confirmations.ts';
import { type ReviewRows, reviewRows } from './ledger-reviews.ts';
import { type RouterHoldingRows, routerHoldingRows } from './ledger-router-holdings.ts';
import { type RouterProtectedRows, routerProtectedRows } from './ledger-router-protected.ts';
import { type RouterRows, routerRows } from './ledger-routers.ts';
import { type RunRows, runRows } from './ledger-runs.ts';
import { type ShadowRows, shadowRows } from './ledger-shadow.ts';

/** The tables of the ledger. Whoever uses them brings the transaction. */
export interface LedgerRows {
  readonly audit: AuditRows;
  readonly clock: ClockRepairs;
  readonly blocks: BlockRows;
  readonly reviews: ReviewRows;
  readonly runs: RunRows;
  readonly outbox: Outbox;
  readonly shadow: ShadowRows;
  readonly pause: PauseRow;
  readonly alerts: AlertRows;
  readonly routers: RouterRows;
  readonly routerHoldings: RouterHoldingRows;
  readonly routerProtected: RouterProtectedRows;
  readonly pushes: PushRows;
  readonly removalConfirmations: RemovalConfirmationRows;
}

export function ledgerRows(db: LedgerDatabase): LedgerRows {
  const audit = auditRows(db);
  return {
    audit,
    clock: clockRepairs(db, audit),
    blocks: blockRows(db, audit),
    reviews: reviewRows(db, audit),
    runs: runRows(db),
    outbox: outbox(db),
    shadow: shadowRows(db),
    pause: pauseRow(db, audit),
    alerts: alertRows(db),
    routers: routerRows(db),
    routerHoldings: routerHoldingRows(db),
    routerProtected: routerProtectedRows(db),
    pushes: pushRows(db, audit),
    removalConfirmations: removalConfirmationRows(db, audit),
  };
}

/** What became due, and what a clock that was ahead had ended too early. */
export interface DueChanges extends ClockRepair {
  readonly blocks: number;
  readonly reviews: number;
}

/** Closes what ran out. First step of every transaction that asks what is blocked or waits for a word. */
export function expireDue(rows: LedgerRows, nowMs: number): DueChanges {
  const repair = rows.clock.repair(nowMs);
  rows.routerProtected.expire(nowMs);
  return {
    ...repair,
    blocks: rows.blocks.closeExpired(nowMs),
    reviews: rows.reviews.expireDue(nowMs),
  };
}
