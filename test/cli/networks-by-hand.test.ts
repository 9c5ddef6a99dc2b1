import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blockPolicyOf } from '../support/block-policy.ts';
import { detectionOf } from '../support/detections.ts';
import { recordVerdicts, runOn, verdictsFor } from '../support/temporary-ledger.ts';
import { openRouterSite, type RouterSite } from './router-site.ts';

const NETWORK = '203.0.113.0/24';
const NEIGHBOURS = ['203.0.113.1', '203.0.113.2', '203.0.113.3'];
const INNOCENT = '203.0.113.9';
const ROLL_UP = blockPolicyOf({ rollUpNeighbours: 3, maxBlocksPerRun: 10 });

let site: RouterSite<'core' | 'edge' | 'far'>;
beforeAll(async () => {
  site = await openRouterSite(['core', 'edge', 'far']);
});
afterAll(() => site.close());

function attack(addresses: readonly string[], atMs = Date.now(), riskScore = 97): readonly string[] {
  const detections = addresses.map((sourceIp) => detectionOf({ sourceIp, riskScore, lastSeenMs: atMs }));
  return site.withLedger((ledger) =>
    runOn(ledger, detections, Date.now(), ROLL_UP).blocksAdded.map(({ address }) => address),
  );
}

describe('a network autoblock blocked by itself', () => {
  it('is named to whoever removes or extends an address in it', async () => {
    expect(attack(NEIGHBOURS)).toEqual([NETWORK]);
    for (const verb of ['remove', 'extend']) {
      const { code, stderr } = await site.run(['blocks', verb, INNOCENT]);
      expect(code).toBe(1);
      expect(stderr).toContain(`not blocked: ${INNOCENT} by itself, but inside ${NETWORK}, which is blocked`);
    }
  });

  it('stays after a block inside it was removed, and that is said', async () => {
    expect((await site.run(['blocks', 'add', INNOCENT])).code).toBe(0);
    const { code, stdout, stderr } = await site.run(['blocks', 'remove', INNOCENT]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${INNOCENT} lifted\n` });
    expect(stderr).toContain(
      `still blocked with their network (\`autoblock blocks remove\` it to free them): ${INNOCENT} by ${NETWORK}`,
    );
  });

  it('is shown with how many of the routers held it when they were read back', async () => {
    expect((await site.run(['sync'])).code).toBe(0);
    const place = async (): Promise<string | undefined> =>
      (await site.run(['blocks', 'list'])).stdout
        .split('\n')
        .find((line) => line.startsWith(NETWORK))
        ?.split(/ {2,}/)[7];
    expect(await place()).toBe('yes');

    site.routers.far.faults.maxSessions = 0;
    expect((await site.run(['blocks', 'add', '198.51.100.1'])).code).toBe(1);
    const { value } = await site.json(['blocks', 'list', '--address', '198.51.100.1']);
    expect(value).toMatchObject([{ onRouters: ['core', 'edge'], notOnRouters: ['far'] }]);
    expect((await site.run(['blocks', 'list', '--address', '198.51.100.1'])).stdout).toMatch(/ 2\/3 /);

    expect((await site.run(['panic', '--yes'])).code).toBe(3);
    expect(await place()).toBe('1/3');
    site.routers.far.faults.maxSessions = null;
    expect((await site.run(['panic', '--yes'])).code).toBe(0);
    expect(await place()).toBe('no');
    expect((await site.run(['resume'])).code).toBe(0);
    expect(await place()).toBe('yes');
  });

  it('is not taken together again after a person lifted it, whoever attacks from it', async () => {
    const { code } = await site.run(['blocks', 'remove', NETWORK, '--reason', 'a customer of ours in it']);
    expect(code).toBe(0);
    expect(attack(NEIGHBOURS, Date.now() - 60_000)).toEqual([]);
    const fresh = ['203.0.113.21', '203.0.113.22', '203.0.113.23'];
    expect([...attack(fresh)].sort()).toEqual(fresh);
    const [block] = (await site.json(['blocks', 'list', '--address', fresh[0]!])).value as {
      reason: string;
    }[];
    expect(block?.reason).toContain(`${NETWORK} is not taken as a whole: an operator lifted the block of it`);
  });
});

describe('a rejected address inside a blocked network', () => {
  const inside = '198.51.100.77';
  /** Both verdicts of one run, made on the same past: the queue has the host, the list its network. */
  function queueAndBlock(byHand: boolean): void {
    site.withLedger((ledger) => {
      const nowMs = Date.now();
      const medium = detectionOf({ sourceIp: inside, riskScore: 80, lastSeenMs: nowMs });
      const others = ['198.51.100.71', '198.51.100.72', '198.51.100.73'].map((sourceIp) =>
        detectionOf({ sourceIp, riskScore: 97, lastSeenMs: nowMs }),
      );
      const network = byHand ? [] : verdictsFor(ledger, others, nowMs, ROLL_UP);
      const queued = verdictsFor(ledger, [medium], nowMs);
      recordVerdicts(ledger, network, nowMs);
      recordVerdicts(ledger, queued, nowMs);
    });
  }

  it('is set free: the network is lifted on the routers at once, with the reason in the audit', async () => {
    queueAndBlock(false);
    expect((await site.run(['sync'])).code).toBe(0);
    expect(site.held('core')).toContain('198.51.100.0/24');
    const rejected = await site.run(['review', 'reject', inside], { USER: 'alice' });
    expect(rejected.code).toBe(0);
    expect(rejected.stdout).toContain('198.51.100.0/24 lifted with it');
    for (const router of ['core', 'edge', 'far'] as const)
      expect(site.held(router)).not.toContain('198.51.100.0/24');
    const [lifted] = site.withLedger((ledger) =>
      ledger.audit({ actions: ['block_lifted'], address: '198.51.100.0/24', limit: 1 }),
    );
    expect(lifted).toMatchObject({
      actor: 'alice',
      reason: `holds ${inside}, which was rejected as a false positive`,
    });
  });

  it('is told with the command to type when a person blocked the network', async () => {
    const other = '198.19.5.7';
    attack([other], Date.now(), 80);
    expect((await site.run(['blocks', 'add', '198.19.5.0/24'])).code).toBe(0);
    const { code, stdout, stderr } = await site.run(['review', 'reject', other, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      reviews: [{ address: other, status: 'rejected' }],
      lifted: [],
      stillBlocking: [{ address: '198.19.5.0/24', origin: 'manual' }],
    });
    expect(stderr).toContain('to lift it, `autoblock blocks remove 198.19.5.0/24`');
  });
});

describe('a block that autoblock made and an operator makes again', () => {
  it('is his from then on: lifting the automatic ones leaves it', async () => {
    const address = '198.18.7.7';
    attack([address]);
    expect(
      (await site.run(['blocks', 'add', address, '--reason', 'court order'], { USER: 'bob' })).code,
    ).toBe(0);
    expect((await site.run(['panic', '--yes'])).code).toBe(0);
    expect((await site.run(['resume', '--lift-automatic'])).code).toBe(0);
    expect(site.held('core')).toContain(address);
    const { value } = await site.json(['blocks', 'list', '--address', address]);
    expect(value).toMatchObject([{ origin: 'manual', createdBy: 'bob' }]);
    const audited = site.withLedger((ledger) =>
      ledger.audit({ actions: ['block_extended'], address, limit: 5 }),
    );
    expect(audited.at(-1)).toMatchObject({
      actor: 'bob',
      reason: 'court order',
      before: { origin: 'auto' },
      after: { origin: 'manual' },
    });
  });
});

describe('a panic in a dry run', () => {
  it('is no success while entries of ours stay', async () => {
    expect(site.held('core').length).toBeGreaterThan(0);
    const { code, stderr } = await site.run(['panic', '--yes'], { DRY_RUN: 'true' });
    expect(code).toBe(1);
    expect(stderr).toContain('DRY_RUN is on: take the dry run off and call `autoblock panic` again');
  });
});
