import { LIFTED_BY_PROTECTION } from '../decisions/block.ts';
import type { OperatorVerdict } from '../detector/verdicts-on-traffic.ts';
import type { LedgerDatabase } from './ledger-database.ts';

/**
 * Every word operators gave that the ledger still remembers, oldest first; of two about one address the later counts.
 * A rejected review and a lifted block say "false positive" (whoever lifts a block says it should not be there), an
 * approved review and a block made by hand say "an attacker". An automatic block nobody touched says nothing,
 * nor does one taken back because its address became protected (an allowlisted scanner still scans), nor one lifted
 * together with all others: that word is about the detector, and attackers among them must not be taught as harmless.
 *
 * The snapshot of a review may be of a riskier detection than the one that came first, which the ledger no longer has:
 * what is known of that one is that it was there when the review began, in the window that had just ended or before.
 * Log times may carry microseconds.
 */
export function operatorVerdicts(db: LedgerDatabase): () => OperatorVerdict[] {
  const list = db.prepare<[string], OperatorVerdict>(
    `SELECT address, CASE status WHEN 'approved' THEN 'confirmed' ELSE 'false_positive' END AS verdict,
       decided_at_ms AS atMs,
       min(created_at_ms + (evidence ->> 'windowStartMs') - (evidence ->> 'windowEndMs'), evidence ->> 'firstSeenMs')
         AS evidenceFromMs,
       evidence_until_ms AS evidenceUntilMs,
       evidence ->> 'firstSeenMs' AS shownFromMs,
       evidence ->> 'lastSeenMs' AS shownUntilMs
     FROM reviews WHERE status IN ('approved', 'rejected')
     UNION ALL
     SELECT address, 'confirmed', created_at_ms, created_at_ms, evidence_until_ms, created_at_ms, created_at_ms
     FROM blocks WHERE origin = 'manual'
     UNION ALL
     SELECT address, 'false_positive', lifted_at_ms, created_at_ms, evidence_until_ms, created_at_ms, created_at_ms
     FROM blocks WHERE lifted_at_ms IS NOT NULL AND lifted_by <> ? AND lifted_in_bulk = 0
     ORDER BY atMs, verdict, address`,
  );
  return () => list.all(LIFTED_BY_PROTECTION);
}
