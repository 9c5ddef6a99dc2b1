import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Detection } from '../../src/detector/detection.ts';
import { blockPolicyOf } from '../support/block-policy.ts';
import { detectionOf } from '../support/detections.ts';
import {
  BLOCK_SECONDS,
  recordVerdicts,
  runOn,
  type TemporaryLedger,
  temporaryLedger,
  verdictsFor,
} from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const MINUTE = 60_000;
const DAY = 86_400_000;
const ATTACKER = '203.0.113.7';

let place: TemporaryLedger;
beforeEach(() => {
  place = temporaryLedger();
});
afterEach(() => place.remove());

function seen(riskScore: number, lastSeenMs: number, sourceIp = ATTACKER): Detection {
  return detectionOf({ sourceIp, riskScore, lastSeenMs });
}

describe('recording a detection run', () => {
  it('writes block, review item, outbox rows and the run together', () => {
    const detections = [
      seen(97, NOW - MINUTE),
      seen(80, NOW - MINUTE, '203.0.113.8'),
      seen(10, NOW, '203.0.113.9'),
    ];
    const recorded = runOn(place.ledger, detections, NOW);
    expect(recorded.blocksAdded).toMatchObject([
      {
        address: ATTACKER,
        origin: 'auto',
        riskScore: 97,
        createdAtMs: NOW,
        expiresAtMs: NOW + DAY,
        extendedCount: 0,
      },
    ]);
    expect(recorded.reviewsAdded).toMatchObject([
      { address: '203.0.113.8', status: 'pending', occurrences: 1 },
    ]);

    const { ledger } = place;
    expect(ledger.activeBlocks(NOW)).toEqual(recorded.blocksAdded);
    expect(ledger.review('203.0.113.8').evidence).toEqual(detections[1]);
    expect(ledger.pendingDetections(10).map((row) => row.detection)).toEqual(detections);
    expect(ledger.recentRuns({ limit: 5 })).toMatchObject([
      {
        id: recorded.runId,
        kind: 'detection',
        status: 'ok',
        details: { recordsRead: 1000, blocksAdded: 1, reviewsAdded: 1 },
      },
    ]);
  });

  it('survives the closing of the process', () => {
    runOn(place.ledger, [seen(97, NOW - MINUTE), seen(80, NOW, '203.0.113.8')], NOW);
    const ledger = place.reopen();
    expect(ledger.activeBlocks(NOW).map((block) => block.address)).toEqual([ATTACKER]);
    expect(ledger.reviews({ status: 'pending' }).map((item) => item.address)).toEqual(['203.0.113.8']);
    expect(ledger.pendingDetections(10)).toHaveLength(2);
  });

  it('of the same logs a second time changes nothing, however often and late it runs', () => {
    const detections = [1, 2, 3, 4, 5].flatMap((host) => [
      seen(94 + host, NOW - 10 * MINUTE, `203.0.113.${host}`),
      seen(60 + host, NOW - MINUTE, `203.0.113.${host}`),
      seen(80, NOW - MINUTE, `198.51.100.${host}`),
    ]);
    runOn(place.ledger, detections, NOW);
    const blocks = place.ledger.activeBlocks(NOW);
    const reviews = place.ledger.reviews();
    expect([blocks.length, reviews.length]).toEqual([3, 7]);
    for (const later of [0, 5, 10, 45]) {
      const repeated = runOn(place.ledger, detections, NOW + later * MINUTE);
      expect(repeated).toMatchObject({
        blocksAdded: [],
        blocksExtended: [],
        reviewsAdded: [],
        reviewsUpdated: 0,
      });
      expect(place.ledger.activeBlocks(NOW)).toEqual(blocks);
      expect(place.ledger.reviews()).toEqual(reviews);
    }
  });

  it('extends a block from its newest evidence on, instead of adding another', () => {
    runOn(place.ledger, [seen(97, NOW - MINUTE)], NOW);
    const newer = NOW + 3 * MINUTE;
    const recorded = runOn(place.ledger, [seen(97, NOW - MINUTE), seen(80, newer)], NOW + 5 * MINUTE);
    expect(recorded).toMatchObject({
      blocksAdded: [],
      blocksExtended: [{ extendedCount: 1, expiresAtMs: newer + DAY }],
    });
    expect(place.ledger.activeBlocks(NOW)).toHaveLength(1);
  });

  it('never shortens a block', () => {
    const { ledger } = place;
    ledger.addBlock({
      address: ATTACKER,
      origin: 'manual',
      seconds: 30 * 86_400,
      reason: 'r',
      actor: 'op',
      nowMs: NOW,
    });
    const recorded = runOn(ledger, [seen(97, NOW + MINUTE)], NOW + 2 * MINUTE);
    expect(recorded.blocksExtended).toEqual([]);
    expect(ledger.activeBlocks(NOW)[0]?.expiresAtMs).toBe(NOW + 30 * DAY);
  });

  it('leaves a block made by hand as the operator set it, whatever is seen from inside', () => {
    const { ledger } = place;
    const by = { origin: 'manual', reason: 'r', actor: 'op', nowMs: NOW } as const;
    ledger.addBlock({ ...by, address: '203.0.113.0/24', seconds: 3600 });
    const before = ledger.activeBlocks(NOW);
    const recorded = runOn(ledger, [seen(97, NOW + MINUTE)], NOW + 2 * MINUTE);
    expect(recorded).toMatchObject({ blocksAdded: [], blocksExtended: [], reviewsAdded: [], overtaken: [] });
    expect(ledger.activeBlocks(NOW)).toEqual(before);
  });

  it('blocks again after the expiry only on evidence newer than what the first block counted', () => {
    const old = seen(97, NOW - MINUTE);
    runOn(place.ledger, [old], NOW);
    const after = NOW + BLOCK_SECONDS * 1000;
    expect(runOn(place.ledger, [old], after).blocksAdded).toEqual([]);
    expect(place.ledger.activeBlocks(after)).toEqual([]);
    expect(runOn(place.ledger, [old, seen(97, after - MINUTE)], after).blocksAdded).toHaveLength(1);
  });

  it('does not bring a lifted block back from evidence older than the lifting', () => {
    const { ledger } = place;
    const old = seen(97, NOW - MINUTE);
    runOn(ledger, [old], NOW);
    ledger.liftBlock({ address: ATTACKER, actor: 'op', nowMs: NOW + 2 * MINUTE });
    expect(runOn(ledger, [old, seen(97, NOW + 2 * MINUTE)], NOW + 5 * MINUTE).blocksAdded).toEqual([]);
    expect(runOn(ledger, [old, seen(97, NOW + 3 * MINUTE)], NOW + 5 * MINUTE).blocksAdded).toHaveLength(1);
  });

  it('counts newer evidence into the pending item and keeps the riskiest as its snapshot', () => {
    const { ledger } = place;
    runOn(ledger, [seen(80, NOW - MINUTE)], NOW);
    const weaker = runOn(ledger, [seen(75, NOW + MINUTE)], NOW + 5 * MINUTE);
    expect(weaker).toMatchObject({ reviewsAdded: [], reviewsUpdated: 1 });
    expect(ledger.review(ATTACKER)).toMatchObject({
      occurrences: 2,
      riskScore: 80,
      updatedAtMs: NOW + 5 * MINUTE,
    });
    const riskier = seen(90, NOW + 6 * MINUTE);
    runOn(ledger, [riskier], NOW + 10 * MINUTE);
    expect(ledger.review(ATTACKER)).toMatchObject({ occurrences: 3, riskScore: 90, evidence: riskier });
  });

  it('takes an address out of the queue when it is blocked automatically', () => {
    const { ledger } = place;
    runOn(ledger, [seen(80, NOW - MINUTE)], NOW);
    expect(runOn(ledger, [seen(97, NOW + MINUTE)], NOW + 5 * MINUTE).blocksAdded).toHaveLength(1);
    expect(ledger.reviews({ status: 'pending' })).toEqual([]);
    expect(ledger.review(ATTACKER)).toMatchObject({ status: 'expired', decidedBy: null });
  });

  it('finishes the row of a run that was begun before', () => {
    const { ledger } = place;
    const runId = ledger.beginRun('detection', NOW);
    const recorded = ledger.recordDetectionRun({
      run: {
        runId,
        startedAtMs: NOW,
        finishedAtMs: NOW + 9,
        detector: 'legacy',
        modelVersion: null,
        recordsRead: 0,
        truncated: true,
        entities: 0,
      },
      verdicts: [],
      reviewSeconds: 60,
      nowMs: NOW + 9,
    });
    expect(recorded.runId).toBe(runId);
    expect(ledger.recentRuns({ limit: 5 })).toMatchObject([
      { id: runId, status: 'ok', finishedAtMs: NOW + 9, details: { truncated: true, detector: 'legacy' } },
    ]);
  });
});

