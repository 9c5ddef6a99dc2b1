import { describe, expect, it } from 'vitest';
import { createRandom, deriveSeed } from '../../src/detector/random.ts';

const draw = (count: number, next: () => number): number[] => Array.from({ length: count }, next);

describe('createRandom', () => {
  // Golden values of an independent implementation with arbitrary-precision integers (Python), same definition.
  it.each([
    [0, [2899526011, 769844623, 220372281, 4270301181, 3717780726]],
    [1, [2420951833, 2513034076, 3847892949, 4064752930, 1169703512]],
    [20240607, [2426083088, 2530223324, 2812279609, 3636483677, 773988788]],
  ])('gives the sfc32 sequence of seed %i', (seed, words) => {
    const random = createRandom(seed);
    expect(draw(5, () => random.next() * 2 ** 32)).toEqual(words);
  });

  it('gives the polar method its normals', () => {
    const random = createRandom(1);
    const golden = [1.4907997534650872, 1.9927820413239554, -1.095169194257708, -0.9291343084136358];
    draw(4, () => random.nextGaussian()).forEach((value, i) => expect(value).toBeCloseTo(golden[i]!, 14));
  });

  it('draws normals with mean 0, deviation 1 and the tail of a normal', () => {
    const random = createRandom(3);
    const values = draw(200_000, () => random.nextGaussian());
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const variance = values.reduce((sum, x) => sum + x * x, 0) / values.length;
    const beyondTwo = values.filter((x) => Math.abs(x) > 1.959964).length / values.length;
    expect(mean).toBeCloseTo(0, 2);
    expect(variance).toBeCloseTo(1, 1);
    expect(beyondTwo).toBeCloseTo(0.05, 2);
  });

  it('spreads integers evenly over their range', () => {
    const random = createRandom(4);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i += 1) {
      const drawn = random.nextInt(7);
      counts[drawn] = counts[drawn]! + 1;
    }
    // Chi-square with 6 degrees of freedom stays below 22.5 in 999 of 1000 seeds.
    expect(counts.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0)).toBeLessThan(22.5);
  });

  it('tells seeds apart that share their low 32 bits, and negative ones', () => {
    const firsts = [5, 5 + 2 ** 32, 5 + 2 ** 40, -5, 2 ** 32 - 5].map((seed) => createRandom(seed).next());
    expect(new Set(firsts).size).toBe(firsts.length);
  });

  it('refuses seeds and ranges that are no integers', () => {
    expect(() => createRandom(1.5)).toThrow(RangeError);
    expect(() => createRandom(Number.NaN)).toThrow(RangeError);
    expect(() => createRandom(1).nextInt(0)).toThrow(RangeError);
    expect(() => createRandom(1).nextInt(2.5)).toThrow(RangeError);
  });
});

describe('deriveSeed', () => {
  it('gives the values of the independent implementation', () => {
    expect(deriveSeed(1, 'forest')).toBe(2358009436);
    expect(deriveSeed(2, 'forest')).toBe(4168353354);
    expect(deriveSeed(1, 'tree 0')).toBe(3675323696);
  });

  it('gives no two of a thousand labels the same seed', () => {
    const seeds = Array.from({ length: 1000 }, (_, i) => deriveSeed(9, `tree ${i}`));
    expect(new Set(seeds).size).toBe(1000);
  });
});
