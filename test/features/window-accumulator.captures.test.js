import { describe, expect, it } from 'vitest';
import { FEATURE_COUNT, featureIndex } from '../../src/features/catalogue.js';
import { EVIDENCE_COUNT, evidenceIndex } from '../../src/features/evidence.js';
import { createWindowAccumulator } from '../../src/features/window-accumulator.js';
import { readCapture, sharedCapture } from './flow-capture.js';

const MINUTE_MS = 60_000;
const WINDOW_MS = 5 * MINUTE_MS;
const capture = sharedCapture('stratosphere_011_exposed_host.csv.gz');
function fold(records) {
  const accumulator = createWindowAccumulator({ windowMs: WINDOW_MS });
  for (const record of records) accumulator.add(record);
  expect(accumulator.recordCount).toBe(records.length);
  return accumulator.finish();
}
describe.skipIf(capture === null)('a day of a host exposed to the Internet', () => {
  // The body of a skipped suite still runs.
  const records = capture === null ? [] : readCapture(capture);
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
      const window = table.windowStartMs[entity] / WINDOW_MS;
      const at = entity * EVIDENCE_COUNT;
      const evidence = (name) => table.evidence[at + evidenceIndex(name)];
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
function rowsByEntity(table) {
  return new Map(
    table.sourceIps.map((ip, entity) => [
      `${ip} ${table.windowStartMs[entity]}`,
      Array.from(table.values.subarray(entity * FEATURE_COUNT, (entity + 1) * FEATURE_COUNT), (value) =>
        Number(value.toPrecision(4)),
      ),
    ]),
  );
}
function countByHand(records) {
  const groups = new Map();
  for (const record of records) {
    const key = `${record.sourceIp} ${Math.floor(record.timestampMs / WINDOW_MS)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [record]);
    else group.push(record);
  }
  return new Map(Array.from(groups, ([key, group]) => [key, countGroup(group)]));
}
function countGroup(group) {
  const withPort = group.filter((record) => record.protocol !== 'icmp');
  const portOf = (record) => (record.protocol === 'icmp' ? null : record.destinationPort);
  return {
    flows: group.length,
    destinations: new Set(group.map((record) => record.destinationIp)).size,
    ports: new Set(withPort.map(portOf)).size,
    pairs: new Set(group.map((record) => `${record.destinationIp} ${portOf(record)}`)).size,
    topPortFlows: mostFrequent(withPort.map(portOf)),
    peak: mostFrequent(group.map((record) => Math.floor(record.timestampMs / MINUTE_MS))),
  };
}
function mostFrequent(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}
