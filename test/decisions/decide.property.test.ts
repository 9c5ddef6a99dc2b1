import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ActiveBlock, LedgerHistory } from '../../src/decisions/block.ts';
import type { BlockPolicy, RouterLimit } from '../../src/decisions/block-policy.ts';
import { type DecisionInput, decide } from '../../src/decisions/decide.ts';
import { buildProtection, protectionOf } from '../../src/decisions/protected-networks.ts';
import type { Verdict } from '../../src/decisions/verdict.ts';
import { canonicalText, containsNetwork, overlaps, parseNetwork } from '../../src/ip/address.ts';
import { detectionOf } from '../support/detections.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const RUNS = { numRuns: 500 };

// Few addresses, so that detections, blocks, rejections and protection often meet.
const address = fc.constantFrom(
  ...['203.0.113.1', '203.0.113.2', '::ffff:203.0.113.2', '203.0.113.77', '203.0.113.200'],
  ...['198.51.100.1', '198.51.100.2', '192.0.2.9', '10.0.0.1', '100.64.0.1'],
  ...['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1', '64:ff9b::1', 'fd00::1', '::1'],
);
const network = fc.constantFrom(
  ...['203.0.113.0/30', '203.0.113.0/24', '198.51.100.0/24', '192.0.2.9'],
  ...['2001:db8::/64', '2001:db8::/48', '2001:db8::/112'],
);
const time = fc.integer({ min: NOW - 3_600_000, max: NOW + 60_000 });

const detection = fc
  .record({
    sourceIp: address,
    lastSeenMs: time,
    riskScore: fc.integer({ min: 0, max: 100 }),
    confidence: fc.constantFrom('high' as const, 'medium' as const, 'low' as const),
  })
  .map(detectionOf);

const canonical = fc.oneof(address, network).map((text) => canonicalText(text)!);
const times = fc.uniqueArray(fc.tuple(canonical, time), { selector: ([text]) => text, maxLength: 4 });
const offence = fc.integer({ min: 1, max: 6 });
const activeBlock: fc.Arbitrary<ActiveBlock> = fc
  .record({
    at: time,
    origin: fc.constantFrom('auto' as const, 'review' as const, 'manual' as const),
    offence,
  })
  .map(({ at, ...block }) => ({ ...block, expiresAtMs: at + 3_000_000, evidenceUntilMs: at }));

function mapOf<V>(value: fc.Arbitrary<V>): fc.Arbitrary<Map<string, V>> {
  const entries = fc.uniqueArray(fc.tuple(canonical, value), { selector: ([text]) => text, maxLength: 5 });
  return entries.map((pairs) => new Map(pairs));
}

const history: fc.Arbitrary<LedgerHistory> = fc.record({
  activeBlocks: mapOf(activeBlock),
  pendingReviews: times.map((entries) => new Map(entries)),
  standingRejections: fc.array(canonical, { maxLength: 3 }).map((texts) => new Set(texts)),
  settled: times.map((entries) => new Map(entries)),
  liftedNetworks: fc.constant(new Set<string>()),
  offences: mapOf(fc.record({ offence, endedAtMs: fc.integer({ min: NOW - 9e9, max: NOW + 9e9 }) })),
  paused: fc.nat(5).map((drawn) => drawn === 0),
});

const router: fc.Arbitrary<RouterLimit> = fc.record({
  name: fc.constant('gw1'),
  maxEntries: fc.integer({ min: 1, max: 8 }),
  scope: fc.record({
    families: fc.subarray([4, 6] as const, { minLength: 1 }),
    origins: fc.subarray(['auto', 'review', 'manual'] as const),
  }),
});

const policy: fc.Arbitrary<BlockPolicy> = fc.record({
  autoBlock: fc.nat(4).map((drawn) => drawn > 0),
  maxBlocksPerRun: fc.integer({ min: 0, max: 4 }),
  maxBlocksTotal: fc.integer({ min: 0, max: 9 }),
  routers: fc.array(router, { maxLength: 2 }),
  blockLadder: fc.constantFrom([3600], [3600, 21_600, 86_400, 604_800]),
  offenceDecayDays: fc.constantFrom(1, 14),
  blockSeconds: fc.constant(86_400),
  blockIpv6Prefix: fc.constantFrom(48, 64, 112, 128),
  rollUpNeighbours: fc.constantFrom(0, 1, 2, 3),
});

