import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLedger } from '../../src/storage/ledger.ts';
import { makeLedgerOfSchema2 } from '../support/ledger-schema-2.ts';
import { silentLogger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const HOUR = 3_600_000;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'autoblock-migration-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (name: string) => openLedger({ path: join(directory, name), logger: silentLogger });

/** An active, an ended, a lifted block and a router, written as the older version did. */
function oldLedgerWithData(name: string): void {
  const db = makeLedgerOfSchema2(join(directory, name));
  const add = db.prepare(
    `INSERT INTO blocks (address, origin, reason, risk_score, created_at_ms, expires_at_ms, evidence_until_ms,
       extended_count, confirmed_at_ms, lifted_at_ms, lifted_by, closed_at_ms)
     VALUES (?, ?, 'port_scan', 97.5, ?, ?, ?, 2, ?, ?, ?, ?)`,
  );
  const from = NOW - HOUR;
  add.run('203.0.113.1', 'auto', from, NOW + HOUR, from + 0.5, from + 1, null, null, null);
  add.run('203.0.113.2', 'auto', from, NOW - 1, from, null, null, null, NOW - 1);
  add.run('203.0.113.3', 'review', from, NOW + HOUR, from, null, NOW - 5, 'anna', NOW - 5);
  db.prepare("INSERT INTO router_state VALUES ('edge', ?, ?, 0, 12, 1, 0, 0, NULL, NULL)").run(NOW, NOW);
  db.close();
}

describe('a ledger of schema 2', () => {
  it('keeps its blocks, routers and what was decided', () => {
    oldLedgerWithData('ledger.sqlite');
    const ledger = open('ledger.sqlite');
    expect(ledger.activeBlocks(NOW)).toEqual([
      {
        id: 1,
        address: '203.0.113.1',
        origin: 'auto',
        reason: 'port_scan',
        anomalyType: null,
        riskScore: 97.5,
        detector: null,
        modelVersion: null,
        createdBy: null,
        createdAtMs: NOW - HOUR,
        expiresAtMs: NOW + HOUR,
        extendedCount: 2,
        confirmedAtMs: NOW - HOUR + 1,
        liftedAtMs: null,
        liftedBy: null,
        offence: 1,
      },
    ]);
    expect(ledger.routerStates()).toMatchObject([
      { router: 'edge', entries: 12, succeededAtMs: NOW, version: null, uptimeSeconds: null },
    ]);
    expect(ledger.history(NOW).offences).toEqual(
      new Map([['203.0.113.2', { offence: 1, endedAtMs: NOW - 1 }]]),
    );
    expect(ledger.liftedByOperator(['203.0.113.1', '203.0.113.3'])).toEqual(new Set(['203.0.113.3']));
    expect(ledger.pause()).toBeNull();
    expect(ledger.audit({ limit: 9 })).toEqual([]);
    expect(ledger.integrity()).toEqual([]);
    ledger.close();
  });

  it('goes on being written: extended, lifted and audited', () => {
    oldLedgerWithData('ledger.sqlite');
    const ledger = open('ledger.sqlite');
    ledger.extendBlocks({ addresses: ['203.0.113.1'], seconds: 7200, actor: 'anna', nowMs: NOW });
    ledger.liftBlock({ address: '203.0.113.1', actor: 'anna', nowMs: NOW + 1 });
    expect(ledger.audit({ limit: 9 }).map(({ action }) => action)).toEqual([
      'block_lifted',
      'block_extended',
    ]);
    ledger.close();
  });
});

describe('the id of a ledger', () => {
  it('is eight hexadecimal digits, kept for good', () => {
    const first = open('ledger.sqlite');
    expect(first.id).toMatch(/^[0-9a-f]{8}$/);
    first.close();
    const again = open('ledger.sqlite');
    expect(again.id).toBe(first.id);
    again.close();
  });

  it('is made once for a ledger of an older version, and differs between two ledgers', () => {
    const ids = ['a', 'a', 'b', 'b'].map((name, index) => {
      if (index % 2 === 0) oldLedgerWithData(name);
      const ledger = open(name);
      ledger.close();
      return ledger.id;
    });
    expect(ids[1]).toBe(ids[0]);
    expect(ids[3]).toBe(ids[2]);
    expect(ids[2]).not.toBe(ids[0]);
  });
});
