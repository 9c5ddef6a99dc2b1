import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, formatNumber, formatShare } from '../../src/detector/number-text.ts';

describe('numbers in reasons', () => {
  it.each([
    [0, '0'],
    [412, '412'],
    [1_234_567, '1,234,567'],
    [0.0312, '0.03'],
    [12.34, '12.3'],
    [1234.5, '1,235'],
  ])('say %d as %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it('say bytes in decimal units', () => {
    expect([0, 88.4, 1500, 1.32e9].map(formatBytes)).toEqual(['0 bytes', '88 bytes', '1.5 kB', '1.32 GB']);
  });

  it('say durations in the unit people use', () => {
    expect([45_000, 300_000, 3_600_000, 150_000].map(formatDuration)).toEqual([
      '45 s',
      '5 min',
      '1 h',
      '2.5 min',
    ]);
  });

  it('say shares in percent', () => {
    expect(formatShare(0.873)).toBe('87 %');
  });
});
