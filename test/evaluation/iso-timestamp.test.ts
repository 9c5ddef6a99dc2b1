import { describe, expect, it } from 'vitest';
import { parseIsoTimestamp } from '../../src/evaluation/iso-timestamp.ts';

describe('parseIsoTimestamp', () => {
  it.each([
    // `date -u -d 2022-06-12T21:56:55Z +%s` = 1655071015
    ['2022-06-12T21:56:55.389612Z', 1_655_071_015_389.612],
    ['2022-06-12T21:56:55Z', 1_655_071_015_000],
    ['2022-06-12 21:56:55z', 1_655_071_015_000],
    ['2022-06-12T23:56:55+02:00', 1_655_071_015_000],
    ['2022-06-12T23:56:55+0200', 1_655_071_015_000],
    ['2022-06-12T16:26:55-05:30', 1_655_071_015_000],
    ['2022-06-13T01:56:55.5+04', 1_655_071_015_500],
    ['2022-06-12T21:56:55.389612999Z', 1_655_071_015_389.612],
    ['2024-02-29T00:00:00Z', 1_709_164_800_000],
    ['1970-01-01T00:00:00Z', 0],
    ['1969-12-31T23:59:59Z', -1000],
  ])('reads %s', (text, expected) => expect(parseIsoTimestamp(text)).toBe(expected));

  it.each([
    '2022-06-12T21:56:55',
    '2022-06-12',
    '2023-02-29T00:00:00Z',
    '2022-13-01T00:00:00Z',
    '2022-06-12T24:00:00Z',
    '2022-06-12T23:59:60Z',
    '2022-06-12T23:59:00+25:00',
    'June 12, 2022 21:56 UTC',
    '1655071015',
    '',
  ])('refuses %s', (text) => expect(parseIsoTimestamp(text)).toBeNull());

  it('keeps neighbouring microseconds apart', () => {
    const first = parseIsoTimestamp('2026-01-01T00:00:00.000001Z')!;
    const second = parseIsoTimestamp('2026-01-01T00:00:00.000002Z')!;
    expect(Math.round((second - first) * 1000)).toBe(1);
  });
});
