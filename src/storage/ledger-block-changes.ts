import { type Block, type BlockOrigin, LIFTED_BY_PROTECTION } from '../decisions/block.ts';
import type { AnomalyType, DetectorName } from '../detector/detection.ts';
import { type AuditAction, type AuditRows, DAEMON_ACTOR, isoTime } from './ledger-audit.ts';
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
  /** 1, the first time, when absent. */
  readonly offence?: number;
}

interface BlockExtension {
  readonly address: string;
  readonly expiresAtMs: number;
  readonly evidenceUntilMs: number;
}

/** Who changes a block and why, for the audit. */
export interface ChangeOrigin {
  /** `DAEMON_ACTOR` for what no person asked for. */
  readonly actor: string;
  readonly reason: string | null;
  readonly nowMs: number;
  /** The detection run it comes from. */
  readonly runId?: number;
}

interface BlockLift {
  readonly id: number;
  readonly actor: string;
  readonly reason?: string | null;
  readonly nowMs: number;
  /** Lifted with all automatic ones: says nothing about this address. */
  readonly inBulk?: true;
}

/**
 * Everything that changes what is blocked. Each writes the audit beside it, so that neither can be without the other.
 * Callers bring the transaction.
 */
export interface BlockChanges {
  add(block: NewBlock, runId?: number): Block;
  /** Moves the expiry out, never in; null when it already lies as late (the evidence is counted all the same). */
  extend(extension: BlockExtension, by: ChangeOrigin): Block | null;
  /** An automatic block becomes a person's. */
  adopt(adoption: { id: number; origin: Exclude<BlockOrigin, 'auto'> }, by: ChangeOrigin): Block;
  lift(lift: BlockLift): Block;
  closeExpired(nowMs: number): number;
}

export const BLOCK_COLUMNS = `id, address, origin, reason, anomaly_type AS anomalyType, risk_score AS riskScore, detector,
  model_version AS modelVersion, created_by AS createdBy, created_at_ms AS createdAtMs, expires_at_ms AS expiresAtMs,
  extended_count AS extendedCount, confirmed_at_ms AS confirmedAtMs, lifted_at_ms AS liftedAtMs, lifted_by AS liftedBy,
  offence`;

export function blockChanges(db: LedgerDatabase, audit: AuditRows): BlockChanges {
  return { ...writers(db, audit), ...endings(db, audit) };
}

function writers(db: LedgerDatabase, audit: AuditRows): Pick<BlockChanges, 'add' | 'adopt' | 'extend'> {
  const add = db.prepare<[NewBlock], Block>(
    `INSERT INTO blocks (address, origin, reason, anomaly_type, risk_score, detector, model_version, created_by,
       created_at_ms, expires_at_ms, evidence_until_ms, offence)
     VALUES (@address, @origin, @reason, @anomalyType, @riskScore, @detector, @modelVersion, @createdBy,
       @createdAtMs, @expiresAtMs, @createdAtMs, @offence)
     RETURNING ${BLOCK_COLUMNS}`,
  );
  const expiryOf = db
    .prepare<[string], number>('SELECT expires_at_ms FROM blocks WHERE address = ? AND closed_at_ms IS NULL')
    .pluck();
  const countEvidence = db.prepare<[BlockExtension]>(
    `UPDATE blocks SET evidence_until_ms = max(evidence_until_ms, @evidenceUntilMs)
     WHERE address = @address AND closed_at_ms IS NULL`,
  );
  const extend = db.prepare<[BlockExtension], Block>(
    `UPDATE blocks SET expires_at_ms = @expiresAtMs, extended_count = extended_count + 1
     WHERE address = @address AND closed_at_ms IS NULL AND expires_at_ms < @expiresAtMs
     RETURNING ${BLOCK_COLUMNS}`,
  );
  const adopt = db.prepare<[BlockOrigin, string, number], Block>(
    `UPDATE blocks SET origin = ?, created_by = ? WHERE id = ? RETURNING ${BLOCK_COLUMNS}`,
  );
  return {
    adopt({ id, origin }, { actor, reason, nowMs }) {
      const block = adopt.get(origin, actor, id)!;
      audit.add({
        ...{ atMs: nowMs, actor, action: 'block_extended', reason, address: block.address },
        before: { block: id, origin: 'auto', ...expiry(block) },
        after: { block: id, origin, ...expiry(block) },
      });
      return block;
    },
    add(given, runId) {
      const block = add.get({ ...given, offence: given.offence ?? 1 })!;
      const { origin, offence, reason, createdAtMs } = block;
      audit.add({
        ...{ atMs: createdAtMs, actor: given.createdBy ?? DAEMON_ACTOR, action: 'block_added', reason },
        address: block.address,
        after: { block: block.id, origin, offence, ...expiry(block), ...run(runId) },
      });
      return block;
    },
    extend(extension, { actor, reason, nowMs, runId }) {
      const expiredAtMs = expiryOf.get(extension.address);
      countEvidence.run(extension);
      const block = extend.get(extension);
      if (block === undefined || expiredAtMs === undefined) return null;
      audit.add({
        ...{ atMs: nowMs, actor, action: 'block_extended', reason, address: block.address },
        before: expiry({ expiresAtMs: expiredAtMs }),
        after: { block: block.id, ...expiry(block), ...run(runId) },
      });
      return block;
    },
  };
}

function expiry({ expiresAtMs }: Pick<Block, 'expiresAtMs'>): { expiresAt: string } {
  return { expiresAt: isoTime(expiresAtMs) };
}

function run(id: number | undefined): { run?: number } {
  return id === undefined ? {} : { run: id };
}

function endings(db: LedgerDatabase, audit: AuditRows): Pick<BlockChanges, 'lift' | 'closeExpired'> {
  interface Lifting extends Pick<BlockLift, 'id' | 'actor' | 'nowMs'> {
    readonly inBulk: number;
  }
  const lift = db.prepare<[Lifting], Block>(
    `UPDATE blocks SET lifted_at_ms = @nowMs, lifted_by = @actor, closed_at_ms = @nowMs, lifted_in_bulk = @inBulk
     WHERE id = @id
     RETURNING ${BLOCK_COLUMNS}`,
  );
  const closeExpired = db.prepare<[number], Block>(
    `UPDATE blocks SET closed_at_ms = expires_at_ms WHERE closed_at_ms IS NULL AND expires_at_ms <= ?
     RETURNING ${BLOCK_COLUMNS}`,
  );
  return {
    lift({ id, actor, reason = null, nowMs, inBulk }) {
      const block = lift.get({ id, actor, nowMs, inBulk: inBulk ? 1 : 0 })!;
      const isProtection = actor === LIFTED_BY_PROTECTION;
      const action: AuditAction = isProtection ? 'protected_withdrawn' : 'block_lifted';
      const { address, origin, offence } = block;
      audit.add({
        ...{ atMs: nowMs, actor: isProtection ? DAEMON_ACTOR : actor, action, address, reason },
        before: { block: id, origin, offence, ...expiry(block) },
      });
      return block;
    },
    closeExpired(nowMs) {
      const closed = closeExpired.all(nowMs);
      for (const block of closed) {
        const { id, address, origin, offence } = block;
        audit.add({
          ...{ atMs: nowMs, actor: DAEMON_ACTOR, action: 'block_expired', address },
          before: { block: id, origin, offence, ...expiry(block) },
        });
      }
      return closed.length;
    },
  };
}