const input: fc.Arbitrary<DecisionInput> = fc.record({
  detections: fc.array(detection, { maxLength: 30 }),
  protection: fc
    .record({
      internalNetworks: fc.constant(['10.0.0.0/8']),
      allowlist: fc.array(fc.oneof(address, network), { maxLength: 1 }),
      extraProtected: fc.array(fc.record({ address, why: fc.constant('router') }), { maxLength: 1 }),
    })
    .map(buildProtection),
  history,
  policy,
  nowMs: fc.constant(NOW),
});

/** What a verdict changes on routers or in the queue; null when it is recorded only. */
function actsOn({ action, target, coveringBlock }: Verdict): string | null {
  if (action === 'monitor') return null;
  return action === 'extend' ? coveringBlock : target;
}

/** The past as it is after these verdicts were written down. */
function recorded({ history: past }: DecisionInput, verdicts: readonly Verdict[]): LedgerHistory {
  const activeBlocks = new Map(past.activeBlocks);
  const pendingReviews = new Map(past.pendingReviews);
  for (const verdict of verdicts) {
    const { action, cause, target, term, coveringBlock } = verdict;
    const weighing = verdict.detections.filter(({ confidence }) => confidence !== 'low');
    const evidenceUntilMs = Math.min(NOW, Math.max(...weighing.map(({ lastSeenMs }) => lastSeenMs)));
    const covering = coveringBlock === null ? undefined : activeBlocks.get(coveringBlock);
    if (action === 'block') {
      const expiresAtMs = NOW + term!.seconds * 1000;
      activeBlocks.set(target, { expiresAtMs, origin: 'auto', evidenceUntilMs: NOW, offence: term!.offence });
    } else if (action === 'review') {
      pendingReviews.set(target, Math.max(evidenceUntilMs, pendingReviews.get(target) ?? 0));
    } else if (covering !== undefined && cause === 'already_blocked' && weighing.length > 0) {
      const counted = Math.max(covering.evidenceUntilMs, evidenceUntilMs);
      activeBlocks.set(coveringBlock!, { ...covering, evidenceUntilMs: counted });
    }
  }
  return { ...past, activeBlocks, pendingReviews };
}

