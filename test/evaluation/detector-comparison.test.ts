import { describe, expect, it } from 'vitest';
import type { ConfidenceTier } from '../../src/detector/detection.ts';
import {
  agreementOf,
  beforeAfterOf,
  createWordOn,
  differencesOf,
  type JudgedSource,
  summarise,
} from '../../src/evaluation/detector-comparison.ts';

const RISK = { high: 97, medium: 80, low: 40 };

function source(
  sourceIp: string,
  confidence: ConfidenceTier,
  changes: Partial<JudgedSource> = {},
): JudgedSource {
  return {
    sourceIp,
    windows: { high: 0, medium: 0, low: 0, [confidence]: 2 },
    confidence,
    riskScore: RISK[confidence],
    anomalyType: 'port_scan',
    reasons: [`${confidence} because`],
    flows: 40,
    blocked: false,
    markedFalsePositive: false,
    ...changes,
  };
}

const nothingSaid = () => null;

// Both: .1; only hybrid: .2; only legacy: .3 and .4 (low for hybrid); nobody flags .5.
const FOUND = {
  hybrid: [source('192.0.2.1', 'high'), source('192.0.2.2', 'medium'), source('192.0.2.4', 'low')],
  legacy: [
    source('192.0.2.1', 'medium'),
    source('192.0.2.3', 'high'),
    source('192.0.2.4', 'high'),
    source('192.0.2.5', 'low'),
  ],
};

describe('the word of operators about a source', () => {
  it('is the latest one, whichever way it was given and in whatever order it is read', () => {
    const words = [
      { address: '192.0.2.1', verdict: 'confirmed', atMs: 20 },
      { address: '192.0.2.1', verdict: 'false_positive', atMs: 10 },
      { address: '192.0.2.2', verdict: 'false_positive', atMs: 30 },
    ] as const;
    const wordOn = createWordOn({ words, marked: new Set() });
    expect(['192.0.2.1', '192.0.2.2', '192.0.2.3'].map(wordOn)).toEqual([
      'confirmed',
      'false_positive',
      null,
    ]);
  });

  it('holds for every source of a network, IPv6 too, until a later one names the source', () => {
    const words = [
      { address: '198.51.100.0/24', verdict: 'confirmed', atMs: 10 },
      { address: '2001:db8::/32', verdict: 'false_positive', atMs: 10 },
      { address: '198.51.100.7', verdict: 'false_positive', atMs: 20 },
    ] as const;
    const wordOn = createWordOn({ words, marked: new Set() });
    expect(wordOn('198.51.100.6')).toBe('confirmed');
    expect(wordOn('198.51.100.7')).toBe('false_positive');
    expect(wordOn('2001:db8::9')).toBe('false_positive');
  });

  it('comes from the mark in the table only where the ledger has none', () => {
    const words = [{ address: '192.0.2.1', verdict: 'confirmed', atMs: 1 }] as const;
    const wordOn = createWordOn({ words, marked: new Set(['192.0.2.1', '192.0.2.2']) });
    expect(wordOn('192.0.2.1')).toBe('confirmed');
    expect(wordOn('192.0.2.2')).toBe('false_positive');
  });
});

