import type { ReviewItem, ReviewStatus } from '../decisions/block.ts';
import type { Detection } from '../detector/detection.ts';
import { type AuditRows, isoTime } from './ledger-audit.ts';
import type { LedgerDatabase } from './ledger-database.ts';

/** One sighting of an address that belongs into the queue. */
export interface ReviewSighting {
  readonly address: string;
  readonly detection: Detection;
  readonly explanation: string;
  /** Latest evidence of this sighting, Unix ms. */
  readonly evidenceUntilMs: number;
  readonly expiresAtMs: number;
  readonly nowMs: number;
}

interface ReviewDecision {
  readonly id: number;
  readonly status: 'approved' | 'rejected';
  readonly actor: string;
  readonly note: string | null;
  /** A rejection stands until then; an approval needs none and gives the time of the decision. */
  readonly expiresAtMs: number;
  readonly nowMs: number;
}

/** The rows of table `reviews`. Callers bring the transaction and close what expired first (`expireDue`). */
export interface ReviewRows {
  list(status: ReviewStatus | null): ReviewItem[];
  byId(id: number): ReviewItem | null;
  /** The pending item of the address, otherwise its latest. */
  byAddress(address: string): ReviewItem | null;
  pendingOn(address: string): ReviewItem | null;
  add(sighting: ReviewSighting): ReviewItem;
  /** Counts newer evidence into the pending item; false when this evidence was counted already. */
  refresh(sighting: ReviewSighting): boolean;
  /** Writes the audit beside it. */
  decide(decision: ReviewDecision): ReviewItem;
  /** Closes a pending item without an operator's word, because a block made it pointless. */
  supersede(supersession: { address: string; note: string; nowMs: number }): boolean;
  expireDue(nowMs: number): number;
  pendingUntil(nowMs: number): Map<string, number>;
  standingRejections(nowMs: number): Set<string>;
  hasStandingRejection(address: string, nowMs: number): boolean;
  /** An operator changed his mind: the rejection stands no longer. */
  endRejections(address: string, nowMs: number): boolean;
  settled(nowMs: number): Map<string, number>;
  settledUntil(address: string): number | null;
  prune(beforeMs: number): number;
}

type ReviewRow = Omit<ReviewItem, 'evidence'> & { readonly evidence: string };

const COLUMNS = `id, address, status, risk_score AS riskScore, anomaly_type AS anomalyType, explanation, evidence,
  created_at_ms AS createdAtMs, updated_at_ms AS updatedAtMs, occurrences, expires_at_ms AS expiresAtMs,
  decided_at_ms AS decidedAtMs, decided_by AS decidedBy, note`;

// A rejection settles all evidence up to its end; an item nobody decided only what it had counted.
const SETTLED_UNTIL = `max(CASE status WHEN 'approved' THEN max(decided_at_ms, evidence_until_ms)
  WHEN 'rejected' THEN max(decided_at_ms, expires_at_ms) ELSE evidence_until_ms END)`;

export function reviewRows(db: LedgerDatabase, audit: AuditRows): ReviewRows {
  return { ...readers(db), ...sightings(db), ...decisions(db, audit), ...rejections(db), ...settlement(db) };
}

function itemFrom(row: ReviewRow): ReviewItem {
  return { ...row, evidence: JSON.parse(row.evidence) as unknown };
}

function readers(db: LedgerDatabase): Pick<ReviewRows, 'list' | 'byId' | 'byAddress' | 'pendingOn'> {
  const list = db.prepare<[{ status: ReviewStatus | null }], ReviewRow>(
    `SELECT ${COLUMNS} FROM reviews WHERE @status IS NULL OR status = @status ORDER BY risk_score DESC, id`,
  );
  const byId = db.prepare<[number], ReviewRow>(`SELECT ${COLUMNS} FROM reviews WHERE id = ?`);
  const byAddress = db.prepare<[string], ReviewRow>(
    `SELECT ${COLUMNS} FROM reviews WHERE address = ? ORDER BY status = 'pending' DESC, id DESC LIMIT 1`,
  );
  const pendingOn = db.prepare<[string], ReviewRow>(
    `SELECT ${COLUMNS} FROM reviews WHERE address = ? AND status = 'pending'`,
  );
  const one = (row: ReviewRow | undefined): ReviewItem | null => (row === undefined ? null : itemFrom(row));
  return {
    list: (status) => list.all({ status }).map(itemFrom),
    byId: (id) => one(byId.get(id)),
    byAddress: (address) => one(byAddress.get(address)),
    pendingOn: (address) => one(pendingOn.get(address)),
  };
}

interface SightingRow extends Omit<ReviewSighting, 'detection'> {
  readonly riskScore: number;
  readonly anomalyType: string;
  readonly evidence: string;
}

function sightingRow({ detection, ...rest }: ReviewSighting): SightingRow {
  const { riskScore, anomalyType } = detection;
  return { ...rest, riskScore, anomalyType, evidence: JSON.stringify(detection) };
}

