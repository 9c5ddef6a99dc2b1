import type Database from 'better-sqlite3';
import { AutoblockError } from '../errors.ts';

/** "ABLK": tells a ledger from any other SQLite file. */
const LEDGER_APPLICATION_ID = 0x41424c4b;

/** Numbered from 1; a published one is never changed, only followed. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE blocks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('auto', 'review', 'manual')),
    reason TEXT NOT NULL,
    anomaly_type TEXT,
    risk_score REAL,
    detector TEXT,
    model_version TEXT,
    created_by TEXT,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL CHECK (expires_at_ms > created_at_ms),
    -- Evidence last seen up to here is counted into the expiry; log times may carry microseconds, hence REAL.
    evidence_until_ms REAL NOT NULL,
    extended_count INTEGER NOT NULL DEFAULT 0,
    confirmed_at_ms INTEGER,
    lifted_at_ms INTEGER,
    lifted_by TEXT,
    -- An index cannot ask the clock, so a block that expired is closed by a statement of its own.
    closed_at_ms INTEGER,
    CHECK (lifted_at_ms IS NULL OR closed_at_ms IS NOT NULL)
  ) STRICT;
  CREATE UNIQUE INDEX blocks_one_active ON blocks (address) WHERE closed_at_ms IS NULL;
  CREATE INDEX blocks_by_closing ON blocks (closed_at_ms) WHERE closed_at_ms IS NOT NULL;
  CREATE INDEX blocks_by_address ON blocks (address);

  CREATE TABLE reviews (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'rejected', 'expired')),
    risk_score REAL NOT NULL,
    anomaly_type TEXT NOT NULL,
    explanation TEXT NOT NULL,
    evidence TEXT NOT NULL CHECK (json_valid(evidence)),
    evidence_until_ms REAL NOT NULL,
    occurrences INTEGER NOT NULL DEFAULT 1,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    decided_at_ms INTEGER,
    decided_by TEXT,
    note TEXT,
    CHECK ((status IN ('approved', 'rejected')) = (decided_at_ms IS NOT NULL AND decided_by IS NOT NULL))
  ) STRICT;
  CREATE UNIQUE INDEX reviews_one_pending ON reviews (address) WHERE status = 'pending';
  CREATE INDEX reviews_by_address ON reviews (address);

  CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('detection', 'training', 'router_sync', 'import')),
    status TEXT NOT NULL CHECK (status IN ('running', 'ok', 'failed', 'interrupted')),
    started_at_ms INTEGER NOT NULL,
    finished_at_ms INTEGER,
    details TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(details)),
    CHECK ((status = 'running') = (finished_at_ms IS NULL))
  ) STRICT;
  CREATE INDEX runs_by_kind ON runs (kind, id);

  -- What PostgreSQL has still to be told. A row that is replaced gets a new id, so that dropping the ids that were
  -- delivered never drops what came in meanwhile.
  CREATE TABLE pending_detections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_ip TEXT NOT NULL,
    window_start_ms INTEGER NOT NULL,
    window_end_ms INTEGER NOT NULL,
    detector TEXT NOT NULL,
    detection TEXT NOT NULL CHECK (json_valid(detection)),
    detected_at_ms INTEGER NOT NULL,
    is_false_positive INTEGER NOT NULL CHECK (is_false_positive IN (0, 1)),
    UNIQUE (source_ip, window_start_ms, window_end_ms, detector)
  ) STRICT;

  CREATE TABLE pending_marks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('blocked', 'false_positive')),
    address TEXT NOT NULL,
    -- blocked: first time a router held it, Unix ms; false_positive: 1 or 0.
    value INTEGER NOT NULL,
    UNIQUE (kind, address)
  ) STRICT;

  CREATE TABLE router_state (
    router TEXT PRIMARY KEY,
    attempted_at_ms INTEGER NOT NULL,
    succeeded_at_ms INTEGER,
    consecutive_failures INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    added INTEGER NOT NULL,
    extended INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    error_code TEXT,
    error TEXT
  ) STRICT;
  `,
  `
  -- Detections of the shadow detector on their way to PostgreSQL: apart from pending_detections, so that nothing that
  -- counts or acts on those ever meets one. shadow_detector is who was asked, which may differ from who judged.
  CREATE TABLE pending_shadow_detections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_ip TEXT NOT NULL,
    window_start_ms INTEGER NOT NULL,
    window_end_ms INTEGER NOT NULL,
    shadow_detector TEXT NOT NULL,
    detection TEXT NOT NULL CHECK (json_valid(detection)),
    detected_at_ms INTEGER NOT NULL,
    UNIQUE (source_ip, window_start_ms, window_end_ms, shadow_detector)
  ) STRICT;
  CREATE INDEX pending_shadow_by_time ON pending_shadow_detections (detected_at_ms);
  `,
  `
  -- Made once and kept: tells the entries of this ledger from those of another autoblock on the same router.
  CREATE TABLE ledger_identity (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL CHECK (length(id) = 8 AND id NOT GLOB '*[^0-9a-f]*')
  ) STRICT;
  INSERT INTO ledger_identity (one, id) VALUES (1, lower(hex(randomblob(4))));

  -- 1 is the first time.
  ALTER TABLE blocks ADD COLUMN offence INTEGER NOT NULL DEFAULT 1 CHECK (offence >= 1);
  -- Lifted together with all automatic ones: no word about this one address.
  ALTER TABLE blocks ADD COLUMN lifted_in_bulk INTEGER NOT NULL DEFAULT 0 CHECK (lifted_in_bulk IN (0, 1));
  CREATE INDEX blocks_by_expiry ON blocks (expires_at_ms) WHERE closed_at_ms IS NULL;
  CREATE INDEX blocks_unconfirmed ON blocks (address) WHERE closed_at_ms IS NULL AND confirmed_at_ms IS NULL;
  -- Holds all the question of the next offence asks, so that it is answered from the index alone.
  CREATE INDEX blocks_by_offence ON blocks (address, closed_at_ms, offence)
    WHERE closed_at_ms IS NOT NULL AND lifted_at_ms IS NULL AND origin <> 'manual';

  CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    router TEXT,
    address TEXT,
    before TEXT CHECK (before IS NULL OR json_valid(before)),
    after TEXT CHECK (after IS NULL OR json_valid(after)),
    reason TEXT
  ) STRICT;
  CREATE INDEX audit_by_time ON audit (at_ms);
  CREATE INDEX audit_by_action ON audit (action, at_ms);
  CREATE INDEX audit_by_address ON audit (address, at_ms) WHERE address IS NOT NULL;
  CREATE INDEX audit_by_router ON audit (router, at_ms) WHERE router IS NOT NULL;
  -- Nearly all rows are the daemon's own: whoever asks for those is served by time.
  CREATE INDEX audit_by_person ON audit (actor, at_ms) WHERE actor <> 'autoblock';
  CREATE TABLE audit_retention (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    keep_from_ms INTEGER NOT NULL
  ) STRICT;
  INSERT INTO audit_retention (one, keep_from_ms) VALUES (1, 0);
  CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
    BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
  CREATE TRIGGER audit_kept_for_its_time BEFORE DELETE ON audit
    WHEN OLD.at_ms >= (SELECT keep_from_ms FROM audit_retention)
    BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
  -- INSERT OR REPLACE deletes without asking the trigger above.
  CREATE TRIGGER audit_never_replaced BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
    BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;

  CREATE TABLE pause (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    since_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT
  ) STRICT;

  CREATE TABLE alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    code TEXT NOT NULL,
    subject TEXT NOT NULL,
    message TEXT NOT NULL,
    first_at_ms INTEGER NOT NULL,
    last_at_ms INTEGER NOT NULL,
    count INTEGER NOT NULL DEFAULT 1,
    cleared_at_ms INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX alerts_one_open ON alerts (code, subject) WHERE cleared_at_ms IS NULL;

  CREATE TABLE router_protected (
    router TEXT NOT NULL,
    address TEXT NOT NULL,
    why TEXT NOT NULL,
    -- Last time the router was known to report it.
    seen_at_ms INTEGER NOT NULL,
    -- 0: missing from the latest collection, kept for a while.
    is_current INTEGER NOT NULL CHECK (is_current IN (0, 1)),
    PRIMARY KEY (router, address)
  ) STRICT;

  -- Which wanted addresses a router held when it was last read back.
  CREATE TABLE router_holdings (
    router TEXT NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (router, address)
  ) STRICT, WITHOUT ROWID;

  -- What was about to be sent to a router; gone once what became of it is in the audit.
  CREATE TABLE push_intents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    router TEXT NOT NULL,
    actor TEXT NOT NULL,
    process_id INTEGER NOT NULL,
    begun_at_ms INTEGER NOT NULL,
    plan TEXT NOT NULL CHECK (json_valid(plan))
  ) STRICT;
  CREATE INDEX push_intents_by_router ON push_intents (router);

  CREATE TABLE removal_confirmations (
    router TEXT PRIMARY KEY,
    actor TEXT NOT NULL,
    confirmed_at_ms INTEGER NOT NULL,
    valid_until_ms INTEGER NOT NULL
  ) STRICT;

  ALTER TABLE router_state ADD COLUMN version TEXT;
  ALTER TABLE router_state ADD COLUMN uptime_seconds REAL;
  ALTER TABLE router_state ADD COLUMN uptime_at_ms INTEGER;
  ALTER TABLE router_state ADD COLUMN booted_at_ms INTEGER;
  ALTER TABLE router_state ADD COLUMN rebooted_at_ms INTEGER;
  ALTER TABLE router_state ADD COLUMN reprotected_ms INTEGER;
  `,
];

/**
 * Brings the schema up to the newest number, all steps or none.
 * @throws AutoblockError SCHEMA_NEWER when a newer autoblock wrote the file, STATE_CORRUPT when it is no ledger.
 */
