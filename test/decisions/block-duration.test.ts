import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationText, nextTerm, termOf } from '../../src/decisions/block-duration.ts';

const HOUR = 3600;
const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const LADDER = { blockLadder: [HOUR, 6 * HOUR, 24 * HOUR, 168 * HOUR], offenceDecayDays: 14 };

function after(offence: number, daysAgo: number): { offence: number; seconds: number } {
  return nextTerm(LADDER, { previous: { offence, endedAtMs: NOW - daysAgo * DAY_MS }, nowMs: NOW });
}

describe('the length of a block', () => {
  it('climbs with every offence and stays on the last rung', () => {
    expect(nextTerm(LADDER, { previous: null, nowMs: NOW })).toEqual({ offence: 1, seconds: HOUR });
    expect(after(1, 0)).toEqual({ offence: 2, seconds: 6 * HOUR });
    expect(after(2, 0)).toEqual({ offence: 3, seconds: 24 * HOUR });
    expect(after(3, 0)).toEqual({ offence: 4, seconds: 168 * HOUR });
    expect(after(4, 0)).toEqual({ offence: 4, seconds: 168 * HOUR });
  });

  it('goes one step down for every full decay period since the last block ended, to the first rung', () => {
    expect(after(3, 13.99).offence).toBe(4);
    expect(after(3, 14).offence).toBe(3);
    expect(after(3, 28).offence).toBe(2);
    expect(after(3, 42).offence).toBe(1);
    expect(after(3, 4000).offence).toBe(1);
  });

  it('takes a clock that was set back for no time at all', () => {
    expect(after(1, -400)).toEqual({ offence: 2, seconds: 6 * HOUR });
  });

  it('forgets an offence counted on a longer ladder as if it were the last rung', () => {
    expect(after(50, 14).offence).toBe(4);
    expect(after(50, 56).offence).toBe(1);
  });

  it('never goes beyond what RouterOS takes as a timeout, 35w3d13h13m56s', () => {
    const policy = { blockLadder: [1, 99_999_999], offenceDecayDays: 14 };
    expect(termOf(policy, 1).seconds).toBe(60);
    expect(termOf(policy, 2).seconds).toBe(35 * 604_800 + 3 * 86_400 + 13 * 3600 + 13 * 60 + 56);
  });

  it('is on the ladder whatever the past says, and never shorter for more offences', () => {
    const past = fc.record({
      offence: fc.integer({ min: 1, max: 9 }),
      daysAgo: fc.integer({ min: -9, max: 99 }),
    });
    fc.assert(
      fc.property(past, ({ offence, daysAgo }) => {
        const term = after(offence, daysAgo);
        expect(term.offence).toBeGreaterThanOrEqual(1);
        expect(term.offence).toBeLessThanOrEqual(LADDER.blockLadder.length);
        expect(term.seconds).toBe(LADDER.blockLadder[term.offence - 1]);
        expect(after(offence + 1, daysAgo).seconds).toBeGreaterThanOrEqual(term.seconds);
      }),
    );
  });

  it('is told in the largest unit that divides it', () => {
    expect([60, 5400, 6 * HOUR, 86_400, 90_000, 61].map(durationText)).toEqual([
      '1 min',
      '90 min',
      '6 h',
      '1 d',
      '25 h',
      '61 s',
    ]);
  });
});