describe('a block of a network', () => {
  const [FIRST, SECOND] = ['2001:db8:1::5', '2001:db8:1::9'];
  const NETWORK = '2001:db8:1::/64';

  it('is one block of all sources in it, and takes what waits inside out of the queue', () => {
    const { ledger } = place;
    runOn(ledger, [seen(80, NOW - MINUTE, FIRST)], NOW);
    expect(ledger.reviews({ status: 'pending' }).map(({ address }) => address)).toEqual([NETWORK]);
    const later = NOW + 5 * MINUTE;
    const recorded = runOn(ledger, [seen(97, NOW + MINUTE, FIRST), seen(98, NOW + MINUTE, SECOND)], later);
    expect(recorded.blocksAdded.map(({ address }) => address)).toEqual([NETWORK]);
    expect(ledger.reviews({ status: 'pending' })).toEqual([]);
    expect(ledger.pendingDetections(10)).toHaveLength(3);
    expect(ledger.recentRuns({ limit: 1 })[0]?.details).toMatchObject({ sources: 2, blocksAdded: 1 });
    const again = runOn(ledger, [seen(97, NOW + MINUTE, FIRST), seen(98, NOW + MINUTE, SECOND)], later);
    expect(again).toMatchObject({ blocksAdded: [], blocksExtended: [], reviewsAdded: [] });
  });

  it('is not made when an operator rejects an address in it between decision and recording', () => {
    const { ledger } = place;
    const verdicts = verdictsFor(ledger, [seen(97, NOW - MINUTE, FIRST)], NOW);
    runOn(ledger, [seen(80, NOW - MINUTE, SECOND)], NOW);
    const { id } = ledger.review(SECOND);
    ledger.rejectReview({ id, actor: 'op', standsSeconds: 3600, nowMs: NOW });
    expect(recordVerdicts(ledger, verdicts, NOW)).toMatchObject({ blocksAdded: [], overtaken: [NETWORK] });
  });
});

