import { describe, expect, it } from 'vitest';
import { parseDurations } from '../../src/config/durations.ts';
import { loadConfig } from '../../src/config/load-config.ts';

const ladder = (text: string): readonly number[] =>
  loadConfig({ env: { BLOCK_LADDER: text }, isCron: () => true, cwd: '/srv' }).blockLadder;

describe('durations', () => {
  it('are read as RouterOS writes them, separated by commas or blanks', () => {
    expect(parseDurations('1h,6h 1d , 1w2d3h4m5s')).toEqual([3600, 21_600, 86_400, 788_645]);
    expect(parseDurations('90m')).toEqual([5400]);
    expect(parseDurations('1H')).toEqual([3600]);
  });

  it('are refused with a unit nobody knows, without one, twice or out of order', () => {
    for (const text of ['1y', '3600', '1h1h', '5m1h', 'h', '1.5h', '-1h'])
      expect(parseDurations(text)).toBeNull();
  });
});

describe('BLOCK_LADDER', () => {
  it('takes one rung or many, equal ones too', () => {
    expect(ladder('1d')).toEqual([86_400]);
    expect(ladder('1h,1h,35w3d13h13m56s')).toEqual([3600, 3600, 21_474_836]);
  });

  it.each([
    ['59s', 'shorter than a minute'],
    ['1h,35w3d13h13m57s', 'longer than RouterOS takes'],
    ['6h,1h', 'decreasing'],
    ['1h,banana', 'no duration'],
    [',', 'nothing'],
  ])('refuses %s (%s) and says what is wanted', (text) => {
    expect(() => ladder(text)).toThrow(
      'wanted durations as RouterOS writes them (1h,6h,1d,7d), each from 60 to 21474836 seconds, none shorter than the one before',
    );
  });
});
