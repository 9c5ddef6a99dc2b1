import { describe, expect, it } from 'vitest';
import type { LedgerHistory } from '../../src/decisions/block.ts';
import { type DecisionInput, decide } from '../../src/decisions/decide.ts';
import { buildProtection } from '../../src/decisions/protected-networks.ts';
import type { Detection } from '../../src/detector/detection.ts';
import { blockPolicyOf } from '../support/block-policy.ts';
import { detectionOf } from '../support/detections.ts';
import { NO_HISTORY } from '../support/ledger-history.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const MINUTE = 60_000;
const ATTACKER = '203.0.113.7';

const protection = buildProtection({
  internalNetworks: ['10.0.0.0/8'],
  allowlist: ['198.51.100.9'],
  extraProtected: [],
});

function verdictsOn(
  detections: readonly Detection[],
  given: { history?: Partial<LedgerHistory>; policy?: Partial<DecisionInput['policy']> } = {},
) {
  return decide({
    detections,
    protection,
    history: { ...NO_HISTORY, ...given.history },
    policy: blockPolicyOf({ maxBlocksPerRun: 10, ...given.policy }),
    nowMs: NOW,
  });
}

function seen(riskScore: number, minutesAgo = 1, sourceIp = ATTACKER): Detection {
  return detectionOf({ sourceIp, riskScore, lastSeenMs: NOW - minutesAgo * MINUTE });
}

function blockedSince(minutesAgo: number, address = ATTACKER): Partial<LedgerHistory> {
  const block = {
    expiresAtMs: NOW + MINUTE,
    origin: 'auto' as const,
    evidenceUntilMs: NOW - minutesAgo * MINUTE,
    offence: 1,
  };
  return { activeBlocks: new Map([[address, block]]) };
}

describe('deciding about a source without a past', () => {
  it('blocks high, queues medium and only records low', () => {
    expect(verdictsOn([seen(97)])[0]).toMatchObject({ action: 'block', cause: 'high_confidence' });
    expect(verdictsOn([seen(80)])[0]).toMatchObject({ action: 'review', cause: 'medium_confidence' });
    expect(verdictsOn([seen(20)])[0]).toMatchObject({ action: 'monitor', cause: 'low_confidence' });
  });

  it('records a medium source of fewer than three flows in all its windows and spares the queue, but never a high one', () => {
    const thin = (riskScore: number, minutesAgo: number, logCount: number): Detection => ({
      ...seen(riskScore, minutesAgo),
      logCount,
    });
    const [alone] = verdictsOn([thin(80, 1, 1), thin(20, 9, 1)]);
    expect(alone).toMatchObject({ action: 'monitor', cause: 'thin_evidence' });
    expect(alone?.explanation).toMatch(
      /^port_scan, risk 80\.0, medium confidence: .*; fewer than 3 flows so far, too thin/,
    );
    expect(verdictsOn([thin(80, 1, 1), thin(20, 9, 2)])[0]).toMatchObject({ action: 'review' });
    expect(verdictsOn([thin(80, 1, 3)])[0]).toMatchObject({ action: 'review' });
    expect(verdictsOn([thin(97, 1, 1)])[0]).toMatchObject({ action: 'block' });
    expect(verdictsOn([thin(97, 1, 1)], { policy: { autoBlock: false } })[0]).toMatchObject({
      action: 'review',
    });
  });

  it('queues high when automatic blocking is off', () => {
    expect(verdictsOn([seen(97)], { policy: { autoBlock: false } })[0]).toMatchObject({
      action: 'review',
      cause: 'auto_block_off',
    });
  });

  it('gives one verdict to a source with several windows, for its best-founded detection', () => {
    const uncorroborated = { ...seen(99, 9), confidence: 'medium' as const };
    const verdicts = verdictsOn([seen(20, 2), uncorroborated, seen(96, 5)]);
    expect(verdicts).toHaveLength(1);
    expect(verdicts[0]).toMatchObject({ action: 'block', detection: { riskScore: 96 } });
    expect(verdicts[0]?.detections.map((detection) => detection.riskScore)).toEqual([96, 99, 20]);
  });

  it('takes two spellings of an address for one source', () => {
    const verdicts = verdictsOn([seen(97, 1, '::ffff:203.0.113.7'), seen(97, 6, '203.0.113.7')]);
    expect(verdicts.map((verdict) => verdict.sourceIp)).toEqual(['203.0.113.7']);
  });

  it('says in one sentence what was seen', () => {
    expect(verdictsOn([seen(97)])[0]?.explanation).toBe(
      'port_scan, risk 97.0, high confidence: 412 destination ports in 5 min; typical for this network: 3',
    );
  });

  it('sorts by risk, then by address', () => {
    const verdicts = verdictsOn([
      seen(96, 1, '203.0.113.9'),
      seen(96, 1, '203.0.113.10'),
      seen(99, 1, '203.0.113.8'),
    ]);
    expect(verdicts.map((verdict) => verdict.sourceIp)).toEqual([
      '203.0.113.8',
      '203.0.113.10',
      '203.0.113.9',
    ]);
  });

  it('decides nothing from nothing', () => {
    expect(verdictsOn([])).toEqual([]);
  });
});

