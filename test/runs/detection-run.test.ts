import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildProtection } from '../../src/decisions/protected-networks.ts';
import { createLegacyDetector } from '../../src/detector/legacy-detector.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { raiseDetectionAlerts } from '../../src/runs/detection-alerts.ts';
import { type DetectionSettings, type LogReader, runDetection } from '../../src/runs/detection-run.ts';
import { blockPolicyOf } from '../support/block-policy.ts';
import { capturingLogger } from '../support/logger.ts';
import { type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 3, 4, 30);
const MINUTE = 60_000;

const SETTINGS: DetectionSettings = {
  hoursBack: 1,
  windowMinutes: 5,
  maxRecords: 1_000_000,
  policy: blockPolicyOf(),
  reviewSeconds: 604_800,
  dryRun: false,
};

/** Completed SSH logins of one source, `count` within two minutes, the last one two minutes before NOW. */
function bruteForce(sourceIp: string, count = 300): LogRecord[] {
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

/** A log that keeps the promises of the real reader: the period, the newest first, no more than asked for. */
function logOf(records: readonly LogRecord[]): LogReader & { asked: { fromMs: number; toMs: number }[] } {
  const asked: { fromMs: number; toMs: number }[] = [];
  return {
    asked,
    read({ fromMs, toMs, maxRecords, onRecord }) {
      asked.push({ fromMs, toMs });
      const inPeriod = records
        .filter(({ timestampMs }) => timestampMs >= fromMs && timestampMs < toMs)
        .sort((a, b) => b.timestampMs - a.timestampMs);
      const given = inPeriod.slice(0, maxRecords);
      for (const record of given) onRecord(record);
      return Promise.resolve({
        records: given.length,
        truncated: given.length < inPeriod.length,
        oldestMs: given.at(-1)?.timestampMs ?? null,
        skipped: {},
      });
    },
  };
}

let place: TemporaryLedger;
beforeEach(() => {
  place = temporaryLedger();
});
afterEach(() => place.remove());

function run(
  records: readonly LogRecord[],
  changes: Partial<DetectionSettings> = {},
  allowlist: string[] = [],
) {
  const { logger, lines } = capturingLogger();
  const logs = logOf(records);
  const result = runDetection({
    logs,
    detector: createLegacyDetector({
      thresholds: { highRisk: 95, mediumRisk: 70 },
      isInternal: (ip) => ip.startsWith('10.'),
    }),
    ledger: place.ledger,
    protection: buildProtection({ internalNetworks: ['10.0.0.0/8'], allowlist, extraProtected: [] }),
    settings: { ...SETTINGS, ...changes },
    logger,
    nowMs: () => NOW,
    asOfMs: NOW,
  });
  return result.then((found) => ({ result: found, lines, asked: logs.asked }));
}

const active = () => place.ledger.activeBlocks(NOW).map((block) => block.address);

describe('a detection run', () => {
  it('reads whole windows back from its time, so that the oldest window is not cut', async () => {
    const { asked } = await run([]);
    expect(asked).toEqual([{ fromMs: Date.UTC(2026, 10, 22, 2, 0), toMs: NOW }]);
  });

  it('writes block, detections and its own row at once, and the same logs again change nothing', async () => {
    const attack = bruteForce('198.51.100.66');
    const { result } = await run(attack);
    expect(result).toMatchObject({ blocksAdded: 1, records: 300, detector: 'legacy', tiers: { high: 1 } });
    const [block] = place.ledger.activeBlocks(NOW);
    expect(block).toMatchObject({ address: '198.51.100.66', origin: 'auto', expiresAtMs: NOW + 86_400_000 });
    expect(place.ledger.recentRuns({ limit: 1 })[0]).toMatchObject({
      status: 'ok',
      details: { recordsRead: 300 },
    });
    expect(place.ledger.pendingDetections(10)).toHaveLength(1);

    const { result: again } = await run(attack);
    expect(again).toMatchObject({ blocksAdded: 0, blocksExtended: 0, reviewsAdded: 0 });
    expect(place.ledger.activeBlocks(NOW)).toEqual([block]);
  });

  it('tells and records that it could not read everything', async () => {
    const { result, lines } = await run(bruteForce('198.51.100.66'), { maxRecords: 100 });
    expect(result.truncated).toBe(true);
    expect(lines.find((line) => line.code === 'LOGS_TRUNCATED')).toMatchObject({
      level: 'warn',
      maxRecords: 100,
    });
    expect(place.ledger.recentRuns({ limit: 1 })[0]).toMatchObject({ details: { truncated: true } });
  });

  it('blocks no allowlisted or inside source, and says so loudly for the inside one', async () => {
    const records = [...bruteForce('198.51.100.66'), ...bruteForce('10.1.2.3')];
    const { result, lines } = await run(records, {}, ['198.51.100.0/24']);
    expect(active()).toEqual([]);
    expect(result.verdicts.map(({ sourceIp, action, cause }) => [sourceIp, action, cause]).sort()).toEqual([
      ['10.1.2.3', 'monitor', 'protected'],
      ['198.51.100.66', 'monitor', 'allowlisted'],
    ]);
    expect(lines.find((line) => line.code === 'PROTECTED_SOURCE')).toMatchObject({
      address: '10.1.2.3',
      level: 'warn',
    });
  });

  it('sends what goes over the cap to review, the riskiest blocked first, loudly', async () => {
    const attackers = ['198.51.100.1', '198.51.100.2', '198.51.100.3'];
    const records = attackers.flatMap((attacker) => bruteForce(attacker));
    const { result, lines } = await run(records, { policy: blockPolicyOf({ maxBlocksPerRun: 1 }) });
    expect(result).toMatchObject({ blocksAdded: 1, reviewsAdded: 2 });
    expect(active()).toHaveLength(1);
    expect(lines.find((line) => line.code === 'BLOCK_CAP_REACHED')).toMatchObject({
      level: 'error',
      toReview: 2,
    });
  });

  it('leaves an alert for the status of what it could not or must not block, taken back a day after', async () => {
    const attackers = ['198.51.100.1', '198.51.100.2', '10.1.2.3'].flatMap((attacker) =>
      bruteForce(attacker),
    );
    const policy = blockPolicyOf({ maxBlocksTotal: 1 });
    await run(attackers, { policy, dryRun: true });
    expect(place.ledger.alerts()).toEqual([]);
    await run(attackers, { policy });
    const alerts = [...place.ledger.alerts()].sort((a, b) => (a.code < b.code ? -1 : 1));
    expect(alerts.map(({ code, subject }) => [code, subject])).toEqual([
      ['PROTECTED_SOURCE', '10.1.2.3'],
      ['TOTAL_CAP_REACHED', 'detection'],
    ]);
    expect(alerts[0]?.message).toContain(
      'would have been blocked, but 10.0.0.0/8 is never blocked: internal network',
    );
    expect(alerts[1]?.message).toContain('1 blocks are active, the most there may be');

    const { ledger } = place;
    const day = 86_400_000;
    const quiet = (nowMs: number): void =>
      raiseDetectionAlerts({ verdicts: [], ledger, logger: capturingLogger().logger, nowMs, dryRun: false });
    ledger.raiseAlert({ code: 'MASS_REMOVAL_HELD', subject: 'gw1', message: 'of somebody else', nowMs: NOW });
    const withdrawn = { code: 'PROTECTED_BLOCK_WITHDRAWN', subject: '198.51.100.1', message: 'of the sync' };
    ledger.raiseAlert({ ...withdrawn, nowMs: NOW });
    quiet(NOW + day - 1);
    expect(ledger.alerts()).toHaveLength(4);
    quiet(NOW + day);
    expect(ledger.alerts().map(({ code }) => code)).toEqual(['MASS_REMOVAL_HELD']);
  });

  it('queues instead of blocking while AUTO_BLOCK is off', async () => {
    const { result } = await run(bruteForce('198.51.100.66'), {
      policy: blockPolicyOf({ autoBlock: false }),
    });
    expect(result).toMatchObject({ blocksAdded: 0, reviewsAdded: 1 });
    expect(active()).toEqual([]);
  });

  it('writes nothing in a dry run and still tells what it would do', async () => {
    const { result, lines } = await run(bruteForce('198.51.100.66'), { dryRun: true });
    expect(result).toMatchObject({ runId: null, blocksAdded: 1 });
    expect(active()).toEqual([]);
    expect(place.ledger.recentRuns({ limit: 5 })).toEqual([]);
    expect(place.ledger.pendingDetections(5)).toEqual([]);
    expect(lines.at(-1)).toMatchObject({ msg: 'detection run finished', dryRun: true });
  });

  it('leaves the ledger alone when the log cannot be read', async () => {
    const failing: LogReader = { read: () => Promise.reject(new Error('connection lost')) };
    await expect(
      runDetection({
        logs: failing,
        detector: createLegacyDetector({
          thresholds: { highRisk: 95, mediumRisk: 70 },
          isInternal: () => false,
        }),
        ledger: place.ledger,
        protection: buildProtection({ internalNetworks: [], allowlist: [], extraProtected: [] }),
        settings: SETTINGS,
        logger: capturingLogger().logger,
        nowMs: () => NOW,
        asOfMs: NOW,
      }),
    ).rejects.toThrow('connection lost');
    expect(place.ledger.recentRuns({ limit: 5 })).toEqual([]);
  });
});