describe('a repeat offender', () => {
  const policy = blockPolicyOf({ blockLadder: [3600, 21_600, 86_400], offenceDecayDays: 14 });
  const HOUR = 3_600_000;
  const attackAt = (nowMs: number) => runOn(place.ledger, [seen(97, nowMs - MINUTE)], nowMs, policy);

  it('is blocked for longer each time a block has run its course', () => {
    expect(attackAt(NOW).blocksAdded).toMatchObject([{ offence: 1, expiresAtMs: NOW + HOUR }]);
    const second = NOW + 2 * HOUR;
    expect(attackAt(second).blocksAdded).toMatchObject([{ offence: 2, expiresAtMs: second + 6 * HOUR }]);
    const extended = attackAt(second + HOUR).blocksExtended;
    expect(extended).toMatchObject([{ offence: 2, expiresAtMs: second + HOUR - MINUTE + 6 * HOUR }]);
    const third = second + 8 * HOUR;
    expect(attackAt(third).blocksAdded).toMatchObject([{ offence: 3, expiresAtMs: third + 24 * HOUR }]);
  });

  it('is none when an operator lifted the block', () => {
    attackAt(NOW);
    place.ledger.liftBlock({ address: ATTACKER, actor: 'op', nowMs: NOW + MINUTE });
    expect(attackAt(NOW + 2 * HOUR).blocksAdded).toMatchObject([{ offence: 1 }]);
  });
});

