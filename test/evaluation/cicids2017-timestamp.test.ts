import { describe, expect, it } from 'vitest';
import { cicidsDayStartMs, parseCicidsTimestamp } from '../../src/evaluation/cicids2017-timestamp.ts';
import { CICIDS_DAY_OF_JULY, type CicidsDay } from '../../src/evaluation/cicids2017-week.ts';

function isoOf(text: string, day: CicidsDay): string | null {
  const timestampMs = parseCicidsTimestamp(text, day);
  return timestampMs === null ? null : new Date(timestampMs).toISOString();
}

describe('a CICIDS2017 timestamp', () => {
  it.each([
    { text: '03/07/2017 08:55:58', day: 'monday', utc: '2017-07-03T11:55:58.000Z' },
    { text: '4/7/2017 8:53', day: 'tuesday', utc: '2017-07-04T11:53:00.000Z' },
    { text: '5/7/2017 11:59', day: 'wednesday', utc: '2017-07-05T14:59:00.000Z' },
    { text: '6/7/2017 12:00', day: 'thursday', utc: '2017-07-06T15:00:00.000Z' },
    { text: '6/7/2017 1:00', day: 'thursday', utc: '2017-07-06T16:00:00.000Z' },
    { text: '7/7/2017 3:30', day: 'friday', utc: '2017-07-07T18:30:00.000Z' },
    { text: '03/07/2017 05:01:02', day: 'monday', utc: '2017-07-03T20:01:02.000Z' },
    { text: '7/7/2017 7:59', day: 'friday', utc: '2017-07-07T22:59:00.000Z' },
    { text: '7/7/2017 15:30', day: 'friday', utc: '2017-07-07T18:30:00.000Z' },
  ] as const)('$text on $day is $utc: Atlantic Daylight Time, afternoons as 1 to 7', ({ text, day, utc }) => {
    expect(isoOf(text, day)).toBe(utc);
  });

  it('puts the last minute of the morning before the first of the afternoon', () => {
    const times = ['8:00', '11:59', '12:00', '12:59', '1:00', '5:04'].map(
      (clock) => parseCicidsTimestamp(`4/7/2017 ${clock}`, 'tuesday')!,
    );
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(new Set(times).size).toBe(6);
  });

  it.each([
    '7/4/2017 8:53',
    '5/7/2017 8:53',
    '4/7/2018 8:53',
    '2017-07-04 08:53',
    '4/7/2017 0:10',
    '4/7/2017 20:00',
    '4/7/2017 8:60',
    '4/7/2017 8:53:60',
    '4/7/2017',
    '4/7/2017 8:53 AM',
    '',
  ])('is null for "%s" in the file of Tuesday', (text) => {
    expect(parseCicidsTimestamp(text, 'tuesday')).toBeNull();
  });

  it('lies within the day of UTC that begins at the start of the day, at every hour of work', () => {
    for (const day of Object.keys(CICIDS_DAY_OF_JULY) as CicidsDay[]) {
      const startMs = cicidsDayStartMs(day);
      for (const clock of ['8:00', '7:59']) {
        const timestampMs = parseCicidsTimestamp(`${CICIDS_DAY_OF_JULY[day]}/7/2017 ${clock}`, day)!;
        expect(timestampMs).toBeGreaterThanOrEqual(startMs);
        expect(timestampMs).toBeLessThan(startMs + 86_400_000);
      }
    }
  });
});