describe('the limit of new blocks in a run', () => {
  const four = [96, 99, 97, 98].map((risk, index) => seen(risk, 1, `203.0.113.${index + 1}`));

  it('goes to the riskiest, the rest waits for review', () => {
    const verdicts = verdictsOn(four, { policy: { maxBlocksPerRun: 2 } });
    expect(verdicts.map(({ detection, action, cause }) => [detection.riskScore, action, cause])).toEqual([
      [99, 'block', 'high_confidence'],
      [98, 'block', 'high_confidence'],
      [97, 'review', 'block_cap_reached'],
      [96, 'review', 'block_cap_reached'],
    ]);
  });

  it('of zero blocks nothing', () => {
    const verdicts = verdictsOn(four, { policy: { maxBlocksPerRun: 0 } });
    expect(verdicts.every((verdict) => verdict.cause === 'block_cap_reached')).toBe(true);
  });

  it('is not used up by extensions', () => {
    const verdicts = verdictsOn([seen(99), ...four], {
      history: blockedSince(5),
      policy: { maxBlocksPerRun: 4 },
    });
    expect(verdicts.filter((verdict) => verdict.action === 'block')).toHaveLength(4);
    expect(verdicts.filter((verdict) => verdict.action === 'extend')).toHaveLength(1);
  });
});

describe('deciding about a source that must not be blocked', () => {
  it('monitors an allowlisted one', () => {
    expect(verdictsOn([seen(99, 1, '198.51.100.9')])[0]).toMatchObject({
      action: 'monitor',
      cause: 'allowlisted',
    });
  });

  it('monitors a protected one and says that it would have been blocked', () => {
    const [verdict] = verdictsOn([seen(99, 1, '10.0.0.5')]);
    expect(verdict).toMatchObject({ action: 'monitor', cause: 'protected' });
    expect(verdict?.explanation).toContain(
      'would have been blocked, but 10.0.0.0/8 is never blocked: internal network',
    );
    expect(verdictsOn([seen(80, 1, '10.0.0.5')])[0]?.explanation).not.toContain('would have been blocked');
  });

  it('does not say so when nothing would have been blocked by itself', () => {
    const [off] = verdictsOn([seen(99, 1, '10.0.0.5')], { policy: { autoBlock: false } });
    const settled = new Map([['10.0.0.5', NOW]]);
    const [counted] = verdictsOn([seen(99, 1, '10.0.0.5')], { history: { settled } });
    const rejected = { standingRejections: new Set(['198.51.100.9']) };
    const [cleared] = verdictsOn([seen(99, 1, '198.51.100.9')], { history: rejected });
    for (const verdict of [off, counted, cleared]) {
      expect(verdict?.explanation).not.toContain('would have been blocked');
    }
  });

  it('does not extend a block of an address that was allowlisted since', () => {
    const [verdict] = verdictsOn([seen(99, 1, '198.51.100.9')], { history: blockedSince(5, '198.51.100.9') });
    expect(verdict?.action).toBe('monitor');
  });

  it('refuses a source that is no address', () => {
    expect(() => verdictsOn([seen(99, 1, 'not-an-address')])).toThrow(
      expect.objectContaining({ code: 'ADDRESS_INVALID' }) as Error,
    );
  });
});

