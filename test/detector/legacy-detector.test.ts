import { describe, expect, it } from 'vitest';
import { createLegacyDetector, LEGACY_RULES } from '../../src/detector/legacy-detector.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { dropped, flows, foldTraffic, refused } from './traffic.ts';

const detector = createLegacyDetector({
  thresholds: { highRisk: 95, mediumRisk: 70 },
  isInternal: () => false,
});
const completed = { packets: 22, bytes: 4000 };

function judge(records: LogRecord[], windowMs?: number) {
  return detector.detect(foldTraffic(records, windowMs));
}

describe('legacy detector', () => {
  it('needs no model and says so', () => {
    expect(detector.name).toBe('legacy');
    expect(detector.modelVersion).toBeNull();
    expect(judge([])).toEqual([]);
  });

  it('fires at the documented threshold and not below it', () => {
    const ports = (count: number) => judge(flows(count, (i) => ({ destinationPort: 1000 + i, ...dropped })));
    expect(ports(14)).toEqual([]);
    const [detection] = ports(15);
    expect(detection).toMatchObject({
      sourceIp: '203.0.113.7',
      windowStartMs: 0,
      windowEndMs: 300_000,
      riskScore: 60,
      confidence: 'low',
      anomalyType: 'port_scan',
      logCount: 15,
      detector: 'legacy',
      modelVersion: null,
    });
    expect(detection?.reasons.map((reason) => reason.text)).toContain(
      '15 destination ports in 5 min; the rule many_destination_ports allows fewer than 15',
    );
  });

  it('raises the risk with the logarithm of how far over the threshold the source is', () => {
    const logins = (count: number) =>
      judge(flows(count, () => ({ destinationPort: 22, ...completed })))[0]?.riskScore;
    expect(logins(4)).toBeUndefined();
    expect(logins(5)).toBe(60);
    // 60 + 35 ln 3 / ln 6 at three times the threshold, 95 at six times.
    expect(logins(15)).toBe(81.5);
    expect(logins(30)).toBe(95);
  });

  it('scales the login rule with windows longer than ten minutes', () => {
    const hourly = flows(29, () => ({ destinationPort: 22, ...completed }), { toMs: 3_599_999 });
    expect(judge(hourly, 3_600_000)).toEqual([]);
    const more = flows(30, () => ({ destinationPort: 22, ...completed }), { toMs: 3_599_999 });
    expect(judge(more, 3_600_000)).toHaveLength(1);
  });

  it('never calls evidence high that could be forged', () => {
    const [scan] = judge(flows(900, (i) => ({ destinationPort: 1 + i, ...refused })));
    expect(scan?.confidence).toBe('medium');
    expect(scan?.reasons.at(-1)?.text).toMatch(/could be forged/);
  });

  it('never calls evidence high that could be forged but for the business of the address it names', () => {
    const forged = flows(900, (i) => ({ destinationPort: 1 + i, ...dropped }));
    const [framed] = judge([...flows(20, () => completed), ...forged]);
    expect(framed?.confidence).toBe('medium');
    expect(framed?.reasons.at(-1)?.text).toMatch(/^Most of the evidence could be forged/);
  });

  it('calls a completed password attack far over the threshold high', () => {
    const [attack] = judge(flows(200, () => ({ destinationPort: 22, ...completed })));
    expect(attack).toMatchObject({ confidence: 'high', anomalyType: 'brute_force' });
  });

  it('does not judge the breadth and rate of name resolution', () => {
    const resolver = flows(900, (i) => ({
      destinationIp: `192.0.${i % 250}.${i % 7}`,
      destinationPort: 53,
      protocol: 'udp',
    }));
    expect(judge(resolver)).toEqual([]);
  });

  it('sees an inside host calling a dead control server', () => {
    const calls = flows(31, () => ({ destinationPort: 50, packets: 1, bytes: 60 }));
    expect(judge(calls)[0]).toMatchObject({ anomalyType: 'beaconing', confidence: 'medium' });
  });

  it('lists the riskiest first, then by source and window', () => {
    const attack = (sourceIp: string, count: number) =>
      flows(count, () => ({ sourceIp, destinationPort: 22, ...completed }));
    const found = judge([
      ...attack('203.0.113.9', 10),
      ...attack('203.0.113.8', 10),
      ...attack('203.0.113.7', 20),
    ]);
    expect(found.map((detection) => detection.sourceIp)).toEqual([
      '203.0.113.7',
      '203.0.113.8',
      '203.0.113.9',
    ]);
  });

  it('documents every rule with a name, a threshold and a meaning', () => {
    expect(new Set(LEGACY_RULES.map((rule) => rule.name)).size).toBe(LEGACY_RULES.length);
    for (const rule of LEGACY_RULES) {
      expect(rule.thresholdText).not.toBe('');
      expect(rule.meaning).not.toBe('');
      expect(rule.threshold(300_000)).toBeGreaterThan(0);
    }
  });
});
