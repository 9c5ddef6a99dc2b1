import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tierOf } from '../../src/detector/detection.ts';
import { assessRisk } from '../../src/detector/risk-assessment.ts';
import type { SignatureHit } from '../../src/detector/signatures.ts';
import { evidence } from './traffic.ts';

const thresholds = { highRisk: 95, mediumRisk: 70 };
const proven = evidence({
  flows: 100,
  tcp_flows: 100,
  established_tcp_flows: 20,
  packets_total: 900,
  login_flows: 60,
});

function hitOf(risk: number): SignatureHit {
  return {
    type: 'brute_force',
    strength: (risk - 60) / 30,
    risk,
    reason: { text: 'many logins', subject: 'login_flows', observed: 60, typical: null },
  };
}

const anyThresholds = fc.record({
  highRisk: fc.integer({ min: 90, max: 98 }),
  mediumRisk: fc.integer({ min: 60, max: 80 }),
});
const anyRisk = fc.double({ min: 0, max: 100, noNaN: true });
const anyHit = fc.option(fc.double({ min: 60, max: 90, noNaN: true }).map(hitOf), { nil: null });

describe('risk assessment', () => {
  it('finds nothing where neither forest tail nor signature speaks', () => {
    expect(assessRisk({ forestRisk: 49.9, hit: null, row: proven, thresholds })).toBeNull();
  });

  it('joins forest and signature by noisy-or', () => {
    // 1 - (1 - 0.8) (1 - 0.75) = 0.95
    const joined = assessRisk({ forestRisk: 80, hit: hitOf(75), row: proven, thresholds });
    expect(joined).toEqual({ riskScore: 95, anomalyType: 'brute_force', caps: [] });
  });

  it('says why it stays below high although the evidence is strong', () => {
    const forgeable = evidence({ flows: 100, tcp_flows: 100, packets_total: 200, unanswered_tcp_flows: 100 });
    const capped = assessRisk({ forestRisk: 95, hit: hitOf(90), row: forgeable, thresholds });
    expect(capped?.riskScore).toBe(94);
    expect(capped?.caps.map((cap) => cap.text)).toEqual([
      'All evidence could be forged: no completed TCP exchange proves the source address',
    ]);
  });

  it('leaves to an operator what may be real work or the answers of a server, and says which', () => {
    const cap = (subject: 'long_flows' | 'service_reply_flows', count: number, hit = hitOf(90)) => {
      const row = evidence({ flows: 100, tcp_flows: 100, established_tcp_flows: 90, [subject]: count });
      const { riskScore, caps } = assessRisk({ forestRisk: 95, hit, row, thresholds })!;
      return { riskScore, said: caps.map(({ text, observed }) => `${text}: ${observed}`) };
    };
    expect(cap('long_flows', 50)).toEqual({
      riskScore: 94,
      said: ['Most connections went on for long: may be real work, left to an operator: 50'],
    });
    expect(cap('service_reply_flows', 50)).toEqual({
      riskScore: 94,
      said: [
        'Mostly from a service port to client ports: may be the answers of a server, left to an operator: 50',
      ],
    });
    expect(cap('long_flows', 49)).toEqual({ riskScore: 99.5, said: [] });
    expect(cap('service_reply_flows', 49)).toEqual({ riskScore: 99.5, said: [] });
    // Data that leaves does so in long flows.
    expect(cap('long_flows', 100, { ...hitOf(90), type: 'exfiltration' }).riskScore).toBe(99.5);
  });

  it('leaves a source with a single flow low and says so', () => {
    const single = evidence({ flows: 1, tcp_flows: 1, packets_total: 1 });
    const assessed = assessRisk({ forestRisk: 100, hit: null, row: single, thresholds });
    expect(tierOf(assessed!.riskScore, thresholds)).toBe('low');
    expect(assessed?.caps.at(-1)?.text).toContain('single flow');
  });

  it('leaves unusual but served traffic low', () => {
    const served = evidence({ flows: 50, tcp_flows: 50, established_tcp_flows: 46, packets_total: 2e6 });
    expect(assessRisk({ forestRisk: 99, hit: null, row: served, thresholds })?.riskScore).toBe(69);
  });

  it('never gives high to the forest alone or a signature alone, whatever the thresholds', () => {
    fc.assert(
      fc.property(anyRisk, anyHit, anyThresholds, (forestRisk, hit, limits) => {
        fc.pre(hit === null || forestRisk < 50);
        const assessed = assessRisk({ forestRisk, hit, row: proven, thresholds: limits });
        if (assessed !== null) expect(tierOf(assessed.riskScore, limits)).not.toBe('high');
      }),
    );
  });

  it('never gives high to evidence that could be forged, whatever forest and signature say', () => {
    fc.assert(
      fc.property(
        anyRisk,
        anyHit,
        anyThresholds,
        fc.integer({ min: 1, max: 1e6 }),
        (forestRisk, hit, limits, count) => {
          const row = evidence({ flows: count, udp_flows: count, packets_total: count });
          const assessed = assessRisk({ forestRisk, hit, row, thresholds: limits });
          if (assessed !== null) expect(tierOf(assessed.riskScore, limits)).not.toBe('high');
        },
      ),
    );
  });

  it('takes attempts that were mostly answered for more than forgeable, half of them at least', () => {
    const hit = { type: 'port_scan', risk: 90 } as unknown as Parameters<typeof assessRisk>[0]['hit'];
    const scan = (answered: number) =>
      assessRisk({
        forestRisk: 80,
        hit,
        row: evidence({ flows: 40, tcp_flows: 40, answered_tcp_flows: answered, packets_total: 60 }),
        thresholds,
      })?.riskScore;
    expect(scan(20)).toBe(98);
    expect(scan(19)).toBe(thresholds.highRisk - 1);
  });

  it('never lowers the risk when the forest finds more', () => {
    fc.assert(
      fc.property(anyRisk, anyRisk, anyHit, (one, other, hit) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)];
        const low = assessRisk({ forestRisk: less, hit, row: proven, thresholds })?.riskScore ?? 0;
        const high = assessRisk({ forestRisk: more, hit, row: proven, thresholds })?.riskScore ?? 0;
        expect(high).toBeGreaterThanOrEqual(low);
      }),
    );
  });
});
