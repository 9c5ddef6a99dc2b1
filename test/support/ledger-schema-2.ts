import Database from 'better-sqlite3';

/** Makes a ledger file as the version before schema 3 did, empty. */
export function makeLedgerOfSchema2(path: string): Database.Database {
  const db = new Database(path);
  for (const statements of STATEMENTS) db.exec(statements);
  db.pragma('user_version = 2');
  db.pragma('application_id = 1094863947');
  db.pragma('journal_mode = WAL');
  return db;
}

/** Copied from that version, comments and all: a published migration never changes. */
const STATEMENTS: readonly string[] = [
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
];
