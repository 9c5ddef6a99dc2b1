import { describe, expect, it } from 'vitest';
import type { ActiveBlock, LedgerHistory } from '../../src/decisions/block.ts';
import type { BlockPolicy, RouterLimit } from '../../src/decisions/block-policy.ts';
import { decide } from '../../src/decisions/decide.ts';
import { buildProtection } from '../../src/decisions/protected-networks.ts';
import type { Detection } from '../../src/detector/detection.ts';
import { blockPolicyOf } from '../support/block-policy.ts';
import { detectionOf } from '../support/detections.ts';
import { NO_HISTORY } from '../support/ledger-history.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const MINUTE = 60_000;
const HOUR = 3600;
const LADDER = [HOUR, 6 * HOUR, 24 * HOUR];

interface Given {
  readonly history?: Partial<LedgerHistory>;
  readonly policy?: Partial<BlockPolicy>;
  readonly allowlist?: readonly string[];
  readonly routerAddress?: string;
}

function verdictsOn(detections: readonly Detection[], given: Given = {}) {
  const { routerAddress } = given;
  return decide({
    detections,
    protection: buildProtection({
      internalNetworks: [],
      allowlist: given.allowlist ?? [],
      extraProtected:
        routerAddress === undefined ? [] : [{ address: routerAddress, why: 'address of router gw1' }],
    }),
    history: {
      ...NO_HISTORY,
      ...given.history,
    },
    policy: blockPolicyOf({ blockLadder: LADDER, ...given.policy }),
    nowMs: NOW,
  });
}

function seen(sourceIp: string, riskScore = 97, minutesAgo = 1): Detection {
  return detectionOf({ sourceIp, riskScore, lastSeenMs: NOW - minutesAgo * MINUTE });
}

function blocks(texts: readonly string[], changes: Partial<ActiveBlock> = {}): Partial<LedgerHistory> {
  const block: ActiveBlock = {
    expiresAtMs: NOW + MINUTE,
    origin: 'auto',
    evidenceUntilMs: NOW - 30 * MINUTE,
    offence: 1,
    ...changes,
  };
  return { activeBlocks: new Map(texts.map((text) => [text, block])) };
}

const targetsAndActions = (verdicts: ReturnType<typeof verdictsOn>) =>
  verdicts.map(({ target, action }) => `${action} ${target}`);

describe('the length of an automatic block', () => {
  it('is the first rung at first and the next one after a block that ran its course, and is told', () => {
    expect(verdictsOn([seen('203.0.113.7')])[0]?.term).toEqual({ offence: 1, seconds: HOUR });
    const offences = new Map([['203.0.113.7', { offence: 1, endedAtMs: NOW - MINUTE }]]);
    const [again] = verdictsOn([seen('203.0.113.7')], { history: { offences } });
    expect(again?.term).toEqual({ offence: 2, seconds: 6 * HOUR });
    expect(again?.explanation).toMatch(/; offence 2: blocked for 6 h$/);
  });

  it('stays the same when the block is extended', () => {
    const [auto] = verdictsOn([seen('203.0.113.7')], { history: blocks(['203.0.113.7'], { offence: 2 }) });
    expect(auto).toMatchObject({ action: 'extend', term: { offence: 2, seconds: 6 * HOUR } });
  });

  it('of one an operator approved is BLOCK_SECONDS also when it is extended', () => {
    const history = blocks(['203.0.113.7'], { origin: 'review' });
    const [approved] = verdictsOn([seen('203.0.113.7')], { history, policy: { blockSeconds: 7200 } });
    expect(approved).toMatchObject({ action: 'extend', term: { seconds: 7200 } });
  });

  it('of one made by hand is left to the operator, who is told so', () => {
    const [verdict] = verdictsOn([seen('203.0.113.7')], {
      history: blocks(['203.0.113.0/24'], { origin: 'manual' }),
    });
    expect(verdict).toMatchObject({
      action: 'monitor',
      cause: 'already_blocked',
      term: null,
      isNewEvidence: true,
    });
    expect(verdict?.explanation).toMatch(
      /seen again, the block of 203\.0\.113\.0\/24 was made by hand and stays as the operator set it$/,
    );
  });
});

