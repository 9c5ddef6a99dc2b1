import { describe, expect, it } from 'vitest';
import { createTruthCollector, type EntityTruth } from '../../src/evaluation/entity-truth.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { createWindowAccumulator } from '../../src/features/window-accumulator.ts';

const WINDOW_MS = 300_000;

function recordOf(sourceIp: string, timestampMs: number): LogRecord {
  return {
    timestampMs,
    sourceIp,
    sourcePort: 50_000,
    destinationIp: '192.0.2.1',
    destinationPort: 80,
    protocol: 'tcp',
    action: 'accept',
    bytes: 500,
    packets: 5,
  };
}

function truthOf(
  flows: readonly (readonly [sourceIp: string, minute: number, attack: string | null])[],
): EntityTruth {
  const accumulator = createWindowAccumulator({ windowMs: WINDOW_MS });
  const truth = createTruthCollector(WINDOW_MS);
  for (const [sourceIp, minute, attack] of flows) {
    const record = recordOf(sourceIp, minute * 60_000);
    accumulator.add(record);
    if (attack !== null) truth.note(record, attack);
  }
  return truth.labelsOf(accumulator.finish());
}

describe('the truth about an entity', () => {
  it('is attack from half of its flows on', () => {
    const truth = truthOf([
      ['192.0.2.7', 0, 'PortScan'],
      ['192.0.2.7', 1, null],
      ['192.0.2.8', 0, 'PortScan'],
      ['192.0.2.8', 1, null],
      ['192.0.2.8', 2, null],
      ['192.0.2.9', 0, null],
    ]);
    expect([...truth.labels]).toEqual([1, 0, 0]);
    expect(truth.attacks).toEqual(['PortScan', null, null]);
  });

  it('is told for each source and window apart', () => {
    const truth = truthOf([
      ['192.0.2.7', 4, 'Bot'],
      ['192.0.2.7', 5, null],
      ['192.0.2.8', 4, null],
    ]);
    expect(truth.attacks).toEqual(['Bot', null, null]);
  });

  it('adds up different attacks and names the most frequent, the first by name on a tie', () => {
    const truth = truthOf([
      ['192.0.2.7', 0, 'DoS slowloris'],
      ['192.0.2.7', 0, 'DoS Hulk'],
      ['192.0.2.7', 0, null],
      ['192.0.2.7', 0, null],
      ['192.0.2.8', 0, 'Bot'],
      ['192.0.2.8', 0, 'PortScan'],
      ['192.0.2.8', 0, 'PortScan'],
    ]);
    expect(truth.attacks).toEqual(['DoS Hulk', 'PortScan']);
  });
});
