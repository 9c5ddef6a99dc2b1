import { describe, expect, it } from 'vitest';
import { encodeSentence } from '../../src/routeros-wire/sentence-codec.ts';
import { seededRandom } from '../../src/simulator/faults.ts';
import { expectNothingLeftBehind } from './nothing-left-behind.ts';
import {
  expectAgreement,
  openScene,
  othersEntries,
  prepareTwelveChanges,
  type Scene,
  TWELVE_CHANGES,
  watchCommands,
} from './scene.ts';
import { openPlainSession, startScriptedPeer } from './scripted-peer.ts';

expectNothingLeftBehind();

const V4 = '/ip/firewall/address-list';
const V6 = '/ipv6/firewall/address-list';

/** Twelve changes due; the fault strikes one sync; the next one agrees, and nothing of others was touched. */
async function strikeOneSync(
  arm: (scene: Scene) => void | Promise<void>,
  disarm: (scene: Scene) => void | Promise<void>,
): Promise<Awaited<ReturnType<Scene['sync']>>> {
  const scene = await openScene();
  await prepareTwelveChanges(scene);
  const others = othersEntries(scene);
  await arm(scene);
  const struck = await scene.sync();
  await disarm(scene);
  expect(othersEntries(scene)).toEqual(others);
  expect(await scene.sync()).toMatchObject({ ok: true, error: null });
  expectAgreement(scene);
  expect(othersEntries(scene)).toEqual(others);
  expect(scene.simulator.sessions).toBe(1);
  await scene.close();
  return struck;
}

function calm({ simulator: { faults } }: Scene): void {
  faults.trapOn = null;
  faults.fatalOn = null;
  faults.closeOn = null;
}

const WRITES = /address-list\/(add|set|remove)$/;

describe('a !trap of each category', () => {
  const CATEGORIES = [0, 1, 2, 3, 4, 5, 6, 7];

  it.each([`${V4}/print`, `${V6}/print`])('to %s fails the sync and takes nothing off', async (print) => {
    let cases = 0;
    for (const category of CATEGORIES) {
      // The first print is the plan's, the second the one that reads back.
      for (const skip of [0, 1]) {
        const message = `failure: of category ${category}`;
        const struck = await strikeOneSync(({ simulator }) => {
          simulator.faults.trapOn = { command: new RegExp(`^${print}$`), count: 1, skip, category, message };
        }, calm);
        expect(struck).toMatchObject({ ok: false, errorCode: 'ROUTER_REFUSED' });
        expect(struck.error).toContain(message);
        cases += 1;
      }
    }
    expect(cases).toBe(16);
  });

  it.each([
    ['add', V4, 4],
    ['add', V6, 2],
    ['set', V4, 2],
    ['set', V6, 1],
    ['remove', V4, 2],
    ['remove', V6, 1],
  ])('to one %s of %s is told, and the other changes are made', async (action, menu, changes) => {
    let cases = 0;
    for (const category of CATEGORIES) {
      const skip = category % changes;
      const struck = await strikeOneSync(({ simulator }) => {
        const message = `failure: of category ${category}`;
        const command = new RegExp(`^${menu}/${action}$`);
        simulator.faults.trapOn = { command, count: 1, skip, category, message };
      }, calm);
      expect(struck.ok).toBe(false);
      expect(struck.refused).toMatchObject([{ message: `failure: of category ${category}` }]);
      const made = { ...TWELVE_CHANGES };
      if (action === 'add') made.added -= 1;
      if (action === 'set') made.extended -= 1;
      if (action === 'remove') made.removed -= 1;
      expect(struck).toMatchObject(made);
      cases += 1;
    }
    expect(cases).toBe(8);
  });

  it('that lies (already there, no such item) is not believed: what was not read back is not counted', async () => {
    const already = await strikeOneSync(({ simulator }) => {
      const message = 'failure: already have such entry';
      simulator.faults.trapOn = { command: /\/add$/, count: 1, category: 4, message };
    }, calm);
    expect(already).toMatchObject({ ok: false, added: 5, refused: [] });
    const missing = await strikeOneSync(({ simulator }) => {
      simulator.faults.trapOn = { command: /\/remove$/, count: 1, category: 0, message: 'no such item' };
    }, calm);
    expect(missing).toMatchObject({ removed: 2, refused: [] });
  });
});

describe('a !fatal', () => {
  it('to any command of a sync ends that session only', async () => {
    const scene = await openScene();
    await prepareTwelveChanges(scene);
    const commands: string[] = [];
    scene.simulator.faults.stallOn = { command: watchCommands((command) => commands.push(command)) };
    await scene.sync();
    await scene.close();
    let cases = 0;
    for (let skip = 0; skip < commands.length; skip += 1) {
      await strikeOneSync(({ simulator }) => {
        simulator.faults.fatalOn = {
          command: /./,
          skip,
          count: 1,
          message: 'too many commands before login',
        };
      }, calm);
      cases += 1;
    }
    expect(cases).toBeGreaterThanOrEqual(16);
  });

  it('to the login says so', async () => {
    const struck = await strikeOneSync(async (scene) => {
      await scene.reconnect();
      scene.simulator.faults.fatalOn = { command: /^\/login$/, message: 'maximum connections reached' };
    }, calm);
    expect(struck).toMatchObject({ ok: false, errorCode: 'ROUTER_LOGIN_FAILED' });
    expect(struck.error).toContain('maximum connections reached');
  });
});

