import { describe, expect, it } from 'vitest';
import type { FeatureName } from '../../src/features/catalogue.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { createWindowAccumulator } from '../../src/features/window-accumulator.ts';
import { at, evidenceOf, featuresOf, fold, RECORD, START_MS, WINDOW_MS } from './one-source.ts';

/** A login, a dropped retry, a probe, a DNS question without counts, a ping, and a record that says next to nothing. */
const SIX_RECORDS: readonly LogRecord[] = [
  at(0, {
    protocol: 'tcp',
    action: 'accept',
    sourcePort: 40_000,
    destinationPort: 22,
    bytes: 2000,
    packets: 10,
  }),
  at(10, { protocol: 'tcp', action: 'drop', sourcePort: 40_000, destinationPort: 22, bytes: 60, packets: 1 }),
  at(20, {
    protocol: 'tcp',
    action: 'accept',
    sourcePort: 40_001,
    destinationIp: '198.51.100.2',
    destinationPort: 8080,
    bytes: 80,
    packets: 2,
  }),
  at(20.5, { protocol: 'udp', sourcePort: 40_002, destinationIp: '198.51.100.2', destinationPort: 53 }),
  at(70.5, {
    protocol: 'icmp',
    sourcePort: 8,
    destinationIp: '198.51.100.3',
    destinationPort: 0,
    bytes: 84,
    packets: 1,
  }),
  at(130.5, { destinationIp: '198.51.100.3', packets: 5 }),
];

/** Gaps 10, 10, 0.5, 50, 60 s: mean 26.1, mean square 1260.05. */
const GAP_VARIATION = Math.sqrt(1260.05 - 26.1 ** 2) / 26.1;

/** Known sizes 2000, 60, 80, 84 bytes: mean 556, mean square 1,004,264. */
const FLOW_SIZE_VARIATION = Math.sqrt(1_004_264 - 556 ** 2) / 556;

describe('features of six records, computed by hand', () => {
  const expected: Record<FeatureName, number> = {
    flow_count: 6,
    bytes_total: 2224,
    bytes_per_flow_mean: 556,
    packets_per_flow_mean: 3.8,
    bytes_per_packet_mean: 556 / 3.8,
    flow_size_cv: FLOW_SIZE_VARIATION,
    peak_flows_per_minute: 4,
    active_seconds: 130.5,
    inter_arrival_mean_seconds: 26.1,
    inter_arrival_cv: GAP_VARIATION,
    burst_share: 1 / 5,
    active_minute_share: 3 / 5,
    tcp_share: 3 / 6,
    icmp_share: 1 / 6,
    dropped_share: 1 / 6,
    unanswered_share: 2 / 3,
    established_share: 1 / 6,
    login_port_share: 2 / 6,
    uncommon_port_share: 3 / 6,
    distinct_destinations: 3,
    distinct_destination_ports: 3,
    destinations_per_flow: 3 / 6,
    ports_per_flow: 3 / 6,
    ports_per_destination: 4 / 3,
    source_port_repeat_share: 1 / 5,
  };
  const features = featuresOf(fold(SIX_RECORDS));

  it.each(Object.entries(expected))('%s is %d', (name, value) => {
    expect(features[name as FeatureName]).toBeCloseTo(value, 4);
  });
});

describe('evidence of long flows, UDP exchanges and answers of servers', () => {
  it('counts each flow that is one', () => {
    const call = at(0, { protocol: 'udp', sourcePort: 16_384, destinationPort: 10_000, packets: 3000 });
    const reply = at(1, { protocol: 'udp', sourcePort: 53, destinationPort: 40_000, packets: 1 });
    const page = at(2, {
      protocol: 'tcp',
      sourcePort: 40_000,
      destinationPort: 443,
      packets: 49,
      bytes: 40_000,
    });
    expect(evidenceOf(fold([call, reply, page, page]))).toMatchObject({
      flows: 4,
      udp_exchange_flows: 1,
      long_flows: 3,
      service_reply_flows: 1,
    });
  });
});

