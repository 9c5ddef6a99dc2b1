import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHybridDetector } from '../../src/detector/hybrid-detector.ts';
import { decodeModel } from '../../src/detector/model-files.ts';
import type { OperatorVerdict } from '../../src/detector/verdicts-on-traffic.ts';
import { generateSyntheticTraffic, listSyntheticSources } from '../../src/evaluation/synthetic-traffic.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { createTrafficAccumulator } from '../../src/features/traffic-windows.ts';
import { membershipTest } from '../../src/ip/network-set.ts';
import { runTraining } from '../../src/runs/training-run.ts';
import { type ModelRegistry, openModelRegistry } from '../../src/storage/model-registry.ts';
import { detectionOf } from '../support/detections.ts';
import { capturingLogger } from '../support/logger.ts';
import { runOn, temporaryLedger } from '../support/temporary-ledger.ts';
import { OFFICE_SETTINGS } from '../support/traffic-csv.ts';

const NOW = Date.UTC(2026, 10, 22, 3, 0, 0, 123);
const DAY_MS = 86_400_000;
const INTERNAL = OFFICE_SETTINGS.INTERNAL_NETWORKS.split(',');
const isInternal = membershipTest(INTERNAL);
const THRESHOLDS = { highRisk: 95, mediumRisk: 70 };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'autoblock-models-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Enough to train on in a few seconds. */
const OFFICE = {
  startMs: NOW - DAY_MS / 4,
  endMs: NOW,
  seed: 5,
  lanHostCount: 25,
  externalClientCount: 60,
  noiseSourceCount: 60,
};

function officeHours(): Iterable<LogRecord> {
  return generateSyntheticTraffic({ ...OFFICE, campaigns: [] });
}

/** One source knocking at one port a few times a window, day and night: nothing a model could tell attacks from. */
function* monotony(): Generator<LogRecord> {
  for (let atMs = NOW - 7 * DAY_MS; atMs < NOW; atMs += 60_000) {
    for (const host of [1, 2, 3, 4]) {
      yield {
        timestampMs: atMs,
        sourceIp: `198.51.100.${host}`,
        sourcePort: 40_000,
        destinationIp: '192.0.2.1',
        destinationPort: 443,
        protocol: 'tcp',
        action: null,
        bytes: null,
        packets: null,
      };
    }
  }
}

/** Blocked sources that come back all day, unlike anybody else but under every signature. */
function* returningBadSources(sources: readonly string[]): Generator<LogRecord> {
  for (let atMs = NOW - DAY_MS; atMs < NOW; atMs += 60_000) {
    for (const [index, sourceIp] of sources.entries()) {
      yield {
        timestampMs: atMs,
        sourceIp,
        sourcePort: 40_000,
        destinationIp: `203.0.113.${1 + ((atMs / 60_000 + index) % 200)}`,
        destinationPort: 1024 + ((atMs / 60_000 + index) % 5000),
        protocol: 'tcp',
        action: 'accept',
        bytes: 1600,
        packets: 8,
      };
    }
  }
}

function train(
  records: Iterable<LogRecord>,
  options: {
    truncated?: boolean;
    nowMs?: number;
    excludedSources?: readonly string[];
    skipped?: Record<string, number>;
    verdicts?: readonly OperatorVerdict[];
  } = {},
) {
  const { logger, lines } = capturingLogger();
  const models = openModelRegistry({ directory, logger });
  const steps: string[] = [];
  const result = runTraining({
    source: {
      kind: 'database',
      read(onRecord) {
        let count = 0;
        for (const record of records) {
          onRecord(record);
          count += 1;
        }
        return Promise.resolve({
          records: count,
          truncated: options.truncated ?? false,
          fromMs: NOW - DAY_MS,
          toMs: NOW,
          skipped: options.skipped ?? {},
        });
      },
    },
    models,
    excludedSources: new Set(options.excludedSources ?? []),
    verdicts: options.verdicts ?? [],
    isInternal,
    internalNetworks: INTERNAL,
    settings: {
      contamination: 0.03,
      nEstimators: 60,
      sampleSize: 256,
      chi2TopK: 18,
      windowMinutes: 5,
      seed: 42,
    },
    thresholds: THRESHOLDS,
    logger,
    nowMs: () => options.nowMs ?? NOW,
    onProgress: ({ step }) => steps.push(step),
  });
  return { result, models, lines, steps };
}

