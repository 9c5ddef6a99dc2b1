import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnomalyType, tierOf } from '../../src/detector/detection.ts';
import { type AssessedEvidence, assessRisk, uncappedRisk } from '../../src/detector/risk-assessment.ts';
import type { ScaledHit } from '../../src/detector/signatures.ts';
import type { TimeScale } from '../../src/detector/trained-model.ts';
import { EVIDENCE_COLUMNS } from '../../src/features/evidence.ts';
import { evidence } from './traffic.ts';

const thresholds = { highRisk: 95, mediumRisk: 70 };
/** A password attack that is answered, and of which a fifth got past the handshake. */
const proven = evidence({
  flows: 100,
  tcp_flows: 100,
  established_tcp_flows: 20,
  answered_tcp_flows: 100,
  packets_total: 900,
  login_flows: 100,
});

function hitOf(risk: number, changes: { type?: AnomalyType; scale?: TimeScale } = {}): ScaledHit {
  return {
    type: 'brute_force',
    strength: (risk - 60) / 30,
    risk,
    reason: { text: 'many logins', subject: 'login_flows', observed: 60, typical: null },
    scale: 'short',
    ...changes,
  };
}

type Assessed = AssessedEvidence & { readonly thresholds: typeof thresholds };

/** What is said of a proven attack that looks like one, but for the changes; the long window shows what the short does. */
function assess(changes: Partial<Assessed>) {
  const row = changes.row ?? proven;
  return assessRisk({
    modelRisk: 0,
    boostingLogOdds: 5,
    hit: null,
    group: 'external',
    row,
    longRow: row,
    neighbours: null,
    baselineWindows: 300,
    thresholds,
    ...changes,
  });
}

const tierIn = (limits: typeof thresholds, changes: Partial<Assessed>) =>
  tierOf(assess({ thresholds: limits, ...changes })?.riskScore ?? 0, limits);
const tier = (changes: Partial<Assessed>) => tierIn(thresholds, changes);
const capsOf = (changes: Partial<Assessed>) => assess(changes)?.caps.map(({ subject }) => subject) ?? [];

const anyThresholds = fc.record({
  highRisk: fc.integer({ min: 90, max: 98 }),
  mediumRisk: fc.integer({ min: 60, max: 80 }),
});
const anyRisk = fc.double({ min: 0, max: 100, noNaN: true });
const anyLogOdds = fc.double({ min: -15, max: 15, noNaN: true });
const anyScale = fc.constantFrom<TimeScale>('short', 'long');
const anyType = fc.constantFrom<AnomalyType>(
  'port_scan',
  'brute_force',
  'flood',
  'beaconing',
  'exfiltration',
);
const anyHit = fc
  .tuple(fc.double({ min: 60, max: 90, noNaN: true }), anyType, anyScale)
  .map(([risk, type, scale]) => hitOf(risk, { type, scale }));
const anyGroup = fc.constantFrom('internal' as const, 'external' as const);
/** Any counts at all, consistent or not. */
const anyRow = fc
  .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1000 })), {
    minLength: EVIDENCE_COLUMNS.length,
    maxLength: EVIDENCE_COLUMNS.length,
  })
  .map((counts) => {
    const of = Object.fromEntries(EVIDENCE_COLUMNS.map((column, at) => [column, counts[at]!]));
    return { ...of, flows: 1 + of['flows']! };
  });

