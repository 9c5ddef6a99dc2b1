import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { MAX_TIMEOUT_SECONDS } from '../../src/routeros-wire/duration.ts';
import { expectNothingLeftBehind } from './nothing-left-behind.ts';
import {
  atCommand,
  expectAgreement,
  openScene,
  othersEntries,
  ownEntries,
  prepareTwelveChanges,
  type Scene,
  START_MS,
} from './scene.ts';

expectNothingLeftBehind();

const DAY_MS = 86_400_000;
const HOUR = 3600;
const ADDRESSES = Array.from({ length: 40 }, (_, index) => `198.51.100.${index + 100}`);

/** Static entries survive a reboot; of the others nothing is left for us to have touched. */
function staticEntriesOfOthers(scene: Scene): unknown {
  return othersEntries(scene).filter((entry) => entry.timeoutSeconds === null);
}

/** No own entry outlives its block as it was decided, whatever the clocks say. */
function expectNoOverlongTimeout(scene: Scene): void {
  const lifetimes = new Map(
    scene.place.ledger
      .activeBlocks(START_MS)
      .map((block) => [`#${block.id}`, (block.expiresAtMs - block.createdAtMs) / 1000]),
  );
  for (const { comment, timeoutSeconds } of ownEntries(scene)) {
    const longest = lifetimes.get(/#\d+$/.exec(comment)?.[0] ?? '') ?? Number.NaN;
    expect(timeoutSeconds).toBeLessThanOrEqual(longest);
    expect(timeoutSeconds).toBeLessThanOrEqual(MAX_TIMEOUT_SECONDS);
  }
}

/** A new attacker is blocked for as long as decided, whatever the year; and lifting him lifts him alone. */
async function blockInTheWrongYear(scene: Scene): Promise<void> {
  scene.block(HOUR, '198.51.100.9');
  expect(await scene.sync()).toMatchObject({ added: 1, removed: 0 });
  const added = ownEntries(scene).find(({ address }) => address === '198.51.100.9');
  expect(added).toMatchObject({ timeoutSeconds: HOUR });
  scene.lift('198.51.100.9');
  expect(await scene.sync()).toMatchObject({ removed: 1 });
}

describe('a router that reboots', () => {
  it('at any point of a push is protected again by the next sync (30 points)', async () => {
    let cases = 0;
    for (let skip = 0; skip < 30; skip += 1) {
      const scene = await openScene();
      await prepareTwelveChanges(scene);
      scene.block(12 * HOUR, ...ADDRESSES);
      const others = staticEntriesOfOthers(scene);
      const command = atCommand({ command: /./, skip: skip * 2 }, () => scene.simulator.reboot());
      scene.simulator.faults.stallOn = { command };
      await scene.sync();
      scene.simulator.faults.stallOn = null;
      expect(await scene.sync()).toMatchObject({ ok: true, error: null });
      expectAgreement(scene);
      expect(staticEntriesOfOthers(scene)).toEqual(others);
      await scene.close();
      cases += 1;
    }
    expect(cases).toBe(30);
  });

  it('again and again in mid-push is protected by the first sync it lets through (5 reboots each, 8 times)', async () => {
    let reboots = 0;
    for (let round = 0; round < 8; round += 1) {
      const scene = await openScene();
      scene.block(12 * HOUR, ...ADDRESSES);
      for (let time = 0; time < 5; time += 1) {
        const skip = (round * 5 + time * 7) % 36;
        const command = atCommand({ command: /\/add$/, skip }, () => scene.simulator.reboot());
        scene.simulator.faults.stallOn = { command };
        expect((await scene.sync()).ok).toBe(false);
        reboots += 1;
      }
      scene.simulator.faults.stallOn = null;
      expect(await scene.sync()).toMatchObject({ ok: true, confirmed: ADDRESSES.length });
      expectAgreement(scene);
      await scene.close();
    }
    expect(reboots).toBe(40);
  });

  it('between two syncs is protected again within one, although the kept session is dead', async () => {
    const scene = await openScene();
    scene.block(12 * HOUR, ...ADDRESSES);
    await scene.sync();
    for (let time = 0; time < 20; time += 1) {
      scene.clocks.ownMs += 60_000;
      scene.clocks.routerMs += 60_000;
      scene.simulator.reboot();
      expect(ownEntries(scene)).toEqual([]);
      expect(await scene.sync()).toMatchObject({ ok: true, added: ADDRESSES.length });
      expectAgreement(scene);
    }
    await scene.close();
  });
});

describe('a router that is silent or gone', () => {
  it('delays no other one beyond its own deadline, and catches up', async () => {
    const silent = await openScene();
    const gone = await openScene();
    const fine = await openScene();
    const scenes = [silent, gone, fine];
    for (const scene of scenes) scene.block(12 * HOUR, ...ADDRESSES);
    const closed = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const { port } = closed.address() as { port: number };
    await new Promise((resolve) => closed.close(resolve));
    await silent.reconnect({ connectTimeoutMs: 1500 });
    await gone.reconnect({ port });
    silent.simulator.faults.silent = true;

    const ends: string[] = [];
    const results = await Promise.all(
      scenes.map(async (scene, index) => {
        const result = await scene.sync();
        ends.push(['silent', 'gone', 'fine'][index]!);
        return result;
      }),
    );
    expect(results).toMatchObject([
      { ok: false, errorCode: 'ROUTER_TIMEOUT' },
      { ok: false, errorCode: 'ROUTER_UNREACHABLE' },
      { ok: true, confirmed: ADDRESSES.length },
    ]);
    expect(ends.at(-1)).toBe('silent');
    expectAgreement(fine);

    silent.simulator.faults.silent = false;
    await silent.reconnect();
    await gone.reconnect();
    for (const scene of [silent, gone]) {
      expect(await scene.sync()).toMatchObject({ ok: true, added: ADDRESSES.length });
      expectAgreement(scene);
    }
    for (const scene of scenes) await scene.close();
  });

  it('in the middle of a push (any of 20 commands) is given up in time, and what it did carry out is found', async () => {
    let cases = 0;
    for (let skip = 0; skip < 20; skip += 1) {
      const scene = await openScene({ router: { commandTimeoutMs: 200 } });
      scene.block(12 * HOUR, ...ADDRESSES);
      scene.simulator.faults.stallOn = { command: /\/add$/, skip: skip * 2, count: 1 };
      expect(await scene.sync()).toMatchObject({ ok: false, errorCode: 'ROUTER_TIMEOUT' });
      scene.simulator.faults.stallOn = null;
      await scene.reconnect();
      expect(await scene.sync()).toMatchObject({ ok: true, confirmed: ADDRESSES.length });
      expectAgreement(scene);
      await scene.close();
      cases += 1;
    }
    expect(cases).toBe(20);
  });
});

describe('clocks that disagree', () => {
  it.each([-400, -30, -1, 1, 30, 400])(
    'by %i days between router and daemon change nothing: timeouts are lengths of time',
    async (days) => {
      const scene = await openScene({ clocks: { ownMs: START_MS, routerMs: START_MS + days * DAY_MS } });
      const others = othersEntries(scene);
      await prepareTwelveChanges(scene);
      expect(await scene.sync()).toMatchObject({ ok: true });
      expectAgreement(scene);
      expectNoOverlongTimeout(scene);
      expect(othersEntries(scene)).toEqual(others);
      expect(await scene.sync()).toMatchObject({ ok: true, added: 0, extended: 0, removed: 0 });
      await scene.close();
    },
  );

  it.each([
    ['an hour back', -HOUR * 1000],
    ['a day back', -DAY_MS],
    ['ten years back', -3650 * DAY_MS],
  ])('because ours was set %s: nothing is taken off and no timeout is too long', async (_how, jumpMs) => {
    const scene = await openScene();
    scene.block(12 * HOUR, ...ADDRESSES, '2001:db8::1');
    await scene.sync();
    const before = ownEntries(scene).map(({ address }) => address);
    scene.clocks.ownMs += jumpMs;
    for (let time = 0; time < 3; time += 1) {
      expect(await scene.sync()).toMatchObject({ removed: 0 });
      expect(ownEntries(scene).map(({ address }) => address)).toEqual(before);
      expectNoOverlongTimeout(scene);
    }
    scene.clocks.ownMs = START_MS;
    expect(await scene.sync()).toMatchObject({ ok: true, removed: 0 });
    expectAgreement(scene);
    await scene.close();
  });

  it.each([
    ['a day', DAY_MS, false],
    ['a year', 365 * DAY_MS, false],
    ['a year, and the ledger closed everything', 365 * DAY_MS, true],
  ])(
    'because ours jumped ahead by %s: nothing is taken off, and somebody is told',
    async (_how, jumpMs, closes) => {
      const scene = await openScene();
      scene.block(12 * HOUR, ...ADDRESSES, '2001:db8::1');
      await scene.sync();
      const before = ownEntries(scene);
      scene.clocks.ownMs += jumpMs;
      if (closes) scene.place.ledger.expireDue(scene.clocks.ownMs);
      for (let time = 0; time < 3; time += 1) {
        expect(await scene.sync()).toMatchObject({ added: 0, extended: 0, removed: 0, held: before.length });
        expect(ownEntries(scene)).toEqual(before);
      }
      expect(scene.place.ledger.alerts().map(({ code }) => code)).toContain('MASS_REMOVAL_HELD');
      if (closes) await blockInTheWrongYear(scene);
      scene.clocks.ownMs = START_MS + 60_000;
      scene.clocks.routerMs += 60_000;
      expect(await scene.sync()).toMatchObject({ removed: 0 });
      if (!closes) expectAgreement(scene);
      expect(ownEntries(scene)).toHaveLength(before.length);
      await scene.close();
    },
  );
});
