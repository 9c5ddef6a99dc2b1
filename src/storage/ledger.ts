import type { Logger } from '../logger.ts';
import { type LedgerDatabase, openLedgerDatabase } from './ledger-database.ts';
import { type DecisionCalls, decisionCalls } from './ledger-decision-calls.ts';
import { type DeliveryCalls, deliveryCalls } from './ledger-delivery-calls.ts';
import { guardsOf } from './ledger-guards.ts';
import { type OperatorCalls, operatorCalls } from './ledger-operator-calls.ts';
import { type RouterCalls, routerCalls } from './ledger-router-calls.ts';
import { ledgerRows } from './ledger-rows.ts';
import { type RunCalls, runCalls } from './ledger-run-calls.ts';
import { type UpkeepCalls, upkeepCalls } from './ledger-upkeep-calls.ts';

/**
 * The ledger: what is to be blocked until when, what waits for an operator, what was run, who did what, and what
 * PostgreSQL has still to be told. One SQLite file shared by daemon and CLI. Every call is one transaction: done wholly
 * or not at all, also at a kill or a full disk. All calls may throw STATE_LOCKED, STATE_UNWRITABLE or STATE_CORRUPT.
 * Times are Unix ms, UTC, whole.
 */
export interface Ledger
  extends DecisionCalls,
    OperatorCalls,
    DeliveryCalls,
    RunCalls,
    RouterCalls,
    UpkeepCalls {
  /** Eight lower-case hexadecimal digits, made with the file and kept: part of the mark on our router entries. */
  readonly id: string;
}

/** @throws AutoblockError STATE_CORRUPT, SCHEMA_NEWER, STATE_LOCKED, STATE_UNWRITABLE */
export function openLedger(options: { path: string; busyTimeoutMs?: number; logger: Logger }): Ledger {
  return createLedger(openLedgerDatabase(options));
}

/** A ledger over an open database. */
export function createLedger(db: LedgerDatabase): Ledger {
  const rows = ledgerRows(db);
  const guards = guardsOf(db);
  return {
    id: guards.reading(() => ledgerId(db))(),
    ...decisionCalls(rows, guards),
    ...operatorCalls(rows, guards),
    ...deliveryCalls(rows, guards),
    ...runCalls(rows, guards),
    ...routerCalls(rows, guards),
    ...upkeepCalls({ db, rows }, guards),
  };
}

function ledgerId(db: LedgerDatabase): string {
  return db.prepare<[], string>('SELECT id FROM ledger_identity').pluck().get()!;
}
