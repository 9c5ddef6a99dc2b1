import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIFTED_BY_PROTECTION } from '../../src/decisions/block.ts';
import type { AuditQuery } from '../../src/storage/ledger-audit.ts';
import { detectionOf } from '../support/detections.ts';
import { refusal } from '../support/refusal.ts';
import { runOn, type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const MINUTE = 60_000;
const HOUR = 3_600_000;
const SUSPECT = '203.0.113.8';
const by = { actor: 'anna', nowMs: NOW };
const iso = (timeMs: number) => new Date(timeMs).toISOString();

let place: TemporaryLedger;
beforeEach(() => {
  place = temporaryLedger();
});
afterEach(() => place.remove());

const block = (address: string, given: { nowMs?: number; seconds?: number } = {}) =>
  place.ledger.addBlock({
    ...by,
    address,
    origin: 'manual',
    seconds: 3600,
    reason: 'abuse report',
    ...given,
  });
const audited = (query: Partial<AuditQuery> = {}) => place.ledger.audit({ limit: 99, ...query });
const detected = (riskScore: number, lastSeenMs: number) =>
  detectionOf({ sourceIp: SUSPECT, riskScore, lastSeenMs });

describe('what is written into the audit', () => {
  it('a block made, extended and lifted by hand: who, when, why, before and after', () => {
    const { id } = block(SUSPECT);
    block(SUSPECT, { nowMs: NOW + 1, seconds: 7200 });
    place.ledger.liftBlocks({ ...by, addresses: [SUSPECT], reason: 'our customer', nowMs: NOW + 2 });
    const first = iso(NOW + HOUR);
    const second = iso(NOW + 1 + 2 * HOUR);
    const common = { actor: 'anna', router: null, address: SUSPECT };
    expect(audited()).toEqual([
      {
        ...{ id: 3, atMs: NOW + 2, action: 'block_lifted', ...common, reason: 'our customer' },
        before: { block: id, origin: 'manual', offence: 1, expiresAt: second },
        after: null,
      },
      {
        ...{ id: 2, atMs: NOW + 1, action: 'block_extended', ...common, reason: 'abuse report' },
        before: { expiresAt: first },
        after: { block: id, expiresAt: second },
      },
      {
        ...{ id: 1, atMs: NOW, action: 'block_added', ...common, reason: 'abuse report' },
        before: null,
        after: { block: id, origin: 'manual', offence: 1, expiresAt: first },
      },
    ]);
  });

  it('nothing when an extension moved nothing', () => {
    block(SUSPECT);
    block(SUSPECT, { seconds: 60 });
    place.ledger.extendBlocks({ ...by, addresses: [SUSPECT], seconds: 60 });
    expect(audited().map(({ action }) => action)).toEqual(['block_added']);
  });

  it('what a detection run blocked and extended, by which run and why', () => {
    const { runId } = runOn(place.ledger, [detected(97, NOW - MINUTE)], NOW);
    const again = runOn(place.ledger, [detected(98, NOW + MINUTE)], NOW + 2 * MINUTE);
    const [extended, added] = audited();
    expect(added).toMatchObject({
      ...{ actor: 'autoblock', action: 'block_added', address: SUSPECT, before: null },
      after: { origin: 'auto', offence: 1, run: runId },
    });
    expect(added?.reason).toContain('port_scan, risk 97.0');
    expect(extended).toMatchObject({
      ...{ actor: 'autoblock', action: 'block_extended', atMs: NOW + 2 * MINUTE },
      after: { run: again.runId },
    });
    expect(again.runId).not.toBe(runId);
  });

  it('that a block ran out, once', () => {
    const { id } = block(SUSPECT);
    place.ledger.expireDue(NOW + HOUR);
    place.ledger.expireDue(NOW + HOUR + 1);
    expect(audited({ actions: ['block_expired'] })).toMatchObject([
      {
        ...{ actor: 'autoblock', atMs: NOW + HOUR, address: SUSPECT },
        before: { block: id, expiresAt: iso(NOW + HOUR) },
      },
    ]);
  });

  it('that autoblock itself took a protected address back', () => {
    block(SUSPECT);
    place.ledger.liftBlock({ ...by, address: SUSPECT, actor: LIFTED_BY_PROTECTION });
    expect(audited()[0]).toMatchObject({ actor: 'autoblock', action: 'protected_withdrawn' });
  });

  it('approvals and rejections with the note', () => {
    const { ledger } = place;
    const [first] = runOn(ledger, [detected(80, NOW - MINUTE)], NOW).reviewsAdded;
    ledger.rejectReview({ ...by, id: first!.id, note: 'scanner of ours', standsSeconds: 60 });
    const later = NOW + HOUR;
    const [second] = runOn(ledger, [detected(80, later)], later).reviewsAdded;
    ledger.approveReview({ ...by, id: second!.id, note: 'no, foreign', blockSeconds: 60, nowMs: later });
    expect(audited().reverse()).toMatchObject([
      {
        ...{ action: 'review_rejected', actor: 'anna', address: SUSPECT, reason: 'scanner of ours' },
        before: { review: first!.id, status: 'pending' },
        after: { status: 'rejected', standsUntil: iso(NOW + MINUTE) },
      },
      { action: 'review_approved', actor: 'anna', after: { status: 'approved' }, reason: 'no, foreign' },
      { action: 'block_added', actor: 'anna', after: { origin: 'review' } },
    ]);
  });

  it('nothing of what was refused', () => {
    const addresses = [SUSPECT, '203.0.113.9'];
    block(SUSPECT);
    expect(() => place.ledger.liftBlocks({ ...by, addresses })).toThrow(refusal('NOT_FOUND'));
    expect(audited()).toHaveLength(1);
  });

  it('rules put on a router', () => {
    const after = { method: 'raw' };
    place.ledger.recordAudit({ atMs: NOW, actor: 'anna', action: 'rules_installed', router: 'edge', after });
    expect(audited()).toMatchObject([{ action: 'rules_installed', router: 'edge', address: null, after }]);
  });
});

describe('the audit is append-only', () => {
  const sql = (statement: string): void => {
    const db = new Database(place.path);
    try {
      db.exec(statement);
    } finally {
      db.close();
    }
  };

  it.each([
    "UPDATE audit SET actor = 'nobody'",
    'DELETE FROM audit',
    "INSERT OR REPLACE INTO audit (id, at_ms, actor, action) VALUES (1, 0, 'nobody', 'resumed')",
    "REPLACE INTO audit (id, at_ms, actor, action) VALUES (1, 0, 'nobody', 'resumed')",
    "INSERT INTO audit (id, at_ms, actor, action) VALUES (1, 0, 'x', 'y') ON CONFLICT DO UPDATE SET actor = 'z'",
  ])('also against %s', (statement) => {
    block(SUSPECT);
    const before = audited();
    expect(() => sql(statement)).toThrow('the audit is append-only');
    expect(audited()).toEqual(before);
  });

  it('and is forgotten in pieces, so that nobody waits for a year of it', () => {
    sql(`INSERT INTO audit (at_ms, actor, action)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50001)
         SELECT i, 'autoblock', 'block_expired' FROM n`);
    const forget = () => place.ledger.prune({ beforeMs: 0, auditBeforeMs: NOW }).auditRecords;
    expect([forget(), forget(), forget()]).toEqual([50_000, 1, 0]);
  });

  it('until its retention is over', () => {
    block(SUSPECT);
    block('203.0.113.9', { nowMs: NOW + 1 });
    expect(place.ledger.prune({ beforeMs: 0 })).toMatchObject({ auditRecords: 0 });
    expect(place.ledger.prune({ beforeMs: 0, auditBeforeMs: NOW + 1 })).toMatchObject({ auditRecords: 1 });
    expect(audited().map(({ atMs }) => atMs)).toEqual([NOW + 1]);
    // A longer retention set afterwards does not open what is younger.
    place.ledger.prune({ beforeMs: 0, auditBeforeMs: 0 });
    expect(() => sql('DELETE FROM audit')).toThrow('the audit is append-only');
  });
});

describe('asking the audit', () => {
  beforeEach(() => {
    const { ledger } = place;
    block('198.51.100.7');
    block('198.51.100.0/24', { nowMs: NOW + 1 });
    block('2001:db8::/64', { nowMs: NOW + 2 });
    const change = { action: 'entry_added', before: null, after: { timeoutSeconds: 60 } } as const;
    ledger.finishPush({
      ...{ router: 'edge', nowMs: NOW + 3 },
      changes: [
        { ...change, address: '198.51.100.7' },
        { ...change, address: '2001:db8::1/128' },
        { ...change, address: '203.0.113.5' },
      ],
    });
    ledger.pauseBlocking({ actor: 'bert', reason: 'false alarms', nowMs: NOW + 4 });
  });

  const found = (query: Partial<AuditQuery>) => audited(query).map(({ id }) => id);

  it.each<[string, Partial<AuditQuery>, number[]]>([
    ['everything, latest first', {}, [7, 6, 5, 4, 3, 2, 1]],
    ['from a time on', { fromMs: NOW + 3 }, [7, 6, 5, 4]],
    ['before a time', { toMs: NOW + 2 }, [2, 1]],
    ['a person', { actor: 'bert' }, [7]],
    ['the daemon', { actor: 'autoblock' }, [6, 5, 4]],
    ['a router', { router: 'edge' }, [6, 5, 4]],
    ['several actions', { actions: ['paused', 'block_added'] }, [7, 3, 2, 1]],
    ['no action', { actions: [] }, []],
    ['an address and the networks it lies in', { address: '198.51.100.7' }, [4, 2, 1]],
    ['another address of the network', { address: '198.51.100.99' }, [2]],
    ['a network and what lies in it or holds it', { address: '198.51.100.0/28' }, [4, 2, 1]],
    ['any spelling of an address', { address: '2001:DB8:0:0::1' }, [5, 3]],
    ['an IPv6 network that holds the recorded one', { address: '2001:db8::/32' }, [5, 3]],
    ['everything of a family', { address: '0.0.0.0/0' }, [6, 4, 2, 1]],
    ['a page', { limit: 2 }, [7, 6]],
    ['the page after it', { limit: 2, beforeId: 6 }, [5, 4]],
    ['filters together', { router: 'edge', address: '198.51.100.0/24', fromMs: NOW, beforeId: 6 }, [4]],
  ])('for %s', (_, query, ids) => {
    expect(found(query)).toEqual(ids);
  });

  it('refuses an address that is none', () => {
    expect(() => found({ address: 'evil.example' })).toThrow(refusal('ADDRESS_INVALID'));
  });

  it('is served by an index whichever filter is given', () => {
    place.ledger.close();
    const db = new Database(place.path);
    const plan = (where: string): string =>
      db
        .prepare(`EXPLAIN QUERY PLAN SELECT * FROM audit WHERE ${where} ORDER BY at_ms DESC, id DESC LIMIT 9`)
        .all()
        .map((row) => (row as { detail: string }).detail)
        .join('; ');
    expect(plan("actor = 'anna' AND actor <> 'autoblock'")).toContain('audit_by_person');
    expect(plan("router = 'edge'")).toContain('audit_by_router');
    expect(plan("address IN (SELECT value FROM json_each('[1]'))")).toContain('audit_by_address');
    expect(plan("action IN (SELECT value FROM json_each('[1]'))")).toContain('audit_by_action');
    expect(plan('at_ms >= 5')).toContain('audit_by_time');
    db.close();
    place.reopen();
  });
});
