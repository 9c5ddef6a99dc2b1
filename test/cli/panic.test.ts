import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RunningDaemon, startDaemonProcess } from '../support/cli.ts';
import { detectionOf } from '../support/detections.ts';
import { runOn } from '../support/temporary-ledger.ts';
import { openRouterSite, type RouterSite } from './router-site.ts';

const FOREIGN = '198.18.0.1';
const OURS = ['198.51.100.1', '198.51.100.2', '2001:db8::bad/128'];
const AUTOMATIC = '203.0.113.66';
const NEVER = '0 0 1 1 *';

let site: RouterSite<'core' | 'edge'>;
let daemon: RunningDaemon;

beforeAll(async () => {
  site = await openRouterSite(['core', 'edge']);
  for (const router of Object.values(site.routers))
    router.addForeignEntry({ list: 'autoblock', address: FOREIGN, comment: 'by hand' });
  const added = await site.run(['blocks', 'add', '198.51.100.1', '198.51.100.2', '2001:db8::bad']);
  expect(added.code).toBe(0);
  site.routers.edge.faults.maxSessions = 0;
  daemon = startDaemonProcess({
    dir: site.dir,
    env: { ...site.env, DETECT_CRON: NEVER, RETRAIN_CRON: NEVER },
  });
  await daemon.waitFor('daemon ready');
});
afterAll(async () => {
  daemon.signal('SIGKILL');
  await daemon.ended;
  await site.close();
});

const sorted = (...addresses: string[]): string[] => addresses.toSorted();

describe('autoblock panic', () => {
  it('does nothing without a terminal to ask at and without --yes', async () => {
    expect(await site.run(['panic'])).toMatchObject({ code: 2, stdout: '' });
    expect(site.withLedger((ledger) => ledger.pause())).toBeNull();
    expect(site.held('core')).toEqual(sorted(FOREIGN, ...OURS));
  });

  it('takes every entry of ours off the router it reaches, while PostgreSQL is away, and says with exit 3 which is away', async () => {
    const { code, stdout, stderr } = await site.run(['panic', '--yes', '--reason', 'customers cut off'], {
      USER: 'alice',
    });
    expect({ code, stdout, stderr }).toMatchObject({ code: 3 });
    expect(stdout).toMatch(/^blocking is paused since \d{4}-.*Z by alice: customers cut off\n/);
    expect(stdout).toMatch(/^core +ok +3 +0 +0\/0/m);
    expect(stdout).toMatch(/^edge +ROUTER_[A-Z_]+ +0 /m);
    expect(stderr).toContain('not every router is free of blocks yet; a running daemon goes on trying');
    expect(site.held('core')).toEqual([FOREIGN]);
    expect(site.held('edge')).toEqual(sorted(FOREIGN, ...OURS));
  });

  it('shows above everything else of status that blocking is paused, since when, by whom and why', async () => {
    const status = await site.run(['status']);
    expect(status.code).toBe(0);
    expect(status.stdout.split('\n')[1]).toMatch(
      /^\| PAUSED since \d{4}-.*Z \(\d+.* ago\) by alice: customers cut off +\|$/,
    );
    const check = await site.run(['status', '--check']);
    expect(check.code).toBe(1);
    expect(check.stderr).toContain('needs a person: blocking is paused for ');
    expect((await site.json(['status'])).value).toMatchObject({
      paused: { actor: 'alice', reason: 'customers cut off' },
      routers: [{ name: 'core', condition: 'ok' }, { name: 'edge' }],
    });
  });

  it('lets nobody add, extend or approve until resume, but remove what was a mistake', async () => {
    for (const args of [
      ['blocks', 'add', '203.0.113.7'],
      ['blocks', 'extend', '198.51.100.1'],
      ['review', 'approve', '1'],
    ]) {
      const { code, stdout, stderr } = await site.run(args);
      expect({ args, code, stdout }).toEqual({ args, code: 4, stdout: '' });
      expect(stderr).toMatch(/CONFLICT: blocking is paused since .* by alice.*`autoblock resume` first/);
    }
    const removed = await site.run(['blocks', 'remove', '198.51.100.2']);
    expect(removed.stdout).toBe('198.51.100.2 lifted\n');
  });

  it("is finished by the daemon's later sync on the router that was away", async () => {
    site.routers.edge.faults.maxSessions = null;
    await vi.waitFor(() => expect(site.held('edge')).toEqual([FOREIGN]), { timeout: 120_000, interval: 200 });
  });

  it('is harmless again: the first pause stays, the routers are asked once more', async () => {
    const again = await site.json(['panic', '--yes', '--reason', 'once more'], { USER: 'bob' });
    expect(again).toMatchObject({
      code: 0,
      value: {
        pause: { actor: 'alice', reason: 'customers cut off' },
        routers: [
          { router: 'core', ok: true, removed: 0 },
          { router: 'edge', ok: true, removed: 0 },
        ],
      },
    });
  });
});

describe('autoblock resume', () => {
  it('puts back what still stands and says how long the pause was', async () => {
    const { code, stdout } = await site.run(['resume', '--reason', 'feed corrected'], { USER: 'bob' });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^blocking goes on after a pause of \d+[smh].*: 2 blocks come back, 0 lifted\n/);
    for (const router of ['core', 'edge'] as const)
      expect(site.held(router)).toEqual(sorted(FOREIGN, '198.51.100.1', '2001:db8::bad/128'));
    const [resumed] = site.withLedger((ledger) => ledger.audit({ actions: ['resumed'], limit: 1 }));
    expect(resumed).toMatchObject({ actor: 'bob', reason: 'feed corrected' });
  });

  it('is refused with exit 4 when nothing is paused', async () => {
    const { code, stderr } = await site.run(['resume']);
    expect(code).toBe(4);
    expect(stderr).toContain('CONFLICT: blocking is not paused');
  });

  it('with --lift-automatic brings back only what a person wanted', async () => {
    site.withLedger((ledger) =>
      runOn(ledger, [detectionOf({ sourceIp: AUTOMATIC, lastSeenMs: Date.now() })], Date.now()),
    );
    expect((await site.run(['sync'])).code).toBe(0);
    expect(site.held('core')).toContain(AUTOMATIC);
    expect((await site.run(['panic', '--yes'])).code).toBe(0);
    const resumed = await site.json(['resume', '--lift-automatic']);
    expect(resumed).toMatchObject({ code: 0, value: { lifted: 1, blocks: 2 } });
    expect(site.held('core')).toEqual(sorted(FOREIGN, '198.51.100.1', '2001:db8::bad/128'));
  });
});
