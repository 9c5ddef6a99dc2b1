import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEntitySample } from '../../src/evaluation/entity-sample.ts';

const HOUR_MS = 3_600_000;

describe('a sample of entities', () => {
  it('decides alike for all records of one source in one block of time', () => {
    const keep = createEntitySample({ share: 0.5, blockMs: HOUR_MS, seed: 42 });
    fc.assert(
      fc.property(fc.ipV4(), fc.nat(400_000), fc.nat(HOUR_MS - 1), (sourceIp, block, offset) => {
        const startMs = block * HOUR_MS;
        expect(keep({ sourceIp, timestampMs: startMs + offset })).toBe(
          keep({ sourceIp, timestampMs: startMs }),
        );
      }),
    );
  });

  it('keeps about the share asked for, another one for another seed, the same for the same', () => {
    const kept = (seed: number): number[] => {
      const keep = createEntitySample({ share: 0.1, blockMs: HOUR_MS, seed });
      const blocks = Array.from({ length: 20_000 }, (_, block) => block);
      return blocks.filter((block) =>
        keep({ sourceIp: `10.0.${block & 255}.1`, timestampMs: (block >>> 4) * HOUR_MS }),
      );
    };
    // Binomial(20000, 0.1): 2000, deviation 42.
    expect(Math.abs(kept(1).length - 2000)).toBeLessThan(6 * 42);
    expect(kept(1)).toEqual(kept(1));
    expect(kept(2)).not.toEqual(kept(1));
  });

  it('keeps everything at 1', () => {
    const keep = createEntitySample({ share: 1, blockMs: HOUR_MS, seed: 1 });
    fc.assert(fc.property(fc.ipV4(), fc.nat(), (sourceIp, timestampMs) => keep({ sourceIp, timestampMs })));
  });
});