describe('risk assessment', () => {
  it('lets nothing be high by a model of fewer than 50 harmless windows, and says so', () => {
    const sure = { modelRisk: 94, hit: hitOf(90) };
    expect(tier({ ...sure, baselineWindows: 50 })).toBe('high');
    expect(tier({ ...sure, baselineWindows: 49 })).toBe('medium');
    expect(capsOf({ ...sure, baselineWindows: 49 })).toEqual(['small_model']);
  });

  it('finds nothing where neither model nor signature speaks', () => {
    expect(assess({ modelRisk: 49.9 })).toBeNull();
    expect(assess({ modelRisk: 50 })).not.toBeNull();
  });

  it('joins model and signature by noisy-or', () => {
    // 1 - (1 - 0.8) (1 - 0.75) = 0.95
    expect(assess({ modelRisk: 80, hit: hitOf(75) })).toEqual({
      riskScore: 95,
      uncapped: 95,
      anomalyType: 'brute_force',
      caps: [],
    });
  });

  it('takes the stronger of the two where the model finds nothing suspicious', () => {
    expect(uncappedRisk({ modelRisk: 49, hit: hitOf(75) })).toBe(75);
    expect(uncappedRisk({ modelRisk: 49, hit: null })).toBe(49);
  });

  it('never gives high to the model alone or to a signature alone, whatever the thresholds', () => {
    fc.assert(
      fc.property(anyRisk, anyHit, anyThresholds, anyRow, (modelRisk, hit, limits, counts) => {
        for (const row of [proven, evidence(counts)]) {
          expect(tierIn(limits, { row, modelRisk })).not.toBe('high');
          expect(tierIn(limits, { row, modelRisk: modelRisk / 2.001, hit })).not.toBe('high');
        }
      }),
    );
  });

  it('names the missing witness', () => {
    expect(capsOf({ modelRisk: 99 })).toEqual(['no_signature']);
    expect(capsOf({ modelRisk: 10, hit: hitOf(90) })).toEqual([]);
    expect(capsOf({ modelRisk: 10, hit: hitOf(96) })).toEqual(['within_usual']);
  });

  it('never gives high to evidence that could be forged, whatever model and signature say', () => {
    fc.assert(
      fc.property(
        fc.record({ modelRisk: anyRisk, boostingLogOdds: anyLogOdds, hit: anyHit, group: anyGroup }),
        anyThresholds,
        anyRow,
        fc.nat({ max: 99 }),
        fc.nat({ max: 99 }),
        (stages, limits, counts, answered, completed) => {
          const answeredFlows = Math.floor((counts.flows * Math.min(answered, 49)) / 100);
          const row = evidence({
            ...counts,
            established_tcp_flows: Math.floor((answeredFlows * completed) / 100),
            answered_tcp_flows: answeredFlows,
          });
          expect(tierIn(limits, { ...stages, row })).not.toBe('high');
        },
      ),
    );
  });

  it.each([
    ['UDP', { udp_flows: 900, udp_exchange_flows: 900 }],
    ['ICMP', { icmp_flows: 900 }],
    ['SYNs without an answer', { tcp_flows: 900, unanswered_tcp_flows: 900 }],
  ])('says so where all there is are %s', (_what, counts) => {
    const row = evidence({ flows: 900, packets_total: 900, ...counts });
    const capped = assess({ modelRisk: 99, hit: hitOf(90), row });
    expect(capped?.riskScore).toBe(94);
    expect(capped?.caps.map((cap) => cap.text)).toEqual([
      'All evidence could be forged: no completed TCP exchange proves the source address',
    ]);
  });

  it('asks the window in which the signature was seen whether it could be forged', () => {
    const forgeable = evidence({ flows: 5, tcp_flows: 5, packets_total: 5, unanswered_tcp_flows: 5 });
    const strong = { modelRisk: 99, row: forgeable, longRow: proven };
    expect(tier({ ...strong, hit: hitOf(90, { scale: 'short' }) })).toBe('medium');
    expect(tier({ ...strong, hit: hitOf(90, { scale: 'long' }) })).toBe('high');
  });

  it('takes attempts that were mostly answered for more than forgeable, half of them at least', () => {
    const scan = (answered: number) =>
      assess({
        modelRisk: 80,
        hit: hitOf(90, { type: 'port_scan' }),
        row: evidence({ flows: 40, tcp_flows: 40, answered_tcp_flows: answered, packets_total: 60 }),
      })?.riskScore;
    expect(scan(20)).toBe(98);
    expect(scan(19)).toBe(94);
  });

  it('leaves to an operator what may be real work or the answers of a server, and says which', () => {
    const cap = (subject: 'long_flows' | 'service_reply_flows', count: number, hit = hitOf(90)) => {
      const completed = { tcp_flows: 100, established_tcp_flows: 90, answered_tcp_flows: 90 };
      const row = evidence({ flows: 100, ...completed, [subject]: count });
      const { riskScore, caps } = assess({ modelRisk: 95, hit, row })!;
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
    expect(cap('long_flows', 100, hitOf(90, { type: 'exfiltration' })).riskScore).toBe(99.5);
  });

  it('leaves to an operator an inside host that finds nobody at a service everybody uses: the line may be down', () => {
    const sweep = (topPort: number, topPortFlows: number) =>
      evidence({
        flows: 60,
        tcp_flows: 60,
        answered_tcp_flows: 60,
        top_port: topPort,
        top_port_flows: topPortFlows,
      });
    const at = (row: ReturnType<typeof evidence>, group: 'internal' | 'external', type: AnomalyType) =>
      tier({ modelRisk: 99, group, row, hit: hitOf(90, { type }) });
    for (const type of ['horizontal_scan', 'slow_scan', 'port_scan'] as const) {
      expect(at(sweep(443, 30), 'internal', type)).toBe('medium');
      expect(at(sweep(443, 29), 'internal', type)).toBe('high');
      expect(at(sweep(23, 60), 'internal', type)).toBe('high');
      expect(at(sweep(443, 60), 'external', type)).toBe('high');
    }
    expect(at(sweep(443, 60), 'internal', 'flood')).toBe('high');
    expect(
      capsOf({
        modelRisk: 99,
        group: 'internal',
        row: sweep(443, 60),
        hit: hitOf(90, { type: 'slow_scan' }),
      }),
    ).toEqual(['top_port_flows']);
  });

  it('never blocks for calls in vain: malware without its controller and a client of a dead server do the same', () => {
    const hit = {
      ...hitOf(90, { type: 'beaconing' }),
      reason: { ...hitOf(90).reason, subject: 'unanswered_tcp_flows' },
    };
    expect(assess({ modelRisk: 99, hit })?.riskScore).toBe(94);
    expect(capsOf({ modelRisk: 99, hit })).toEqual(['unanswered_tcp_flows']);
  });

  it('never has less to rank by when model or signature finds more', () => {
    fc.assert(
      fc.property(anyRisk, anyRisk, anyHit, anyHit, (one, other, hitOne, hitOther) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)];
        const [weak, strong] = hitOne.risk < hitOther.risk ? [hitOne, hitOther] : [hitOther, hitOne];
        const ranks = (modelRisk: number) =>
          [null, weak, strong].map((hit) => uncappedRisk({ modelRisk, hit }));
        for (const modelRisk of [less, more]) {
          const [none, some, most] = ranks(modelRisk);
          expect(some).toBeGreaterThanOrEqual(none!);
          expect(most).toBeGreaterThanOrEqual(some!);
        }
        ranks(less).forEach((rank, at) => expect(ranks(more)[at]).toBeGreaterThanOrEqual(rank));
        for (const rank of ranks(more)) expect(rank).toBeLessThanOrEqual(100);
      }),
    );
  });
});

