import type { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decide } from '../../src/decisions/decide.ts';
import { buildProtection } from '../../src/decisions/protected-networks.ts';
import type { Detection, DetectorName } from '../../src/detector/detection.ts';
import { deliverDetections } from '../../src/runs/detection-delivery.ts';
import { type DetectionReport, reportDetections } from '../../src/runs/detection-report.ts';
import { deliverShadowDetections } from '../../src/runs/shadow-delivery.ts';
import { createDetectionHistory } from '../../src/storage/detection-history.ts';
import { createDetectionsTable } from '../../src/storage/detections-table.ts';
import { migrateDatabase } from '../../src/storage/schema-migrations.ts';
import { createShadowDetectionsTable } from '../../src/storage/shadow-detections-table.ts';
import { blockPolicyOf } from '../support/block-policy.ts';
import { detectionOf } from '../support/detections.ts';
import { capturingLogger } from '../support/logger.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 30);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const { logger } = capturingLogger();
const protection = buildProtection({ internalNetworks: [], allowlist: [], extraProtected: [] });

let postgres: TestPostgres;
let pool: Pool;
let place: TemporaryLedger;

beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  pool = await postgres.database();
  await migrateDatabase({ pool, logsRelation: 'network_logs', logger });
  place = temporaryLedger();
});
afterEach(() => place.remove());

type Found = readonly [sourceIp: string, riskScore: number, logCount?: number];
type ShadowPart = readonly Found[] | 'missing' | 'killed' | 'off';

const by = (detector: DetectorName, found: readonly Found[], atMs: number): Detection[] =>
  found.map(([sourceIp, riskScore, logCount = 40]) => ({
    ...detectionOf({ sourceIp, riskScore, lastSeenMs: atMs - 1000 }),
    logCount,
    detector,
    modelVersion: detector === 'legacy' ? null : 'v1',
  }));

/** One recorded run, an hour of look back, 10 entities; delivered to PostgreSQL. */
async function run(given: {
  atMs: number;
  active: DetectorName;
  found: readonly Found[];
  shadow: ShadowPart;
  /** Who really judged the active part, where it is not the active detector itself. */
  judgedBy?: DetectorName;
}): Promise<void> {
  const { atMs, active, found, shadow, judgedBy = active } = given;
  const other = active === 'hybrid' ? 'legacy' : 'hybrid';
  const detections = by(judgedBy, found, atMs);
  const policy = blockPolicyOf();
  const { runId } = place.ledger.recordDetectionRun({
    run: {
      startedAtMs: atMs,
      finishedAtMs: atMs,
      detector: active,
      modelVersion: null,
      ...(shadow === 'off' ? {} : { shadowDetector: other }),
      recordsRead: 100,
      truncated: false,
      entities: 10,
      windowFromMs: atMs - HOUR,
      windowToMs: atMs,
    },
    verdicts: decide({ detections, protection, history: place.ledger.history(atMs), policy, nowMs: atMs }),
    reviewSeconds: 604_800,
    nowMs: atMs,
  });
  if (shadow === 'missing') {
    const figures = { detector: other, missing: { code: 'MODEL_MISSING', message: 'none' } } as const;
    place.ledger.recordShadow({ runId, figures, detections: [], detectedAtMs: atMs });
  } else if (typeof shadow !== 'string') {
    const figures = { detector: other, missing: null } as const;
    place.ledger.recordShadow({ runId, figures, detections: by(other, shadow, atMs), detectedAtMs: atMs });
  }
  const { ledger } = place;
  await deliverDetections({ ledger, table: createDetectionsTable(pool), logger });
  const table = createShadowDetectionsTable({ pool, logger });
  await deliverShadowDetections({ ledger, table, keepFromMs: 0, logger });
}

function report(
  changes: { compare?: boolean; activeDetector?: DetectorName } = {},
): Promise<DetectionReport> {
  return reportDetections({
    ledger: place.ledger,
    history: createDetectionHistory(pool, 1),
    policy: { isProtected: (ip) => ip === '198.51.100.9', autoBlock: true, fewestFlowsForReview: 3 },
    activeDetector: 'legacy',
    days: 7,
    compare: true,
    nowMs: NOW,
    ...changes,
  });
}

