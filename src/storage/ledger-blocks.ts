import { type ActiveBlock, type Block, type BlockOrigin, LIFTED_BY_PROTECTION } from '../decisions/block.ts';
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

/** How often an address was blocked before. */
interface PastOffence {
  readonly offence: number;
  readonly endedAtMs: number;
}

/**
 * The rows of table `blocks`. Callers bring the transaction and close what expired first (`closeExpired`). What changes
 * a block writes the audit beside it, so that neither can be without the other.
 */
export interface BlockRows {
  active(nowMs: number): Block[];
  activeByAddress(nowMs: number): Map<string, ActiveBlock>;
  activeOn(address: string): Block | null;
  /** Those of `addresses` there is a block of, active or ended. */
  known(addresses: readonly string[]): string[];
  /** Those of `addresses` whose latest block was lifted by a person. */
  liftedByPerson(addresses: readonly string[]): string[];
  /** Addresses and networks of all blocks nobody lifted, active or run out. */
  neverLifted(): string[];
  add(block: NewBlock, runId?: number): Block;
  /** Moves the expiry out, never in; null when it already lies as late (the evidence is counted all the same). */
  extend(extension: BlockExtension, by: ChangeOrigin): Block | null;
  lift(lift: BlockLift): Block;
  /** Active blocks nobody asked for by hand. */
  activeAutomatic(): { readonly id: number }[];
  /** Those of `addresses` whose block is now confirmed for the first time. */
  confirm(addresses: readonly string[], nowMs: number): string[];
  closeExpired(nowMs: number): number;
  /** Address → its latest block that ended without anybody lifting it, those made by hand left out. */
  offences(nowMs: number): Map<string, PastOffence>;
  /** Address → time up to which the evidence against it was dealt with, of the blocks that ended. */
  settled(nowMs: number): Map<string, number>;
  /** The same of one address; null when no block of it ended. */
  settledUntil(address: string): number | null;
  prune(beforeMs: number): number;
}

const COLUMNS = `id, address, origin, reason, anomaly_type AS anomalyType, risk_score AS riskScore, detector,
  model_version AS modelVersion, created_by AS createdBy, created_at_ms AS createdAtMs, expires_at_ms AS expiresAtMs,
  extended_count AS extendedCount, confirmed_at_ms AS confirmedAtMs, lifted_at_ms AS liftedAtMs, lifted_by AS liftedBy,
  offence`;

// A lifted block settles what came before the lifting; one that ran out settles only the evidence it had counted.
const SETTLED_UNTIL = 'max(max(evidence_until_ms, coalesce(lifted_at_ms, evidence_until_ms)))';

export function blockRows(db: LedgerDatabase, audit: AuditRows): BlockRows {
  return {
    ...readers(db),
    ...lookups(db),
    ...writers(db, audit),
    ...endings(db, audit),
    ...confirmation(db),
    ...settlement(db),
  };
}

function readers(
  db: LedgerDatabase,
): Pick<BlockRows, 'active' | 'activeByAddress' | 'activeOn' | 'activeAutomatic' | 'neverLifted'> {
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
  const activeAutomatic = db.prepare<[], { id: number }>(
    "SELECT id FROM blocks WHERE closed_at_ms IS NULL AND origin = 'auto' ORDER BY id",
  );
  const neverLifted = db
    .prepare<[], string>(
      `SELECT address FROM blocks GROUP BY address HAVING max(lifted_at_ms) IS NULL ORDER BY address`,
    )
    .pluck();
  return {
    active: (nowMs) => active.all(nowMs),
    activeByAddress: (nowMs) =>
      new Map(activeTimes.all(nowMs).map(({ address, ...times }) => [address, times])),
    activeOn: (address) => activeOn.get(address) ?? null,
    activeAutomatic: () => activeAutomatic.all(),
    neverLifted: () => neverLifted.all(),
  };
}

