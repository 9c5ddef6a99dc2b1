import { describe, expect, it } from 'vitest';
import { createMersenneTwister } from '../../src/detector/mersenne-twister.ts';

/**
 * Golden values printed by a C++ program (g++ 12.2, libstdc++) from std::mt19937_64 and a distribution object made anew
 * for each draw, unless another source is named.
 */
const SEED = 20240607;
const DRAWS = 10_000;

const draw = (count: number, next: () => number): number[] => Array.from({ length: count }, next);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('createMersenneTwister', () => {
  it('gives the 10,000th word that the C++ standard asks of mt19937_64 with its default seed', () => {
    const random = createMersenneTwister(5489);
    random.skip(9999);
    expect(random.next()).toBe(Number(9981545732273789042n) / 2 ** 64);
  });

  it.each([
    [0, 2947667278772165694n, 16335088777103562557n],
    [1, 2469588189546311528n, 12541479624422949620n],
    [2 ** 52 + 1, 7201729774667447061n, 18356706311166627308n],
  ])('gives the 1st and 10,000th word of seed %i', (seed, first, tenThousandth) => {
    const random = createMersenneTwister(seed);
    expect(random.next()).toBe(Number(first) / 2 ** 64);
    random.skip(9998);
    expect(random.next()).toBe(Number(tenThousandth) / 2 ** 64);
  });

  it('draws uniform numbers as libstdc++, to the last bit', () => {
    const random = createMersenneTwister(SEED);
    expect(sum(draw(DRAWS, () => random.next()))).toBe(5000.1671807490538);
  });

  it('draws integers as libstdc++, from any range', () => {
    const wide = createMersenneTwister(SEED);
    expect(sum(draw(DRAWS, () => wide.nextInt(2 ** 32 - 1)))).toBe(21475554505804);
    const growing = createMersenneTwister(SEED);
    expect(sum(Array.from({ length: DRAWS }, (_, i) => growing.nextInt(i + 1)))).toBe(24983583);
  });

  it('draws normals as libstdc++ but for the last bit of the logarithm', () => {
    const random = createMersenneTwister(SEED);
    expect(sum(draw(DRAWS, () => random.nextGaussian()))).toBeCloseTo(-108.69069240136352, 9);
  });

  it('skips as many words as it is told to', () => {
    const skipping = createMersenneTwister(SEED);
    const drawing = createMersenneTwister(SEED);
    skipping.skip(0);
    expect(skipping.next()).toBe(drawing.next());
    skipping.skip(700);
    draw(700, () => drawing.next());
    expect(skipping.next()).toBe(drawing.next());
  });

  it('refuses seeds and ranges it cannot keep to', () => {
    for (const seed of [-1, 1.5, 2 ** 53, Number.NaN])
      expect(() => createMersenneTwister(seed)).toThrow(RangeError);
    for (const n of [0, 2.5, 2 ** 32]) expect(() => createMersenneTwister(1).nextInt(n)).toThrow(RangeError);
  });
});