describe('the summary of a detector', () => {
  const open = { isProtected: () => false, autoBlock: true, fewestFlowsForReview: 3 };

  it('counts windows, sources by best tier, and what would be done about them', () => {
    const sources = [
      source('192.0.2.1', 'high', { windows: { high: 1, medium: 3, low: 5 } }),
      ...FOUND.hybrid.slice(1),
    ];
    expect(summarise(sources, { policy: open, wordOn: nothingSaid })).toEqual({
      detections: { high: 1, medium: 5, low: 7 },
      sources: { high: 1, medium: 1, low: 1 },
      flagged: 2,
      wouldBlock: 1,
      wouldReview: 1,
      verdicts: { judged: 0, falsePositives: 0, confirmed: 0, judgedShare: 0 },
    });
  });

  it('would do nothing about a protected source and block nothing while AUTO_BLOCK is off', () => {
    const policy = { ...open, isProtected: (ip: string) => ip === '192.0.2.3' };
    const summary = summarise(FOUND.legacy, { policy, wordOn: nothingSaid });
    expect(summary).toMatchObject({ flagged: 3, wouldBlock: 1, wouldReview: 1 });
    const byHand = summarise(FOUND.legacy, { policy: { ...policy, autoBlock: false }, wordOn: nothingSaid });
    expect(byHand).toMatchObject({ wouldBlock: 0, wouldReview: 2 });
  });

  it('queues nothing of medium confidence on fewer flows than the review queue takes, and blocks on any number', () => {
    const thin = [
      source('192.0.2.1', 'high', { flows: 1 }),
      source('192.0.2.2', 'medium', { flows: 2 }),
      source('192.0.2.3', 'medium', { flows: 3 }),
    ];
    expect(summarise(thin, { policy: open, wordOn: nothingSaid })).toMatchObject({
      ...{ flagged: 3, wouldBlock: 1, wouldReview: 1 },
    });
    const found = { hybrid: thin, legacy: thin.slice(0, 1) };
    expect(beforeAfterOf(found, { before: 'hybrid', policy: open, wordOn: nothingSaid })).toMatchObject({
      ...{ actedBefore: 2, actedAfter: 1, fewer: 1 },
    });
  });

  it('counts words about flagged sources only, and tells how many of them were judged', () => {
    const wordOn = (ip: string) =>
      (({ '192.0.2.1': 'confirmed', '192.0.2.3': 'false_positive', '192.0.2.5': 'confirmed' }) as const)[
        ip
      ] ?? null;
    expect(summarise(FOUND.legacy, { policy: open, wordOn }).verdicts).toEqual({
      judged: 2,
      falsePositives: 1,
      confirmed: 1,
      judgedShare: 2 / 3,
    });
  });

  it('has no share where nothing was flagged', () => {
    expect(summarise([], { policy: open, wordOn: nothingSaid }).verdicts.judgedShare).toBeNull();
  });
});

describe('two detectors side by side', () => {
  it('agree on the share of flagged sources both flag', () => {
    expect(agreementOf(FOUND)).toEqual({ flagged: 4, both: 1, onlyHybrid: 1, onlyLegacy: 2, share: 0.25 });
    expect(agreementOf({ hybrid: [], legacy: [] }).share).toBeNull();
  });

  it('differ most where tiers, then risks, lie furthest apart; what neither flags is no difference', () => {
    const differences = differencesOf(FOUND, { limit: 20, wordOn: nothingSaid });
    // Gaps in tier: .3 high against nothing 3; .4 high against low 2; .2 medium against nothing 2; .1 high against medium 1.
    // In risk .2 is 80 - 0 and .4 is 97 - 40 = 57.
    expect(differences.map(({ sourceIp }) => sourceIp)).toEqual([
      '192.0.2.3',
      '192.0.2.2',
      '192.0.2.4',
      '192.0.2.1',
    ]);
    expect(differences[0]).toEqual({
      sourceIp: '192.0.2.3',
      hybrid: null,
      legacy: { confidence: 'high', riskScore: 97, anomalyType: 'port_scan', reasons: ['high because'] },
      verdict: null,
    });
    expect(differencesOf(FOUND, { limit: 2, wordOn: nothingSaid })).toHaveLength(2);
  });

  it('tell what a switch would have changed, verdicts included', () => {
    const words = { '192.0.2.1': 'confirmed', '192.0.2.3': 'false_positive', '192.0.2.4': 'false_positive' };
    const wordOn = (ip: string) => (words as Record<string, 'confirmed' | 'false_positive'>)[ip] ?? null;
    expect(
      beforeAfterOf(FOUND, {
        before: 'legacy',
        policy: { autoBlock: true, fewestFlowsForReview: 3, isProtected: (ip) => ip === '192.0.2.2' },
        wordOn,
      }),
    ).toEqual({
      before: 'legacy',
      after: 'hybrid',
      actedBefore: 3,
      actedAfter: 1,
      fewer: 2,
      verdicts: 3,
      falsePositives: { total: 2, before: 2, after: 0 },
      confirmed: { total: 1, before: 1, after: 1 },
    });
    const back = beforeAfterOf(FOUND, {
      before: 'hybrid',
      policy: { autoBlock: true, fewestFlowsForReview: 3, isProtected: () => false },
      wordOn: nothingSaid,
    });
    expect(back).toMatchObject({ after: 'legacy', actedBefore: 2, actedAfter: 3, fewer: -1, verdicts: 0 });
  });
});
