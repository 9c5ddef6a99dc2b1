import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createRouterLoops, type RouterLoops } from '../../src/daemon/router-loops.ts';
import { createRouterConnection, type RouterConnection } from '../../src/routers/router-connection.ts';
import { syncRouter } from '../../src/runs/router-sync-run.ts';
import { type RouterosSimulator, startSimulator } from '../../src/simulator/routeros-simulator.ts';
import { capturingLogger } from '../support/logger.ts';
import { syncPartsFor } from '../support/sync-parts.ts';
import { type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const account = { user: 'autoblock', password: 'pw' };
let place: TemporaryLedger;
let simulators: RouterosSimulator[];

beforeEach(async () => {
  place = temporaryLedger();
  let upMs = 0;
  const nowMs = () => Date.now() + upMs;
  simulators = await Promise.all(['fine', 'silent', 'dead'].map(() => startSimulator({ ...account, nowMs })));
  // Up for an hour, so that a restart shows in the uptime.
  upMs = 3_600_000;
});
afterEach(async () => {
  for (const simulator of simulators) await simulator.close();
  place.remove();
});

function connect(name: string, port: number): RouterConnection {
  const lists = { addressListV4: 'autoblock', addressListV6: 'autoblock', commandsInFlight: 16 };
  const endpoint = { name, host: '127.0.0.1', port, tls: { mode: 'plain' }, ...account, ...lists } as const;
  const router = createRouterConnection({ ...endpoint, connectTimeoutMs: 60_000, commandTimeoutMs: 60_000 });
  onTestFinished(() => router.close());
  return router;
}

/** The daemon's loops over real connections; `synced` holds the name of each router after each of its syncs. */
function start(routers: readonly RouterConnection[], graceMs = 100) {
  const { logger, lines } = capturingLogger();
  const synced: { router: string; ok: boolean; rebooted: boolean; reprotectedMs: number | null }[] = [];
  const parts = syncPartsFor({ ledger: place.ledger, logger });
  const loops = createRouterLoops({
    routers,
    sync: (router, signal) => syncRouter({ ...parts, signal }, router),
    onSynced: (result) => synced.push(result),
    onLost: (name) => {
      parts.memoryOf(name).lostAtMs = parts.monotonicMs();
    },
    ...{ logger, random: () => 0, monotonicMs: () => performance.now(), everyMs: 3_600_000, graceMs },
  });
  return { loops, synced, lines };
}

function block(...addresses: string[]): void {
  place.ledger.addBlocks(
    addresses.map((address) => ({
      ...{ address, origin: 'manual', seconds: 3600 },
      ...{ reason: 'test', actor: 'test', nowMs: Date.now() },
    })),
  );
}

const held = (which: number) => simulators[which]!.entries(4).map(({ address }) => address);

async function stopped(loops: RouterLoops): Promise<void> {
  await loops.stop();
}

describe('the loops of three routers', () => {
  it('bring the one that is there up to date again and again while one is silent and one is dead', async () => {
    simulators[1]!.faults.silent = true;
    const deadPort = simulators[2]!.port;
    await simulators[2]!.close();
    const routers = ['fine', 'silent', 'dead'].map((name, index) =>
      connect(name, index === 2 ? deadPort : simulators[index]!.port),
    );
    const { loops, synced } = start(routers);
    for (const address of ['198.51.100.1', '198.51.100.2', '198.51.100.3']) {
      block(address);
      loops.request();
      await expect.poll(() => held(0)).toContain(address);
    }
    expect(synced.filter(({ router }) => router === 'silent')).toEqual([]);
    expect(synced.filter(({ router, ok }) => router === 'dead' && !ok).length).toBeGreaterThan(0);
    expect(loops.states().get('fine')).toMatchObject({ breaker: 'closed', consecutiveFailures: 0 });
    expect(loops.states().get('dead')!.consecutiveFailures).toBeGreaterThan(0);
    // The silent one would keep a sync waiting for a minute: the end is bounded all the same.
    await stopped(loops);
    expect(synced.filter(({ router }) => router === 'silent')).toMatchObject([{ ok: false }]);
  });

  it('notice a reboot by the lost session and protect the router again at once, measured', async () => {
    const { loops, synced, lines } = start([connect('fine', simulators[0]!.port)]);
    block('198.51.100.1', '198.51.100.2');
    loops.request();
    await expect.poll(() => held(0)).toHaveLength(2);
    await expect.poll(() => synced).toHaveLength(1);
    simulators[0]!.reboot();
    expect(held(0)).toEqual([]);
    await expect.poll(() => held(0)).toHaveLength(2);
    await expect.poll(() => synced.filter(({ rebooted }) => rebooted)).toMatchObject([{ ok: true }]);
    await stopped(loops);
    expect(lines.find(({ code }) => code === 'ROUTER_REBOOTED')).toMatchObject({ entriesLost: 2 });
    expect(lines.find(({ msg }) => msg === 'router holds every block again')).toMatchObject({ confirmed: 2 });
    const [state] = place.ledger.routerStates();
    expect(state!.reprotectedMs).toBe(synced.find(({ rebooted }) => rebooted)!.reprotectedMs);
  });
});
