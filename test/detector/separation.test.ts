import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { separation } from '../../src/detector/separation.ts';

/** Every pair looked at: 1 where the attack scores above, one half on a tie. */
function countPairs(harmless: readonly number[], attacks: readonly number[]): number {
  const wins = attacks.flatMap((attack) =>
    harmless.map((score) => (attack > score ? 1 : attack === score ? 0.5 : 0)),
  );
  return wins.reduce<number>((sum, win) => sum + win, 0) / wins.length;
}

describe('separation', () => {
  it('is 1 when every attack scores above, 0 when every one below, one half on ties', () => {
    expect(separation(Float64Array.of(1, 2), Float64Array.of(3, 4))).toBe(1);
    expect(separation(Float64Array.of(3, 4), Float64Array.of(1, 2))).toBe(0);
    expect(separation(Float64Array.of(7, 7), Float64Array.of(7))).toBe(0.5);
  });

  it('counts pairs: of 3 x 2 an attack wins 4, ties 1', () => {
    // 5 beats 1, 2 and ties 5; 3 beats 1, 2.
    expect(separation(Float64Array.of(5, 1, 2), Float64Array.of(3, 5))).toBeCloseTo(4.5 / 6, 12);
  });

  it('knows nothing where a side is empty', () => {
    expect(separation(Float64Array.of(), Float64Array.of(1))).toBe(0.5);
    expect(separation(Float64Array.of(1), Float64Array.of())).toBe(0.5);
  });

  it('is what counting every pair gives, and leaves its arguments alone', () => {
    const scores = fc.array(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.double({ noNaN: true })), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(scores, scores, (harmless, attacks) => {
        const [left, right] = [Float64Array.from(harmless), Float64Array.from(attacks)];
        expect(separation(left, right)).toBeCloseTo(countPairs(harmless, attacks), 9);
        expect([...left, ...right]).toEqual([...harmless, ...attacks]);
      }),
    );
  });
});
