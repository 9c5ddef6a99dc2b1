import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../src/routeros-wire/duration.ts';
import { expectNothingLeftBehind } from './nothing-left-behind.ts';
import {
  expectAgreement,
  openScene,
  othersEntries,
  prepareTwelveChanges,
  type Scene,
  TWELVE_CHANGES,
} from './scene.ts';

expectNothingLeftBehind();

const HOUR = 3600;

/** Ways RouterOS versions write one length of time; all mean the same. */
const STYLES: readonly [name: string, write: (seconds: number) => string][] = [
  ['1d2h3m4s, as 7.x prints', formatDuration],
  ['1d02:03:04, as the 6.x console prints', consoleText],
  ['93784s', (seconds) => `${seconds}s`],
  ['93784', String],
  ['1d2h3m4s500ms', (seconds) => `${formatDuration(seconds)}500ms`],
];

function consoleText(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const [weeks, daysLeft] = [Math.floor(days / 7), days % 7];
  const clock = new Date((seconds % 86_400) * 1000).toISOString().slice(11, 19);
  return `${weeks > 0 ? `${weeks}w` : ''}${daysLeft > 0 ? `${daysLeft}d` : ''}${clock}`;
}

function withTimeouts(words: readonly string[], write: (seconds: number) => string): string[] {
  return words.map((word) => {
    const seconds = word.startsWith('=timeout=') ? parseDuration(word.slice('=timeout='.length)) : null;
    return seconds === null ? word : `=timeout=${write(seconds)}`;
  });
}

/** A fresh daemon meets a router whose list it has never seen, then a list in use, then a reboot. */
async function liveThrough(scene: Scene): Promise<void> {
  const others = othersEntries(scene);
  await prepareTwelveChanges(scene);
  expect(await scene.sync()).toMatchObject({ ok: true, ...TWELVE_CHANGES });
  expectAgreement(scene);
  expect(othersEntries(scene)).toEqual(others);
  expect(await scene.sync()).toMatchObject({ ok: true, added: 0, extended: 0, removed: 0 });
  scene.simulator.reboot();
  expect(await scene.sync()).toMatchObject({ ok: true, error: null });
  expectAgreement(scene);
}

describe('a RouterOS', () => {
  it.each(['6.43', '6.49.10', '6.49.18', '7.1', '7.9.2', '7.10', '7.17.2', '7.18', '7.20.1', '7.21beta3'])(
    '%s is kept equal to the ledger',
    async (version) => {
      const scene = await openScene({ simulator: { version } });
      await liveThrough(scene);
      await scene.close();
    },
  );

  it.each(['6.49.10', '7.17.2', '7.18', '7.20.1'])(
    '%s with nothing on its lists is synced',
    async (version) => {
      const scene = await openScene({
        simulator: { version },
        router: { addressListV4: 'empty', addressListV6: 'empty' },
      });
      expect(await scene.sync()).toMatchObject({ ok: true, added: 0, wanted: 0 });
      expect(await scene.sync()).toMatchObject({ ok: true, added: 0, wanted: 0 });
      await scene.close();
    },
  );

  it.each([true, false])(
    'that says !empty to everything or to nothing (%s) is synced',
    async (emptyReply) => {
      const scene = await openScene();
      scene.simulator.faults.emptyReply = emptyReply;
      await liveThrough(scene);
      await scene.close();
    },
  );

  it.each(STYLES)('that writes timeouts like %s is read rightly: nothing drifts', async (_name, write) => {
    const scene = await openScene();
    scene.line.rewrite((words) => [withTimeouts(words, write)]);
    await liveThrough(scene);
    await scene.close();
  });

  it('that sends more properties than asked for, or in another order, is read rightly', async () => {
    const scene = await openScene();
    scene.line.rewrite((words) => [
      words[0] === '!re' ? [words[0], '=new=1', ...words.slice(1).toReversed(), '=x', 'plain'] : words,
    ]);
    await liveThrough(scene);
    await scene.close();
  });

  it('that sends kinds of reply not invented yet among the known ones is read rightly', async () => {
    const scene = await openScene();
    scene.line.rewrite((words) => {
      const tag = words.find((word) => word.startsWith('.tag=')) ?? '.tag=0';
      return [['!progress', tag, '=percent=50'], words];
    });
    // After a `!done` nothing may follow: in front of it is where news would come.
    await liveThrough(scene);
    await scene.close();
  });

  it.each(['6.49.10', '7.20.1'])(
    '%s without IPv6 holds what is IPv4, and what is not is told',
    async (version) => {
      const scene = await openScene({ simulator: { version } });
      scene.simulator.faults.trapOn = { command: /^\/ipv6/, category: 0, message: 'no such command prefix' };
      scene.block(HOUR, '198.51.100.1', '198.51.100.16/28');
      expect(await scene.sync()).toMatchObject({ ok: true, added: 2, confirmed: 2 });
      expectAgreement(scene);
      scene.block(HOUR, '2001:db8:1::1');
      const result = await scene.sync();
      expect(result).toMatchObject({ ok: false, wanted: 3, confirmed: 2 });
      expect(JSON.stringify([result.error, result.refused])).toContain('2001:db8:1::1');
      await scene.close();
    },
  );
});

/** Examples and units of the manual ("Scripting", time values; "Firewall / Address lists", timeout). */
describe('a length of time as RouterOS writes it', () => {
  it.each([
    ['35w3d13h13m56s', 21_474_836],
    ['1d00:00:00', 86_400],
    ['00:00:00', 0],
    ['1w00:00:01', 604_801],
    ['2w3d04:05:06', 2 * 604_800 + 3 * 86_400 + 4 * 3600 + 5 * 60 + 6],
    ['23:59:59', 86_399],
    ['4w2d', 30 * 86_400],
    ['59m59s', 3599],
    ['10s', 10],
  ])('%s is %i s', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it('is read back in every style', () => {
    let cases = 0;
    for (let seconds = 0; seconds <= 21_474_836; seconds = Math.ceil(seconds * 1.07) + 1) {
      for (const [, write] of STYLES) {
        expect(Math.floor(parseDuration(write(seconds)) ?? Number.NaN)).toBe(seconds);
        cases += 1;
      }
    }
    expect(cases).toBeGreaterThan(900);
  });
});
