import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger } from '../../src/storage/ledger.ts';
import { type CompiledSource, compileSource } from '../support/compiled-source.ts';
import { type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const ROUNDS = 60;
const EACH = 20;

let compiled: CompiledSource;
beforeAll(() => {
  compiled = compileSource(['storage', 'decisions', 'ip', 'detector', 'features']);
});
afterAll(() => compiled.remove());

let place: TemporaryLedger;
beforeEach(() => {
  place = temporaryLedger();
});
afterEach(() => place.remove());

/** One round of everything an operator's command writes, on addresses of its own; the child runs the same text. */
function round(
  ledger: Ledger,
  who: { readonly actor: string; readonly net: number; readonly turn: number },
): void {
  const { actor, net, turn } = who;
  const nowMs = Date.UTC(2026, 10, 22, 12, 0, 0) + turn;
  const addresses = Array.from({ length: 20 }, (_, host) => `11.${net}.${turn}.${host}`);
  const common = { actor, nowMs };
  ledger.addBlocks(
    addresses.map((address) => ({ ...common, address, origin: 'manual', seconds: 3600, reason: 'list' })),
  );
  ledger.extendBlocks({ ...common, addresses, seconds: 7200 });
  ledger.liftBlocks({ ...common, addresses: addresses.slice(0, 5) });
  ledger.confirmBlocks({ addresses: addresses.slice(5), nowMs });
  ledger.raiseAlert({ code: 'SHARED', subject: 'both', message: actor, nowMs });
  ledger.confirmRemoval({ ...common, router: actor, validMs: 1000 });
  ledger.takeRemovalConfirmation({ router: actor, nowMs });
  ledger.recordRouterProtected({ router: actor, entries: [{ address: '192.0.2.1', why: 'gateway' }], nowMs });
  const add = addresses.map((address) => ({ address, timeoutSeconds: 60 }));
  ledger.beginPush({ ...common, router: 'edge', plan: { add, extend: [], remove: [] } });
  const changes = addresses.map((address) => ({
    ...{ action: 'entry_added' as const, address, before: null, after: { timeoutSeconds: 60 } },
  }));
  ledger.finishPush({ router: 'edge', nowMs, changes });
}

const otherProcess = (path: string): string => `
  import { createLogger } from '${compiled.url('logger')}';
  import { openLedger } from '${compiled.url('storage/ledger')}';
  import { writeSync } from 'node:fs';
  const round = ${round.toString()};
  const ledger = openLedger({ path: ${JSON.stringify(path)}, busyTimeoutMs: 60000, logger: createLogger({ level: 'silent' }) });
  writeSync(1, 'at work');
  for (let turn = 0; turn < ${ROUNDS}; turn += 1) round(ledger, { actor: 'cli', net: 2, turn });
  ledger.close();`;

describe('two processes that write to one ledger at the same time', () => {
  it('lose nothing, double nothing and take no push of the other for an interrupted one', async () => {
    const { ledger } = place;
    const child = spawn(process.execPath, ['--input-type=module', '-e', otherProcess(place.path)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    await once(child.stdout, 'data');
    for (let turn = 0; turn < ROUNDS; turn += 1) {
      round(ledger, { actor: 'daemon', net: 1, turn });
      expect(ledger.interruptedPush('edge')).toBeNull();
      await nextTurn();
    }
    expect(await closed).toEqual([0, null]);

    const active = ledger.activeBlocks(NOW + ROUNDS).map(({ address }) => address);
    expect(new Set(active).size).toBe(2 * ROUNDS * (EACH - 5));
    expect(active).toHaveLength(2 * ROUNDS * (EACH - 5));
    for (const actor of ['daemon', 'cli']) {
      const count = (action: 'block_added' | 'block_extended' | 'block_lifted' | 'entry_added') =>
        ledger.audit({ actor, actions: [action], limit: 99_999 }).length;
      expect(count('block_added')).toBe(ROUNDS * EACH);
      expect(count('block_extended')).toBe(ROUNDS * EACH);
      expect(count('block_lifted')).toBe(ROUNDS * 5);
      expect(count('entry_added')).toBe(ROUNDS * EACH);
    }
    expect(ledger.alerts()).toMatchObject([{ code: 'SHARED', count: 2 * ROUNDS }]);
    expect(ledger.unmarkedConfirmedBlocks()).toHaveLength(2 * ROUNDS * (EACH - 5));
    expect(ledger.integrity()).toEqual([]);
  });
});
