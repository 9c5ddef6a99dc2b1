import type { OperatorVerdict } from '../detector/verdicts-on-traffic.ts';
import type { Alert } from './ledger-alerts.ts';
import type { AuditAction, AuditEntry, AuditQuery, AuditRecord } from './ledger-audit.ts';
import type { LedgerDatabase } from './ledger-database.ts';
import type { Guards } from './ledger-guards.ts';
import type { LedgerRows } from './ledger-rows.ts';
import { operatorVerdicts } from './ledger-verdicts.ts';
import { translateErrors } from './state-errors.ts';

/** What was done and by whom, what a person should look at, and the care of the file. */
export interface UpkeepCalls {
  /** Every word operators gave about an address, oldest first. */
  operatorVerdicts(): OperatorVerdict[];

  /** Latest first. ADDRESS_INVALID */
  audit(query: AuditQuery): AuditRecord[];
  /** For what no other call writes: firewall rules put on a router or taken off. */
  recordAudit(
    entry: AuditEntry & { readonly action: Extract<AuditAction, 'rules_installed' | 'rules_removed'> },
  ): void;

  /** One open alert per code and subject: raised again, it is counted and takes the newer message. */
  raiseAlert(alert: { code: string; subject: string; message: string; nowMs: number }): void;
  /** Nothing happens when none is open. */
  clearAlert(alert: { code: string; subject: string; nowMs: number }): void;
  /** Open ones, latest first. */
  alerts(): Alert[];

  /**
   * Forgets finished runs, ended blocks, decided reviews, alerts and routers older than `beforeMs`; what still stands
   * stays. `beforeMs` must lie before the oldest log line a run reads, or old evidence may act again. The audit is kept
   * from `auditBeforeMs` on, whole when that is not given.
   */
  prune(period: { beforeMs: number; auditBeforeMs?: number }): PruneCounts;
  /** Full check of the file; empty when it is sound. */
  integrity(): string[];
  close(): void;
}

interface PruneCounts {
  readonly runs: number;
  readonly blocks: number;
  readonly reviews: number;
  readonly routers: number;
  readonly shadowDetections: number;
  readonly alerts: number;
  readonly auditRecords: number;
}

export function upkeepCalls(
  { db, rows }: { db: LedgerDatabase; rows: LedgerRows },
  { inTransaction, reading }: Guards,
): UpkeepCalls {
  const { alerts, audit } = rows;
  // Cleared at every sync that goes well, open hardly ever: no need to wait for whoever writes.
  const isOpen = reading((alert: { code: string; subject: string }) => alerts.isOpen(alert));
  const clear = inTransaction((alert: { code: string; subject: string; nowMs: number }) =>
    alerts.clear(alert),
  );
  return {
    operatorVerdicts: reading(operatorVerdicts(db)),
    audit: reading((query) => audit.list(query)),
    recordAudit: inTransaction((entry) => audit.add(entry)),
    raiseAlert: inTransaction((alert) => alerts.raise(alert)),
    clearAlert(alert) {
      if (isOpen(alert)) clear(alert);
    },
    alerts: reading(() => alerts.open()),
    prune: inTransaction((period) => prune(rows, period)),
    integrity: reading(() => {
      const found = db.pragma('integrity_check') as { integrity_check: string }[];
      return found.map((finding) => finding.integrity_check).filter((text) => text !== 'ok');
    }),
    // The last connection to close folds the write-ahead log into the file: copied alone, it is a whole backup.
    close: () => translateErrors(`ledger ${db.name}`, () => void db.close()),
  };
}

function prune(
  rows: LedgerRows,
  { beforeMs, auditBeforeMs }: { beforeMs: number; auditBeforeMs?: number },
): PruneCounts {
  const counts = {
    runs: rows.runs.prune(beforeMs),
    blocks: rows.blocks.prune(beforeMs),
    reviews: rows.reviews.prune(beforeMs),
    routers: rows.routers.prune(beforeMs),
    shadowDetections: rows.shadow.prune(beforeMs),
    alerts: rows.alerts.prune(beforeMs),
    auditRecords: auditBeforeMs === undefined ? 0 : rows.audit.prune(auditBeforeMs),
  };
  rows.routerHoldings.prune();
  rows.routerProtected.prune(beforeMs);
  rows.pushes.prune(beforeMs);
  rows.removalConfirmations.prune(beforeMs);
  return counts;
}
