import type { LedgerDatabase } from './ledger-database.ts';
import { translateErrors } from './state-errors.ts';

type Guard = <A extends unknown[], R>(call: (...args: A) => R) => (...args: A) => R;

/** What every call of the ledger is wrapped in: one transaction, and errors in the words of the error table. */
export interface Guards {
  readonly inTransaction: Guard;
  /** One state of the file for all that the call reads. */
  readonly reading: Guard;
}

export function guardsOf(db: LedgerDatabase): Guards {
  const what = `ledger ${db.name}`;
  return {
    // IMMEDIATE takes the write lock before reading: two processes never decide on the same state.
    inTransaction:
      (call) =>
      (...args) =>
        translateErrors(what, () => db.transaction(() => call(...args)).immediate()),
    reading:
      (call) =>
      (...args) =>
        translateErrors(what, () => db.transaction(() => call(...args)).deferred()),
  };
}
