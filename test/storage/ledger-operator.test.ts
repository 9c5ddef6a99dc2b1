import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { detectionOf } from '../support/detections.ts';
import { refusal } from '../support/refusal.ts';
import { runOn, type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const MINUTE = 60_000;
const DAY = 86_400_000;
const SUSPECT = '203.0.113.8';
const by = { actor: 'anna', nowMs: NOW };

let place: TemporaryLedger;
beforeEach(() => {
  place = temporaryLedger();
});
afterEach(() => place.remove());

function queueSuspect(lastSeenMs = NOW - MINUTE, nowMs = NOW) {
  const [item] = runOn(
    place.ledger,
    [detectionOf({ sourceIp: SUSPECT, riskScore: 80, lastSeenMs })],
    nowMs,
  ).reviewsAdded;
  return item!;
}

describe('blocking by hand', () => {
  const request = {
    ...by,
    address: SUSPECT,
    origin: 'manual' as const,
    seconds: 3600,
    reason: 'abuse report',
  };

  it('records who, why and until when, in canonical text', () => {
    const block = place.ledger.addBlock({ ...request, address: '2001:DB8:0::7/64' });
    expect(block).toEqual({
      id: 1,
      address: '2001:db8::/64',
      origin: 'manual',
      reason: 'abuse report',
      anomalyType: null,
      riskScore: null,
      detector: null,
      modelVersion: null,
      createdBy: 'anna',
      createdAtMs: NOW,
      expiresAtMs: NOW + 3_600_000,
      extendedCount: 0,
      confirmedAtMs: null,
      liftedAtMs: null,
      liftedBy: null,
      offence: 1,
    });
    expect(place.ledger.activeBlocks(NOW)).toEqual([block]);
  });

  it('extends an active block of the same address and never shortens it', () => {
    const first = place.ledger.addBlock(request);
    expect(place.ledger.addBlock({ ...request, seconds: 7200 })).toMatchObject({
      id: first.id,
      extendedCount: 1,
      expiresAtMs: NOW + 7_200_000,
    });
    expect(place.ledger.addBlock({ ...request, seconds: 60 })).toMatchObject({
      id: first.id,
      expiresAtMs: NOW + 7_200_000,
    });
  });

  it('makes a new block once the old one ran out', () => {
    const first = place.ledger.addBlock(request);
    const second = place.ledger.addBlock({ ...request, nowMs: NOW + 3_600_000 });
    expect(second.id).not.toBe(first.id);
    expect(place.ledger.activeBlocks(NOW + 3_600_000)).toEqual([second]);
  });

  it('approves a pending review and ends a standing rejection of the address: the latest word counts', () => {
    const { ledger } = place;
    const item = queueSuspect();
    ledger.rejectReview({ ...by, id: item.id, standsSeconds: 86_400 });
    ledger.addBlock({ ...request, nowMs: NOW + 1 });
    expect(ledger.history(NOW + 1).standingRejections.size).toBe(0);
    expect(ledger.pendingFalsePositives()).toMatchObject([{ address: SUSPECT, value: false }]);
    expect(ledger.pendingDetections(5)[0]?.isFalsePositive).toBe(false);

    ledger.liftBlock({ ...by, address: SUSPECT, nowMs: NOW + 2 });
    queueSuspect(NOW + MINUTE, NOW + 2 * MINUTE);
    ledger.addBlock({ ...request, nowMs: NOW + 3 * MINUTE });
    expect(ledger.review(SUSPECT)).toMatchObject({ status: 'approved', decidedBy: 'anna' });
  });

  it.each([0, -5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a lifetime of %s seconds', (seconds) => {
    expect(() => place.ledger.addBlock({ ...request, seconds })).toThrow(refusal('USAGE'));
    expect(place.ledger.activeBlocks(NOW)).toEqual([]);
  });

  it('refuses what is no address: a router would take it for a host name', () => {
    expect(() => place.ledger.addBlock({ ...request, address: 'evil.example' })).toThrow(
      refusal('ADDRESS_INVALID'),
    );
  });

  it('lifts an active block once, noting by whom', () => {
    place.ledger.addBlock(request);
    expect(place.ledger.liftBlock({ ...by, address: SUSPECT })).toMatchObject({
      liftedAtMs: NOW,
      liftedBy: 'anna',
    });
    expect(place.ledger.activeBlocks(NOW)).toEqual([]);
    expect(() => place.ledger.liftBlock({ ...by, address: SUSPECT })).toThrow(refusal('NOT_FOUND'));
  });

  it('does not lift what ran out by itself', () => {
    place.ledger.addBlock(request);
    expect(() => place.ledger.liftBlock({ ...by, address: SUSPECT, nowMs: NOW + DAY })).toThrow(
      refusal('NOT_FOUND'),
    );
  });
});

describe('what the ledger knows as bad', () => {
  it('holds blocks that ran out, but none that was ever lifted', () => {
    const { ledger } = place;
    const block = (address: string, nowMs: number) =>
      ledger.addBlock({ ...by, address, origin: 'manual', seconds: 60, reason: 'test', nowMs });
    block('203.0.113.1', NOW);
    block('198.51.100.0/24', NOW);
    block('203.0.113.2', NOW);
    ledger.liftBlock({ ...by, address: '203.0.113.2' });
    block('203.0.113.2', NOW + 1);
    ledger.expireDue(NOW + DAY);
    expect(ledger.activeBlocks(NOW + DAY)).toEqual([]);
    expect(ledger.knownBad()).toEqual(['198.51.100.0/24', '203.0.113.1']);
  });
});

describe('the review queue', () => {
  it('turns an approved item into a block that carries its evidence', () => {
    const item = queueSuspect();
    const block = place.ledger.approveReview({
      ...by,
      id: item.id,
      note: 'known scanner',
      blockSeconds: 3600,
    });
    expect(block).toMatchObject({
      address: SUSPECT,
      origin: 'review',
      createdBy: 'anna',
      riskScore: 80,
      anomalyType: 'port_scan',
      modelVersion: '20261122T030000000Z',
      expiresAtMs: NOW + 3_600_000,
    });
    expect(place.ledger.review(item.id)).toMatchObject({
      status: 'approved',
      decidedBy: 'anna',
      decidedAtMs: NOW,
      note: 'known scanner',
    });
  });

  it('lets an item be decided once', () => {
    const item = queueSuspect();
    place.ledger.rejectReview({ ...by, id: item.id, standsSeconds: 60 });
    expect(() => place.ledger.approveReview({ ...by, id: item.id, blockSeconds: 60 })).toThrow(
      refusal('CONFLICT'),
    );
    expect(() => place.ledger.rejectReview({ ...by, id: item.id, standsSeconds: 60 })).toThrow(
      `review item ${item.id} (${SUSPECT}) was rejected by anna at 2026-11-22T12:00:00.000Z`,
    );
    expect(place.ledger.activeBlocks(NOW)).toEqual([]);
    expect(() => place.ledger.approveReview({ ...by, id: 99, blockSeconds: 60 })).toThrow(
      refusal('NOT_FOUND'),
    );
    expect(() => place.ledger.review('192.0.2.55')).toThrow(refusal('NOT_FOUND'));
  });

  it('takes nothing back from an approval that cannot be carried out', () => {
    const item = queueSuspect();
    expect(() => place.ledger.approveReview({ ...by, id: item.id, blockSeconds: 0 })).toThrow(
      refusal('USAGE'),
    );
    expect(place.ledger.review(item.id).status).toBe('pending');
  });

  it('expires an item after its time, which can no longer be decided then', () => {
    const item = queueSuspect();
    const late = NOW + 7 * DAY;
    expect(() => place.ledger.approveReview({ ...by, id: item.id, blockSeconds: 60, nowMs: late })).toThrow(
      refusal('CONFLICT'),
    );
    expect(place.ledger.review(item.id).status).toBe('expired');
    expect(place.ledger.expireDue(late)).toEqual({
      blocks: 0,
      reviews: 0,
      blocksReopened: 0,
      reviewsReopened: 0,
      timesMended: 0,
    });
  });

  it('does not queue again what expired or was rejected, until there is newer evidence', () => {
    const { ledger } = place;
    const evidence = NOW - MINUTE;
    queueSuspect(evidence);
    const late = NOW + 7 * DAY;
    const again = runOn(
      ledger,
      [detectionOf({ sourceIp: SUSPECT, riskScore: 80, lastSeenMs: evidence })],
      late,
    );
    expect(again.reviewsAdded).toEqual([]);

    const second = queueSuspect(late, late + MINUTE);
    ledger.rejectReview({ ...by, id: second.id, standsSeconds: 3600, nowMs: late + 2 * MINUTE });
    const end = late + 2 * MINUTE + 3_600_000;
    const duringRejection = detectionOf({ sourceIp: SUSPECT, riskScore: 80, lastSeenMs: end - MINUTE });
    expect(runOn(ledger, [duringRejection], end - 1).reviewsAdded).toEqual([]);
    expect(runOn(ledger, [duringRejection], end + 1).reviewsAdded).toEqual([]);
    const afterwards = detectionOf({ sourceIp: SUSPECT, riskScore: 80, lastSeenMs: end + MINUTE });
    expect(runOn(ledger, [duringRejection, afterwards], end + 2 * MINUTE).reviewsAdded).toHaveLength(1);
  });

  it('lists by status, riskiest first', () => {
    const { ledger } = place;
    const risks = [71, 90, 80];
    runOn(
      ledger,
      risks.map((riskScore, host) =>
        detectionOf({ sourceIp: `203.0.113.${host}`, riskScore, lastSeenMs: NOW }),
      ),
      NOW,
    );
    expect(ledger.reviews().map((item) => item.riskScore)).toEqual([90, 80, 71]);
    ledger.rejectReview({ ...by, id: ledger.review('203.0.113.2').id, standsSeconds: 60 });
    expect(ledger.reviews({ status: 'pending' }).map((item) => item.riskScore)).toEqual([90, 71]);
    expect(ledger.reviews({ status: 'rejected' }).map((item) => item.riskScore)).toEqual([80]);
  });
});

describe('runs, routers and upkeep', () => {
  it('keeps what runs had to tell, latest first', () => {
    const { ledger } = place;
    const training = ledger.beginRun('training', NOW);
    const failed = ledger.beginRun('import', NOW + 1);
    ledger.finishRun({ id: training, status: 'ok', details: { modelVersion: 'v1' }, nowMs: NOW + 5 });
    ledger.finishRun({ id: failed, status: 'failed', details: { code: 'INPUT_FILE' }, nowMs: NOW + 6 });
    expect(ledger.recentRuns({ limit: 1 })).toEqual([
      {
        id: failed,
        kind: 'import',
        status: 'failed',
        startedAtMs: NOW + 1,
        finishedAtMs: NOW + 6,
        details: { code: 'INPUT_FILE' },
      },
    ]);
    expect(ledger.recentRuns({ kind: 'training', limit: 9 })).toMatchObject([
      { id: training, details: { modelVersion: 'v1' } },
    ]);
    expect(() => ledger.finishRun({ id: 99, status: 'ok', details: {}, nowMs: NOW })).toThrow(
      refusal('NOT_FOUND'),
    );
  });

  it('closes runs that a killed process left open', () => {
    place.ledger.beginRun('training', NOW);
    const ledger = place.reopen();
    expect(ledger.closeInterruptedRuns(NOW + 9)).toBe(1);
    expect(ledger.recentRuns({ limit: 1 })).toMatchObject([{ status: 'interrupted', finishedAtMs: NOW + 9 }]);
    expect(ledger.closeInterruptedRuns(NOW + 9)).toBe(0);
  });

  it('remembers how each router fared, also while it is away', () => {
    const { ledger } = place;
    const counts = { added: 2, extended: 1, removed: 0 };
    ledger.recordRouterSync({ router: 'edge', nowMs: NOW, ok: true, entries: 12, ...counts });
    const failure = {
      router: 'edge',
      ok: false,
      entries: 0,
      added: 0,
      extended: 0,
      removed: 0,
      errorCode: 'ROUTER_TIMEOUT',
      error: 'no answer',
    };
    ledger.recordRouterSync({ ...failure, nowMs: NOW + 1 });
    ledger.recordRouterSync({ ...failure, nowMs: NOW + 2 });
    expect(ledger.routerStates()).toEqual([
      {
        router: 'edge',
        ok: false,
        attemptedAtMs: NOW + 2,
        succeededAtMs: NOW,
        consecutiveFailures: 2,
        entries: 12,
        added: 0,
        extended: 0,
        removed: 0,
        version: null,
        uptimeSeconds: null,
        uptimeAtMs: null,
        bootedAtMs: null,
        rebootedAtMs: null,
        reprotectedMs: null,
        errorCode: 'ROUTER_TIMEOUT',
        error: 'no answer',
      },
    ]);
    ledger.recordRouterSync({ router: 'edge', nowMs: NOW + 3, ok: true, entries: 12, ...counts });
    expect(ledger.routerStates()).toMatchObject([
      { ok: true, consecutiveFailures: 0, error: null, added: 2 },
    ]);
  });

  it('forgets what is over and keeps what stands', () => {
    const { ledger } = place;
    const request = { ...by, origin: 'manual' as const, reason: 'r' };
    ledger.addBlock({ ...request, address: '203.0.113.1', seconds: 60 });
    ledger.addBlock({ ...request, address: '203.0.113.2', seconds: 90 * 86_400 });
    ledger.rejectReview({ ...by, id: queueSuspect().id, standsSeconds: 90 * 86_400 });
    ledger.beginRun('training', NOW);
    ledger.recordRouterSync({
      router: 'gone',
      nowMs: NOW,
      ok: true,
      entries: 0,
      added: 0,
      extended: 0,
      removed: 0,
    });
    ledger.expireDue(NOW + DAY);

    expect(ledger.prune({ beforeMs: NOW + 30 * DAY })).toEqual({
      runs: 1,
      blocks: 1,
      reviews: 0,
      routers: 1,
      shadowDetections: 0,
      alerts: 0,
      auditRecords: 0,
    });
    expect(ledger.activeBlocks(NOW).map((block) => block.address)).toEqual(['203.0.113.2']);
    expect(ledger.history(NOW).standingRejections).toEqual(new Set([SUSPECT]));
    expect(ledger.pendingDetections(9)).toHaveLength(1);
    expect(ledger.recentRuns({ limit: 9 }).map((run) => run.status)).toEqual(['running']);
    expect(ledger.prune({ beforeMs: NOW + 91 * DAY })).toMatchObject({ reviews: 1 });
  });
});
