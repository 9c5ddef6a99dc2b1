import { describe, expect, it } from 'vitest';
import { canonicalText } from '../../src/ip/address.ts';
import { seededRandom } from '../../src/simulator/faults.ts';
import { expectNothingLeftBehind } from './nothing-left-behind.ts';
import { expectAgreement, joinScene, openScene, othersEntries, ownEntries, type Scene } from './scene.ts';

expectNothingLeftBehind();

const HOUR = 3600;
const ROUNDS = 20;
const SEEDS = 11;
const ADDRESSES = [
  ...Array.from({ length: 12 }, (_, index) => `198.51.100.${index + 100}`),
  ...['198.51.100.0/26', '2001:db8:1::1', '2001:db8:2::/64', '2001:db8:3::3'],
];

/** Blocks and lifts by chance; both daemons draw from the same few addresses. */
function changeMind(daemon: Scene, random: () => number): void {
  for (const address of ADDRESSES) {
    const active = daemon.place.ledger.activeBlocks(daemon.clocks.ownMs);
    const isActive = active.some((block) => block.address === address);
    const dice = random();
    if (dice < 0.15) daemon.block(Math.ceil(1 + random() * 5) * HOUR, address);
    else if (dice < 0.3 && isActive) daemon.lift(address);
  }
}

/** A sync changes the entries of the one who syncs, of nobody else. */
async function syncAlone(daemon: Scene): Promise<void> {
  const others = othersEntries(daemon);
  const result = await daemon.sync();
  expect(result).toMatchObject({ ok: true, refused: [], held: 0 });
  expect(othersEntries(daemon)).toEqual(others);
}

function addressesOf(daemon: Scene): string[] {
  return ownEntries(daemon)
    .map(({ address }) => address)
    .toSorted();
}

function expectNothingDoubled(daemons: readonly Scene[]): void {
  const held = daemons.flatMap((daemon) => ownEntries(daemon).map(({ address }) => canonicalText(address)));
  expect(new Set(held).size).toBe(held.length);
}

async function liveTogether(daemons: readonly [Scene, Scene], random: () => number): Promise<void> {
  const [one, two] = daemons;
  const step = Math.ceil(random() * 600) * 1000;
  one.clocks.ownMs += step;
  one.clocks.routerMs += step;
  for (const daemon of daemons) changeMind(daemon, random);
  // Interleaved by the commands that meet at the router, or one after the other in either order.
  if (random() < 0.5) await Promise.all([one.sync(), two.sync()]);
  for (const daemon of random() < 0.5 ? [one, two, one, two] : [two, one, two, one]) await syncAlone(daemon);
  for (const daemon of daemons) expectAgreement(daemon);
  expectNothingDoubled(daemons);
  for (const daemon of daemons) {
    expect(await daemon.sync()).toMatchObject({ ok: true, added: 0, extended: 0, removed: 0 });
  }
}

describe('two autoblocks on one router', () => {
  it(`who want some of the same addresses do not fight (${SEEDS * ROUNDS} rounds in seeded orders)`, async () => {
    let rounds = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const random = seededRandom(seed);
      const one = await openScene();
      const two = joinScene(one);
      for (let round = 0; round < ROUNDS; round += 1) {
        await liveTogether([one, two], random);
        rounds += 1;
      }
      await two.close();
      await one.close();
    }
    expect(rounds).toBe(SEEDS * ROUNDS);
  });

  it('of whom one stops: its entries run out by themselves, and the other takes over what it wants', async () => {
    const one = await openScene();
    const two = joinScene(one);
    one.block(12 * HOUR, '198.51.100.100', '198.51.100.101');
    two.block(HOUR, '198.51.100.101', '198.51.100.102');
    await syncAlone(two);
    await syncAlone(one);
    expect(addressesOf(two)).toEqual(['198.51.100.101', '198.51.100.102']);
    expect(addressesOf(one)).toEqual(['198.51.100.100']);
    await two.close();

    one.clocks.ownMs += 61 * 60_000;
    one.clocks.routerMs += 61 * 60_000;
    await syncAlone(one);
    expect(addressesOf(one)).toEqual(['198.51.100.100', '198.51.100.101']);
    expectAgreement(one);
    await one.close();
  });
});