describe('a training run', () => {
  it('makes what it saved, loaded back and checked the latest', async () => {
    const { result, models, lines, steps } = train(officeHours());
    const { version, flagRate, metadata } = await result;
    expect(version).toBe('20261122T030000123Z');
    expect(flagRate).toBeGreaterThan(0.006);
    expect(flagRate).toBeLessThan(0.09);
    expect(metadata).toMatchObject({ seed: 42, windowMinutes: 5, source: 'database' });
    expect(metadata.features).toHaveLength(25);
    for (const { short, long } of Object.values(metadata.groups))
      for (const scale of [short, long!])
        expect(scale.selectedFeatures).toHaveLength(scale.selection === 'all' ? 25 : 18);

    const latest = models.readLatest()!;
    expect(latest.version).toBe(version);
    expect(decodeModel(latest.files, latest.metadata).metadata.version).toBe(version);
    expect(lines.at(-1)).toMatchObject({ msg: 'model trained and promoted', modelVersion: version });
    expect(new Set(steps)).toEqual(new Set(['reading traffic', 'fitting', 'checking the candidate']));
  });

  it('is not put off by the known bad sources it learnt nothing from, however many they are', async () => {
    const excludedSources = Array.from({ length: 20 }, (_, index) => `198.51.100.${1 + index}`);
    const records = [...officeHours(), ...returningBadSources(excludedSources)];
    const { result, lines } = train(records, { excludedSources });
    const { metadata, flagRate } = await result;
    expect(metadata.counts.exclusions.knownBadSources).toBeGreaterThan(5000);
    expect(flagRate).toBeLessThan(0.09);
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('says how many rows it could not read, also when too little is left to learn from', async () => {
    const skipped = { source_ip_unreadable: 40, timestamp_unreadable: 2 };
    const { result, lines } = train([], { skipped });
    await expect(result).rejects.toMatchObject({ code: 'TRAINING_DATA_TOO_SMALL' });
    expect(lines).toContainEqual(
      expect.objectContaining({ code: 'LOGS_UNREADABLE', skippedRows: 42, reasons: skipped }),
    );
  });

  it('gives the same model, byte for byte, for the same traffic and seed, and warns when the week did not fit', async () => {
    const first = train(officeHours());
    await first.result;
    const { files } = first.models.readLatest()!;
    const second = train(officeHours(), { nowMs: NOW + 1, truncated: true });
    expect((await second.result).truncated).toBe(true);
    expect(second.lines.find((line) => line.code === 'LOGS_TRUNCATED')).toMatchObject({ level: 'warn' });
    expect(second.models.readLatest()!.files).toEqual(files);
  });

  it('keeps the latest and says why when the candidate does not hold', async () => {
    const good = train(officeHours());
    const { version } = await good.result;
    const bad = train(monotony(), { nowMs: NOW + 1000 });
    await expect(bad.result).rejects.toMatchObject({ code: 'MODEL_REJECTED' });
    expect(bad.lines.find((line) => line.code === 'MODEL_REJECTED')).toMatchObject({
      level: 'error',
      reasons: expect.arrayContaining([expect.stringMatching(/of its baseline/)]) as string[],
    });
    expect(bad.models.readLatest()!.version).toBe(version);
    const rejected = bad.models.list().find((model) => model.version !== version)!;
    expect(rejected).toMatchObject({ valid: false, latest: false });
    expect(() => bad.models.promote(rejected.version)).toThrow(/MODEL_REJECTED|rejected/i);
  });

  it('refuses too little traffic with how much there is and how much is needed, and leaves no trace', async () => {
    const { result, models } = train([...officeHours()].slice(0, 50));
    await expect(result).rejects.toThrow(
      /\d+ internal and \d+ external source windows.*needs 15 of one kind/s,
    );
    expect(models.list()).toEqual([]);
  });

  it('cannot save into a folder that is none, and says so', async () => {
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'a file');
    await expect(train(officeHours()).result).rejects.toMatchObject({ code: 'STATE_UNWRITABLE' });
  });
});

const INVENTORY = '198.51.100.77';

/** A partner's inventory tool: every ten minutes it asks forty of our hosts for login services, all of them in vain. */
function* inventory(): Generator<LogRecord> {
  for (let atMs = OFFICE.startMs; atMs < NOW; atMs += 600_000) {
    for (let target = 0; target < 40; target += 1) {
      yield {
        timestampMs: atMs + target * 250,
        sourceIp: INVENTORY,
        sourcePort: 40_000 + target,
        destinationIp: `203.0.113.${1 + target}`,
        destinationPort: [22, 23, 3389, 5900][target % 4]!,
        protocol: 'tcp',
        action: 'drop',
        bytes: 44,
        packets: 1,
      };
    }
  }
}

/** Risk without caps of each window of a source, by the latest model. */
function suspicionOf(sourceIp: string, { models, records }: { models: ModelRegistry; records: LogRecord[] }) {
  const { files, metadata } = models.readLatest()!;
  const detector = createHybridDetector({
    model: decodeModel(files, metadata),
    thresholds: THRESHOLDS,
    isInternal,
  });
  const accumulator = createTrafficAccumulator({ windowMs: 300_000 });
  for (const record of records) accumulator.add(record);
  const traffic = accumulator.finish();
  const suspicion = detector.suspicion(traffic);
  return Array.from(suspicion).filter((_risk, entity) => traffic.short.sourceIps[entity] === sourceIp);
}

const mean = (risks: readonly number[]): number => risks.reduce((sum, risk) => sum + risk, 0) / risks.length;

describe('a training after operators have spoken', () => {
  it('learns from a rejected review that the source is harmless: its windows are examples and its risk falls', async () => {
    const place = temporaryLedger();
    try {
      const records = [...officeHours(), ...inventory()];
      const before = train(records);
      expect((await before.result).verdicts).toEqual({
        given: 0,
        used: 0,
        attackWindows: 0,
        benignWindows: 0,
      });
      const risksBefore = suspicionOf(INVENTORY, { models: before.models, records });
      expect(mean(risksBefore)).toBeGreaterThan(95);

      runOn(place.ledger, [detectionOf({ sourceIp: INVENTORY, riskScore: 90, lastSeenMs: NOW - 1000 })], NOW);
      const { id } = place.ledger.review(INVENTORY);
      place.ledger.rejectReview({ id, actor: 'test', standsSeconds: 60, nowMs: NOW + 1 });
      const verdicts = place.ledger.operatorVerdicts();
      const after = train(records, { nowMs: NOW + 2, verdicts });
      const { metadata, verdicts: used } = await after.result;

      const windows = risksBefore.length;
      expect(used).toEqual({ given: 1, used: 1, attackWindows: 0, benignWindows: windows });
      expect(metadata.groups.external!.verdicts).toEqual({ attacks: 0, benign: windows });
      const { reliability } = after.models.readLatest()!.metadata.groups.external!;
      expect(reliability.reduce((sum, { reviewed }) => sum + reviewed, 0)).toBe(windows);
      const risksAfter = suspicionOf(INVENTORY, { models: after.models, records });
      expect(mean(risksAfter)).toBeLessThan(50);
      expect(after.lines.at(-1)).toMatchObject({ verdicts: used });
    } finally {
      place.remove();
    }
  });

  it('warns when operators rejected so much of the high tier that it had to be closed', async () => {
    const attackers = listSyntheticSources(OFFICE).filter(({ attack }) => attack !== null);
    const period = { evidenceFromMs: NOW, evidenceUntilMs: NOW, shownFromMs: NOW, shownUntilMs: NOW };
    const verdicts = attackers.map(({ sourceIp: address }) => ({
      address,
      verdict: 'false_positive' as const,
      atMs: NOW,
      ...period,
    }));
    const { result, lines } = train(generateSyntheticTraffic(OFFICE), { verdicts });
    const { metadata, version } = await result;
    const { leastHighRisk, reliability } = metadata.groups.external!;
    expect(leastHighRisk).toBe(101);
    expect(reliability.at(-1)!.reviewed).toBeGreaterThan(0);
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([
      expect.objectContaining({
        code: 'HIGH_TIER_TIGHTENED',
        modelVersion: version,
        group: 'external',
        leastHighRisk,
        reliability,
        msg: 'high tier closed: at no risk were 95 % of what operators reviewed attacks',
      }),
    ]);
  });
});
