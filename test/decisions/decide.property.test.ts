import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LedgerHistory } from '../../src/decisions/block.ts';
import { type DecisionInput, decide } from '../../src/decisions/decide.ts';
import { buildProtection, protectionOf } from '../../src/decisions/protected-networks.ts';
import { canonicalText } from '../../src/ip/address.ts';
import { blockPolicyOf } from '../support/block-policy.ts';
import { detectionOf } from '../support/detections.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);

// Few addresses, so that detections, blocks, rejections and protection often meet.
const address = fc.constantFrom(
  ...['203.0.113.1', '203.0.113.2', '::ffff:203.0.113.2', '198.51.100.1', '198.51.100.2', '192.0.2.9'],
  ...['10.0.0.1', '100.64.0.1', '2001:db8::1', '2001:db8::2', 'fd00::1', '::1'],
);
const network = fc.constantFrom('203.0.113.0/30', '198.51.100.0/24', '2001:db8::/64', '192.0.2.9');
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
const history: fc.Arbitrary<LedgerHistory> = fc.record({
  activeBlocks: times.map(
    (entries) =>
      new Map(
        entries.map(([text, at]) => [
          text,
          { expiresAtMs: at + 3_000_000, origin: 'auto' as const, evidenceUntilMs: at, offence: 1 },
        ]),
      ),
  ),
  pendingReviews: times.map((entries) => new Map(entries)),
  standingRejections: fc.array(canonical, { maxLength: 3 }).map((texts) => new Set(texts)),
  settled: times.map((entries) => new Map(entries)),
  offences: fc.constant(new Map()),
  paused: fc.constant(false),
});

const input: fc.Arbitrary<DecisionInput> = fc.record({
  detections: fc.array(detection, { maxLength: 30 }),
  protection: fc
    .record({
      internalNetworks: fc.constant(['10.0.0.0/8']),
      allowlist: fc.array(fc.oneof(address, network), { maxLength: 2 }),
      extraProtected: fc.array(fc.record({ address, why: fc.constant('router') }), { maxLength: 1 }),
    })
    .map(buildProtection),
  history,
  policy: fc
    .record({ autoBlock: fc.boolean(), maxBlocksPerRun: fc.integer({ min: 0, max: 3 }) })
    .map(blockPolicyOf),
  nowMs: fc.constant(NOW),
});

describe('whatever is detected, with whatever past', () => {
  it('an allowlisted or protected address is never blocked, extended or queued', () => {
    fc.assert(
      fc.property(input, (given) => {
        for (const verdict of decide(given)) {
          const safe = protectionOf(given.protection, verdict.sourceIp) !== null;
          expect(safe && verdict.action !== 'monitor').toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('no more than the allowed number of new blocks is made, and none when automatic blocking is off', () => {
    fc.assert(
      fc.property(input, (given) => {
        const blocks = decide(given).filter((verdict) => verdict.action === 'block');
        expect(blocks.length).toBeLessThanOrEqual(given.policy.autoBlock ? given.policy.maxBlocksPerRun : 0);
        for (const { detection: deciding } of blocks) expect(deciding.confidence).toBe('high');
      }),
      { numRuns: 500 },
    );
  });

  it('every source lies in exactly one verdict, and every detection in it', () => {
    fc.assert(
      fc.property(input, (given) => {
        const verdicts = decide(given);
        const inVerdicts = verdicts.map(
          ({ detections }) => new Set(detections.map((one) => canonicalText(one.sourceIp))),
        );
        const sources = new Set(given.detections.map((one) => canonicalText(one.sourceIp)));
        expect(inVerdicts.reduce((sum, members) => sum + members.size, 0)).toBe(sources.size);
        expect(new Set(verdicts.map(({ target }) => target)).size).toBe(verdicts.length);
        expect(verdicts.flatMap((verdict) => verdict.detections)).toHaveLength(given.detections.length);
      }),
      { numRuns: 500 },
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
      { numRuns: 500 },
    );
  });

  it('a standing rejection is neither queued nor newly blocked', () => {
    fc.assert(
      fc.property(input, (given) => {
        for (const { sourceIp, action } of decide(given)) {
          const rejected = given.history.standingRejections.has(sourceIp);
          expect(rejected && (action === 'block' || action === 'review')).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });
});
