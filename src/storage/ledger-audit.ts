import { AutoblockError } from '../errors.ts';
import { canonicalText, containsNetwork, parseNetwork } from '../ip/address.ts';
import type { LedgerDatabase } from './ledger-database.ts';

/** Everything the audit tells of. `entry_…` is what was read back from a router, the others are the ledger's own. */
export const AUDIT_ACTIONS = [
  'block_added',
  'block_extended',
  'block_lifted',
  'block_expired',
  'block_reopened',
  'protected_withdrawn',
  'review_approved',
  'review_rejected',
  'paused',
  'resumed',
  'entry_added',
  'entry_extended',
  'entry_removed',
  'entry_found',
  'removal_confirmed',
  'rules_installed',
  'rules_removed',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** Actor of what the daemon did by itself. */
export const DAEMON_ACTOR = 'autoblock';

/** What happened, once; never changed afterwards. */
export interface AuditRecord {
  readonly id: number;
  readonly atMs: number;
  /** A person's name, or `autoblock`. */
  readonly actor: string;
  readonly action: AuditAction;
  readonly router: string | null;
  /** Canonical address or network. */
  readonly address: string | null;
  /** Small JSON: expiry as ISO time, timeout in seconds, origin, offence; null where there was nothing. */
  readonly before: unknown;
  readonly after: unknown;
  readonly reason: string | null;
}

export interface AuditEntry extends Pick<AuditRecord, 'atMs' | 'actor' | 'action'> {
  readonly router?: string | null;
  readonly address?: string | null;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly reason?: string | null;
}

export interface AuditQuery {
  /** From this time on. */
  readonly fromMs?: number;
  /** Before this time. */
  readonly toMs?: number;
  readonly actor?: string;
  readonly router?: string;
  /** Address or network, any spelling: also what it lies in and what lies in it. */
  readonly address?: string;
  readonly actions?: readonly AuditAction[];
  /** Most records to return, >= 1. */
  readonly limit: number;
  /** Id of the last record of the page before. */
  readonly beforeId?: number;
}

/** A second of work would hold up the daemon and whoever waits for the ledger. */
const PRUNED_AT_ONCE = 50_000;

/** The rows of table `audit`, which triggers keep append-only. */
export interface AuditRows {
  add(entry: AuditEntry): void;
  /** Latest first. ADDRESS_INVALID */
  list(query: AuditQuery): AuditRecord[];
  /** Forgets the oldest, so many at a time that nobody waits; the next call goes on. */
  prune(beforeMs: number): number;
}

type AuditRow = Omit<AuditRecord, 'before' | 'after'> & {
  readonly before: string | null;
  readonly after: string | null;
};

export function auditRows(db: LedgerDatabase): AuditRows {
  const add = db.prepare(
    `INSERT INTO audit (at_ms, actor, action, router, address, before, after, reason)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const moveMark = db.prepare<[number]>('UPDATE audit_retention SET keep_from_ms = max(keep_from_ms, ?)');
  const prune = db.prepare<[number, number]>(
    'DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at_ms < ? ORDER BY at_ms LIMIT ?)',
  );
  return {
    add({ atMs, actor, action, router = null, address = null, before = null, after = null, reason = null }) {
      add.run(atMs, actor, action, router, address, jsonOrNull(before), jsonOrNull(after), reason);
    },
    list: (query) => listAudit(db, query),
    prune(beforeMs) {
      moveMark.run(beforeMs);
      return prune.run(beforeMs, PRUNED_AT_ONCE).changes;
    },
  };
}

function jsonOrNull(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** One filter: its SQL and the value bound to it. */
type Condition = readonly [sql: string, value: number | string];

/** Only the filters that were given are in the statement, so that each is served by its index. */
function listAudit(db: LedgerDatabase, query: AuditQuery): AuditRecord[] {
  const conditions = conditionsOf(db, query);
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`;
  const rows = db
    .prepare<(number | string)[], AuditRow>(
      `SELECT id, at_ms AS atMs, actor, action, router, address, before, after, reason
       FROM audit ${where} ORDER BY at_ms DESC, id DESC LIMIT ?`,
    )
    .all(...conditions.map(([, value]) => value), query.limit);
  return rows.map((row) => ({ ...row, before: parsed(row.before), after: parsed(row.after) }));
}

function parsed(json: string | null): unknown {
  return json === null ? null : JSON.parse(json);
}

function conditionsOf(db: LedgerDatabase, query: AuditQuery): Condition[] {
  const { fromMs, toMs, actor, router, address, actions, beforeId } = query;
  const conditions: Condition[] = [];
  if (fromMs !== undefined) conditions.push(['at_ms >= ?', fromMs]);
  if (toMs !== undefined) conditions.push(['at_ms < ?', toMs]);
  if (actor !== undefined) {
    // The index of persons' rows is used only where the statement itself says that it suffices.
    const isPerson = actor === DAEMON_ACTOR ? '' : ` AND actor <> '${DAEMON_ACTOR}'`;
    conditions.push([`actor = ?${isPerson}`, actor]);
  }
  if (router !== undefined) conditions.push(['router = ?', router]);
  if (address !== undefined) conditions.push([oneOf('address'), JSON.stringify(touching(db, address))]);
  if (actions !== undefined) conditions.push([oneOf('action'), JSON.stringify(actions)]);
  if (beforeId !== undefined) {
    conditions.push([
      '(at_ms, id) < (SELECT page.at_ms, page.id FROM audit AS page WHERE page.id = ?)',
      beforeId,
    ]);
  }
  return conditions;
}

function oneOf(column: string): string {
  return `${column} IN (SELECT value FROM json_each(?))`;
}

/**
 * Texts the audit may know a record by that shares an address with `text`. What holds it can be listed outright: one
 * network per prefix length. What lies in it has to be looked for among the addresses the audit knows.
 */
function touching(db: LedgerDatabase, text: string): string[] {
  const asked = parseNetwork(text);
  if (asked === null)
    throw new AutoblockError('ADDRESS_INVALID', `"${text}" is neither an address nor a network`);
  const [base] = asked.text.split('/');
  const holding = Array.from({ length: asked.prefixLength + 1 }, (_, prefix) =>
    canonicalText(`${base}/${prefix}`),
  ).filter((network) => network !== null);
  if (!asked.text.includes('/')) return holding;
  const known = db
    .prepare<[], string>('SELECT DISTINCT address FROM audit WHERE address IS NOT NULL')
    .pluck();
  const inside = known.all().filter((address) => {
    const network = parseNetwork(address);
    return network !== null && containsNetwork(asked, network);
  });
  return [...new Set([...holding, ...inside])];
}

/** A time as the audit shows it. */
export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