describe('an IPv6 source', () => {
  it('is blocked and queued as its network, several sources of one network as one', () => {
    const verdicts = verdictsOn([
      seen('2001:db8:1::9', 96),
      seen('2001:db8:1::5', 99),
      seen('2001:db8:2::1', 80),
    ]);
    expect(targetsAndActions(verdicts)).toEqual(['block 2001:db8:1::/64', 'review 2001:db8:2::/64']);
    expect(verdicts[0]).toMatchObject({ sourceIp: '2001:db8:1::5', detection: { riskScore: 99 } });
    expect(verdicts[0]?.detections.map(({ sourceIp }) => sourceIp)).toEqual([
      '2001:db8:1::5',
      '2001:db8:1::9',
    ]);
    expect(verdicts[0]?.explanation).toMatch(
      /; from 2 addresses of 2001:db8:1::\/64 \(2001:db8:1::5, 2001:db8:1::9\)$/,
    );
    expect(verdicts[1]?.explanation).toContain('; from 2001:db8:2::1 in 2001:db8:2::/64; waits for review');
  });

  it('adds up the flows of all its addresses: one probe from each of three is no thin evidence', () => {
    const probes = [1, 2, 3].map((host) => ({ ...seen(`2001:db8:1::${host}`, 80), logCount: 1 }));
    expect(targetsAndActions(verdictsOn(probes))).toEqual(['review 2001:db8:1::/64']);
    expect(verdictsOn(probes.slice(0, 2))[0]?.cause).toBe('thin_evidence');
  });

  it('is taken as the network of the length that is set, 128 being the address', () => {
    const targets = (blockIpv6Prefix: number) =>
      targetsAndActions(verdictsOn([seen('2001:db8:1:ff::9')], { policy: { blockIpv6Prefix } }));
    expect(targets(56)).toEqual(['block 2001:db8:1::/56']);
    expect(targets(128)).toEqual(['block 2001:db8:1:ff::9']);
  });

  it('falls back to the address where the network holds something allowlisted, protected or rejected, and says so', () => {
    const source = [seen('2001:db8:1::9')];
    const allowlisted = verdictsOn(source, { allowlist: ['2001:db8:1::a'] });
    const atRouter = verdictsOn(source, { routerAddress: '2001:db8:1::1' });
    const rejected = verdictsOn(source, { history: { standingRejections: new Set(['2001:db8:1::b']) } });
    const why = [
      '2001:db8:1::a is on the allowlist',
      '2001:db8:1::1 is never blocked: address of router gw1',
      'an operator rejected 2001:db8:1::b',
    ];
    for (const [index, verdicts] of [allowlisted, atRouter, rejected].entries()) {
      expect(targetsAndActions(verdicts)).toEqual(['block 2001:db8:1::9']);
      expect(verdicts[0]?.explanation).toContain(`; 2001:db8:1::/64 is not taken as a whole: ${why[index]}`);
    }
  });

  it('that is protected or rejected itself keeps its neighbours from nothing but the network', () => {
    const verdicts = verdictsOn([seen('2001:db8:1::a', 99), seen('2001:db8:1::9')], {
      allowlist: ['2001:db8:1::a'],
    });
    expect(targetsAndActions(verdicts)).toEqual(['monitor 2001:db8:1::a', 'block 2001:db8:1::9']);
  });

  it.each(['64:ff9b::cb00:7107', '64:ff9b:1::7', '2001:0:4136:e378:8000:63bf:3fff:fdd2'])(
    '%s shares its network with unlike hosts behind NAT64 or Teredo and stays alone',
    (source) => {
      expect(verdictsOn([seen(source)])[0]).toMatchObject({ action: 'block', target: source });
    },
  );

  it('blocked alone before keeps its own block, and a rejected network is left alone whole', () => {
    const history = blocks(['2001:db8:1::9']);
    expect(
      targetsAndActions(verdictsOn([seen('2001:db8:1::9'), seen('2001:db8:1::8')], { history })),
    ).toEqual(['block 2001:db8:1::/64', 'extend 2001:db8:1::9']);
    const standingRejections = new Set(['2001:db8:1::/64']);
    const [left] = verdictsOn([seen('2001:db8:1::9')], { history: { standingRejections } });
    expect(left).toMatchObject({ action: 'monitor', cause: 'rejected_before' });
  });

  it('does not keep a block alive that touches what is protected since', () => {
    const given = { history: blocks(['2001:db8:1::/64']), allowlist: ['2001:db8:1::a'] };
    expect(targetsAndActions(verdictsOn([seen('2001:db8:1::9')], given))).toEqual(['block 2001:db8:1::9']);
  });
});