describe('a router that does not let us', () => {
  it('log in: the list stays as it is until the password is right', async () => {
    const struck = await strikeOneSync(
      (scene) => scene.reconnect({ password: 'falsch' }),
      (scene) => scene.reconnect(),
    );
    expect(struck).toMatchObject({ ok: false, errorCode: 'ROUTER_LOGIN_FAILED' });
    expect(struck.error).not.toContain('falsch');
  });

  it('read', async () => {
    const struck = await strikeOneSync(({ simulator }) => {
      const message = 'not enough permissions (9)';
      simulator.faults.trapOn = { command: /address-list\/print$/, category: 4, message };
    }, calm);
    expect(struck).toMatchObject({ ok: false, errorCode: 'ROUTER_REFUSED', added: 0, removed: 0 });
  });

  it('write, or only some of the time', async () => {
    let cases = 0;
    for (const skip of [0, 1, 3, 6, 11]) {
      const struck = await strikeOneSync(({ simulator }) => {
        const message = 'not enough permissions (9)';
        simulator.faults.trapOn = { command: WRITES, skip, category: 4, message };
      }, calm);
      expect(struck).toMatchObject({ ok: false, errorCode: 'ROUTER_REFUSED' });
      expect(struck.error).toContain('not enough permissions');
      cases += 1;
    }
    expect(cases).toBe(5);
  });

  it('add any more, because its list is full', async () => {
    for (const skip of [0, 2, 5]) {
      const struck = await strikeOneSync(({ simulator }) => {
        simulator.faults.trapOn = { command: /\/add$/, skip, category: 4, message: 'failure: list is full' };
      }, calm);
      expect(struck).toMatchObject({ ok: false, added: skip, extended: 3, removed: 3 });
    }
  });
});

describe('what no RouterOS sends', () => {
  /** Waits a little for what can never come; the sync after it gets all the time it needs. */
  const impatient = { commandTimeoutMs: 150 };
  const GARBAGE = 60;

  it.each([
    [
      'a row for a command nobody gave',
      encodeSentence(['!re', '.tag=987654', '=.id=*1', '=address=1.2.3.4']),
    ],
    ['an end of a command nobody gave', encodeSentence(['!done', '.tag=987654'])],
    ['a refusal without a tag', encodeSentence(['!trap', '=message=x'])],
    ['an unknown word without a tag', encodeSentence(['!news', '=a=b'])],
    ['a sentence that is no reply', encodeSentence(['/quit'])],
    ['!fatal out of the blue', encodeSentence(['!fatal', 'session terminated on request'])],
    ['an empty sentence', Uint8Array.of(0)],
    ['a word longer than any honest one', Uint8Array.of(0xf0, 0xff, 0xff, 0xff, 0xff)],
    ...[0xf1, 0xf7, 0xf8, 0xf9, 0xfe, 0xff].map((byte): [string, Uint8Array] => [
      `length byte 0x${byte.toString(16)}`,
      Uint8Array.of(byte, 1, 2),
    ]),
  ])('%s, in front of any piece of the answers', async (_what, bytes) => {
    let cases = 0;
    for (let skipPieces = 0; skipPieces < 6; skipPieces += 1) {
      const struck = await strikeOneSync(
        async (scene) => {
          await scene.reconnect();
          scene.line.inject({ bytes, skipPieces });
        },
        (scene) => scene.line.inject(null),
      );
      if (!struck.ok) expect(struck.errorCode).toMatch(/^ROUTER_/);
      cases += 1;
    }
    expect(cases).toBe(6);
  });

  it(`garbage, ${GARBAGE} times`, async () => {
    const random = seededRandom(20_261_122);
    let cases = 0;
    for (let round = 0; round < GARBAGE; round += 1) {
      const bytes = Uint8Array.from({ length: 1 + Math.floor(random() * 200) }, () => random() * 256);
      const struck = await strikeOneSync(
        async (scene) => {
          await scene.reconnect(impatient);
          scene.line.inject({ bytes, skipPieces: round % 6 });
        },
        async (scene) => {
          scene.line.inject(null);
          await scene.reconnect();
        },
      );
      if (!struck.ok) expect(struck.errorCode).toMatch(/^ROUTER_/);
      cases += 1;
    }
    expect(cases).toBe(GARBAGE);
  });

  it.each(['re', '?', '=done', 'done', '.re', '/x/print'])(
    'a sentence that begins with %s, although with a tag of ours, ends the session: a row swallowed with it would be lost',
    async (kind) => {
      const peer = await startScriptedPeer();
      const session = await openPlainSession(peer.port);
      peer.script = ({ tag }, socket) => {
        const sentences = [
          [kind, '!re', `.tag=${tag}`, '=x=1'],
          ['!done', `.tag=${tag}`],
        ];
        socket.write(Buffer.concat(sentences.map(encodeSentence)));
      };
      await expect(session.run('/x/print', [])).rejects.toMatchObject({ code: 'ROUTER_CONNECTION_LOST' });
      await session.close();
      await peer.close();
    },
  );

  it('or not yet: unknown kinds of reply to a command of ours change nothing about its answer', async () => {
    const peer = await startScriptedPeer();
    const session = await openPlainSession(peer.port);
    for (const kind of ['!news', '!empty', '!progress', '!', '!RE', '!done2', '!ok', '!tra']) {
      peer.script = ({ tag }, socket) => {
        const sentences = [
          [kind, `.tag=${tag}`, '=a=b', 'plain'],
          ['!re', `.tag=${tag}`, '=x=1'],
          [kind, `.tag=${tag}`],
          ['!done', `.tag=${tag}`],
        ];
        socket.write(Buffer.concat(sentences.map(encodeSentence)));
      };
      expect(await session.run('/x/print', [])).toEqual([{ x: '1' }]);
    }
    await session.close();
    await peer.close();
  });
});