describe('whatever is detected, with whatever past and policy', () => {
  it('nothing that touches something allowlisted or protected is blocked, extended or queued', () => {
    fc.assert(
      fc.property(input, (given) => {
        for (const verdict of decide(given)) {
          const acted = actsOn(verdict);
          if (acted !== null) expect(protectionOf(given.protection, acted)).toBeNull();
          if (acted !== null) expect(protectionOf(given.protection, verdict.sourceIp)).toBeNull();
        }
      }),
      RUNS,
    );
  });

  it('no cap is passed, and nothing is blocked while blocking is off or paused', () => {
    fc.assert(
      fc.property(input, (given) => {
        const blocks = decide(given).filter((verdict) => verdict.action === 'block');
        const { autoBlock, maxBlocksPerRun, maxBlocksTotal, routers } = given.policy;
        const active = [...given.history.activeBlocks].filter(([, { expiresAtMs }]) => expiresAtMs > NOW);
        const isOff = !autoBlock || given.history.paused;
        expect(blocks.length).toBeLessThanOrEqual(isOff ? 0 : maxBlocksPerRun);
        if (blocks.length > 0) expect(blocks.length + active.length).toBeLessThanOrEqual(maxBlocksTotal);
        for (const { maxEntries, scope } of routers) {
          const isIn = (text: string): boolean => scope.families.includes(text.includes(':') ? 6 : 4);
          const held = active.filter(([text, { origin }]) => isIn(text) && scope.origins.includes(origin));
          const sent = scope.origins.includes('auto') ? blocks.filter(({ target }) => isIn(target)) : [];
          if (sent.length > 0) expect(sent.length + held.length).toBeLessThanOrEqual(maxEntries);
        }
        for (const { detection: deciding } of blocks) expect(deciding.confidence).toBe('high');
      }),
      RUNS,
    );
  });

  it('every source lies in exactly one verdict, inside its target, and every detection in it', () => {
    fc.assert(
      fc.property(input, (given) => {
        const verdicts = decide(given);
        const sources = new Set(given.detections.map((one) => canonicalText(one.sourceIp)));
        const inVerdicts = verdicts.map(({ target, detections }) => {
          const members = new Set(detections.map((one) => canonicalText(one.sourceIp)!));
          for (const member of members) {
            expect(containsNetwork(parseNetwork(target)!, parseNetwork(member)!)).toBe(true);
          }
          return members;
        });
        expect(inVerdicts.reduce((sum, members) => sum + members.size, 0)).toBe(sources.size);
        expect(new Set(verdicts.map(({ target }) => target)).size).toBe(verdicts.length);
        expect(verdicts.flatMap((verdict) => verdict.detections)).toHaveLength(given.detections.length);
      }),
      RUNS,
    );
  });

  it('the order of the detections does not matter', () => {
    const shuffled = input.chain((given) =>
      fc.tuple(
        fc.constant(given),
        fc.shuffledSubarray([...given.detections], {
          minLength: given.detections.length,
          maxLength: given.detections.length,
        }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([given, detections]) => {
        expect(decide({ ...given, detections })).toEqual(decide(given));
      }),
      RUNS,
    );
  });

  it('deciding again on the same evidence blocks, extends and queues nothing', () => {
    fc.assert(
      fc.property(input, (given) => {
        const again = decide({ ...given, history: recorded(given, decide(given)) });
        expect(again.filter(({ action }) => action !== 'monitor')).toEqual([]);
      }),
      RUNS,
    );
  });

  it('nothing that touches a standing rejection is blocked or queued, nor is an automatic network around it extended', () => {
    fc.assert(
      fc.property(input, (given) => {
        const rejections = [...given.history.standingRejections].map((text) => parseNetwork(text)!);
        const touches = (text: string): boolean =>
          rejections.some((rejected) => overlaps(rejected, parseNetwork(text)!));
        for (const verdict of decide(given)) {
          const acted = actsOn(verdict);
          if (acted !== null) expect(touches(acted)).toBe(false);
        }
      }),
      RUNS,
    );
  });

  it('a block or extension has a term on the ladder, and nothing else has one', () => {
    fc.assert(
      fc.property(input, (given) => {
        const { blockLadder, blockSeconds } = given.policy;
        for (const { action, term, coveringBlock } of decide(given)) {
          expect(term !== null).toBe(action === 'block' || action === 'extend');
          if (term === null) continue;
          expect(term.offence).toBeGreaterThanOrEqual(1);
          expect(term.offence).toBeLessThanOrEqual(blockLadder.length);
          const covering = given.history.activeBlocks.get(coveringBlock ?? '');
          if (action === 'extend') expect(covering?.origin).not.toBe('manual');
          const isApproved = action === 'extend' && covering?.origin === 'review';
          expect(term.seconds).toBe(isApproved ? blockSeconds : blockLadder[term.offence - 1]);
        }
      }),
      RUNS,
    );
  });

  it('high confidence ends as a block, an extension, a review or a record that says why', () => {
    const reasons = ['allowlisted', 'protected', 'rejected_before', 'already_blocked', 'already_queued'];
    const allowed = [...reasons, 'already_settled', 'paused'];
    fc.assert(
      fc.property(input, (given) => {
        for (const { action, cause, detection: deciding, explanation } of decide(given)) {
          expect(explanation).not.toBe('');
          if (deciding.confidence === 'high' && action === 'monitor') expect(allowed).toContain(cause);
        }
      }),
      RUNS,
    );
  });
});
