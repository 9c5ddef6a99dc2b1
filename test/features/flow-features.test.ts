import { describe, expect, it } from 'vitest';
import { at, featuresOf, fold } from './one-source.ts';

describe('the variation of flow sizes', () => {
  const variationOf = (sizes: readonly (number | null)[]): number =>
    featuresOf(fold(sizes.map((bytes, index) => at(index, { bytes })))).flow_size_cv;

  it('is 0 for flows of one size, of no size, and where fewer than two sizes are known', () => {
    expect(variationOf([1500, 1500, 1500])).toBe(0);
    expect(variationOf([0, 0, 0])).toBe(0);
    expect(variationOf([1500, null, null])).toBe(0);
    expect(variationOf([null, null])).toBe(0);
  });

  it('is the standard deviation over the mean, of the known sizes only', () => {
    // 100 and 300: mean 200, deviation 100 either way.
    expect(variationOf([100, null, 300])).toBeCloseTo(0.5, 6);
    // One of four holds all: sqrt(n - 1).
    expect(variationOf([0, 0, 0, 7000])).toBeCloseTo(Math.sqrt(3), 6);
  });

  it('stays finite for sizes whose squares, or sums, are no longer numbers', () => {
    // Squares past the largest double count as all bytes in one flow: sqrt(n - 1).
    expect(variationOf([1e200, 1])).toBeCloseTo(1, 6);
    expect(variationOf([Number.MAX_VALUE, Number.MAX_VALUE, 5])).toBeCloseTo(Math.sqrt(2), 6);
  });
});

describe('exchanges and ports of ordinary clients', () => {
  it('counts TCP with data after a handshake and UDP that went on as established', () => {
    const table = fold([
      at(0, { protocol: 'tcp', action: 'accept', destinationPort: 443, packets: 10, bytes: 4000 }),
      at(1, { protocol: 'tcp', action: 'accept', destinationPort: 443, packets: 2, bytes: 80 }),
      at(2, { protocol: 'udp', action: 'accept', destinationPort: 51_820, packets: 4, bytes: 600 }),
      at(3, { protocol: 'udp', action: 'accept', destinationPort: 51_820, packets: 3, bytes: 600 }),
    ]);
    expect(featuresOf(table)).toMatchObject({ established_share: 2 / 4, uncommon_port_share: 0 });
  });

  it('takes neither an unknown port nor the type of an ICMP message for an uncommon one', () => {
    const table = fold([
      at(0, { protocol: 'icmp', destinationPort: 8 }),
      at(1, { protocol: 'gre' }),
      at(2, { protocol: 'tcp', destinationPort: 4444 }),
      at(3, { protocol: 'udp', destinationPort: 53 }),
    ]);
    expect(featuresOf(table).uncommon_port_share).toBe(1 / 4);
  });
});