describe('evidence of the same records', () => {
  it('holds the plain counts', () => {
    const evidence = evidenceOf(fold(SIX_RECORDS));
    expect(evidence.inter_arrival_cv).toBeCloseTo(GAP_VARIATION, 6);
    expect({ ...evidence, inter_arrival_cv: null }).toEqual({
      flows: 6,
      tcp_flows: 3,
      udp_flows: 1,
      icmp_flows: 1,
      established_tcp_flows: 1,
      dropped_flows: 1,
      login_flows: 2,
      established_login_flows: 1,
      distinct_destinations: 3,
      distinct_destination_ports: 3,
      distinct_login_destinations: 1,
      max_flows_per_minute: 4,
      bytes_total: 2224,
      packets_total: 19,
      duration_seconds: 130.5,
      inter_arrival_cv: null,
      answered_tcp_flows: 2,
      unanswered_tcp_flows: 2,
      distinct_target_pairs: 4,
      top_port: 22,
      top_port_flows: 2,
      udp_exchange_flows: 0,
      long_flows: 0,
      service_reply_flows: 0,
    });
  });
});

describe('a single record', () => {
  it('says that the next gap is at least a window and nothing about regularity', () => {
    const features = featuresOf(fold([at(200, { protocol: 'tcp', destinationPort: 80 })]));
    expect(features).toMatchObject({
      flow_count: 1,
      active_seconds: 0,
      inter_arrival_mean_seconds: 300,
      inter_arrival_cv: 1,
      burst_share: 0,
      ports_per_flow: 1,
      destinations_per_flow: 1,
      source_port_repeat_share: 0,
    });
    expect(features.active_minute_share).toBeCloseTo(0.2, 6);
  });

  it('with everything unknown has no port, no volume and no share', () => {
    const table = fold([RECORD]);
    expect(featuresOf(table)).toMatchObject({
      bytes_per_packet_mean: 0,
      tcp_share: 0,
      unanswered_share: 0,
      distinct_destination_ports: 0,
      ports_per_destination: 1,
    });
    expect(evidenceOf(table)).toMatchObject({ top_port: -1, top_port_flows: 0, answered_tcp_flows: 0 });
  });

  it('takes port 0 as a port, and a first source port 0 as no repetition', () => {
    const table = fold([
      at(0, { protocol: 'udp', sourcePort: 0, destinationPort: 0 }),
      at(1, { sourcePort: 0 }),
    ]);
    expect(evidenceOf(table)).toMatchObject({
      distinct_destination_ports: 1,
      top_port: 0,
      top_port_flows: 1,
    });
    expect(featuresOf(table).source_port_repeat_share).toBe(1);
  });
});

describe('regularity', () => {
  it('is near 0 for a beacon every 20 seconds', () => {
    const beacon = Array.from({ length: 15 }, (_, index) => at(index * 20, { destinationPort: 443 }));
    expect(featuresOf(fold(beacon)).inter_arrival_cv).toBeCloseTo(0, 6);
  });

  it('cannot be told from records that all bear the same time', () => {
    const sameTime = Array.from({ length: 15 }, () => at(5, { destinationPort: 443 }));
    expect(featuresOf(fold(sameTime))).toMatchObject({ inter_arrival_cv: 1, burst_share: 1 });
  });
});