describe('many attackers in one /24', () => {
  const neighbours = [1, 2, 30].map((host) => seen(`203.0.113.${host}`, 95 + (host % 3)));
  const rollUp = { rollUpNeighbours: 3 };

  it('are blocked as the /24 from the set number on, which counts one and is explained', () => {
    const verdicts = verdictsOn(neighbours, { policy: { ...rollUp, maxBlocksPerRun: 1 } });
    expect(targetsAndActions(verdicts)).toEqual(['block 203.0.113.0/24']);
    expect(verdicts[0]?.detections).toHaveLength(3);
    expect(verdicts[0]?.explanation).toContain(
      '; attacked by 3 addresses of 203.0.113.0/24 (203.0.113.1, 203.0.113.2, 203.0.113.30)',
    );
  });

  it('are blocked one by one below that number, and always when it is off', () => {
    expect(targetsAndActions(verdictsOn(neighbours.slice(1), { policy: rollUp }))).toHaveLength(2);
    const off = verdictsOn(neighbours, { policy: { rollUpNeighbours: 0 } });
    expect(off.map(({ target }) => target).sort()).toEqual(['203.0.113.1', '203.0.113.2', '203.0.113.30']);
  });

  it('count those blocked before by themselves, but not what an operator blocked', () => {
    const one = [seen('203.0.113.9')];
    const before = ['203.0.113.1', '203.0.113.2'];
    expect(targetsAndActions(verdictsOn(one, { history: blocks(before), policy: rollUp }))).toEqual([
      'block 203.0.113.0/24',
    ]);
    const byHand = blocks(before, { origin: 'manual' });
    expect(targetsAndActions(verdictsOn(one, { history: byHand, policy: rollUp }))).toEqual([
      'block 203.0.113.9',
    ]);
  });

  it('name no more than ten addresses', () => {
    const twelve = Array.from({ length: 12 }, (_, index) => seen(`203.0.113.${index + 1}`));
    const [verdict] = verdictsOn(twelve, { policy: rollUp });
    expect(verdict?.explanation).toMatch(
      /12 addresses of 203\.0\.113\.0\/24 \(203\.0\.113\.1, .*203\.0\.113\.10, …\)/,
    );
  });

  it('take the suspicious ones of the /24 along, instead of queueing what is blocked with it', () => {
    const verdicts = verdictsOn([...neighbours, seen('203.0.113.77', 80)], { policy: rollUp });
    expect(targetsAndActions(verdicts)).toEqual(['block 203.0.113.0/24']);
  });

  it('stay single where the /24 holds something protected, allowlisted or rejected, and say so', () => {
    const guarded: Given[] = [
      { allowlist: ['203.0.113.200'] },
      { routerAddress: '203.0.113.254' },
      { history: { standingRejections: new Set(['203.0.113.99']) } },
    ];
    for (const given of guarded) {
      const verdicts = verdictsOn(neighbours, { ...given, policy: rollUp });
      expect(verdicts.map(({ action }) => action)).toEqual(['block', 'block', 'block']);
      for (const { explanation, target } of verdicts) {
        expect(target).not.toContain('/');
        expect(explanation).toContain('203.0.113.0/24 is not taken as a whole: ');
      }
    }
  });

  it('are nothing to roll up while nothing is blocked by itself', () => {
    const targets = (given: Given) => verdictsOn(neighbours, given).map(({ target }) => target);
    expect(targets({ policy: { ...rollUp, autoBlock: false } })).toHaveLength(3);
    expect(targets({ policy: rollUp, history: { paused: true } })).toHaveLength(3);
  });
});

