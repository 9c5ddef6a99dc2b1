import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildProtection } from '../../src/decisions/protected-networks.ts';
import type { Detector } from '../../src/detector/detector.ts';
import { createLegacyDetector } from '../../src/detector/legacy-detector.ts';
import { AutoblockError } from '../../src/errors.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { runDetection } from '../../src/runs/detection-run.ts';
import type { Shadow } from '../../src/runs/shadow-judgement.ts';
import { blockPolicyOf } from '../support/block-policy.ts';
import { detectionOf } from '../support/detections.ts';
import { capturingLogger } from '../support/logger.ts';
import { type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 3, 4, 30);
const MINUTE = 60_000;
const ATTACKER = '198.51.100.66';
const SUSPECT = '198.51.100.67';
const INNOCENT = '203.0.113.9';

/** 300 completed SSH logins (high for the legacy rules), 15 (medium), and one source only the shadow minds. */
const TRAFFIC: LogRecord[] = [...logins(ATTACKER, 300), ...logins(SUSPECT, 15), ...logins(INNOCENT, 2)];

function logins(sourceIp: string, count: number): LogRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    timestampMs: NOW - 2 * MINUTE - (index * 2 * MINUTE) / count,
    sourceIp,
    sourcePort: 20_000 + index,
    destinationIp: '192.0.2.10',
    destinationPort: 22,
    protocol: 'tcp',
    action: 'accept',
    bytes: 2400,
    packets: 18,
  }));
}

/** Calls the innocent source an attacker and the attacker nothing at all. */
const wrongDetector: Detector = {
  name: 'hybrid',
  modelVersion: '20261122T030000000Z',
  detect: () => [
    detectionOf({ sourceIp: INNOCENT, lastSeenMs: NOW - 2 * MINUTE }),
    detectionOf({ sourceIp: '203.0.113.10', lastSeenMs: NOW - 2 * MINUTE, riskScore: 80 }),
  ],
  suspicion: ({ short }) => new Float64Array(short.entityCount),
};
const shadow: Shadow = { name: 'hybrid', detector: wrongDetector };
const throwing = (thrown: Error): Shadow => ({
  name: 'hybrid',
  detector: {
    ...wrongDetector,
    detect: () => {
      throw thrown;
    },
  },
});

let place: TemporaryLedger;
beforeEach(() => {
  place = temporaryLedger();
});
afterEach(() => place.remove());

async function run({
  ledger = place.ledger,
  shadow: beside,
  dryRun = false,
  nowMs = NOW,
}: {
  ledger?: TemporaryLedger['ledger'];
  shadow?: Shadow;
  dryRun?: boolean;
  nowMs?: number;
}) {
  const { logger, lines } = capturingLogger();
  const result = await runDetection({
    logs: {
      read({ onRecord }) {
        for (const record of TRAFFIC) onRecord(record);
        return Promise.resolve({ records: TRAFFIC.length, truncated: false, oldestMs: null, skipped: {} });
      },
    },
    detector: createLegacyDetector({
      thresholds: { highRisk: 95, mediumRisk: 70 },
      isInternal: () => false,
    }),
    ...(beside === undefined ? {} : { shadow: beside }),
    ledger,
    protection: buildProtection({ internalNetworks: [], allowlist: [], extraProtected: [] }),
    settings: {
      hoursBack: 1,
      windowMinutes: 5,
      maxRecords: 1_000_000,
      policy: blockPolicyOf(),
      reviewSeconds: 604_800,
      dryRun,
    },
    logger,
    nowMs: () => nowMs,
    asOfMs: nowMs,
  });
  return { result, lines };
}

/** All that is ever acted on or counted, as it lies in the file. */
function actedOn(path: string): unknown {
  const db = new Database(path, { readonly: true });
  const tables = ['blocks', 'reviews', 'pending_detections', 'pending_marks', 'router_state'];
  const found = tables.map((table) => db.prepare(`SELECT * FROM ${table} ORDER BY 1`).all());
  db.close();
  return found;
}

