import type { ActiveBlock, Block, BlockOrigin } from '../decisions/block.ts';
import type { AnomalyType, DetectorName } from '../detector/detection.ts';
import type { LedgerDatabase } from './ledger-database.ts';

/** What is known of the detection behind a block; all null for one made by hand. */
export interface BlockEvidence {
  readonly anomalyType: AnomalyType | null;
  readonly riskScore: number | null;
  readonly detector: DetectorName | null;
  readonly modelVersion: string | null;
}

export const NO_EVIDENCE: BlockEvidence = {
  anomalyType: null,
  riskScore: null,
  detector: null,
  modelVersion: null,
};

interface NewBlock extends BlockEvidence {
  readonly address: string;
  readonly origin: BlockOrigin;
  readonly reason: string;
  readonly createdBy: string | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

interface BlockExtension {
  readonly address: string;
  readonly expiresAtMs: number;
  readonly evidenceUntilMs: number;
}

/** The rows of table `blocks`. Callers bring the transaction and close what expired first (`closeExpired`). */
export interface BlockRows {
  active(nowMs: number): Block[];
  activeByAddress(nowMs: number): Map<string, ActiveBlock>;
  activeOn(address: string): Block | null;
  /** True when there is a block of `address`, active or ended. */
  knows(address: string): boolean;
  /** Addresses and networks of all blocks nobody lifted, active or run out. */
  neverLifted(): string[];
  add(block: NewBlock): Block;
  /** Moves the expiry out, never in; null when it already lies as late (the evidence is counted all the same). */
  extend(extension: BlockExtension): Block | null;
  lift(lift: { id: number; actor: string; nowMs: number }): Block;
  /** True when the block on `address` is now confirmed for the first time. */
  confirm(address: string, nowMs: number): boolean;
  closeExpired(nowMs: number): number;
  /** Address → time up to which the evidence against it was dealt with, of the blocks that ended. */
  settled(nowMs: number): Map<string, number>;
  /** The same of one address; null when no block of it ended. */
  settledUntil(address: string): number | null;
  prune(beforeMs: number): number;
}

const COLUMNS = `id, address, origin, reason, anomaly_type AS anomalyType, risk_score AS riskScore, detector,
  model_version AS modelVersion, created_by AS createdBy, created_at_ms AS createdAtMs, expires_at_ms AS expiresAtMs,
  extended_count AS extendedCount, confirmed_at_ms AS confirmedAtMs, lifted_at_ms AS liftedAtMs, lifted_by AS liftedBy`;

// A lifted block settles what came before the lifting; one that ran out settles only the evidence it had counted.
const SETTLED_UNTIL = 'max(max(evidence_until_ms, coalesce(lifted_at_ms, evidence_until_ms)))';

export function blockRows(db: LedgerDatabase): BlockRows {
  return { ...readers(db), ...writers(db), ...settlement(db) };
}

function readers(
  db: LedgerDatabase,
): Pick<BlockRows, 'active' | 'activeByAddress' | 'activeOn' | 'knows' | 'neverLifted'> {
  const active = db.prepare<[number], Block>(
    `SELECT ${COLUMNS} FROM blocks WHERE closed_at_ms IS NULL AND expires_at_ms > ? ORDER BY id`,
  );
  const activeTimes = db.prepare<[number], ActiveBlock & { address: string }>(
    `SELECT address, expires_at_ms AS expiresAtMs, origin, evidence_until_ms AS evidenceUntilMs
     FROM blocks WHERE closed_at_ms IS NULL AND expires_at_ms > ?`,
  );
  const activeOn = db.prepare<[string], Block>(
    `SELECT ${COLUMNS} FROM blocks WHERE address = ? AND closed_at_ms IS NULL`,
  );
  const neverLifted = db
    .prepare<[], string>(
      `SELECT address FROM blocks GROUP BY address HAVING max(lifted_at_ms) IS NULL ORDER BY address`,
    )
    .pluck();
  const known = db.prepare<[string]>('SELECT 1 FROM blocks WHERE address = ? LIMIT 1');
  return {
    active: (nowMs) => active.all(nowMs),
    activeByAddress: (nowMs) =>
      new Map(activeTimes.all(nowMs).map(({ address, ...times }) => [address, times])),
    activeOn: (address) => activeOn.get(address) ?? null,
    knows: (address) => known.get(address) !== undefined,
    neverLifted: () => neverLifted.all(),
  };
}

function writers(
  db: LedgerDatabase,
): Pick<BlockRows, 'add' | 'extend' | 'lift' | 'confirm' | 'closeExpired'> {
  const add = db.prepare<[NewBlock], Block>(
    `INSERT INTO blocks (address, origin, reason, anomaly_type, risk_score, detector, model_version, created_by,
       created_at_ms, expires_at_ms, evidence_until_ms)
     VALUES (@address, @origin, @reason, @anomalyType, @riskScore, @detector, @modelVersion, @createdBy,
       @createdAtMs, @expiresAtMs, @createdAtMs)
     RETURNING ${COLUMNS}`,
  );
  const countEvidence = db.prepare<[BlockExtension]>(
    `UPDATE blocks SET evidence_until_ms = max(evidence_until_ms, @evidenceUntilMs)
     WHERE address = @address AND closed_at_ms IS NULL`,
  );
  const extend = db.prepare<[BlockExtension], Block>(
    `UPDATE blocks SET expires_at_ms = @expiresAtMs, extended_count = extended_count + 1
     WHERE address = @address AND closed_at_ms IS NULL AND expires_at_ms < @expiresAtMs
     RETURNING ${COLUMNS}`,
  );
  const lift = db.prepare<[{ id: number; actor: string; nowMs: number }], Block>(
    `UPDATE blocks SET lifted_at_ms = @nowMs, lifted_by = @actor, closed_at_ms = @nowMs WHERE id = @id
     RETURNING ${COLUMNS}`,
  );
  const confirm = db.prepare<[number, string, number]>(
    `UPDATE blocks SET confirmed_at_ms = ?
     WHERE address = ? AND closed_at_ms IS NULL AND expires_at_ms > ? AND confirmed_at_ms IS NULL`,
  );
  const closeExpired = db.prepare<[number]>(
    'UPDATE blocks SET closed_at_ms = expires_at_ms WHERE closed_at_ms IS NULL AND expires_at_ms <= ?',
  );
  return {
    add: (block) => add.get(block)!,
    extend(extension) {
      countEvidence.run(extension);
      return extend.get(extension) ?? null;
    },
    lift: (given) => lift.get(given)!,
    confirm: (address, nowMs) => confirm.run(nowMs, address, nowMs).changes > 0,
    closeExpired: (nowMs) => closeExpired.run(nowMs).changes,
  };
}

function settlement(db: LedgerDatabase): Pick<BlockRows, 'settled' | 'settledUntil' | 'prune'> {
  const settled = db.prepare<[number], { address: string; untilMs: number }>(
    `SELECT address, ${SETTLED_UNTIL} AS untilMs FROM blocks
     WHERE closed_at_ms IS NOT NULL OR expires_at_ms <= ? GROUP BY address`,
  );
  const settledUntil = db
    .prepare<[string], number | null>(
      `SELECT ${SETTLED_UNTIL} FROM blocks WHERE address = ? AND closed_at_ms IS NOT NULL`,
    )
    .pluck();
  const prune = db.prepare<[number]>('DELETE FROM blocks WHERE closed_at_ms < ?');
  return {
    settled: (nowMs) => new Map(settled.all(nowMs).map(({ address, untilMs }) => [address, untilMs])),
    settledUntil: (address) => settledUntil.get(address) ?? null,
    prune: (beforeMs) => prune.run(beforeMs).changes,
  };
}
