import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, MAX_TIMEOUT_SECONDS, parseDuration } from '../../src/routeros-wire/duration.ts';

describe('RouterOS durations', () => {
  it.each([
    ['1d', 86_400],
    ['23h59m58s', 86_398],
    ['35w3d13h13m56s', MAX_TIMEOUT_SECONDS],
    ['1d00:10:00', 87_000],
    ['00:00:05', 5],
    ['01:30', 5400],
    ['3600', 3600],
    ['0s', 0],
    ['1s500ms', 1.5],
    ['5m', 300],
  ])('reads %s as %d seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it.each(['', 'never', '1s2d', '-5', '1d 2h', '1.5h', '1m:30'])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  it.each([
    [0, '0s'],
    [60, '1m'],
    [86_400, '1d'],
    [86_398, '23h59m58s'],
    [MAX_TIMEOUT_SECONDS, '35w3d13h13m56s'],
  ])('writes %i seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.nat(MAX_TIMEOUT_SECONDS), (seconds) => {
        expect(parseDuration(formatDuration(seconds))).toBe(seconds);
      }),
    );
  });
});