describe('an operator who is faster than the run', () => {
  it('stops all blocking between decision and recording: nothing is blocked or extended', () => {
    const { ledger } = place;
    runOn(ledger, [seen(97, NOW - MINUTE)], NOW);
    const later = NOW + 5 * MINUTE;
    const verdicts = verdictsFor(
      ledger,
      [seen(97, NOW + MINUTE), seen(97, NOW + MINUTE, '203.0.113.9')],
      later,
    );
    expect(verdicts.map(({ action }) => action).sort()).toEqual(['block', 'extend']);
    ledger.pauseBlocking({ actor: 'op', nowMs: later - 1 });
    const recorded = recordVerdicts(ledger, verdicts, later);
    expect(recorded).toMatchObject({ blocksAdded: [], blocksExtended: [] });
    expect([...recorded.overtaken].sort()).toEqual([ATTACKER, '203.0.113.9']);
  });

  it('rejects between decision and recording: nothing is blocked or queued, and the detections are marked', () => {
    const { ledger } = place;
    runOn(ledger, [seen(80, NOW - MINUTE)], NOW);
    const later = NOW + 5 * MINUTE;
    const verdicts = verdictsFor(ledger, [seen(97, NOW + MINUTE)], later);
    expect(verdicts[0]?.action).toBe('block');
    ledger.rejectReview({
      id: ledger.review(ATTACKER).id,
      actor: 'op',
      standsSeconds: 3600,
      nowMs: later - 1,
    });
    const recorded = recordVerdicts(ledger, verdicts, later);
    expect(recorded).toMatchObject({ blocksAdded: [], overtaken: [ATTACKER] });
    expect(ledger.activeBlocks(later)).toEqual([]);
    expect(ledger.pendingDetections(10).every((row) => row.isFalsePositive)).toBe(true);
  });

  it('lifts between decision and recording: the block is not extended', () => {
    const { ledger } = place;
    runOn(ledger, [seen(97, NOW - MINUTE)], NOW);
    const later = NOW + 5 * MINUTE;
    const verdicts = verdictsFor(ledger, [seen(97, NOW + MINUTE)], later);
    ledger.liftBlock({ address: ATTACKER, actor: 'op', nowMs: later - 1 });
    expect(recordVerdicts(ledger, verdicts, later)).toMatchObject({
      blocksExtended: [],
      overtaken: [ATTACKER],
    });
    expect(ledger.activeBlocks(later)).toEqual([]);
  });

  it('blocks by hand between decision and recording: there is one block, extended by nothing older', () => {
    const { ledger } = place;
    const verdicts = verdictsFor(ledger, [seen(97, NOW - MINUTE)], NOW);
    ledger.addBlock({
      address: ATTACKER,
      origin: 'manual',
      seconds: 7 * 86_400,
      reason: 'r',
      actor: 'op',
      nowMs: NOW,
    });
    expect(recordVerdicts(ledger, verdicts, NOW)).toMatchObject({ blocksAdded: [], blocksExtended: [] });
    expect(ledger.activeBlocks(NOW)).toMatchObject([{ origin: 'manual', expiresAtMs: NOW + 7 * DAY }]);
  });
});

