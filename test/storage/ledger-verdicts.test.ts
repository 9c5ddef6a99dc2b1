import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { detectionOf } from '../support/detections.ts';
import { runOn, type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

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
    // The automatic block of .4 is nobody's word.
    expect(ledger.operatorVerdicts()).toEqual([
      { address: '192.0.2.2', verdict: 'false_positive', atMs: NOW + 1 },
      { address: '192.0.2.1', verdict: 'confirmed', atMs: NOW + 2 },
      { address: '192.0.2.3', verdict: 'false_positive', atMs: NOW + 3 },
      { address: '198.51.100.0/24', verdict: 'confirmed', atMs: NOW + 4 },
    ]);
  });
});
