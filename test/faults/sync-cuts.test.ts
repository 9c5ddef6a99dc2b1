import { describe, expect, it } from 'vitest';
import type { Direction } from './cutting-proxy.ts';
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

expectNothingLeftBehind();

/** Every change is due and the session is one that is opened for it, so that the login can be cut too. */
async function dueOnNewSession(scene: Scene): Promise<void> {
  await prepareTwelveChanges(scene);
  await scene.router.close();
}

/** All commands of a sync with twelve changes, the login included. */
async function commandsOfSync(): Promise<string[]> {
  const scene = await openScene();
  await dueOnNewSession(scene);
  const commands: string[] = [];
  scene.simulator.faults.stallOn = { command: watchCommands((command) => commands.push(command)) };
  expect(await scene.sync()).toMatchObject({ ok: true, ...TWELVE_CHANGES });
  expectAgreement(scene);
  await scene.close();
  return commands;
}

/** One cut, one more sync: agreement, and nothing of others touched. Returns whether the cut was felt. */
async function survivesCut(
  scene: Scene,
  cut: { arm: () => void; disarm: () => void },
): Promise<{ failed: boolean }> {
  const others = othersEntries(scene);
  cut.arm();
  const first = await scene.sync();
  cut.disarm();
  if (!first.ok) expect(['ROUTER_CONNECTION_LOST', 'ROUTER_UNREACHABLE']).toContain(first.errorCode);
  expect(othersEntries(scene)).toEqual(others);
  expect(await scene.sync()).toMatchObject({ ok: true, error: null });
  expectAgreement(scene);
  expect(othersEntries(scene)).toEqual(others);
  expect(await scene.sync()).toMatchObject({ ok: true, added: 0, extended: 0, removed: 0 });
  expect(scene.simulator.sessions).toBe(1);
  return { failed: !first.ok };
}

describe('a sync of twelve changes, cut at each of its commands in turn', () => {
  it.each([
    ['by a FIN after the command was carried out', { applied: true, reset: false }],
    ['by a FIN before the command was carried out', { applied: false, reset: false }],
    ['by a reset after the command was carried out', { applied: true, reset: true }],
    ['by a reset before the command was carried out', { applied: false, reset: true }],
  ])('%s: the next sync agrees, nothing is doubled, nothing of others touched', async (_how, how) => {
    const commands = await commandsOfSync();
    expect(commands.length).toBeGreaterThanOrEqual(17);
    let failures = 0;
    for (let skip = 0; skip < commands.length; skip += 1) {
      const scene = await openScene();
      await dueOnNewSession(scene);
      const { failed } = await survivesCut(scene, {
        arm: () => {
          scene.simulator.faults.closeOn = { command: /./, skip, count: 1, ...how };
        },
        disarm: () => {
          scene.simulator.faults.closeOn = null;
        },
      });
      failures += failed ? 1 : 0;
      await scene.close();
    }
    // Only a cut at a read may be made good within the same sync.
    expect(failures).toBeGreaterThanOrEqual(commands.filter((command) => !command.endsWith('print')).length);
  });
});

/** Bytes that go over the line in one sync with twelve changes, the login included, and where the changes lie in them. */
async function bytesOfSync(
  direction: Direction,
): Promise<{ total: number; push: [from: number, to: number] }> {
  const scene = await openScene();
  await dueOnNewSession(scene);
  const { [direction]: before } = scene.line.bytes;
  const seen: { isChange: boolean; bytes: number }[] = [];
  const see = (command: string): void => {
    seen.push({
      isChange: /address-list\/(add|set|remove)$/.test(command),
      bytes: scene.line.bytes[direction],
    });
  };
  scene.simulator.faults.stallOn = { command: watchCommands(see) };
  expect(await scene.sync()).toMatchObject({ ok: true, ...TWELVE_CHANGES });
  const { [direction]: after } = scene.line.bytes;
  await scene.close();
  const first = seen.findIndex(({ isChange }) => isChange);
  const last = seen.findLastIndex(({ isChange }) => isChange);
  // A command is on the line before it is seen, its answer after.
  const [from, to] = direction === 'toRouter' ? [first - 1, last] : [first, last + 1];
  return { total: after - before, push: [seen[from]!.bytes - before, seen[to]!.bytes - before] };
}

describe('a sync of twelve changes, cut in the middle of a word', () => {
  const PLACES = 32;
  /** Half of them all over the sync, half where the changes are under way. */
  const AT_LEAST_IN_PUSH = PLACES / 2;

  it.each([
    ['of an answer, by a FIN', { direction: 'toDaemon', how: 'fin' }],
    ['of an answer, by a reset', { direction: 'toDaemon', how: 'reset' }],
    ['of a command, by a FIN', { direction: 'toRouter', how: 'fin' }],
    ['of a command, by a reset', { direction: 'toRouter', how: 'reset' }],
  ] as const)(`%s, at ${PLACES} places: the next sync agrees`, async (_what, how) => {
    const { total, push } = await bytesOfSync(how.direction);
    let cutsInPush = 0;
    for (let place = 0; place < PLACES; place += 1) {
      const scene = await openScene();
      await dueOnNewSession(scene);
      const half = PLACES / 2;
      const [from, to] = place < half ? [0, total] : push;
      const afterBytes = Math.floor(from + ((to - from) * (place % half)) / half);
      const { failed } = await survivesCut(scene, {
        arm: () => scene.line.cut({ ...how, afterBytes }),
        disarm: () => scene.line.cut(null),
      });
      // Where only reading was under way it is done once more, and the sync goes on; a cut push never passes for a whole one.
      const isInPush = afterBytes >= push[0] && afterBytes < push[1];
      if (isInPush) expect(failed).toBe(true);
      cutsInPush += isInPush ? 1 : 0;
      await scene.close();
    }
    expect(cutsInPush).toBeGreaterThanOrEqual(AT_LEAST_IN_PUSH);
  });
});
