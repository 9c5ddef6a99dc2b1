import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeModel } from '../../src/detector/model-files.ts';
import { generateSyntheticTraffic } from '../../src/evaluation/synthetic-traffic.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { membershipTest } from '../../src/ip/network-set.ts';
import { runTraining } from '../../src/runs/training-run.ts';
import { openModelRegistry } from '../../src/storage/model-registry.ts';
import { capturingLogger } from '../support/logger.ts';
import { OFFICE_SETTINGS } from '../support/traffic-csv.ts';

const NOW = Date.UTC(2026, 10, 22, 3, 0, 0, 123);
const DAY_MS = 86_400_000;
const INTERNAL = OFFICE_SETTINGS.INTERNAL_NETWORKS.split(',');

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'autoblock-models-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function officeDay(): Iterable<LogRecord> {
  const size = { lanHostCount: 25, externalClientCount: 60, noiseSourceCount: 60 };
  return generateSyntheticTraffic({ startMs: NOW - DAY_MS, endMs: NOW, seed: 5, campaigns: [], ...size });
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
    isInternal: membershipTest(INTERNAL),
    internalNetworks: INTERNAL,
    settings: {
      contamination: 0.03,
      nEstimators: 100,
      sampleSize: 256,
      chi2TopK: 18,
      windowMinutes: 5,
      seed: 42,
    },
    thresholds: { highRisk: 95, mediumRisk: 70 },
    logger,
    nowMs: () => options.nowMs ?? NOW,
    onProgress: ({ step }) => steps.push(step),
  });
  return { result, models, lines, steps };
}

describe('a training run', () => {
  it('makes what it saved, loaded back and checked the latest', async () => {
    const { result, models, lines, steps } = train(officeDay());
    const { version, flagRate, metadata } = await result;
    expect(version).toBe('20261122T030000123Z');
    expect(flagRate).toBeGreaterThan(0.006);
    expect(flagRate).toBeLessThan(0.09);
    expect(metadata).toMatchObject({ seed: 42, windowMinutes: 5, source: 'database' });
    expect(metadata.features).toHaveLength(25);
    for (const group of Object.values(metadata.groups)) expect(group.selectedFeatures).toHaveLength(18);

    const latest = models.readLatest()!;
    expect(latest.version).toBe(version);
    expect(decodeModel(latest.files, latest.metadata).metadata.version).toBe(version);
    expect(lines.at(-1)).toMatchObject({ msg: 'model trained and promoted', modelVersion: version });
    expect(new Set(steps)).toEqual(new Set(['reading traffic', 'fitting', 'checking the candidate']));
  }, 60_000);

  it('is not put off by the known bad sources it learnt nothing from, however many they are', async () => {
    const excludedSources = Array.from({ length: 20 }, (_, index) => `198.51.100.${1 + index}`);
    const records = [...officeDay(), ...returningBadSources(excludedSources)];
    const { result, lines } = train(records, { excludedSources });
    const { metadata, flagRate } = await result;
    expect(metadata.counts.exclusions.knownBadSources).toBeGreaterThan(5000);
    expect(flagRate).toBeLessThan(0.09);
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([]);
  }, 60_000);

  it('says how many rows it could not read, also when too little is left to learn from', async () => {
    const skipped = { source_ip_unreadable: 40, timestamp_unreadable: 2 };
    const { result, lines } = train([], { skipped });
    await expect(result).rejects.toMatchObject({ code: 'TRAINING_DATA_TOO_SMALL' });
    expect(lines).toContainEqual(
      expect.objectContaining({ code: 'LOGS_UNREADABLE', skippedRows: 42, reasons: skipped }),
    );
  });

  it('gives the same model, byte for byte, for the same traffic and seed, and warns when the week did not fit', async () => {
    const first = train(officeDay());
    await first.result;
    const { files } = first.models.readLatest()!;
    const second = train(officeDay(), { nowMs: NOW + 1, truncated: true });
    expect((await second.result).truncated).toBe(true);
    expect(second.lines.find((line) => line.code === 'LOGS_TRUNCATED')).toMatchObject({ level: 'warn' });
    expect(second.models.readLatest()!.files).toEqual(files);
  }, 60_000);

  it('keeps the latest and says why when the candidate does not hold', async () => {
    const good = train(officeDay());
    const { version } = await good.result;
    const bad = train(monotony(), { nowMs: NOW + 1000 });
    await expect(bad.result).rejects.toMatchObject({ code: 'MODEL_REJECTED' });
    expect(bad.lines.find((line) => line.code === 'MODEL_REJECTED')).toMatchObject({
      level: 'error',
      reasons: expect.arrayContaining([expect.stringMatching(/injected attacks/)]) as string[],
    });
    expect(bad.models.readLatest()!.version).toBe(version);
    const rejected = bad.models.list().find((model) => model.version !== version)!;
    expect(rejected).toMatchObject({ valid: false, latest: false });
    expect(() => bad.models.promote(rejected.version)).toThrow(/MODEL_REJECTED|rejected/i);
  }, 60_000);

  it('refuses too little traffic with how much there is and how much is needed, and leaves no trace', async () => {
    const { result, models } = train([...officeDay()].slice(0, 50));
    await expect(result).rejects.toThrow(/\d+ internal and \d+ external source windows.*needs 100/s);
    expect(models.list()).toEqual([]);
  });

  it('cannot save into a folder that is none, and says so', async () => {
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'a file');
    await expect(train(officeDay()).result).rejects.toMatchObject({ code: 'STATE_UNWRITABLE' });
  }, 60_000);
});
