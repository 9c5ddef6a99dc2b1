import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { detectionOf } from '../support/detections.ts';
import { refusal } from '../support/refusal.ts';
import { BLOCK_SECONDS, runOn, type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;
const SUSPECT = '203.0.113.8';
const by = { actor: 'anna', nowMs: NOW };
const iso = (timeMs: number) => new Date(timeMs).toISOString();

let place: TemporaryLedger;
beforeEach(() => {
  place = temporaryLedger();
});
afterEach(() => place.remove());

const byHand = { ...by, address: SUSPECT, origin: 'manual' as const, seconds: 3600, reason: 'abuse report' };
const detect = (sourceIp: string, riskScore: number, nowMs: number) =>
  runOn(place.ledger, [detectionOf({ sourceIp, riskScore, lastSeenMs: nowMs })], nowMs);

describe('blocking that is paused', () => {
  it('is told with who, since when and why, also to a process started later', () => {
    expect(place.ledger.pause()).toBeNull();
    const pause = { actor: 'anna', reason: 'false alarms', sinceMs: NOW };
    expect(place.ledger.pauseBlocking({ ...by, reason: 'false alarms' })).toEqual(pause);
    expect(place.reopen().pause()).toEqual(pause);
    expect(place.ledger.history(NOW).paused).toBe(true);
  });

  it('stays as it is when it is paused again', () => {
    const { ledger } = place;
    ledger.pauseBlocking({ ...by });
    expect(ledger.pauseBlocking({ actor: 'bert', reason: 'me too', nowMs: NOW + 5 })).toEqual({
      ...{ actor: 'anna', reason: null, sinceMs: NOW },
    });
    expect(ledger.audit({ actions: ['paused'], limit: 9 })).toHaveLength(1);
  });

  it('takes no new block by hand and no approval, and says what to do', () => {
    const { ledger } = place;
    const [item] = detect(SUSPECT, 80, NOW - MINUTE).reviewsAdded;
    ledger.pauseBlocking({ ...by, reason: 'false alarms' });
    const told = refusal('CONFLICT', `paused since ${iso(NOW)} by anna: \`autoblock resume\` first`);
    expect(() => ledger.addBlock(byHand)).toThrow(told);
    expect(() => ledger.addBlocks([byHand])).toThrow(told);
    expect(() => ledger.approveReview({ ...by, id: item!.id, blockSeconds: 60 })).toThrow(told);
    expect(ledger.review(item!.id).status).toBe('pending');
    expect(ledger.rejectReview({ ...by, id: item!.id, standsSeconds: 60 }).status).toBe('rejected');
  });

  it('keeps its blocks, which run out by their time or can be lifted', () => {
    const { ledger } = place;
    ledger.addBlocks([byHand, { ...byHand, address: '203.0.113.9' }]);
    ledger.pauseBlocking({ ...by });
    expect(ledger.activeBlocks(NOW)).toHaveLength(2);
    ledger.liftBlock({ ...by, address: SUSPECT });
    ledger.expireDue(NOW + HOUR);
    expect(ledger.activeBlocks(NOW + HOUR)).toEqual([]);
  });
});

describe('resuming', () => {
  it('is refused when nothing is paused', () => {
    expect(() => place.ledger.resumeBlocking({ ...by, liftAutomatic: true })).toThrow(refusal('CONFLICT'));
    expect(place.ledger.audit({ limit: 9 })).toEqual([]);
  });

  it('says how long blocking was paused and leaves every block', () => {
    const { ledger } = place;
    detect(SUSPECT, 97, NOW);
    ledger.pauseBlocking({ ...by, reason: 'false alarms' });
    const resumed = ledger.resumeBlocking({ actor: 'bert', nowMs: NOW + HOUR, liftAutomatic: false });
    expect(resumed).toEqual({ pausedMs: HOUR, lifted: 0 });
    expect(ledger.pause()).toBeNull();
    expect(ledger.history(NOW + HOUR).paused).toBe(false);
    expect(ledger.activeBlocks(NOW + HOUR)).toHaveLength(1);
    expect(ledger.audit({ actions: ['paused', 'resumed'], limit: 9 })).toMatchObject([
      {
        ...{ action: 'resumed', actor: 'bert', atMs: NOW + HOUR },
        before: { pausedSince: iso(NOW), pausedBy: 'anna' },
        after: { lifted: 0 },
      },
      { action: 'paused', actor: 'anna', reason: 'false alarms' },
    ]);
  });

  it('lifts the automatic blocks when asked, not those a person approved or made', () => {
    const { ledger } = place;
    const [item] = detect('203.0.113.1', 80, NOW).reviewsAdded;
    ledger.approveReview({ ...by, id: item!.id, blockSeconds: 7200 });
    detect('203.0.113.2', 97, NOW);
    ledger.addBlock({ ...byHand, address: '203.0.113.3', seconds: 7200 });
    ledger.pauseBlocking({ ...by });
    const resumed = ledger.resumeBlocking({
      ...by,
      reason: 'wrong model',
      nowMs: NOW + 5,
      liftAutomatic: true,
    });
    expect(resumed).toEqual({ pausedMs: 5, lifted: 1 });
    expect(ledger.activeBlocks(NOW + 5).map(({ origin }) => origin)).toEqual(['review', 'manual']);
    expect(ledger.audit({ actions: ['block_lifted'], limit: 9 })).toMatchObject([
      { address: '203.0.113.2', actor: 'anna', reason: 'wrong model' },
    ]);
    expect(ledger.liftedByOperator(['203.0.113.2'])).toEqual(new Set(['203.0.113.2']));
  });

  it('teaches nothing about the single addresses: attackers among them must not count as harmless', () => {
    const { ledger } = place;
    detect('203.0.113.2', 97, NOW);
    ledger.pauseBlocking({ ...by });
    ledger.resumeBlocking({ ...by, nowMs: NOW + 5, liftAutomatic: true });
    expect(ledger.operatorVerdicts()).toEqual([]);
    expect(ledger.knownBad()).toEqual([]);
  });
});

describe('earlier offences', () => {
  const offences = (nowMs: number) => place.ledger.history(nowMs).offences;
  const end = NOW + BLOCK_SECONDS * 1000;

  it('are the latest automatic or approved block of an address that ran its course', () => {
    detect(SUSPECT, 97, NOW);
    expect(offences(end - 1)).toEqual(new Map());
    const ended = new Map([[SUSPECT, { offence: 1, endedAtMs: end }]]);
    // Not yet closed in the ledger, then closed.
    expect(offences(end)).toEqual(ended);
    place.ledger.expireDue(end + 5);
    expect(offences(end + 5)).toEqual(ended);
    detect(SUSPECT, 97, end + DAY);
    expect(offences(end + 3 * DAY).get(SUSPECT)?.endedAtMs).toBe(end + DAY + BLOCK_SECONDS * 1000);
  });

  it('are none of what a person lifted, what became protected or what was made by hand', () => {
    const { ledger } = place;
    detect('203.0.113.1', 97, NOW);
    ledger.liftBlock({ ...by, address: '203.0.113.1', nowMs: NOW + 1 });
    detect('203.0.113.2', 97, NOW);
    ledger.liftBlock({ address: '203.0.113.2', actor: 'protection', nowMs: NOW + 1 });
    ledger.addBlock({ ...byHand, address: '203.0.113.3' });
    ledger.expireDue(end);
    expect(offences(end)).toEqual(new Map());
    expect(ledger.liftedByOperator(['203.0.113.1', '203.0.113.2', '203.0.113.3'])).toEqual(
      new Set(['203.0.113.1']),
    );
  });

  it('go on counting in a block that a person approved', () => {
    const { ledger } = place;
    detect(SUSPECT, 97, NOW);
    const [item] = detect(SUSPECT, 80, end + HOUR).reviewsAdded;
    const block = ledger.approveReview({ ...by, id: item!.id, blockSeconds: 60, nowMs: end + HOUR });
    expect(block.offence).toBe(2);
    expect(offences(end + DAY)).toEqual(new Map([[SUSPECT, { offence: 2, endedAtMs: end + HOUR + MINUTE }]]));
  });

  it('stay those of the block before when the latest was lifted', () => {
    detect(SUSPECT, 97, NOW);
    detect(SUSPECT, 97, end + HOUR);
    place.ledger.liftBlock({ ...by, address: SUSPECT, nowMs: end + 2 * HOUR });
    expect(offences(end + DAY)).toEqual(new Map([[SUSPECT, { offence: 1, endedAtMs: end }]]));
    expect(place.ledger.liftedByOperator([SUSPECT]).size).toBe(1);
    detect(SUSPECT, 97, end + 3 * DAY);
    expect(place.ledger.liftedByOperator([SUSPECT]).size).toBe(0);
  });
});
