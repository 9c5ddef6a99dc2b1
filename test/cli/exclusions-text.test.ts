import { describe, expect, it } from 'vitest';
import { exclusionsText } from '../../src/cli/exclusions-text.ts';

const none = {
  knownBadSources: 0,
  attackSignatures: 0,
  nothingCompleted: 0,
  attackLike: 0,
  sampledAway: 0,
};

describe('what a model did not learn from', () => {
  it('is told with its reasons, those that did not occur left out', () => {
    expect(exclusionsText(12, { ...none, nothingCompleted: 10, knownBadSources: 2 })).toBe(
      '12 left out (10 in which nothing completed, 2 of known bad sources)',
    );
    expect(exclusionsText(3, { ...none, attackLike: 3 })).toBe('3 left out (3 much like injected attacks)');
    expect(exclusionsText(0, none)).toBe('none left out');
  });
});