const detailsOfLastRun = () =>
  place.ledger.recentRuns({ limit: 1 })[0]?.details as Readonly<Record<string, unknown>>;

describe('a shadow detector', () => {
  it.each([
    ['finds other things', shadow],
    ['throws', throwing(new Error('broken'))],
    [
      'has no model',
      { name: 'hybrid', problem: { code: 'MODEL_MISSING', message: 'none' } } satisfies Shadow,
    ],
  ])('that %s leaves blocks, reviews, outbox and history as they are without one', async (_, beside) => {
    const alone = temporaryLedger();
    try {
      const without = await run({ ledger: alone.ledger });
      const withShadow = await run({ shadow: beside });
      expect(actedOn(place.path)).toEqual(actedOn(alone.path));
      expect(place.ledger.history(NOW)).toEqual(alone.ledger.history(NOW));
      expect(place.ledger.knownBad()).toEqual(alone.ledger.knownBad());
      expect(withShadow.result.verdicts).toEqual(without.result.verdicts);
      expect(withShadow.result).toMatchObject({
        blocksAdded: 1,
        reviewsAdded: 1,
        tiers: without.result.tiers,
      });
    } finally {
      alone.remove();
    }
  });

  it('is recorded in an outbox and a note of its own, and once however often a window is judged', async () => {
    const { result } = await run({ shadow });
    const figures = {
      detector: 'hybrid',
      modelVersion: '20261122T030000000Z',
      tiers: { high: 1, medium: 1, low: 0 },
      missing: null,
    };
    expect(result.shadow).toEqual(figures);
    expect(detailsOfLastRun()).toMatchObject({
      shadowDetector: 'hybrid',
      shadow: figures,
      detector: 'legacy',
    });
    await run({ shadow, nowMs: NOW + 5000 });
    expect(place.reopen().pendingShadowDetections(10)).toMatchObject([
      { shadowDetector: 'hybrid', detectedAtMs: NOW + 5000, detection: { sourceIp: INNOCENT } },
      { shadowDetector: 'hybrid', detectedAtMs: NOW + 5000, detection: { sourceIp: '203.0.113.10' } },
    ]);
  });

  it('that fails is logged with its code and counted in the run history', async () => {
    const { lines } = await run({ shadow: throwing(new AutoblockError('MODEL_INVALID', 'torn forest')) });
    const said = 'shadow detector missing in this run: the active detection is not affected';
    expect(lines.find((line) => line.msg === said)).toMatchObject({
      level: 'warn',
      code: 'MODEL_INVALID',
      shadow: 'hybrid',
    });
    expect(detailsOfLastRun()['shadow']).toMatchObject({
      tiers: null,
      missing: { code: 'MODEL_INVALID', message: 'torn forest' },
    });
    expect(place.ledger.pendingShadowDetections(10)).toEqual([]);
  });

  it('whose recording fails leaves the run recorded, and a note that it was asked', async () => {
    const recordShadow = () => {
      throw new AutoblockError('STATE_UNWRITABLE', 'disk full');
    };
    const { result, lines } = await run({ ledger: { ...place.ledger, recordShadow }, shadow });
    expect(result).toMatchObject({ blocksAdded: 1, shadow: { missing: { code: 'STATE_UNWRITABLE' } } });
    expect(lines.find((line) => line.code === 'STATE_UNWRITABLE')?.level).toBe('warn');
    expect(place.ledger.activeBlocks(NOW)).toHaveLength(1);
    expect(detailsOfLastRun()).toMatchObject({ shadowDetector: 'hybrid' });
    expect(detailsOfLastRun()).not.toHaveProperty('shadow');
  });

  it('judges in a dry run too, and nothing is written', async () => {
    const { result } = await run({ shadow, dryRun: true });
    expect(result.shadow?.tiers).toEqual({ high: 1, medium: 1, low: 0 });
    expect(place.ledger.pendingShadowDetections(10)).toEqual([]);
    expect(place.ledger.recentRuns({ limit: 1 })).toEqual([]);
  });
});
