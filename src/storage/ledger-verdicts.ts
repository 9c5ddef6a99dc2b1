import type { LedgerDatabase } from './ledger-database.ts';

/** An operator's word about an address. */
export interface OperatorVerdict {
  /** Canonical address or network. */
  readonly address: string;
  readonly verdict: 'false_positive' | 'confirmed';
  readonly atMs: number;
}

/**
 * Every word operators gave that the ledger still remembers, oldest first; of two about one address the later counts.
 * A rejected review and a lifted block say "false positive" (whoever lifts a block says it should not be there), an
 * approved review and a block made by hand say "an attacker". An automatic block nobody touched says nothing.
 */
export function operatorVerdicts(db: LedgerDatabase): () => OperatorVerdict[] {
  const list = db.prepare<[], OperatorVerdict>(
    `SELECT address, CASE status WHEN 'approved' THEN 'confirmed' ELSE 'false_positive' END AS verdict,
       decided_at_ms AS atMs FROM reviews WHERE status IN ('approved', 'rejected')
     UNION ALL
     SELECT address, 'confirmed', created_at_ms FROM blocks WHERE origin = 'manual'
     UNION ALL
     SELECT address, 'false_positive', lifted_at_ms FROM blocks WHERE lifted_at_ms IS NOT NULL
     ORDER BY atMs, verdict, address`,
  );
  return () => list.all();
}
