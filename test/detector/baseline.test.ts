import { describe, expect, it } from 'vitest';
import { type BaselineChoice, chooseBaseline } from '../../src/detector/baseline.ts';
import { VERDICT } from '../../src/detector/verdicts.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { dropped, flow, flows, foldTraffic, refused, WINDOW_MS } from './traffic.ts';

/** @param verdicts by source */
function choose(
  records: readonly LogRecord[],
  {
    excluded = [],
    verdicts = {},
  }: { excluded?: readonly string[]; verdicts?: Readonly<Record<string, number>> } = {},
) {
  const traffic = foldTraffic(records);
  const { sourceIps, entityCount } = traffic.short;
  const choice: BaselineChoice = {
    traffic,
    entities: Int32Array.from({ length: entityCount }, (_, entity) => entity),
    group: 'external',
    excludedSources: new Set(excluded),
    verdicts: Int8Array.from(sourceIps, (sourceIp) => verdicts[sourceIp] ?? VERDICT.none),
    seed: 1,
  };
  const baseline = chooseBaseline(choice);
  const sources = (rows: Int32Array): string[] => Array.from(rows, (row) => sourceIps[row]!);
  return { choice, baseline, sources };
}

const CLIENT = '203.0.113.1';
const SCANNER = '203.0.113.2';
const KNOCKER = '203.0.113.3';
const PROBE = '203.0.113.4';
const SLOW = '203.0.113.5';

const client = flows(5, () => ({ sourceIp: CLIENT }));
const scanner = flows(40, (i) => ({ sourceIp: SCANNER, destinationPort: 1 + i, ...refused }));
const knocker = flows(3, () => ({ sourceIp: KNOCKER, ...dropped }));
const probe = [flow({ sourceIp: PROBE, ...dropped })];
/** One port every four minutes: no window of five minutes holds more than two of them. */
const slow = flows(15, (i) => ({ sourceIp: SLOW, destinationPort: 1000 + i, ...refused }), {
  toMs: 12 * WINDOW_MS - 1,
});

describe('training baseline', () => {
  it('learns from what came through, and sets apart attacks and what came to nothing', () => {
    const { baseline, sources } = choose([...client, ...scanner, ...knocker, ...probe]);
    expect(sources(baseline.kept)).toEqual([CLIENT]);
    expect(sources(baseline.attackLike)).toEqual([SCANNER]);
    expect(sources(baseline.doubtful)).toEqual([KNOCKER, PROBE]);
    expect(sources(baseline.notKnownBad)).toEqual([CLIENT, SCANNER, KNOCKER, PROBE]);
    expect(baseline.exclusions).toEqual({ knownBadSources: 0, attackSignatures: 1, sampledAway: 0 });
  });

  it('leaves out every window of an attack that only the long window shows', () => {
    const { baseline, sources } = choose([...client, ...slow]);
    expect(sources(baseline.kept)).toEqual([CLIENT]);
    expect(new Set(sources(baseline.attackLike))).toEqual(new Set([SLOW]));
    expect(baseline.exclusions.attackSignatures).toBe(12);
    expect(baseline.doubtful).toHaveLength(0);
  });

  it('learns nothing from sources known as bad, nor what the most ever seen is', () => {
    const { baseline } = choose([...client, ...scanner, ...knocker], {
      excluded: [CLIENT, SCANNER, KNOCKER],
    });
    expect([baseline.kept, baseline.doubtful, baseline.attackLike].map((rows) => rows.length)).toEqual([
      0, 0, 0,
    ]);
    expect(baseline.notKnownBad).toHaveLength(0);
    expect(baseline.exclusions.knownBadSources).toBe(3);
  });

  it('believes an operator before signatures, the ledger and the outcome of flows', () => {
    const { baseline, sources } = choose([...client, ...scanner, ...knocker, ...probe], {
      excluded: [KNOCKER, PROBE],
      verdicts: { [CLIENT]: VERDICT.attack, [SCANNER]: VERDICT.benign, [KNOCKER]: VERDICT.benign },
    });
    expect(sources(baseline.reviewedAttacks)).toEqual([CLIENT]);
    expect(sources(baseline.reviewedBenign)).toEqual([SCANNER, KNOCKER]);
    expect(sources(baseline.kept)).toEqual([SCANNER, KNOCKER]);
    expect(baseline.attackLike).toHaveLength(0);
    expect(baseline.doubtful).toHaveLength(0);
    expect(baseline.exclusions).toEqual({ knownBadSources: 1, attackSignatures: 0, sampledAway: 0 });
  });

  it('takes at most 200 windows of one source, the same ones for the same seed', () => {
    const everyWindow = Array.from({ length: 300 }, (_, i) => flow({ timestampMs: i * WINDOW_MS }));
    const { choice, baseline } = choose(everyWindow);
    expect(baseline.kept).toHaveLength(200);
    expect(new Set(baseline.kept).size).toBe(200);
    expect(baseline.exclusions.sampledAway).toBe(100);
    expect(chooseBaseline(choice)).toEqual(baseline);
    expect(chooseBaseline({ ...choice, seed: 2 }).kept).not.toEqual(baseline.kept);
  });

  it('takes what an operator called harmless whole, however much of it one source sent', () => {
    const everyWindow = Array.from({ length: 300 }, (_, i) =>
      flow({ timestampMs: i * WINDOW_MS, sourceIp: CLIENT }),
    );
    const { baseline } = choose(everyWindow, { verdicts: { [CLIENT]: VERDICT.benign } });
    expect(baseline.kept).toHaveLength(300);
    expect(baseline.exclusions.sampledAway).toBe(0);
  });

  it('takes at most 3000 windows of many sources, and as many doubtful ones', () => {
    const many = (fields: Partial<LogRecord>, network: number): LogRecord[] =>
      Array.from({ length: 3050 }, (_, i) =>
        flow({ ...fields, sourceIp: `100.${network}.${i >> 8}.${i & 255}` }),
      );
    const { baseline } = choose([...many({}, 64), ...many(dropped, 65)]);
    expect(baseline.kept).toHaveLength(3000);
    expect(baseline.doubtful).toHaveLength(3000);
    expect(baseline.exclusions.sampledAway).toBe(50);
  });

  it('looks at the entities of its group only', () => {
    const { choice } = choose([...client, ...scanner]);
    const baseline = chooseBaseline({ ...choice, entities: Int32Array.of(1) });
    expect(Array.from(baseline.kept)).toEqual([]);
    expect(Array.from(baseline.attackLike)).toEqual([1]);
  });

  it('without verdicts is as with none given', () => {
    const { choice, baseline } = choose([...client, ...scanner, ...knocker]);
    expect(chooseBaseline({ ...choice, verdicts: null })).toEqual(baseline);
  });
});
