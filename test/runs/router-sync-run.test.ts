import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { desiredEntries } from '../../src/decisions/desired-entries.ts';
import { buildProtection } from '../../src/decisions/protected-networks.ts';
import { AutoblockError } from '../../src/errors.ts';
import { createRouterConnection, type RouterConnection } from '../../src/routers/router-connection.ts';
import { runRouterSync } from '../../src/runs/router-sync-run.ts';
import { type RouterosSimulator, startSimulator } from '../../src/simulator/routeros-simulator.ts';
import { capturingLogger } from '../support/logger.ts';
import { syncPartsFor } from '../support/sync-parts.ts';
import { type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const plainLists = {
  tls: { mode: 'plain' },
  addressListV4: 'autoblock',
  addressListV6: 'autoblock',
  commandsInFlight: 16,
} as const;
let place: TemporaryLedger;
let simulators: RouterosSimulator[];
let routers: RouterConnection[];

beforeEach(async () => {
  place = temporaryLedger();
  simulators = await Promise.all([startSimulator(account), startSimulator(account)]);
  routers = simulators.map(({ port }, index) =>
    createRouterConnection({
      name: `router-${index + 1}`,
      host: '127.0.0.1',
      port,
      ...account,
      ...plainLists,
      connectTimeoutMs: 500,
      commandTimeoutMs: 500,
    }),
  );
});
afterEach(async () => {
  for (const router of routers) await router.close();
  for (const simulator of simulators) await simulator.close();
  place.remove();
});

const account = { user: 'autoblock', password: 'pw' };

function sync(options: { dryRun?: boolean; allowlist?: string[]; ledgerId?: string } = {}) {
  const { logger, lines } = capturingLogger();
  const { dryRun = false, allowlist = [], ledgerId = place.ledger.id } = options;
  const ledger = { ...place.ledger, id: ledgerId };
  const protection = buildProtection({ internalNetworks: [], allowlist, extraProtected: [] });
  const parts = syncPartsFor({ ledger, protection: () => protection, logger, dryRun });
  const run = runRouterSync({ ...parts, routers });
  return run.then((results) => ({ results, lines }));
}

function block(...addresses: string[]): void {
  for (const address of addresses) {
    place.ledger.addBlock({
      address,
      origin: 'manual',
      seconds: 3600,
      reason: 'test',
      actor: 'test',
      nowMs: Date.now(),
    });
  }
}

/** The real router, for a test to change one call of. */
function passing(router: RouterConnection) {
  return {
    name: router.name,
    facts: () => router.facts(),
    read: () => router.read(),
    apply: router.apply.bind(router),
    giveUp: router.giveUp.bind(router),
  };
}

const held = (which: number) =>
  [...simulators[which]!.entries(4), ...simulators[which]!.entries(6)].map((entry) => entry.address);

describe('a router sync', () => {
  it('brings IPv4 and IPv6 to every router and counts only what it read back', async () => {
    block('198.51.100.1', '198.51.100.128/25', '2001:db8:bad::1');
    const { results, lines } = await sync();
    const expected = { ok: true, added: 3, confirmed: 3, wanted: 3, extended: 0, removed: 0 };
    expect(results).toMatchObject([expected, expected]);
    for (const which of [0, 1]) {
      expect(held(which).sort()).toEqual(['198.51.100.1', '198.51.100.128/25', '2001:db8:bad::1/128']);
    }
    expect(lines.filter((line) => line.msg === 'blocks pushed')).toHaveLength(2);
    expect(place.ledger.activeBlocks(Date.now()).every((entry) => entry.confirmedAtMs !== null)).toBe(true);

    expect((await sync()).results).toMatchObject([
      { added: 0, confirmed: 3 },
      { added: 0, confirmed: 3 },
    ]);
  });

  it('counts removals and extensions of both families although their ids are alike', async () => {
    block('198.51.100.1', '2001:db8:bad::1');
    await sync();
    place.ledger.liftBlock({ address: '198.51.100.1', actor: 'test', nowMs: Date.now() });
    place.ledger.addBlock({
      address: '2001:db8:bad::1',
      origin: 'manual',
      seconds: 7200,
      reason: 'longer',
      actor: 'test',
      nowMs: Date.now(),
    });
    const { results } = await sync();
    expect(results).toMatchObject([
      { ok: true, removed: 1, extended: 1, added: 0 },
      { removed: 1, extended: 1 },
    ]);
    expect(held(0)).toEqual(['2001:db8:bad::1/128']);
    expect(simulators[0]!.entries(6)[0]!.timeoutSeconds).toBeGreaterThan(7000);
  });

  it('lets one dead router delay neither the other nor lose anything, and catches it up later', async () => {
    block('198.51.100.1');
    simulators[0]!.faults.silent = true;
    const { results, lines } = await sync();
    expect(results).toMatchObject([
      { ok: false, errorCode: 'ROUTER_TIMEOUT' },
      { ok: true, confirmed: 1 },
    ]);
    expect(lines.find((line) => line.msg === 'router sync failed')).toMatchObject({
      router: 'router-1',
      level: 'error',
    });
    expect(place.ledger.routerStates()).toMatchObject([
      { router: 'router-1', errorCode: 'ROUTER_TIMEOUT', succeededAtMs: null },
      { router: 'router-2', errorCode: null },
    ]);
    simulators[0]!.faults.silent = false;
    expect((await sync()).results).toMatchObject([{ ok: true, added: 1 }, { added: 0 }]);
    expect(held(0)).toEqual(['198.51.100.1']);
  });

  it('withdraws a block whose address became protected since, instead of pushing it', async () => {
    block('198.51.100.1', '198.51.100.2');
    await sync();
    const { results, lines } = await sync({ allowlist: ['198.51.100.1'] });
    expect(results).toMatchObject([
      { removed: 1, wanted: 1 },
      { removed: 1, wanted: 1 },
    ]);
    expect(held(0)).toEqual(['198.51.100.2']);
    expect(lines.find((line) => line.code === 'PROTECTED_BLOCK_WITHDRAWN')).toMatchObject({
      address: '198.51.100.1',
    });
    expect(place.ledger.activeBlocks(Date.now()).map((entry) => entry.address)).toEqual(['198.51.100.2']);
  });

  it("takes somebody else's entry for protection enough and never touches it", async () => {
    simulators[0]!.addForeignEntry({ list: 'autoblock', address: '198.51.100.1', comment: 'by hand' });
    simulators[0]!.addForeignEntry({ list: 'autoblock', address: '198.51.100.9', comment: 'by hand' });
    block('198.51.100.1');
    expect((await sync()).results[0]).toMatchObject({ ok: true, added: 0, confirmed: 1 });
    place.ledger.liftBlock({ address: '198.51.100.1', actor: 'test', nowMs: Date.now() });
    await sync();
    expect(held(0)).toEqual(['198.51.100.1', '198.51.100.9']);
  });

  it('says which address a router refused, and does not call it held', async () => {
    block('198.51.100.1', '198.51.100.2');
    simulators[0]!.faults.trapOn = {
      command: /address-list\/add$/,
      count: 1,
      category: 0,
      message: 'failure: list full',
    };
    const { results, lines } = await sync();
    expect(results[0]).toMatchObject({ ok: false, confirmed: 1, wanted: 2, errorCode: 'ROUTER_REFUSED' });
    expect(results[0]!.refused).toHaveLength(1);
    expect(lines.some((line) => line.code === 'SYNC_INCOMPLETE')).toBe(true);
    expect((await sync()).results[0]).toMatchObject({ ok: true, confirmed: 2, added: 1 });
  });

  it('repairs without doubling when the line broke in the middle of a push', async () => {
    const addresses = Array.from({ length: 60 }, (_, index) => `198.51.100.${index + 1}`);
    block(...addresses);
    simulators[0]!.faults.closeOn = { command: /address-list\/add$/, skip: 20, count: 1, reset: true };
    expect((await sync()).results[0]).toMatchObject({ ok: false, errorCode: 'ROUTER_CONNECTION_LOST' });
    simulators[0]!.faults.closeOn = null;
    expect((await sync()).results[0]).toMatchObject({ ok: true, confirmed: 60 });
    expect(held(0)).toHaveLength(60);
    expect(new Set(held(0)).size).toBe(60);
  });

  it('leaves entries a restored backup knows nothing of to expire, unless their address is protected now', async () => {
    block('198.51.100.1', '198.51.100.2', '2001:db8:bad::1');
    await sync();
    const ledgerId = place.ledger.id;
    place.remove();
    place = temporaryLedger();
    block('198.51.100.3');

    const { results, lines } = await sync({ allowlist: ['198.51.100.2'], ledgerId });
    expect(results).toMatchObject([
      { ok: true, added: 1, removed: 1, confirmed: 1 },
      { ok: true, added: 1, removed: 1 },
    ]);
    expect(held(0).sort()).toEqual(['198.51.100.1', '198.51.100.3', '2001:db8:bad::1/128']);
    expect(lines.find((line) => line.code === 'UNKNOWN_ENTRIES')).toMatchObject({
      router: 'router-1',
      entries: 2,
    });

    block('198.51.100.1');
    place.ledger.liftBlock({ address: '198.51.100.1', actor: 'test', nowMs: Date.now() });
    await sync({ ledgerId });
    expect(held(0).sort()).toEqual(['198.51.100.3', '2001:db8:bad::1/128']);
  });

  it("respects another autoblock's entries: neither removed nor taken for its own, and added beside it when they are gone", async () => {
    const theirs = { list: 'autoblock', comment: 'autoblock:00000000 manual #1' };
    simulators[0]!.addForeignEntry({ ...theirs, address: '198.51.100.1', timeout: '90s' });
    simulators[0]!.addForeignEntry({ ...theirs, address: '198.51.100.2', timeout: '1h' });
    block('198.51.100.1');
    const { results } = await sync();
    expect(results[0]).toMatchObject({ ok: true, added: 0, removed: 0, foreign: 1, confirmed: 1 });
    expect(results[0]!.plan!.foreign).toMatchObject([{ address: '198.51.100.1' }]);
    // When theirs runs out ours has to be added: that sync is planned.
    expect(results[0]!.againInMs).toBeGreaterThan(80_000);
    expect(results[0]!.againInMs).toBeLessThanOrEqual(91_000);
    place.ledger.liftBlock({ address: '198.51.100.1', actor: 'test', nowMs: Date.now() });
    expect((await sync()).results[0]).toMatchObject({ removed: 0 });
    expect(held(0)).toEqual(['198.51.100.1', '198.51.100.2']);
  });

  it('does not take off what another process blocked and pushed while this one was reaching the router', async () => {
    const [real] = routers;
    const meanwhile = {
      ...passing(real!),
      read: async () => {
        if (place.ledger.activeBlocks(Date.now()).length === 0) {
          block('198.51.100.1');
          await sync();
        }
        return real!.read();
      },
    };
    const { logger } = capturingLogger();
    const parts = syncPartsFor({ ledger: place.ledger, logger, nowMs: Date.now });
    const results = await runRouterSync({ ...parts, routers: [meanwhile] });
    expect(results).toMatchObject([{ ok: true, confirmed: 1, removed: 0 }]);
    expect(held(0)).toEqual(['198.51.100.1']);
  });

  it('takes off again what an operator lifted while it was being pushed', async () => {
    block('198.51.100.1', '198.51.100.2');
    const [real] = routers;
    const overtaken = {
      ...passing(real!),
      apply: (plan: Parameters<RouterConnection['apply']>[0]) => {
        if (plan.add.length > 0) {
          place.ledger.liftBlock({ address: '198.51.100.1', actor: 'operator', nowMs: Date.now() });
        }
        return real!.apply(plan);
      },
    };
    const { logger } = capturingLogger();
    const parts = syncPartsFor({ ledger: place.ledger, logger, nowMs: Date.now });
    expect(await runRouterSync({ ...parts, routers: [overtaken] })).toMatchObject([
      { ok: true, wanted: 1, confirmed: 1, removed: 1 },
    ]);
    expect(held(0)).toEqual(['198.51.100.2']);
  });

  it('does not miss a block that ran out between the push and the reading back', async () => {
    let clockMs = Date.now();
    const simulator = await startSimulator({ ...account, nowMs: () => clockMs });
    const options = { name: 'slow', host: '127.0.0.1', port: simulator.port, ...account };
    const real = createRouterConnection({ ...options, ...plainLists });
    simulators.push(simulator);
    routers.push(real);
    const given = { origin: 'manual', reason: 'test', actor: 'test', nowMs: clockMs } as const;
    place.ledger.addBlock({ ...given, address: '198.51.100.1', seconds: 2 });
    place.ledger.addBlock({ ...given, address: '198.51.100.2', seconds: 3600 });
    const slow = {
      ...passing(real),
      apply: async (plan: Parameters<typeof real.apply>[0]) => {
        const answer = await real.apply(plan);
        clockMs += 3000;
        return answer;
      },
    };
    const { logger, lines } = capturingLogger();
    const parts = syncPartsFor({ ledger: place.ledger, logger, nowMs: () => clockMs });
    expect(await runRouterSync({ ...parts, routers: [slow] })).toMatchObject([
      { ok: true, wanted: 1, confirmed: 1, error: null },
    ]);
    expect(lines.filter((line) => line.level === 'error')).toEqual([]);
  });

  it('pushes the rest and never a protected address when the ledger cannot be written', async () => {
    block('198.51.100.1', '198.51.100.2');
    const full = (): never => {
      throw new AutoblockError('STATE_UNWRITABLE', 'the disk is full');
    };
    const ledger = { ...place.ledger, liftBlock: full, confirmBlocks: full, recordRouterSync: full };
    const { logger, lines } = capturingLogger();
    const protection = buildProtection({
      internalNetworks: [],
      allowlist: ['198.51.100.1'],
      extraProtected: [],
    });
    const results = await runRouterSync({
      ...syncPartsFor({ ledger, logger, protection: () => protection }),
      routers,
    });
    const failed = { ok: false, errorCode: 'STATE_UNWRITABLE' };
    expect(results).toMatchObject([failed, failed]);
    expect(held(0)).toEqual(['198.51.100.2']);
    expect(held(1)).toEqual(['198.51.100.2']);
    expect(lines.filter((line) => line.code === 'STATE_UNWRITABLE').map((line) => line.msg)).toContain(
      'protected block not lifted in the ledger; it is not pushed',
    );
  });

  it('says which address the router does not hold although it refused nothing', async () => {
    const [router] = routers;
    const disabling = {
      ...passing(router!),
      // Somebody disables an entry of ours between the push and the reading back.
      apply: async (...given: Parameters<RouterConnection['apply']>) => {
        const applied = await router!.apply(...given);
        const { id } = simulators[0]!.entries(4).find(({ address }) => address === '198.51.100.1')!;
        await router!.run('/ip/firewall/address-list/set', [`=.id=${id}`, '=disabled=yes']);
        return applied;
      },
    };
    block('198.51.100.1', '198.51.100.2');
    const { logger } = capturingLogger();
    const results = await runRouterSync({
      ...syncPartsFor({ ledger: place.ledger, logger }),
      routers: [disabling],
    });
    expect(results[0]).toMatchObject({ ok: false, confirmed: 1, wanted: 2, errorCode: 'SYNC_INCOMPLETE' });
    expect(results[0]!.error).toContain('198.51.100.1 (the entry there is disabled)');
    expect(place.ledger.routerStates()[0]).toMatchObject({ errorCode: 'SYNC_INCOMPLETE' });
  });

  it('reads and plans but writes nothing in a dry run', async () => {
    block('198.51.100.1');
    const { results } = await sync({ dryRun: true, allowlist: [] });
    expect(results[0]!.plan?.add).toMatchObject([{ address: '198.51.100.1' }]);
    expect(held(0)).toEqual([]);
    expect(place.ledger.routerStates()).toEqual([]);
  });
});

describe('what the ledger wants of a router', () => {
  it('has a whole number of seconds left, within what RouterOS takes, and a comment that marks it ours', () => {
    block('198.51.100.1');
    const [stored] = place.ledger.activeBlocks(Date.now());
    const nowMs = 1_000_000;
    const entries = (expiresAtMs: number) =>
      desiredEntries([{ ...stored!, createdAtMs: 0, expiresAtMs }], { mark: 'autoblock:0123abcd ', nowMs });
    expect(entries(nowMs + 1)).toMatchObject([
      { timeoutSeconds: 1, comment: `autoblock:0123abcd manual #${stored!.id}` },
    ]);
    expect(entries(nowMs)).toEqual([]);
    expect(entries(nowMs + 1e13)).toMatchObject([{ timeoutSeconds: 21_474_836 }]);
  });

  it('never lasts longer than the block as a whole, also when this clock was set back', () => {
    block('198.51.100.1');
    const yearAgoMs = Date.now() - 365 * 86_400_000;
    expect(
      desiredEntries(place.ledger.activeBlocks(yearAgoMs), { mark: 'autoblock:0123abcd ', nowMs: yearAgoMs }),
    ).toMatchObject([{ timeoutSeconds: 3600 }]);
  });
});
