import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { detectionOf } from '../support/detections.ts';
import { runOn, type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const ATTACKER = '203.0.113.7';
const SUSPECT = '203.0.113.8';
const by = { actor: 'anna', origin: 'manual' as const, reason: 'abuse report', seconds: 3600 };

let place: TemporaryLedger;
beforeEach(() => {
  place = temporaryLedger();
});
afterEach(() => place.remove());

const active = (nowMs: number): string[] => place.ledger.activeBlocks(nowMs).map(({ address }) => address);

describe('a clock that was a year ahead and is right again', () => {
  it('opens again what it had ended, and writes that down', () => {
    const { ledger } = place;
    runOn(ledger, [detectionOf({ sourceIp: ATTACKER, lastSeenMs: NOW - 1000 })], NOW);
    runOn(ledger, [detectionOf({ sourceIp: SUSPECT, riskScore: 80, lastSeenMs: NOW - 1000 })], NOW);
    expect(ledger.expireDue(NOW + YEAR)).toMatchObject({ blocks: 1, reviews: 1 });
    expect(active(NOW + YEAR)).toEqual([]);

    expect(ledger.expireDue(NOW + HOUR)).toMatchObject({ blocksReopened: 1, reviewsReopened: 1 });
    expect(active(NOW + HOUR)).toEqual([ATTACKER]);
    expect(ledger.review(SUSPECT).status).toBe('pending');
    expect(ledger.audit({ actions: ['block_reopened'], limit: 9 })).toMatchObject([
      { address: ATTACKER, actor: 'autoblock', atMs: NOW + HOUR },
    ]);
    expect(ledger.expireDue(NOW + HOUR)).toMatchObject({ blocksReopened: 0, reviewsReopened: 0 });
  });

  it('leaves ended what an operator lifted, what had run out before, and what was decided', () => {
    const { ledger } = place;
    runOn(ledger, [detectionOf({ sourceIp: SUSPECT, riskScore: 80, lastSeenMs: NOW - 1000 })], NOW);
    ledger.addBlock({ ...by, address: ATTACKER, nowMs: NOW });
    ledger.addBlock({ ...by, address: '203.0.113.9', seconds: 600, nowMs: NOW });
    ledger.liftBlock({ address: ATTACKER, actor: 'anna', nowMs: NOW + 1 });
    ledger.rejectReview({ id: ledger.review(SUSPECT).id, actor: 'anna', standsSeconds: 60, nowMs: NOW });
    ledger.expireDue(NOW + YEAR);
    ledger.expireDue(NOW + HOUR / 2);
    expect(active(NOW + HOUR / 2)).toEqual([]);
    expect(ledger.review(SUSPECT).status).toBe('rejected');
  });

  it('shortens to its own length what was blocked meanwhile, beside the block it had ended', () => {
    const { ledger } = place;
    ledger.addBlock({ ...by, address: ATTACKER, seconds: 7200, nowMs: NOW });
    ledger.addBlock({ ...by, address: ATTACKER, nowMs: NOW + YEAR });
    ledger.addBlock({ ...by, address: SUSPECT, nowMs: NOW + YEAR });
    expect(ledger.expireDue(NOW + 1000)).toMatchObject({ blocksReopened: 0 });
    expect(ledger.activeBlocks(NOW + 1000)).toMatchObject([
      { address: ATTACKER, createdAtMs: NOW + 1000, expiresAtMs: NOW + 1000 + HOUR },
      { address: SUSPECT, createdAtMs: NOW + 1000, expiresAtMs: NOW + 1000 + HOUR },
    ]);
  });

  it('lets new evidence act again on an address seen meanwhile', () => {
    const { ledger } = place;
    runOn(ledger, [detectionOf({ sourceIp: ATTACKER, lastSeenMs: NOW + YEAR })], NOW + YEAR);
    ledger.liftBlock({ address: ATTACKER, actor: 'anna', nowMs: NOW + YEAR });
    ledger.expireDue(NOW);
    const later = NOW + HOUR;
    const run = runOn(ledger, [detectionOf({ sourceIp: ATTACKER, lastSeenMs: later })], later);
    expect(run.blocksAdded).toHaveLength(1);
  });
});

describe('a clock that only goes on, with the small steps of NTP', () => {
  it('opens nothing again', () => {
    const { ledger } = place;
    ledger.addBlock({ ...by, address: ATTACKER, nowMs: NOW });
    expect(ledger.expireDue(NOW + HOUR)).toMatchObject({ blocks: 1 });
    expect(ledger.expireDue(NOW + HOUR - 2000)).toMatchObject({ blocks: 0, blocksReopened: 0 });
    expect(active(NOW + HOUR - 2000)).toEqual([]);
  });
});