describe('single probes', () => {
  const probe = evidence({ flows: 1, tcp_flows: 1, packets_total: 1, unanswered_tcp_flows: 1 });
  const alone = { modelRisk: 100, row: probe, neighbours: { sameNetwork: 0, samePort: 0 } };

  it('stay low and say so, known neighbours or not', () => {
    expect(tier(alone)).toBe('low');
    expect(tier({ ...alone, neighbours: null })).toBe('low');
    expect(assess(alone)?.caps.map(({ text }) => text)).toContain(
      'A single flow, and nobody else does the same: too little evidence to act on',
    );
  });

  it('reach an operator when two others of the network or four for the same port do the same', () => {
    expect(tier({ ...alone, neighbours: { sameNetwork: 1, samePort: 3 } })).toBe('low');
    expect(tier({ ...alone, neighbours: { sameNetwork: 2, samePort: 0 } })).toBe('medium');
    expect(tier({ ...alone, neighbours: { sameNetwork: 0, samePort: 4 } })).toBe('medium');
  });

  it('reach an operator when the hour around them holds more of the source', () => {
    expect(tier({ ...alone, longRow: evidence({ flows: 2 }) })).toBe('medium');
  });
});

describe('what harmless hosts do everywhere, without a signature', () => {
  const counted = (counts: Parameters<typeof evidence>[0]) =>
    evidence({ flows: 50, tcp_flows: 50, packets_total: 2e6, ...counts });
  const served = counted({ established_tcp_flows: 46 });
  const suspicious = { modelRisk: 99 };

  it('is left low where most was answered, unless boosting calls it an attack', () => {
    expect(tier({ ...suspicious, row: served, boostingLogOdds: 0 })).toBe('low');
    expect(tier({ ...suspicious, row: served, boostingLogOdds: 0.001 })).toBe('medium');
    expect(tier({ ...suspicious, row: counted({ established_tcp_flows: 24 }), boostingLogOdds: -9 })).toBe(
      'medium',
    );
  });

  it('is left to an operator where somebody outside asks for logins, however well answered', () => {
    const logins = counted({ established_tcp_flows: 50, login_flows: 30 });
    expect(tier({ ...suspicious, row: logins, boostingLogOdds: -9 })).toBe('medium');
    expect(tier({ ...suspicious, row: logins, boostingLogOdds: -9, group: 'internal' })).toBe('low');
    const transfers = counted({ established_tcp_flows: 50, login_flows: 29 });
    expect(tier({ ...suspicious, row: transfers, boostingLogOdds: -9 })).toBe('low');
  });

  it.each<[string, Parameters<typeof evidence>[0], Record<'internal' | 'external', string>]>([
    [
      'long flows: work, but from the inside perhaps remote control',
      { established_tcp_flows: 50, long_flows: 25 },
      { internal: 'medium', external: 'low' },
    ],
    [
      'long logins: an administrator',
      { established_tcp_flows: 50, long_flows: 25, login_flows: 50 },
      { internal: 'low', external: 'low' },
    ],
    [
      'names: what hosts ask, but from outside perhaps a flood',
      { tcp_flows: 0, udp_flows: 50, top_port: 53, top_port_flows: 50 },
      { internal: 'low', external: 'medium' },
    ],
    [
      'datagrams to no everyday service',
      { tcp_flows: 0, udp_flows: 50, top_port: 161, top_port_flows: 50 },
      { internal: 'medium', external: 'medium' },
    ],
    [
      'a push service that answers',
      { established_tcp_flows: 25, top_port: 8883, top_port_flows: 50 },
      { internal: 'low', external: 'medium' },
    ],
    [
      'a web server that answers: control servers do so as well',
      { established_tcp_flows: 50, top_port: 443, top_port_flows: 50 },
      { internal: 'medium', external: 'medium' },
    ],
    [
      'one service called in vain',
      { unanswered_tcp_flows: 50, distinct_target_pairs: 1, max_flows_per_minute: 60 },
      { internal: 'low', external: 'medium' },
    ],
    [
      'one service called in vain faster than a client tries again',
      { unanswered_tcp_flows: 50, distinct_target_pairs: 1, max_flows_per_minute: 61 },
      { internal: 'medium', external: 'medium' },
    ],
    [
      'two services called in vain',
      { unanswered_tcp_flows: 50, distinct_target_pairs: 2, max_flows_per_minute: 60 },
      { internal: 'medium', external: 'medium' },
    ],
    [
      'ten hosts that nearly always answer',
      {
        tcp_flows: 25,
        udp_flows: 25,
        established_tcp_flows: 22,
        udp_exchange_flows: 23,
        distinct_destinations: 10,
      },
      { internal: 'low', external: 'medium' },
    ],
    [
      'nine hosts that nearly always answer',
      {
        tcp_flows: 25,
        udp_flows: 25,
        established_tcp_flows: 22,
        udp_exchange_flows: 23,
        distinct_destinations: 9,
      },
      { internal: 'medium', external: 'medium' },
    ],
    ['the answers of a server', { service_reply_flows: 25 }, { internal: 'low', external: 'medium' }],
  ])('%s', (_what, counts, tiers) => {
    const found = { ...suspicious, row: counted(counts), boostingLogOdds: 5 };
    const asked = {
      internal: tier({ ...found, group: 'internal' }),
      external: tier({ ...found, group: 'external' }),
    };
    expect(asked).toEqual(tiers);
  });

  it('counts for nothing beside a signature', () => {
    const busy = counted({
      established_tcp_flows: 50,
      answered_tcp_flows: 50,
      distinct_destinations: 40,
      login_flows: 20,
    });
    expect(tier({ ...suspicious, row: busy, hit: hitOf(90), boostingLogOdds: -9, group: 'internal' })).toBe(
      'high',
    );
  });
});