describe('the report of the active detector', () => {
  it('is all nought, with no share made up, before the first run', async () => {
    const { active, comparison } = await report({ compare: false });
    expect(active).toEqual({
      runs: 0,
      failedRuns: 0,
      runsByDetector: { hybrid: 0, legacy: 0 },
      entitiesJudged: 0,
      detections: { high: 0, medium: 0, low: 0 },
      sources: { high: 0, medium: 0, low: 0 },
      flagged: 0,
      wouldBlock: 0,
      wouldReview: 0,
      blockedSources: 0,
      verdicts: { judged: 0, falsePositives: 0, confirmed: 0, judgedShare: null },
    });
    expect(comparison).toBeNull();
  });

  it('counts runs, detections, sources, blocks and verdicts of the period and nothing before it', async () => {
    const { ledger } = place;
    await run({ atMs: NOW - 8 * DAY, active: 'legacy', found: [['192.0.2.99', 97]], shadow: 'off' });
    await run({
      atMs: NOW - 2 * DAY,
      active: 'legacy',
      found: [
        ['192.0.2.1', 97],
        ['192.0.2.2', 80],
        ['192.0.2.3', 75],
        ['192.0.2.4', 30],
        ['198.51.100.9', 99],
      ],
      shadow: 'off',
    });
    ledger.confirmBlocks({ addresses: ['192.0.2.1'], nowMs: NOW - 2 * DAY + HOUR });
    await run({ atMs: NOW - DAY, active: 'legacy', found: [['192.0.2.1', 75]], shadow: 'off' });
    const failed = ledger.beginRun('detection', NOW - HOUR);
    ledger.finishRun({ id: failed, status: 'failed', details: { code: 'INTERNAL' }, nowMs: NOW - HOUR });
    await deliverDetections({ ledger, table: createDetectionsTable(pool), logger });
    ledger.rejectReview({
      id: ledger.review('192.0.2.2').id,
      actor: 'a',
      standsSeconds: 60,
      nowMs: NOW - HOUR,
    });
    const { active } = await report({ compare: false });
    // 97, 99 high; 80, 75, and the second sight of .1 (75) medium; 30 low. By source .1 is high.
    expect(active).toEqual({
      runs: 2,
      failedRuns: 1,
      runsByDetector: { hybrid: 0, legacy: 2 },
      entitiesJudged: 20,
      detections: { high: 2, medium: 3, low: 1 },
      sources: { high: 2, medium: 2, low: 1 },
      flagged: 4,
      // .9 is protected here.
      wouldBlock: 1,
      wouldReview: 2,
      blockedSources: 1,
      verdicts: { judged: 1, falsePositives: 1, confirmed: 0, judgedShare: 0.25 },
    });
  });
});

describe('what would go to review', () => {
  it('is of medium confidence on three flows or more that one run can have seen together', async () => {
    const once = ['192.0.2.20', 80, 2] as const;
    const twice = ['192.0.2.21', 80, 2] as const;
    await run({ atMs: NOW - 50 * HOUR, active: 'hybrid', found: [once], shadow: [once] });
    await run({ atMs: NOW - 26 * HOUR, active: 'hybrid', found: [once, twice], shadow: [once] });
    await run({ atMs: NOW - 25.5 * HOUR, active: 'hybrid', found: [twice], shadow: [] });
    const { active, comparison } = await report({ activeDetector: 'hybrid' });
    // .21 was seen twice within the hour one run reads back, with four flows; .20 a day apart.
    expect(active).toMatchObject({ flagged: 2, wouldBlock: 0, wouldReview: 1 });
    expect(comparison!.beforeAfter).toMatchObject({ actedBefore: 1, actedAfter: 0, fewer: 1 });
  });
});

