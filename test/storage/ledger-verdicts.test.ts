import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildProtection } from '../../src/decisions/protected-networks.ts';
import { runRouterSync } from '../../src/runs/router-sync-run.ts';
import { detectionOf } from '../support/detections.ts';
import { syncPartsFor } from '../support/sync-parts.ts';
import { runOn, silentLogger, type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);

let place: TemporaryLedger;
beforeEach(() => {
  place = temporaryLedger();
});
afterEach(() => place.remove());

describe('the verdicts of operators in the ledger', () => {
  it('are what they approved, rejected, lifted and blocked by hand, in the order of time', () => {
    const { ledger } = place;
    const sighting = (sourceIp: string, riskScore: number) =>
      detectionOf({ sourceIp, riskScore, lastSeenMs: NOW - 1000 });
    runOn(
      ledger,
      [
        sighting('192.0.2.1', 80),
        sighting('192.0.2.2', 80),
        sighting('192.0.2.3', 97),
        sighting('192.0.2.4', 97),
      ],
      NOW,
    );
    const said = { actor: 'test', blockSeconds: 60, standsSeconds: 60, seconds: 60 };
    ledger.rejectReview({ id: ledger.review('192.0.2.2').id, ...said, nowMs: NOW + 1 });
    ledger.approveReview({ id: ledger.review('192.0.2.1').id, ...said, nowMs: NOW + 2 });
    ledger.liftBlock({ address: '192.0.2.3', ...said, nowMs: NOW + 3 });
    const origin = 'manual';
    ledger.addBlock({ address: '198.51.100.0/24', origin, reason: 'r', ...said, nowMs: NOW + 4 });
    const manual = {
      evidenceFromMs: NOW + 4,
      evidenceUntilMs: NOW + 4,
      shownFromMs: NOW + 4,
      shownUntilMs: NOW + 4,
    };
    // Found in the window of five minutes that ends at noon.
    const queued = {
      evidenceFromMs: NOW - 300_000,
      evidenceUntilMs: NOW - 1000,
      shownFromMs: NOW - 300_000,
      shownUntilMs: NOW - 1000,
    };
    // The automatic block of .4 is nobody's word.
    expect(ledger.operatorVerdicts()).toEqual([
      { address: '192.0.2.2', verdict: 'false_positive', atMs: NOW + 1, ...queued },
      { address: '192.0.2.1', verdict: 'confirmed', atMs: NOW + 2, ...queued },
      expect.objectContaining({ address: '192.0.2.3', verdict: 'false_positive', atMs: NOW + 3 }),
      { address: '198.51.100.0/24', verdict: 'confirmed', atMs: NOW + 4, ...manual },
    ]);
  });

  it('are not what autoblock lifted itself because the address became protected', async () => {
    const { ledger } = place;
    runOn(ledger, [detectionOf({ sourceIp: '192.0.2.3', riskScore: 97, lastSeenMs: NOW - 1000 })], NOW);
    const allowlist = ['192.0.2.3'];
    await runRouterSync({
      ...syncPartsFor({
        ledger,
        protection: () => buildProtection({ internalNetworks: [], allowlist, extraProtected: [] }),
        logger: silentLogger,
        nowMs: () => NOW + 1,
      }),
      routers: [],
    });
    expect(ledger.activeBlocks(NOW + 2)).toEqual([]);
    expect(ledger.operatorVerdicts()).toEqual([]);
  });

  it('cover the evidence from the beginning of the review, also when a riskier detection is shown', () => {
    const { ledger } = place;
    const sighting = (riskScore: number, lastSeenMs: number) =>
      detectionOf({ sourceIp: '192.0.2.1', riskScore, lastSeenMs });
    runOn(ledger, [sighting(75, NOW - 1000)], NOW);
    const later = NOW + 3_600_000;
    runOn(ledger, [sighting(80, later - 1000)], later);
    runOn(ledger, [sighting(72, later + 299_000)], later + 300_000);
    const { id } = ledger.review('192.0.2.1');
    ledger.approveReview({ id, actor: 'test', blockSeconds: 60, nowMs: later + 400_000 });
    expect(ledger.operatorVerdicts()).toEqual([
      {
        address: '192.0.2.1',
        verdict: 'confirmed',
        atMs: later + 400_000,
        // One window before the review began.
        evidenceFromMs: NOW - 300_000,
        evidenceUntilMs: later + 299_000,
        shownFromMs: later - 300_000,
        shownUntilMs: later - 1000,
      },
    ]);
  });
});
