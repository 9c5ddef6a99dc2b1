import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RouterosSimulator, startSimulator } from '../../src/simulator/routeros-simulator.ts';
import { writeBruteForceCsv } from '../support/attack-csv.ts';
import { autoblock, startDaemonProcess, temporaryHome } from '../support/cli.ts';

const ATTACKERS = ['198.51.100.66', '198.51.100.67', '2001:db8:bad::1'];
/** An IPv6 attacker is blocked as the network a subscriber is given. */
const BLOCKED = ['198.51.100.66', '198.51.100.67', '2001:db8:bad::/64'];

let home: ReturnType<typeof temporaryHome>;
let simulator: RouterosSimulator;
let place: { dir: string; env: Record<string, string> };

beforeEach(async () => {
  home = temporaryHome();
  simulator = await startSimulator({ user: 'autoblock', password: 'pw' });
  place = {
    dir: home.dir,
    env: {
      ...home.env,
      USE_HYBRID_DETECTOR: 'false',
      ROUTER_HOST: '127.0.0.1',
      ROUTER_PORT: String(simulator.port),
      ROUTER_USER: 'autoblock',
      ROUTER_PASSWORD: 'pw',
      ROUTER_TLS: 'false',
    },
  };
  const csv = join(home.dir, 'attack.csv');
  writeBruteForceCsv(csv, ATTACKERS);
  const imported = await autoblock(['import', csv], place);
  expect(imported).toMatchObject({ code: 0, stderr: '' });
});

afterEach(async () => {
  await simulator.close();
  home.remove();
});

function held(): string[] {
  return [...simulator.entries(4), ...simulator.entries(6)].map((entry) => entry.address).sort();
}

async function killAfter(sentence: string): Promise<void> {
  const daemon = startDaemonProcess(place);
  await daemon.waitFor(sentence);
  daemon.signal('SIGKILL');
  expect(await daemon.ended).toBeNull();
}

/** What has to be true after the next run, wherever the process died. */
async function expectNothingLostOrDoubled(): Promise<void> {
  const again = await autoblock(['run', '--once'], place);
  expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: '' });
  expect(held()).toEqual(BLOCKED);

  const blocks = JSON.parse((await autoblock(['blocks', 'list', '--json'], place)).stdout) as {
    address: string;
    confirmedAtMs: number | null;
    extendedCount: number;
  }[];
  expect(blocks.map((block) => block.address).sort()).toEqual(BLOCKED);
  for (const block of blocks)
    expect(block).toMatchObject({ extendedCount: 0, confirmedAtMs: expect.any(Number) as number });
  const status = JSON.parse((await autoblock(['status', '--json'], place)).stdout) as {
    undelivered: boolean;
  };
  expect(status.undelivered).toBe(false);
}

describe('a daemon killed with SIGKILL between decision and push', () => {
  it('loses no decision when the router had not heard of it', async () => {
    simulator.faults.silent = true;
    await killAfter('detection run finished');
    expect(held()).toEqual([]);
    simulator.faults.silent = false;
    await expectNothingLostOrDoubled();
  });

  it('doubles nothing when the router had applied what it never acknowledged', async () => {
    simulator.faults.stallOn = { command: /address-list\/add/ };
    const daemon = startDaemonProcess(place);
    await daemon.waitFor('detection run finished');
    await expect.poll(held, { timeout: 30_000 }).toHaveLength(ATTACKERS.length);
    daemon.signal('SIGKILL');
    await daemon.ended;
    simulator.faults.stallOn = null;
    await expectNothingLostOrDoubled();
  });
});
