import type { TrainingSettings } from '../../src/detector/train-model.ts';
import { generateAttacks } from '../../src/evaluation/self-test-attacks.ts';
import { generateNormalSamples } from '../../src/evaluation/self-test-traffic.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { WINDOW_MS } from './traffic.ts';

/** What a site is made of, for tests that train models of their own (site.ts trains one when it is imported). */

export const thresholds = { highRisk: 95, mediumRisk: 70 };

export const settings: TrainingSettings = {
  contamination: 0.03,
  nEstimators: 60,
  sampleSize: 128,
  chi2TopK: 18,
  windowMinutes: 5,
  seed: 42,
};

export const info = {
  version: '20260101T000000000Z',
  createdAt: '2026-01-01T00:00:00.000Z',
  source: 'flows',
  trainingWindow: { from: '2025-12-25T00:00:00.000Z', to: '2026-01-01T00:00:00.000Z' },
  records: 1234,
  internalNetworks: ['10.0.0.0/8'],
} as const;

export const isInternal = (ip: string): boolean => ip.startsWith('10.');

export function normalRecords(count: number, seed = 1): LogRecord[] {
  return Array.from(generateNormalSamples({ count, windowMs: WINDOW_MS, seed })).flatMap(
    (one) => one.records,
  );
}

export function attackRecords(count: number, seed = 2): LogRecord[] {
  const traits = { hasVolumes: true, hasDrops: true };
  const plan = { count, windowMs: WINDOW_MS, seed, traits, group: 'external' as const };
  return Array.from(generateAttacks(plan)).flatMap((one) => one.records);
}
