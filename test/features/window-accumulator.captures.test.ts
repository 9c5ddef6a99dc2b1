import { describe, expect, it } from 'vitest';
import { FEATURE_COUNT, featureIndex } from '../../src/features/catalogue.ts';
import { EVIDENCE_COUNT, evidenceIndex } from '../../src/features/evidence.ts';
import type { FeatureTable } from '../../src/features/feature-table.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { createWindowAccumulator } from '../../src/features/window-accumulator.ts';
import { sharedDataMissing } from '../support/shared-data.ts';
import { readCapture } from './flow-capture.ts';

const MINUTE_MS = 60_000;
const WINDOW_MS = 5 * MINUTE_MS;

function fold(records: readonly LogRecord[]): FeatureTable {
  const accumulator = createWindowAccumulator({ windowMs: WINDOW_MS });
  for (const record of records) accumulator.add(record);
  expect(accumulator.recordCount).toBe(records.length);
  return accumulator.finish();
}

describe.skipIf(sharedDataMissing())('a day of a host exposed to the Internet', () => {
  const records = readCapture('stratosphere_011_exposed_host.csv.gz').map((flow) => flow.record);
  const table = fold(records);

  it('yields one entity per source and five-minute window', () => {
    const pairs = new Set(
      records.map((record) => `${record.sourceIp} ${Math.floor(record.timestampMs / WINDOW_MS)}`),
    );
    expect(pairs.size).toBe(3147);
    expect(table.entityCount).toBe(3147);
    expect(table.logCount.reduce((sum, count) => sum + count, 0)).toBe(9048);
  });

  it('sees the port scan of 104.152.52.193: 38 flows to 37 ports', () => {
    const windows = table.sourceIps.flatMap((ip, entity) =>
      ip === '104.152.52.193'
        ? [
            {
              flows: table.values[entity * FEATURE_COUNT + featureIndex('flow_count')],
              ports: table.values[entity * FEATURE_COUNT + featureIndex('distinct_destination_ports')],
            },
          ]
        : [],
    );
    expect(windows).toContainEqual({ flows: 38, ports: 37 });
  });

  it('counts exactly what sets and maps per entity count', () => {
    const expected = countByHand(records);
    table.sourceIps.forEach((ip, entity) => {
      const window = table.windowStartMs[entity]! / WINDOW_MS;
      const at = entity * EVIDENCE_COUNT;
      const evidence = (name: Parameters<typeof evidenceIndex>[0]) =>
        table.evidence[at + evidenceIndex(name)];
      expect({
        flows: evidence('flows'),
        destinations: evidence('distinct_destinations'),
        ports: evidence('distinct_destination_ports'),
        pairs: evidence('distinct_target_pairs'),
        topPortFlows: evidence('top_port_flows'),
        peak: evidence('max_flows_per_minute'),
      }).toEqual(expected.get(`${ip} ${window}`));
    });
  });

  it('gives the same entities and counts when the log is read newest first', () => {
    const backwards = fold(records.toReversed());
    expect(rowsByEntity(backwards)).toEqual(rowsByEntity(table));
  });
});

/** All features of each entity, rounded to what the order of additions leaves. */
function rowsByEntity(table: FeatureTable): Map<string, number[]> {
  return new Map(
    table.sourceIps.map((ip, entity) => [
      `${ip} ${table.windowStartMs[entity]}`,
      Array.from(table.values.subarray(entity * FEATURE_COUNT, (entity + 1) * FEATURE_COUNT), (value) =>
        Number(value.toPrecision(4)),
      ),
    ]),
  );
}

function countByHand(records: readonly LogRecord[]): Map<string, Record<string, number>> {
  const groups = new Map<string, LogRecord[]>();
  for (const record of records) {
    const key = `${record.sourceIp} ${Math.floor(record.timestampMs / WINDOW_MS)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [record]);
    else group.push(record);
  }
  return new Map(Array.from(groups, ([key, group]) => [key, countGroup(group)]));
}

function countGroup(group: readonly LogRecord[]): Record<string, number> {
  const withPort = group.filter((record) => record.protocol !== 'icmp');
  const portOf = (record: LogRecord) => (record.protocol === 'icmp' ? null : record.destinationPort);
  return {
    flows: group.length,
    destinations: new Set(group.map((record) => record.destinationIp)).size,
    ports: new Set(withPort.map(portOf)).size,
    pairs: new Set(group.map((record) => `${record.destinationIp} ${portOf(record)}`)).size,
    topPortFlows: mostFrequent(withPort.map(portOf)),
    peak: mostFrequent(group.map((record) => Math.floor(record.timestampMs / MINUTE_MS))),
  };
}

function mostFrequent(values: readonly (number | null)[]): number {
  const counts = new Map<number | null, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}
