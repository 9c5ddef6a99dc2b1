import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonicalText } from '../../src/ip/address.ts';
import { expectNothingLeftBehind } from './nothing-left-behind.ts';
import {
  ACCOUNT,
  atCommand,
  expectAgreement,
  openScene,
  othersEntries,
  ownEntries,
  prepareTwelveChanges,
  type Scene,
} from './scene.ts';

expectNothingLeftBehind();

const PROGRAM = resolve(import.meta.dirname, '../../scripts/autoblock.mjs');
const KILLS = 24;

/** `autoblock sync` as a process of its own, on the ledger of the scene. */
function startSync({ place, simulator }: Scene) {
  const { PATH = '' } = process.env;
  return spawn(process.execPath, [PROGRAM, 'sync', '--json'], {
    cwd: place.directory,
    env: {
      ...{ PATH, HOME: '/tmp', USER: 'tester', STATE_DIR: place.directory, MODELS_DIR: place.directory },
      ...{ ROUTER_HOST: '127.0.0.1', ROUTER_PORT: String(simulator.port), ROUTER_TLS: 'false' },
      ...{ ROUTER_USER: ACCOUNT.user, ROUTER_PASSWORD: ACCOUNT.password },
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** A scene at the time it is: the child has no other clock. */
async function openSceneNow(): Promise<Scene> {
  const nowMs = Date.now();
  const scene = await openScene({
    clocks: { ownMs: nowMs, routerMs: nowMs },
    router: { name: '127.0.0.1' },
  });
  await prepareTwelveChanges(scene);
  scene.block(6 * 3600, ...Array.from({ length: 40 }, (_, index) => `198.51.100.${index + 100}`));
  await scene.router.close();
  return scene;
}

/** Kills the child as the router takes up the command with this number; the ones behind it are under way. */
async function killAtCommand(scene: Scene, skip: number): Promise<void> {
  const child = startSync(scene);
  child.stdout.resume();
  const closed = once(child, 'close');
  scene.simulator.faults.stallOn = {
    command: atCommand({ command: /./, skip }, () => child.kill('SIGKILL')),
  };
  const [, signal] = (await closed) as [number | null, string | null];
  scene.simulator.faults.stallOn = null;
  expect(signal).toBe('SIGKILL');
}

describe('a sync that is killed with SIGKILL', () => {
  it(`at ${KILLS} different commands: the next one agrees, nothing is doubled, nothing of others touched, the audit says what it had put there`, async () => {
    let kills = 0;
    let entriesFound = 0;
    for (let index = 0; index < KILLS; index += 1) {
      const scene = await openSceneNow();
      const others = othersEntries(scene);
      const before = new Set(ownEntries(scene).map(({ comment }) => comment));
      await killAtCommand(scene, index * 2);
      kills += 1;
      const put = ownEntries(scene).filter(({ comment }) => !before.has(comment));
      expect(await scene.sync()).toMatchObject({ ok: true, error: null });
      expectAgreement(scene);
      const found = scene.place.ledger.audit({ actions: ['entry_found'], limit: 1000 });
      const addresses = put.map(({ address }) => canonicalText(address));
      expect(found.map(({ address }) => address).toSorted()).toEqual(addresses.toSorted());
      entriesFound += found.length;
      expect(othersEntries(scene)).toEqual(others);
      expect(scene.place.ledger.integrity()).toEqual([]);
      await scene.close();
    }
    expect(kills).toBe(KILLS);
    expect(entriesFound).toBeGreaterThan(KILLS);
  });
});
