import { canonicalText } from '../ip/address.ts';
import { type AuditAction, type AuditRows, DAEMON_ACTOR } from './ledger-audit.ts';
import type { LedgerDatabase } from './ledger-database.ts';
import { hasErrorCode } from './state-errors.ts';

/** What a push is about to change on a router. */
export interface PushPlan {
  readonly add: readonly { readonly address: string; readonly timeoutSeconds: number }[];
  readonly extend: readonly (PlannedChange & { readonly timeoutSeconds: number })[];
  readonly remove: readonly PlannedChange[];
}

/** A change of an entry that is on the list. */
interface PlannedChange {
  /** RouterOS' id, given out per family. */
  readonly id: string;
  readonly family: 4 | 6;
  /** As the router prints it. */
  readonly address: string;
  /** Seconds it had left; null for one without a timeout. */
  readonly beforeSeconds: number | null;
  readonly why: string;
}

/** A push that began and whose end nobody has recorded: what of it was carried out has to be read from the router. */
export interface PushIntent {
  readonly router: string;
  readonly actor: string;
  readonly begunAtMs: number;
  readonly plan: PushPlan;
}

/** One change as read back from the router. */
export interface PushChange {
  readonly action: Extract<AuditAction, 'entry_added' | 'entry_extended' | 'entry_removed' | 'entry_found'>;
  readonly address: string;
  /** For example `{ timeoutSeconds: 3600 }`; null where there was no entry. */
  readonly before: unknown;
  readonly after: unknown;
  readonly reason?: string | null;
}

export interface PushRows {
  begin(push: { router: string; actor: string; nowMs: number; plan: PushPlan }): void;
  /** Ends the push begun here, and the interrupted one asked for before. */
  finish(end: { router: string; nowMs: number; changes: readonly PushChange[] }): void;
  /** The oldest unfinished push of the router that no other living process is at. */
  interrupted(router: string): PushIntent | null;
  prune(beforeMs: number): number;
}

interface IntentRow {
  readonly id: number;
  readonly router: string;
  readonly actor: string;
  readonly processId: number;
  readonly begunAtMs: number;
  readonly plan: string;
}

/** What this process is at, per router. */
interface Open {
  /** Who pushes; null when only an interrupted push was asked for. */
  actor: string | null;
  /** Who began the interrupted push. */
  interruptedActor: string | null;
  readonly ids: Set<number>;
}

export function pushRows(db: LedgerDatabase, audit: AuditRows): PushRows {
  const opened = new Map<string, Open>();
  const openOn = (router: string): Open => {
    const known = opened.get(router) ?? { actor: null, interruptedActor: null, ids: new Set() };
    opened.set(router, known);
    return known;
  };
  const begin = db.prepare<[string, string, number, number, string]>(
    'INSERT INTO push_intents (router, actor, process_id, begun_at_ms, plan) VALUES (?, ?, ?, ?, ?)',
  );
  const drop = db.prepare<[number]>('DELETE FROM push_intents WHERE id = ?');
  const list = db.prepare<[string], IntentRow>(
    `SELECT id, router, actor, process_id AS processId, begun_at_ms AS begunAtMs, plan
     FROM push_intents WHERE router = ? ORDER BY id`,
  );
  const prune = db.prepare<[number]>('DELETE FROM push_intents WHERE begun_at_ms < ?');
  return {
    begin({ router, actor, nowMs, plan }) {
      const { lastInsertRowid } = begin.run(router, actor, process.pid, nowMs, planText(plan));
      const open = openOn(router);
      open.ids.add(Number(lastInsertRowid));
      open.actor = actor;
    },
    finish({ router, nowMs, changes }) {
      const { ids, actor, interruptedActor } = openOn(router);
      const own = actor ?? interruptedActor ?? DAEMON_ACTOR;
      for (const { action, address, before, after, reason = null } of changes) {
        audit.add({
          atMs: nowMs,
          actor: action === 'entry_found' ? (interruptedActor ?? own) : own,
          action,
          router,
          address: canonicalText(address) ?? address,
          before,
          after,
          reason,
        });
      }
      for (const id of ids) drop.run(id);
      opened.delete(router);
    },
    interrupted(router) {
      const row = list.all(router).find(({ processId }) => !isOtherProcess(processId));
      if (row === undefined) return null;
      const { id, actor, begunAtMs, plan } = row;
      const open = openOn(router);
      open.ids.add(id);
      open.interruptedActor = actor;
      return { router, actor, begunAtMs, plan: JSON.parse(plan) as PushPlan };
    },
    prune: (beforeMs) => prune.run(beforeMs).changes,
  };
}

/** Only what the next sync needs to recognise and the audit to say why; the many additions are kept short. */
function planText({ add, extend, remove }: PushPlan): string {
  const known = ({ id, family, address, beforeSeconds, why }: PlannedChange): PlannedChange => ({
    ...{ id, family, address, beforeSeconds, why },
  });
  return JSON.stringify({
    add: add.map(({ address, timeoutSeconds }) => ({ address, timeoutSeconds })),
    extend: extend.map((change) => ({ ...known(change), timeoutSeconds: change.timeoutSeconds })),
    remove: remove.map(known),
  } satisfies PushPlan);
}

/**
 * True when another process that lives has this id. Our own id means an earlier push of ours that was cut, or a process
 * before us in the same container. An id given anew to somebody else's process only delays the finding.
 */
function isOtherProcess(processId: number): boolean {
  if (processId === process.pid) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (thrown) {
    // EPERM: it lives, and belongs to somebody else.
    return hasErrorCode(thrown, 'EPERM');
  }
}