export function migrateLedger(db: Database.Database, path: string): void {
  // Asked without the write lock first: opening a ledger in use must not wait for whoever writes.
  if (knownVersion(db, path) === MIGRATIONS.length) return;
  const migrate = db.transaction(() => {
    const present = knownVersion(db, path);
    for (const [index, statements] of MIGRATIONS.entries()) {
      if (index < present) continue;
      db.exec(statements);
      db.pragma(`user_version = ${index + 1}`);
    }
    db.pragma(`application_id = ${LEDGER_APPLICATION_ID}`);
  });
  migrate.immediate();
}

function knownVersion(db: Database.Database, path: string): number {
  const present = Number(db.pragma('user_version', { simple: true }));
  refuseForeign(db, { present, path });
  return present;
}

function refuseForeign(db: Database.Database, file: { present: number; path: string }): void {
  const applicationId = Number(db.pragma('application_id', { simple: true }));
  const tables = Number(db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get());
  if (applicationId !== LEDGER_APPLICATION_ID && (tables > 0 || file.present > 0)) {
    throw new AutoblockError(
      'STATE_CORRUPT',
      `${file.path} is a SQLite database but not an autoblock ledger`,
    );
  }
  if (file.present > MIGRATIONS.length) {
    throw new AutoblockError(
      'SCHEMA_NEWER',
      `${file.path} has ledger schema ${file.present}, this version knows up to ${MIGRATIONS.length}`,
    );
  }
}
