import { describe, expect, it } from 'vitest';
import { VERDICT } from '../../src/detector/verdicts.ts';
import { type OperatorVerdict, verdictsOnTraffic } from '../../src/detector/verdicts-on-traffic.ts';
import { flow, fold, WINDOW_MS } from './traffic.ts';

const OUTSIDE = '203.0.113.7';
const NEIGHBOUR = '203.0.113.200';
const STRANGER = '198.51.100.1';
const INSIDE = '10.0.0.5';
const SIX = '2001:db8::7';
const isInternal = (ip: string): boolean => ip.startsWith('10.');

/** Every source in each of windows 0 to 9. */
const short = fold(
  [OUTSIDE, NEIGHBOUR, STRANGER, INSIDE, SIX].flatMap((sourceIp) =>
    Array.from({ length: 10 }, (_, window) => flow({ sourceIp, timestampMs: window * WINDOW_MS + 7 })),
  ),
);

function word(
  verdict: OperatorVerdict['verdict'],
  given: Partial<OperatorVerdict> & { readonly atWindow: number },
): OperatorVerdict {
  const { atWindow, ...rest } = given;
  const atMs = atWindow * WINDOW_MS;
  const none = { evidenceFromMs: atMs, evidenceUntilMs: atMs, shownFromMs: atMs, shownUntilMs: atMs };
  return { address: OUTSIDE, verdict, atMs, ...none, ...rest };
}

/** The windows of a source by number, as b (benign), a (attack) or . (nobody's word). */
function said(words: readonly OperatorVerdict[], sourceIp = OUTSIDE): string {
  const { verdicts } = verdictsOnTraffic({ words, traffic: { short }, isInternal });
  const letters = new Map<number, string>([
    [VERDICT.none, '.'],
    [VERDICT.benign, 'b'],
    [VERDICT.attack, 'a'],
  ]);
  return Array.from(short.sourceIps.keys())
    .filter((entity) => short.sourceIps[entity] === sourceIp)
    .sort((left, right) => short.windowStartMs[left]! - short.windowStartMs[right]!)
    .map((entity) => letters.get(verdicts?.[entity] ?? VERDICT.none)!)
    .join('');
}

describe('what operators said, brought to the traffic', () => {
  it('makes every window of a false positive harmless that began before the word, and no other source', () => {
    const words = [word('false_positive', { atWindow: 6 })];
    expect(said(words)).toBe('bbbbbb....');
    expect(said(words, NEIGHBOUR)).toBe('..........');
  });

  it('makes attacks of the windows the evidence covers, from the one of its first record to that of its last', () => {
    const evidence = { evidenceFromMs: 3 * WINDOW_MS + 100, evidenceUntilMs: 5 * WINDOW_MS };
    expect(said([word('confirmed', { atWindow: 8, ...evidence })])).toBe('...aaa....');
  });

  it('takes no window for an attack that began after the word, however late the evidence says it is', () => {
    const evidence = { evidenceFromMs: 3 * WINDOW_MS, evidenceUntilMs: 9 * WINDOW_MS };
    expect(said([word('confirmed', { atWindow: 4.5, ...evidence })])).toBe('...aa.....');
  });

  it('takes of an inside host only the windows of the detection that was shown: it works on in between', () => {
    const evidence = { evidenceFromMs: WINDOW_MS, evidenceUntilMs: 8 * WINDOW_MS };
    const shown = { shownFromMs: 4 * WINDOW_MS + 1, shownUntilMs: 4 * WINDOW_MS + 90_000 };
    const inside = word('confirmed', { address: INSIDE, atWindow: 9, ...evidence, ...shown });
    expect(said([inside], INSIDE)).toBe('....a.....');
    expect(said([{ ...inside, address: OUTSIDE }])).toBe('.aaaaaaaa.');
  });

  it('lets a network speak for its addresses', () => {
    const words = [
      word('false_positive', { address: '203.0.113.0/24', atWindow: 2 }),
      word('false_positive', { address: '2001:db8::/64', atWindow: 1 }),
    ];
    expect([OUTSIDE, NEIGHBOUR, SIX, STRANGER].map((source) => said(words, source))).toEqual([
      'bb........',
      'bb........',
      'b.........',
      '..........',
    ]);
  });

  it('lets a later false positive overrule an attack that was confirmed, in whatever order they are given', () => {
    const confirmed = word('confirmed', { atWindow: 4, evidenceFromMs: 2 * WINDOW_MS });
    const lifted = word('false_positive', { address: '203.0.113.0/24', atWindow: 5 });
    expect(said([confirmed, lifted])).toBe('bbbbb.....');
    expect(said([lifted, confirmed])).toBe('bbbbb.....');
  });

  it('takes back what was called harmless when the address is later confirmed as an attacker', () => {
    const rejected = word('false_positive', { atWindow: 6 });
    const confirmed = word('confirmed', { atWindow: 8, evidenceFromMs: 7 * WINDOW_MS });
    expect(said([rejected, confirmed])).toBe('.......aa.');
  });

  it('lets the false positive count of two words at the same time', () => {
    const words = [word('false_positive', { atWindow: 3 }), word('confirmed', { atWindow: 3 })];
    expect(said(words)).toBe('bbba......');
    expect(said(words.toReversed())).toBe(said(words));
  });

  it('counts the words that have the last say on some window, and the windows', () => {
    const words = [
      word('false_positive', { atWindow: 2 }),
      word('false_positive', { atWindow: 5 }),
      word('confirmed', { address: STRANGER, atWindow: 3, evidenceFromMs: 2 * WINDOW_MS }),
      word('confirmed', { address: '192.0.2.1', atWindow: 3 }),
    ];
    const told = verdictsOnTraffic({ words, traffic: { short }, isInternal });
    // The first word is overruled window by window, the last one is about nobody here.
    expect(told).toMatchObject({ used: 2, attackWindows: 2, benignWindows: 5 });
  });

  it('gives none where nobody said anything about this traffic', () => {
    const words = [word('confirmed', { address: '192.0.2.1', atWindow: 3 })];
    for (const given of [words, []]) {
      expect(verdictsOnTraffic({ words: given, traffic: { short }, isInternal })).toEqual({
        verdicts: null,
        used: 0,
        attackWindows: 0,
        benignWindows: 0,
      });
    }
  });
});