describe('deciding about a source that is blocked already', () => {
  it('extends on newer evidence of high or medium confidence', () => {
    for (const risk of [97, 80]) {
      expect(verdictsOn([seen(risk, 1)], { history: blockedSince(5) })[0]).toMatchObject({
        action: 'extend',
        cause: 'already_blocked',
        coveringBlock: ATTACKER,
      });
    }
  });

  it('leaves it at low confidence', () => {
    expect(verdictsOn([seen(20, 1)], { history: blockedSince(5) })[0]).toMatchObject({
      action: 'monitor',
      cause: 'already_blocked',
    });
  });

  it('does not extend on evidence the block has counted, down to the same microsecond', () => {
    const lastSeenMs = NOW - 5 * MINUTE + 0.125;
    const detection = detectionOf({ sourceIp: ATTACKER, lastSeenMs });
    const history = (evidenceUntilMs: number): Partial<LedgerHistory> => ({
      activeBlocks: new Map([
        [ATTACKER, { expiresAtMs: NOW + 1, origin: 'auto', evidenceUntilMs, offence: 1 }],
      ]),
    });
    expect(verdictsOn([detection], { history: history(lastSeenMs) })[0]?.action).toBe('monitor');
    expect(verdictsOn([detection], { history: history(lastSeenMs - 0.001) })[0]?.action).toBe('extend');
  });

  it('does not let an old strong detection extend beside a new weak one', () => {
    const [verdict] = verdictsOn([seen(99, 10), seen(20, 1)], { history: blockedSince(5) });
    expect(verdict).toMatchObject({
      action: 'monitor',
      cause: 'already_blocked',
      detection: { riskScore: 20 },
    });
  });

  it('extends the blocked network it lies in, the block of the address itself first', () => {
    const network = {
      expiresAtMs: NOW + 9 * MINUTE,
      origin: 'manual' as const,
      evidenceUntilMs: NOW - 5 * MINUTE,
      offence: 1,
    };
    const address = { ...network, expiresAtMs: NOW + MINUTE };
    const inNetwork = { activeBlocks: new Map([['203.0.113.0/24', network]]) };
    expect(verdictsOn([seen(97)], { history: inNetwork })[0]?.coveringBlock).toBe('203.0.113.0/24');
    const both = {
      activeBlocks: new Map([
        ['203.0.113.0/24', network],
        [ATTACKER, address],
      ]),
    };
    expect(verdictsOn([seen(97)], { history: both })[0]?.coveringBlock).toBe(ATTACKER);
  });

  it('takes an expired block for none', () => {
    const block = {
      expiresAtMs: NOW,
      origin: 'auto' as const,
      evidenceUntilMs: NOW - 9 * MINUTE,
      offence: 1,
    };
    expect(
      verdictsOn([seen(97)], { history: { activeBlocks: new Map([[ATTACKER, block]]) } })[0]?.action,
    ).toBe('block');
  });

  it('counts a log time in the future as now, so that it cannot be newer in every run', () => {
    const ahead = detectionOf({ sourceIp: ATTACKER, lastSeenMs: NOW + 60 * MINUTE });
    expect(verdictsOn([ahead], { history: blockedSince(0) })[0]?.action).toBe('monitor');
  });
});

describe('deciding about evidence that was dealt with', () => {
  it('never queues or blocks an address whose rejection stands', () => {
    for (const risk of [99, 80]) {
      const history = { standingRejections: new Set([ATTACKER]) };
      expect(verdictsOn([seen(risk)], { history })[0]).toMatchObject({
        action: 'monitor',
        cause: 'rejected_before',
      });
    }
  });

  it('does not extend the block of a network a rejected address lies in: who else attacks from it is blocked alone', () => {
    const rejected = { standingRejections: new Set([ATTACKER]) };
    const history = { ...blockedSince(30, '203.0.113.0/24'), ...rejected };
    expect(verdictsOn([seen(99)], { history })[0]).toMatchObject({
      action: 'monitor',
      cause: 'rejected_before',
    });
    const other = '203.0.113.8';
    expect(verdictsOn([seen(99, 1, other)], { history })[0]).toMatchObject({
      action: 'block',
      target: other,
    });
    // The network's block has counted what it was made of: that makes no second one.
    expect(verdictsOn([seen(99, 31, other)], { history })[0]?.cause).toBe('already_settled');
  });

  it('does not act on what was seen before the block was lifted or the review decided', () => {
    const history = { settled: new Map([[ATTACKER, NOW - 5 * MINUTE]]) };
    expect(verdictsOn([seen(99, 5)], { history })[0]).toMatchObject({
      action: 'monitor',
      cause: 'already_settled',
    });
    expect(verdictsOn([seen(99, 4)], { history })[0]?.action).toBe('block');
  });

  it('judges by what came after it alone', () => {
    const history = { settled: new Map([[ATTACKER, NOW - 5 * MINUTE]]) };
    const [verdict] = verdictsOn([seen(99, 9), seen(80, 1)], { history });
    expect(verdict).toMatchObject({ action: 'review', detection: { riskScore: 80 } });
    expect(verdict?.detections).toHaveLength(2);
  });

  it('holds the lifting of a network against old evidence of every address in it', () => {
    const history = { settled: new Map([['203.0.113.0/24', NOW - 5 * MINUTE]]) };
    expect(verdictsOn([seen(99, 6)], { history })[0]?.cause).toBe('already_settled');
    expect(verdictsOn([seen(99, 6, '198.51.100.1')], { history })[0]?.action).toBe('block');
  });

  it('leaves a queued address alone until it is seen again', () => {
    const history = { pendingReviews: new Map([[ATTACKER, NOW - 5 * MINUTE]]) };
    expect(verdictsOn([seen(99, 5)], { history })[0]).toMatchObject({
      action: 'monitor',
      cause: 'already_queued',
    });
    expect(verdictsOn([seen(80, 1)], { history })[0]?.action).toBe('review');
    expect(verdictsOn([seen(99, 1)], { history })[0]?.action).toBe('block');
  });

  it('adds even a single new flow to an item that waits for review', () => {
    const again = [{ ...seen(80, 1), logCount: 1 }];
    const history = { pendingReviews: new Map([[ATTACKER, NOW - 90 * MINUTE]]) };
    expect(verdictsOn(again)[0]?.cause).toBe('thin_evidence');
    expect(verdictsOn(again, { history })[0]).toMatchObject({ action: 'review', cause: 'medium_confidence' });
  });
});