describe('windows', () => {
  it('begin at multiples of their length, and the first instant belongs to the new one', () => {
    const table = fold([at(-0.001, {}), at(0, {}), at(299.999, {}), at(300, {})]);
    expect(Array.from(table.windowStartMs)).toEqual([START_MS - WINDOW_MS, START_MS, START_MS + WINDOW_MS]);
    expect(Array.from(table.logCount)).toEqual([1, 2, 1]);
    expect(table.firstSeenMs[1]).toBe(START_MS);
    expect(table.lastSeenMs[1]).toBe(START_MS + 299_999);
  });

  it('are found again when sources and windows come in any order', () => {
    const records = Array.from({ length: 20_000 }, (_, index) => {
      const scattered = (index * 7919) % 20_000;
      return at((scattered % 40) * 300, { sourceIp: `10.0.${Math.floor(scattered / 40) % 250}.1` });
    });
    const table = fold(records);
    expect(table.entityCount).toBe(40 * 250);
    expect(new Set(table.logCount)).toEqual(new Set([2]));
  });

  it('begin at multiples of their length from another origin where one is given', () => {
    const accumulator = createWindowAccumulator({ windowMs: WINDOW_MS, originMs: START_MS + 120_000 });
    for (const second of [119, 120, 419.999, 420]) accumulator.add(at(second, {}));
    const table = accumulator.finish();
    expect(Array.from(table.windowStartMs, (startMs) => (startMs - START_MS) / 1000)).toEqual([
      -180, 120, 420,
    ]);
    expect(Array.from(table.logCount)).toEqual([1, 2, 1]);
  });

  it('count minutes from their own start, wherever that lies', () => {
    const accumulator = createWindowAccumulator({ windowMs: WINDOW_MS, originMs: START_MS + 30_000 });
    // 30-90 s is one minute of this window, 90 s the next.
    for (const second of [31, 61, 89, 90]) accumulator.add(at(second, {}));
    expect(featuresOf(accumulator.finish())).toMatchObject({ peak_flows_per_minute: 3 });
  });

  it('of an hour have sixty minutes', () => {
    const table = fold([at(0, {}), at(65, {})], 3_600_000);
    expect(featuresOf(table).active_minute_share).toBeCloseTo(2 / 60, 6);
  });
});

describe('many targets', () => {
  it('are counted exactly, each source for itself', () => {
    const records = Array.from({ length: 60_000 }, (_, index) =>
      at(index / 250, {
        sourceIp: index % 2 === 0 ? '203.0.113.7' : '2001:db8::7',
        protocol: 'tcp',
        destinationIp: `198.18.${Math.floor(index / 2) % 100}.1`,
        destinationPort: 1 + (Math.floor(index / 2) % 15_000),
      }),
    );
    const table = fold(records);
    for (const entity of [0, 1]) {
      expect(evidenceOf(table, entity)).toMatchObject({
        flows: 30_000,
        distinct_destinations: 100,
        distinct_destination_ports: 15_000,
        distinct_target_pairs: 15_000,
        top_port_flows: 2,
      });
    }
  });

  it('find the most frequent port even when it is not the first', () => {
    const ports = [80, 443, 22, 443, 22, 22, 8080];
    const records = ports.map((port, index) => at(index, { protocol: 'tcp', destinationPort: port }));
    expect(evidenceOf(fold(records))).toMatchObject({ top_port: 22, top_port_flows: 3 });
  });

  it('take the lowest of equally frequent ports, in whatever order records of the same second come', () => {
    const records = [443, 53, 8080, 53, 443].map((port) => at(0, { protocol: 'tcp', destinationPort: port }));
    const tops = [records, records.toReversed()].map((inOrder) => evidenceOf(fold(inOrder)).top_port);
    expect(tops).toEqual([53, 53]);
  });

  it('keep a pair apart whose port came with another destination before', () => {
    const table = fold([
      at(0, { destinationIp: '198.51.100.1' }),
      at(1, { destinationIp: '198.51.100.2', destinationPort: 80 }),
      at(2, { destinationIp: '198.51.100.1', destinationPort: 80 }),
    ]);
    expect(evidenceOf(table).distinct_target_pairs).toBe(3);
  });
});

describe('misuse', () => {
  it('is refused: a second finish, a record after it, a record without time, a window without length', () => {
    const accumulator = createWindowAccumulator({ windowMs: WINDOW_MS });
    expect(() => accumulator.add({ ...RECORD, timestampMs: Number.NaN })).toThrow(RangeError);
    expect(accumulator.finish().entityCount).toBe(0);
    expect(() => accumulator.finish()).toThrow('finished');
    expect(() => accumulator.add(RECORD)).toThrow('finished');
    expect(() => createWindowAccumulator({ windowMs: 0 })).toThrow(RangeError);
  });
});
