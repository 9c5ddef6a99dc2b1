import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPairCounter } from '../../src/features/pair-counter.ts';

describe('the pair counter', () => {
  it('counts like a map, whatever the keys, zero and negative halves included', () => {
    const half = fc.oneof(fc.constantFrom(0, 1, -1), fc.integer());
    fc.assert(
      fc.property(fc.array(fc.tuple(half, half), { maxLength: 300 }), (keys) => {
        const counter = createPairCounter();
        const counts = new Map<string, number>();
        for (const [high, low] of keys) {
          const key = `${high >>> 0} ${low >>> 0}`;
          counts.set(key, (counts.get(key) ?? 0) + 1);
          expect(counter.increment(high, low)).toBe(counts.get(key));
        }
      }),
    );
  });

  it('keeps its counts when it grows', () => {
    const counter = createPairCounter();
    const keys = Array.from({ length: 50_000 }, (_, index) => Math.imul(index, 0x9e3779b1));
    for (const key of keys) expect(counter.increment(key, key)).toBe(1);
    for (const key of keys) expect(counter.increment(key, key)).toBe(2);
    expect(counter.increment(1, keys[1]!)).toBe(1);
  });
});