describe('the comparison', () => {
  it('takes only windows both judged, and tells how often and why the shadow was missing', async () => {
    await run({ atMs: NOW - 5 * DAY, active: 'legacy', found: [['192.0.2.50', 97]], shadow: 'off' });
    await run({ atMs: NOW - 4 * DAY, active: 'legacy', found: [['192.0.2.51', 97]], shadow: 'missing' });
    await run({ atMs: NOW - 3 * DAY, active: 'legacy', found: [['192.0.2.52', 97]], shadow: 'killed' });
    await run({ atMs: NOW - 2 * DAY, active: 'legacy', found: [['192.0.2.1', 97]], shadow: [] });
    const { comparison } = await report();
    expect(comparison).toMatchObject({
      shadow: {
        asked: 3,
        judged: 1,
        missing: 2,
        missingByCode: { MODEL_MISSING: 1, NOT_RECORDED: 1 },
      },
      entitiesJudged: 10,
      agreement: { flagged: 1, both: 0, onlyHybrid: 0, onlyLegacy: 1, share: 0 },
      detectors: {
        hybrid: { activeRuns: 0, shadowRuns: 1, flagged: 0 },
        legacy: { activeRuns: 1, shadowRuns: 0, flagged: 1 },
      },
    });
  });

  it('has nothing to say where no shadow ever judged', async () => {
    await run({ atMs: NOW - DAY, active: 'legacy', found: [['192.0.2.1', 97]], shadow: 'off' });
    const { comparison } = await report();
    expect(comparison).toMatchObject({
      shadow: { asked: 0, judged: 0, missing: 0, missingByCode: {} },
      agreement: { flagged: 0, share: null },
      differences: [],
    });
  });

  it('puts both side by side with the verdicts of operators, a whole week of them by hand', async () => {
    const { ledger } = place;
    // Legacy: .1 high, .2 medium, .3 medium, .4 high, .9 (protected) high. Hybrid: .1 high, .5 medium, .2 low.
    await run({
      atMs: NOW - 2 * DAY,
      active: 'legacy',
      found: [
        ['192.0.2.1', 96],
        ['192.0.2.2', 80],
        ['192.0.2.3', 75],
        ['192.0.2.4', 98],
        ['198.51.100.9', 99],
      ],
      shadow: [
        ['192.0.2.1', 97],
        ['192.0.2.2', 20],
        ['192.0.2.5', 72],
      ],
    });
    ledger.liftBlock({ address: '192.0.2.4', actor: 'a', nowMs: NOW - 2 * DAY + HOUR });
    ledger.rejectReview({
      id: ledger.review('192.0.2.2').id,
      actor: 'a',
      standsSeconds: 60,
      nowMs: NOW - DAY,
    });
    const seconds = 3600;
    ledger.addBlock({
      address: '192.0.2.5',
      origin: 'manual',
      seconds,
      reason: 'r',
      actor: 'a',
      nowMs: NOW - HOUR,
    });
    await pool.query("UPDATE detections SET is_false_positive = true WHERE source_ip = '192.0.2.3'");

    const { comparison } = await report();
    expect(comparison?.detectors).toEqual({
      hybrid: {
        activeRuns: 0,
        shadowRuns: 1,
        detections: { high: 1, medium: 1, low: 1 },
        sources: { high: 1, medium: 1, low: 1 },
        flagged: 2,
        wouldBlock: 1,
        wouldReview: 1,
        verdicts: { judged: 1, falsePositives: 0, confirmed: 1, judgedShare: 0.5 },
      },
      legacy: {
        activeRuns: 1,
        shadowRuns: 0,
        detections: { high: 3, medium: 2, low: 0 },
        sources: { high: 3, medium: 2, low: 0 },
        flagged: 5,
        wouldBlock: 2,
        wouldReview: 2,
        verdicts: { judged: 3, falsePositives: 3, confirmed: 0, judgedShare: 0.6 },
      },
    });
    expect(comparison?.agreement).toEqual({
      flagged: 6,
      both: 1,
      onlyHybrid: 1,
      onlyLegacy: 4,
      share: 1 / 6,
    });
    expect(comparison?.differences.map(({ sourceIp, verdict }) => [sourceIp, verdict])).toEqual([
      ['198.51.100.9', null],
      ['192.0.2.4', 'false_positive'],
      ['192.0.2.3', 'false_positive'],
      ['192.0.2.5', 'confirmed'],
      ['192.0.2.2', 'false_positive'],
    ]);
    expect(comparison?.differences[4]).toMatchObject({
      hybrid: { confidence: 'low', riskScore: 20 },
      legacy: { confidence: 'medium', riskScore: 80, reasons: [expect.stringContaining('412 destination')] },
    });
    expect(comparison?.beforeAfter).toEqual({
      before: 'legacy',
      after: 'hybrid',
      actedBefore: 4,
      actedAfter: 2,
      fewer: 2,
      verdicts: 4,
      falsePositives: { total: 3, before: 3, after: 0 },
      confirmed: { total: 1, before: 0, after: 1 },
    });
  });

  it('goes on over a switch of the active detector: each detector keeps what it found in either part', async () => {
    await run({
      atMs: NOW - 2 * DAY,
      active: 'legacy',
      found: [['192.0.2.1', 97]],
      shadow: [['192.0.2.2', 97]],
    });
    // Legacy rules judged for the hybrid detector, whose model lacks the group: still hybrid's finding.
    await run({
      atMs: NOW - DAY,
      active: 'hybrid',
      found: [['192.0.2.3', 97]],
      judgedBy: 'legacy',
      shadow: [['192.0.2.4', 80]],
    });
    const { comparison, active } = await report({ activeDetector: 'hybrid' });
    expect(active.runsByDetector).toEqual({ hybrid: 1, legacy: 1 });
    expect(comparison?.detectors).toMatchObject({
      hybrid: { activeRuns: 1, shadowRuns: 1, sources: { high: 2, medium: 0 } },
      legacy: { activeRuns: 1, shadowRuns: 1, sources: { high: 1, medium: 1 } },
    });
    expect(comparison?.beforeAfter).toMatchObject({ before: 'hybrid', after: 'legacy', fewer: 0 });
  });

  it('counts a window once that a detector saw as the shadow and, an hour later, as the active one', async () => {
    const again: Found = ['192.0.2.1', 97];
    await run({ atMs: NOW - DAY, active: 'legacy', found: [], shadow: [again] });
    await run({ atMs: NOW - DAY + 1000, active: 'hybrid', found: [again], shadow: [] });
    const { comparison } = await report();
    expect(comparison?.detectors.hybrid).toMatchObject({ detections: { high: 1 }, sources: { high: 1 } });
  });
});