function sightings(db: LedgerDatabase): Pick<ReviewRows, 'add' | 'refresh'> {
  const add = db.prepare<[SightingRow], ReviewRow>(
    `INSERT INTO reviews (address, status, risk_score, anomaly_type, explanation, evidence, evidence_until_ms,
       created_at_ms, updated_at_ms, expires_at_ms)
     VALUES (@address, 'pending', @riskScore, @anomalyType, @explanation, @evidence, @evidenceUntilMs,
       @nowMs, @nowMs, @expiresAtMs)
     RETURNING ${COLUMNS}`,
  );
  const count = db.prepare<[SightingRow]>(
    `UPDATE reviews SET occurrences = occurrences + 1, updated_at_ms = @nowMs,
       evidence_until_ms = @evidenceUntilMs, expires_at_ms = max(expires_at_ms, @expiresAtMs)
     WHERE address = @address AND status = 'pending' AND evidence_until_ms < @evidenceUntilMs`,
  );
  const keepRiskier = db.prepare<[SightingRow]>(
    `UPDATE reviews SET risk_score = @riskScore, anomaly_type = @anomalyType, explanation = @explanation,
       evidence = @evidence
     WHERE address = @address AND status = 'pending' AND risk_score < @riskScore`,
  );
  return {
    add: (sighting) => itemFrom(add.get(sightingRow(sighting))!),
    refresh(sighting) {
      const row = sightingRow(sighting);
      if (count.run(row).changes === 0) return false;
      keepRiskier.run(row);
      return true;
    },
  };
}

function decisions(
  db: LedgerDatabase,
  audit: AuditRows,
): Pick<ReviewRows, 'decide' | 'supersede' | 'expireDue'> {
  const decide = db.prepare<[ReviewDecision], ReviewRow>(
    `UPDATE reviews SET status = @status, decided_at_ms = @nowMs, decided_by = @actor, note = @note,
       updated_at_ms = @nowMs, expires_at_ms = @expiresAtMs
     WHERE id = @id RETURNING ${COLUMNS}`,
  );
  const supersede = db.prepare<[{ address: string; note: string; nowMs: number }]>(
    `UPDATE reviews SET status = 'expired', note = @note, updated_at_ms = @nowMs
     WHERE address = @address AND status = 'pending'`,
  );
  const expireDue = db.prepare<[{ nowMs: number }]>(
    `UPDATE reviews SET status = 'expired', updated_at_ms = @nowMs
     WHERE status = 'pending' AND expires_at_ms <= @nowMs`,
  );
  return {
    decide(decision) {
      const item = itemFrom(decide.get(decision)!);
      const { status, actor, note, nowMs, expiresAtMs } = decision;
      const { address, id, riskScore } = item;
      audit.add({
        ...{ atMs: nowMs, actor, address, reason: note },
        action: status === 'approved' ? 'review_approved' : 'review_rejected',
        before: { review: id, status: 'pending', riskScore },
        after: { status, ...(status === 'rejected' ? { standsUntil: isoTime(expiresAtMs) } : {}) },
      });
      return item;
    },
    supersede: (supersession) => supersede.run(supersession).changes > 0,
    expireDue: (nowMs) => expireDue.run({ nowMs }).changes,
  };
}

function rejections(
  db: LedgerDatabase,
): Pick<ReviewRows, 'standingRejections' | 'hasStandingRejection' | 'endRejections'> {
  const standing = db
    .prepare<[number], string>("SELECT address FROM reviews WHERE status = 'rejected' AND expires_at_ms > ?")
    .pluck();
  const standingOn = db.prepare<[string, number]>(
    "SELECT 1 FROM reviews WHERE address = ? AND status = 'rejected' AND expires_at_ms > ?",
  );
  const end = db.prepare<[{ address: string; nowMs: number }]>(
    `UPDATE reviews SET expires_at_ms = @nowMs, updated_at_ms = @nowMs
     WHERE address = @address AND status = 'rejected' AND expires_at_ms > @nowMs`,
  );
  return {
    standingRejections: (nowMs) => new Set(standing.all(nowMs)),
    hasStandingRejection: (address, nowMs) => standingOn.get(address, nowMs) !== undefined,
    endRejections: (address, nowMs) => end.run({ address, nowMs }).changes > 0,
  };
}

function settlement(
  db: LedgerDatabase,
): Pick<ReviewRows, 'pendingUntil' | 'settled' | 'settledUntil' | 'prune'> {
  interface Until {
    readonly address: string;
    readonly untilMs: number;
  }
  const pending = db.prepare<[number], Until>(
    `SELECT address, evidence_until_ms AS untilMs FROM reviews WHERE status = 'pending' AND expires_at_ms > ?`,
  );
  const settled = db.prepare<[number], Until>(
    `SELECT address, ${SETTLED_UNTIL} AS untilMs FROM reviews
     WHERE status <> 'pending' OR expires_at_ms <= ? GROUP BY address`,
  );
  const settledUntil = db
    .prepare<[string], number | null>(
      `SELECT ${SETTLED_UNTIL} FROM reviews WHERE address = ? AND status <> 'pending'`,
    )
    .pluck();
  // A rejection is history only when it stands no longer.
  const prune = db.prepare<[{ beforeMs: number }]>(
    `DELETE FROM reviews WHERE status <> 'pending' AND updated_at_ms < @beforeMs AND expires_at_ms < @beforeMs`,
  );
  const byAddress = (rows: readonly Until[]): Map<string, number> =>
    new Map(rows.map(({ address, untilMs }) => [address, untilMs]));
  return {
    pendingUntil: (nowMs) => byAddress(pending.all(nowMs)),
    settled: (nowMs) => byAddress(settled.all(nowMs)),
    settledUntil: (address) => settledUntil.get(address) ?? null,
    prune: (beforeMs) => prune.run({ beforeMs }).changes,
  };
}