describe('the caps', () => {
  const three = [99, 98, 97].map((risk, index) => seen(`203.0.113.${index + 1}`, risk));
  const router = (changes: Partial<RouterLimit> = {}): RouterLimit => ({
    name: 'gw1',
    maxEntries: 3,
    scope: { families: [4, 6], origins: ['auto', 'review', 'manual'] },
    ...changes,
  });
  const causes = (given: Given, detections = three) =>
    verdictsOn(detections, given).map(({ action, cause }) => `${action} ${cause}`);

  it('of all blocks together counts what is active, of whatever origin, and says so', () => {
    const history = blocks(['198.51.100.1', '198.51.100.0/24'], { origin: 'manual' });
    const verdicts = verdictsOn(three, { history, policy: { maxBlocksTotal: 3 } });
    expect(verdicts.map(({ cause }) => cause)).toEqual([
      'high_confidence',
      'total_cap_reached',
      'total_cap_reached',
    ]);
    expect(verdicts[1]).toMatchObject({ action: 'review', term: null });
    expect(verdicts[1]?.explanation).toMatch(
      /; 3 blocks are active, the most there may be, waits for review$/,
    );
  });

  it('of a router counts what is in its scope, and names it', () => {
    const history = blocks(['198.51.100.1']);
    const verdicts = verdictsOn(three, { history, policy: { routers: [router()] } });
    expect(verdicts.map(({ cause }) => cause)).toEqual([
      'high_confidence',
      'high_confidence',
      'router_cap_reached',
    ]);
    expect(verdicts[2]?.explanation).toContain('; router gw1 holds its full 3 entries, waits for review');
  });

  it('of a router that gets no automatic blocks, or none of the family, holds nothing back', () => {
    const byHandOnly = router({ maxEntries: 1, scope: { families: [4, 6], origins: ['manual'] } });
    const ipv6Only = router({ maxEntries: 1, scope: { families: [6], origins: ['auto'] } });
    const allBlocked = Array(3).fill('block high_confidence');
    expect(causes({ policy: { routers: [byHandOnly, ipv6Only] } })).toEqual(allBlocked);
    const both = [seen('2001:db8:1::1', 99), seen('2001:db8:2::1', 98), seen('203.0.113.1', 97)];
    expect(causes({ policy: { routers: [ipv6Only] } }, both)).toEqual([
      'block high_confidence',
      'review router_cap_reached',
      'block high_confidence',
    ]);
  });

  it('takes the fullest of several routers', () => {
    const routers = [router({ maxEntries: 50 }), router({ name: 'gw2', maxEntries: 1 })];
    const verdicts = verdictsOn(three, { policy: { routers } });
    expect(verdicts.map(({ action }) => action)).toEqual(['block', 'review', 'review']);
    expect(verdicts[1]?.explanation).toContain('router gw2');
  });

  it('is not spent by blocks that ran out', () => {
    const history = blocks(['198.51.100.1', '198.51.100.2'], { expiresAtMs: NOW });
    expect(causes({ history, policy: { maxBlocksTotal: 3 } })).toEqual(
      Array(3).fill('block high_confidence'),
    );
  });
});

describe('while an operator has stopped all blocking', () => {
  it('high confidence waits for review, and what is blocked is not extended', () => {
    const paused = { paused: true };
    expect(verdictsOn([seen('203.0.113.7')], { history: paused })[0]).toMatchObject({
      action: 'review',
      cause: 'paused',
    });
    const history = { ...paused, ...blocks(['203.0.113.7']) };
    expect(verdictsOn([seen('203.0.113.7')], { history })[0]).toMatchObject({
      action: 'monitor',
      cause: 'paused',
      coveringBlock: '203.0.113.7',
    });
  });

  it('everything else goes on as usual', () => {
    const history = { paused: true };
    const low = verdictsOn([seen('203.0.113.7', 20), seen('203.0.113.8', 80)], { history });
    expect(low.map(({ cause }) => cause)).toEqual(['medium_confidence', 'low_confidence']);
    const [kept] = verdictsOn([seen('10.0.0.1', 99)], { history });
    expect(kept).toMatchObject({ action: 'monitor', cause: 'protected' });
    expect(kept?.explanation).not.toContain('would have been blocked');
  });
});
