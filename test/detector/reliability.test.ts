import { describe, expect, it } from 'vitest';
import { measureReliability } from '../../src/detector/reliability.ts';
import type { Evidence } from '../../src/detector/stage-evidence.ts';
import type { GroupModel } from '../../src/detector/trained-model.ts';
import { handMadeModel } from './hand-made-model.ts';
import { flows, foldTraffic, refused } from './traffic.ts';

/** Evidence is log-odds as it stands. */
const curve = { evidence: Float64Array.of(-20, 20), logOdds: Float64Array.of(-20, 20) };
const external = handMadeModel.groups.external!;
const model: GroupModel = {
  ...external,
  // Of enough windows to block by.
  short: { ...external.short, entityCount: 400 },
  curve,
  leastHighRisk: 0,
  reliability: [],
};

const THRESHOLDS = { highRisk: 95, mediumRisk: 70 };

const SOURCES = 120;
/** Every source scans 40 ports that answer with RST: a signature of full strength (90), and not forgeable. */
const traffic = foldTraffic(
  Array.from({ length: SOURCES }, (_, source) =>
    flows(40, (i) => ({ sourceIp: `203.0.113.${source}`, destinationPort: 1 + i, ...refused })),
  ).flat(),
);

type Reviewed = Parameters<typeof measureReliability>[0]['reviewed'][number];

/** @param counts how many sources the model alone gives which risk */
function measure(
  counts: {
    readonly attacks: Readonly<Record<number, number>>;
    readonly benign: Readonly<Record<number, number>>;
  },
  thresholds = THRESHOLDS,
): ReturnType<typeof measureReliability> {
  let taken = 0;
  const reviewedAs = (isAttack: boolean, risks: Readonly<Record<number, number>>): Reviewed => {
    const logOdds = Object.entries(risks).flatMap(([risk, count]) =>
      new Array<number>(count).fill(Math.log(Number(risk) / (100 - Number(risk)))),
    );
    const entities = Int32Array.from(logOdds, (_, index) => taken + index);
    taken += logOdds.length;
    return { entities, isAttack, evidence: evidenceOf(logOdds) };
  };
  const reviewed = [reviewedAs(true, counts.attacks), reviewedAs(false, counts.benign)];
  expect(taken).toBeLessThanOrEqual(SOURCES);
  return measureReliability({ model, traffic, reviewed, thresholds });
}

function evidenceOf(logOdds: readonly number[]): Evidence {
  const combined = Float64Array.from(logOdds);
  return { combined, boosting: combined };
}

/** With the signature of 90, model risks of 60, 80 and 99 become 96, 98 and 99.9 (noisy-or). */
describe('the high tier', () => {
  it('stays as it is while 95 of 100 in it were attacks', () => {
    expect(measure({ attacks: { 80: 19 }, benign: { 80: 1 } }).leastHighRisk).toBe(0);
  });

  it('is raised to the least risk from which on the promise holds', () => {
    // From 95: 30 of 32. From 98: 20 of 20.
    const { leastHighRisk } = measure({ attacks: { 60: 10, 80: 20 }, benign: { 60: 2 } });
    expect(leastHighRisk).toBe(98);
  });

  it('is closed where no risk keeps the promise', () => {
    expect(measure({ attacks: { 60: 30 }, benign: { 99: 2 } }).leastHighRisk).toBe(101);
  });

  it('keeps its promise from the configured threshold on, not from the default one', () => {
    const reviewed = { attacks: { 60: 100 }, benign: { 99: 2 } };
    // From 95: 100 of 102. From 98: 0 of 2.
    expect(measure(reviewed).leastHighRisk).toBe(0);
    expect(measure(reviewed, { highRisk: 98, mediumRisk: 70 }).leastHighRisk).toBe(101);
  });

  it('is as promised where nothing reviewed lies in it', () => {
    expect(measure({ attacks: {}, benign: {} }).leastHighRisk).toBe(0);
    // Below 50 the signature stands alone and is held below high.
    expect(measure({ attacks: {}, benign: { 40: 10 } }).leastHighRisk).toBe(0);
  });
});

describe('the reliability table', () => {
  it('counts in each band of risk how many were reviewed and how many of them were attacks', () => {
    const { reliability } = measure({
      attacks: { 40: 3, 60: 5, 80: 7 },
      benign: { 40: 2, 60: 1, 99: 1 },
    });
    expect(reliability).toEqual([
      { from: 0, to: 50, reviewed: 0, attacks: 0 },
      { from: 50, to: 70, reviewed: 0, attacks: 0 },
      { from: 70, to: 80, reviewed: 0, attacks: 0 },
      { from: 80, to: 90, reviewed: 0, attacks: 0 },
      // The signature alone.
      { from: 90, to: 95, reviewed: 5, attacks: 3 },
      { from: 95, to: 100, reviewed: 14, attacks: 12 },
    ]);
  });

  it('counts a risk of 100 in the last band, and what is not worth a word in the first', () => {
    const quiet = foldTraffic(flows(3, () => ({ sourceIp: '203.0.113.250' })));
    const { reliability } = measureReliability({
      model,
      traffic: quiet,
      reviewed: [{ entities: Int32Array.of(0), isAttack: true, evidence: evidenceOf([-3]) }],
      thresholds: THRESHOLDS,
    });
    expect(reliability[0]).toEqual({ from: 0, to: 50, reviewed: 1, attacks: 1 });
    const certain = measure({ attacks: { 99.999: 4 }, benign: {} }).reliability;
    expect(certain.at(-1)).toEqual({ from: 95, to: 100, reviewed: 4, attacks: 4 });
  });
});