/** Thousands of addresses in one question. */
function lookups(db: LedgerDatabase): Pick<BlockRows, 'known' | 'liftedByPerson' | 'offences'> {
  const known = db
    .prepare<[string], string>(
      'SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM blocks WHERE address = value)',
    )
    .pluck();
  const lifted = db
    .prepare<[string, string], string>(
      `SELECT address FROM json_each(?) CROSS JOIN blocks
       WHERE blocks.id = (SELECT max(latest.id) FROM blocks AS latest WHERE latest.address = value)
         AND lifted_at_ms IS NOT NULL AND lifted_by <> ?`,
    )
    .pluck();
  // Of a group the row with the latest end: SQLite takes bare columns from the row that max() names.
  const ended = db.prepare<[], PastOffence & { address: string }>(
    `SELECT address, offence, max(closed_at_ms) AS endedAtMs FROM blocks INDEXED BY blocks_by_offence
     WHERE closed_at_ms IS NOT NULL AND lifted_at_ms IS NULL AND origin <> 'manual' GROUP BY address`,
  );
  const due = db.prepare<[number], PastOffence & { address: string }>(
    `SELECT address, offence, expires_at_ms AS endedAtMs FROM blocks
     WHERE closed_at_ms IS NULL AND expires_at_ms <= ? AND origin <> 'manual'`,
  );
  return {
    known: (addresses) => known.all(JSON.stringify(addresses)),
    liftedByPerson: (addresses) => lifted.all(JSON.stringify(addresses), LIFTED_BY_PROTECTION),
    // What ran out but is not closed yet is the latest of its address: there is one open block at most.
    offences: (nowMs) =>
      new Map(
        [...ended.iterate(), ...due.iterate(nowMs)].map(({ address, offence, endedAtMs }) => [
          address,
          { offence, endedAtMs },
        ]),
      ),
  };
}

function writers(db: LedgerDatabase, audit: AuditRows): Pick<BlockRows, 'add' | 'extend'> {
  const add = db.prepare<[NewBlock], Block>(
    `INSERT INTO blocks (address, origin, reason, anomaly_type, risk_score, detector, model_version, created_by,
       created_at_ms, expires_at_ms, evidence_until_ms, offence)
     VALUES (@address, @origin, @reason, @anomalyType, @riskScore, @detector, @modelVersion, @createdBy,
       @createdAtMs, @expiresAtMs, @createdAtMs, @offence)
     RETURNING ${COLUMNS}`,
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
     RETURNING ${COLUMNS}`,
  );
  return {
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

function endings(db: LedgerDatabase, audit: AuditRows): Pick<BlockRows, 'lift' | 'closeExpired'> {
  interface Lifting extends Pick<BlockLift, 'id' | 'actor' | 'nowMs'> {
    readonly inBulk: number;
  }
  const lift = db.prepare<[Lifting], Block>(
    `UPDATE blocks SET lifted_at_ms = @nowMs, lifted_by = @actor, closed_at_ms = @nowMs, lifted_in_bulk = @inBulk
     WHERE id = @id
     RETURNING ${COLUMNS}`,
  );
  const closeExpired = db.prepare<[number], Block>(
    `UPDATE blocks SET closed_at_ms = expires_at_ms WHERE closed_at_ms IS NULL AND expires_at_ms <= ?
     RETURNING ${COLUMNS}`,
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

function confirmation(db: LedgerDatabase): Pick<BlockRows, 'confirm'> {
  // Nearly all were confirmed long ago: asking each of 30,000 would make every sync wait.
  const unconfirmed = db
    .prepare<[number], string>(
      `SELECT address FROM blocks INDEXED BY blocks_unconfirmed
       WHERE closed_at_ms IS NULL AND confirmed_at_ms IS NULL AND expires_at_ms > ?`,
    )
    .pluck();
  const confirm = db.prepare<[number, string]>(
    'UPDATE blocks SET confirmed_at_ms = ? WHERE address = ? AND closed_at_ms IS NULL',
  );
  return {
    confirm(addresses, nowMs) {
      const waiting = new Set(unconfirmed.all(nowMs));
      const confirmed = addresses.filter((address) => waiting.delete(address));
      for (const address of confirmed) confirm.run(nowMs, address);
      return confirmed;
    },
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
