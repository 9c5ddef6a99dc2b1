import { describe, expect, it } from 'vitest';
import { groupLines, modelText } from '../../src/cli/model-text.ts';
import type { GroupDescription } from '../../src/detector/trained-model.ts';
import { handMadeModel } from '../detector/hand-made-model.ts';

const { metadata } = handMadeModel;
const { internal } = metadata.groups;

function highTier(told: Partial<GroupDescription>): string | undefined {
  const group: GroupDescription = { ...internal!, ...told };
  return groupLines({ features: metadata.features, groups: { internal: group } }).find((line) =>
    line.includes('high tier'),
  );
}

describe('what a model learnt', () => {
  it('is told with both scales, the selection and why, verdicts, the high tier and its reliability', () => {
    expect(modelText(metadata)).toBe(
      [
        'model 20260101T000000000Z, trained 2026-01-01 00:00:00Z from flows',
        '  1234 log records, 2025-12-25T00:00:00.000Z to 2026-01-01T00:00:00.000Z, in windows of 5 min',
        '  430 source windows learnt, 15 left out (3 in which nothing completed, 2 with an attack signature, 1 of known bad sources, 4 much like injected attacks, 5 more of the same)',
        '  3 trees x 8 samples; contamination 0.03; seed 42',
        '',
        'internal: 400 source windows',
        `  short windows: 4 of 25 features (held-out ROC-AUC 0.938 with 4 features, 0.875 with all): ${internal!.short.selectedFeatures.join(', ')}`,
        '  long windows: 100; all 25 features (held-out ROC-AUC 0.750 with 4 features, 0.813 with all)',
        '  operator verdicts learnt: 21 attacks, 9 harmless',
        '  high tier: from risk 97.25 on, tightened until 95 % of the reviewed source windows above it were attacks',
        '  risk against operator verdicts:',
        '    RISK    REVIEWED  ATTACKS  SHARE',
        '    0-50    6         0        0 %',
        '    50-95   4         2        50 %',
        '    95-100  20        19       95 %',
        '',
        'external: 30 source windows',
        '  short windows: all 25 features (too little to hold out)',
        '  long windows: too few to learn from',
        '  operator verdicts learnt: 0 attacks, 0 harmless',
        '  high tier: closed: 30 source windows learnt, blocking needs 50',
        '  risk against operator verdicts: none to compare',
      ].join('\n'),
    );
  });

  it('never promises a lower risk for the high tier than the model asks for', () => {
    expect(highTier({ leastHighRisk: 96.2241 })).toContain('from risk 96.23 on');
    expect(highTier({ leastHighRisk: 101 })).toBe(
      '  high tier: closed: at no risk were 95 % of the reviewed source windows attacks',
    );
  });

  it('never promises a high tier to a group that learnt too little to block by', () => {
    expect(highTier({ entities: 50, leastHighRisk: 0 })).toBe('  high tier: from CONFIDENCE_HIGH on');
    expect(highTier({ entities: 49, leastHighRisk: 0 })).toBe(
      '  high tier: closed: 49 source windows learnt, blocking needs 50',
    );
  });
});
