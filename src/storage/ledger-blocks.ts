import { type ActiveBlock, type Block, LIFTED_BY_PROTECTION } from '../decisions/block.ts';
import type { AuditRows } from './ledger-audit.ts';
import { BLOCK_COLUMNS, type BlockChanges, blockChanges } from './ledger-block-changes.ts';
import type { LedgerDatabase } from './ledger-database.ts';

/** How often an address was blocked before. */
interface PastOffence {
  readonly offence: number;
  readonly endedAtMs: number;
}

/** The rows of table `blocks`. Callers bring the transaction and close what expired first (`closeExpired`). */
export interface BlockRows extends BlockChanges {
  active(nowMs: number): Block[];
  activeByAddress(nowMs: number): Map<string, ActiveBlock>;
  activeOn(address: string): Block | null;
  /** Those of `addresses` there is a block of, active or ended. */
  known(addresses: readonly string[]): string[];
  /** Those of `addresses` whose latest block was lifted by a person. */
  liftedByPerson(addresses: readonly string[]): string[];
  /** Networks whose latest block a person lifted after that time, by itself. */
  liftedNetworks(afterMs: number): string[];
  /** Addresses and networks of all blocks nobody lifted, active or run out. */
  neverLifted(): string[];
  /** Active blocks nobody asked for by hand. */
  activeAutomatic(): { readonly id: number }[];
  /** Those of `addresses` whose block is now confirmed for the first time. */
  confirm(addresses: readonly string[], nowMs: number): string[];
  /** Addresses whose active block no router was ever read back with. */
  unconfirmed(nowMs: number): Set<string>;
  /** How often `address` was blocked before, as `offences` counts; 0 when it never was. */
  offencesOf(address: string): number;
  /** Address → its latest block that ended without anybody lifting it, those made by hand left out. */
  offences(nowMs: number): Map<string, PastOffence>;
  /** Address → time up to which the evidence against it was dealt with, of the blocks that ended. */
  settled(nowMs: number): Map<string, number>;
  /** The same of one address; null when no block of it ended. */
  settledUntil(address: string): number | null;
  prune(beforeMs: number): number;
}

// A lifted block settles what came before the lifting; one that ran out settles only the evidence it had counted.
const SETTLED_UNTIL = 'max(max(evidence_until_ms, coalesce(lifted_at_ms, evidence_until_ms)))';

export function blockRows(db: LedgerDatabase, audit: AuditRows): BlockRows {
  return {
    ...readers(db),
    ...lookups(db),
    ...blockChanges(db, audit),
    ...confirmation(db),
    ...settlement(db),
  };
}

function readers(
  db: LedgerDatabase,
): Pick<BlockRows, 'active' | 'activeByAddress' | 'activeOn' | 'activeAutomatic' | 'neverLifted'> {
  // Sorted here: asked for an order, SQLite reads every block that ever ended instead of the index of the open ones.
  const active = db.prepare<[number], Block>(
    `SELECT ${BLOCK_COLUMNS} FROM blocks INDEXED BY blocks_one_active
     WHERE closed_at_ms IS NULL AND expires_at_ms > ?`,
  );
  const activeTimes = db.prepare<[number], ActiveBlock & { address: string }>(
    `SELECT address, expires_at_ms AS expiresAtMs, origin, evidence_until_ms AS evidenceUntilMs, offence
     FROM blocks WHERE closed_at_ms IS NULL AND expires_at_ms > ?`,
  );
  const activeOn = db.prepare<[string], Block>(
    `SELECT ${BLOCK_COLUMNS} FROM blocks WHERE address = ? AND closed_at_ms IS NULL`,
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
    active: (nowMs) => active.all(nowMs).sort((left, right) => left.id - right.id),
    activeByAddress: (nowMs) =>
      new Map(activeTimes.all(nowMs).map(({ address, ...times }) => [address, times])),
    activeOn: (address) => activeOn.get(address) ?? null,
    activeAutomatic: () => activeAutomatic.all(),
    neverLifted: () => neverLifted.all(),
  };
}

/** Thousands of addresses in one question. */
function lookups(
  db: LedgerDatabase,
): Pick<BlockRows, 'known' | 'liftedByPerson' | 'liftedNetworks' | 'offences' | 'offencesOf'> {
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
  const liftedNetworks = db
    .prepare<[number, string], string>(
      `SELECT address FROM blocks
       WHERE lifted_at_ms > ? AND lifted_by <> ? AND lifted_in_bulk = 0 AND address LIKE '%/%'
         AND NOT EXISTS (SELECT 1 FROM blocks AS later WHERE later.address = blocks.address AND later.id > blocks.id)`,
    )
    .pluck();
  // Of a group the row with the latest end: SQLite takes bare columns from the row that max() names.
  const ended = db
    .prepare<[], [address: string, offence: number, endedAtMs: number]>(
      `SELECT address, offence, max(closed_at_ms) FROM blocks INDEXED BY blocks_by_offence
       WHERE closed_at_ms IS NOT NULL AND lifted_at_ms IS NULL AND origin <> 'manual' GROUP BY address`,
    )
    .raw();
  const latest = db
    .prepare<[string], number>(
      `SELECT offence FROM blocks INDEXED BY blocks_by_offence
       WHERE address = ? AND closed_at_ms IS NOT NULL AND lifted_at_ms IS NULL AND origin <> 'manual'
       ORDER BY closed_at_ms DESC LIMIT 1`,
    )
    .pluck();
  const due = db
    .prepare<[number], [address: string, offence: number, endedAtMs: number]>(
      `SELECT address, offence, expires_at_ms FROM blocks
       WHERE closed_at_ms IS NULL AND expires_at_ms <= ? AND origin <> 'manual'`,
    )
    .raw();
  return {
    known: (addresses) => known.all(JSON.stringify(addresses)),
    liftedByPerson: (addresses) => lifted.all(JSON.stringify(addresses), LIFTED_BY_PROTECTION),
    liftedNetworks: (afterMs) => liftedNetworks.all(afterMs, LIFTED_BY_PROTECTION),
    offencesOf: (address) => latest.get(address) ?? 0,
    offences(nowMs) {
      const byAddress = new Map<string, PastOffence>();
      for (const [address, offence, endedAtMs] of ended.all()) byAddress.set(address, { offence, endedAtMs });
      // What ran out but is not closed yet is the latest of its address: there is one open block at most.
      for (const [address, offence, endedAtMs] of due.all(nowMs))
        byAddress.set(address, { offence, endedAtMs });
      return byAddress;
    },
  };
}

function confirmation(db: LedgerDatabase): Pick<BlockRows, 'confirm' | 'unconfirmed'> {
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
  const waitingAt = (nowMs: number): Set<string> => new Set(unconfirmed.all(nowMs));
  return {
    unconfirmed: waitingAt,
    confirm(addresses, nowMs) {
      const waiting = waitingAt(nowMs);
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