describe('the outbox towards PostgreSQL', () => {
  it('holds one row per detected window, the newest sight of it', () => {
    const { ledger } = place;
    runOn(ledger, [seen(80, NOW - MINUTE)], NOW);
    const [first] = ledger.pendingDetections(10);
    runOn(ledger, [seen(80, NOW - MINUTE)], NOW + 5 * MINUTE);
    const rows = ledger.pendingDetections(10);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ detectedAtMs: NOW + 5 * MINUTE, isFalsePositive: false });

    // What was delivered under the old id must not take the newer row with it.
    ledger.dropPendingDetections([first!.id]);
    expect(ledger.pendingDetections(10)).toHaveLength(1);
    ledger.dropPendingDetections([rows[0]!.id]);
    expect(ledger.pendingDetections(10)).toEqual([]);
  });

  it('gives rows out in order and no more than asked for', () => {
    const { ledger } = place;
    runOn(
      ledger,
      [1, 2, 3].map((host) => seen(10, NOW, `203.0.113.${host}`)),
      NOW,
    );
    expect(ledger.pendingDetections(2).map((row) => row.detection.sourceIp)).toEqual([
      '203.0.113.1',
      '203.0.113.2',
    ]);
  });

  it('marks the detections of a rejected address as false positives from then on', () => {
    const { ledger } = place;
    runOn(ledger, [seen(80, NOW - MINUTE)], NOW);
    ledger.rejectReview({ id: ledger.review(ATTACKER).id, actor: 'op', standsSeconds: 3600, nowMs: NOW + 1 });
    expect(ledger.pendingDetections(10)).toMatchObject([{ isFalsePositive: true }]);
    expect(ledger.pendingFalsePositives()).toMatchObject([{ address: ATTACKER, value: true }]);
    const again = runOn(ledger, [seen(97, NOW + MINUTE)], NOW + 5 * MINUTE);
    expect(again).toMatchObject({ blocksAdded: [], reviewsAdded: [], reviewsUpdated: 0 });
    expect(ledger.pendingDetections(10).map((row) => row.isFalsePositive)).toEqual([true, true]);
    ledger.dropPendingFalsePositives(ledger.pendingFalsePositives().map((mark) => mark.id));
    expect(ledger.pendingFalsePositives()).toEqual([]);
  });

  it('reports a block once it is confirmed, and again when newer detections extended it', () => {
    const { ledger } = place;
    runOn(ledger, [seen(97, NOW - MINUTE)], NOW);
    expect(ledger.unmarkedConfirmedBlocks()).toEqual([]);
    expect(ledger.confirmBlocks({ addresses: [ATTACKER, '192.0.2.1'], nowMs: NOW + 1 })).toBe(1);
    expect(ledger.confirmBlocks({ addresses: [ATTACKER], nowMs: NOW + 2 })).toBe(0);
    const marks = ledger.unmarkedConfirmedBlocks();
    expect(marks).toMatchObject([{ address: ATTACKER, confirmedAtMs: NOW + 1 }]);

    runOn(ledger, [seen(97, NOW + MINUTE)], NOW + 5 * MINUTE);
    ledger.markBlocksMarked(marks.map((mark) => mark.id));
    const [again] = ledger.unmarkedConfirmedBlocks();
    expect(again).toMatchObject({ address: ATTACKER, confirmedAtMs: NOW + 1 });
    ledger.markBlocksMarked([again!.id]);
    expect(ledger.unmarkedConfirmedBlocks()).toEqual([]);
  });

  it('reports a confirmed block for newer detections although it lasts too long to be extended', () => {
    const { ledger } = place;
    const given = { origin: 'manual', reason: 'abuse report', actor: 'op', nowMs: NOW } as const;
    ledger.addBlock({ ...given, address: ATTACKER, seconds: 30 * 86_400 });
    ledger.confirmBlocks({ addresses: [ATTACKER], nowMs: NOW + 1 });
    ledger.markBlocksMarked(ledger.unmarkedConfirmedBlocks().map((mark) => mark.id));

    const recorded = runOn(ledger, [seen(97, NOW + MINUTE)], NOW + 5 * MINUTE);
    expect(recorded.blocksExtended).toEqual([]);
    expect(ledger.unmarkedConfirmedBlocks()).toMatchObject([{ address: ATTACKER, confirmedAtMs: NOW + 1 }]);
  });
});
