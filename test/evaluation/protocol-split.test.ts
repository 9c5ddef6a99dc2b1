import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VERDICT } from '../../src/detector/verdicts.ts';
import type { LabelledSite } from '../../src/evaluation/labelled-site.ts';
import { drawVerdicts, PROTOCOLS, type Split, splitSite } from '../../src/evaluation/protocol-split.ts';
import { siteOf, siteOfVisits } from './hand-made-site.ts';

const windowCounts = (minLength: number, maxLength: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: 6 }), { minLength, maxLength });
const anySite = fc
  .record({ benign: windowCounts(1, 16), attackers: windowCounts(0, 16) })
  .map((sizes) => siteOf(sizes));
const anySeed = fc.integer({ min: 0, max: 1e6 });
const anyProtocol = fc.constantFrom(...PROTOCOLS);

const labelsOf = (site: LabelledSite, entities: Int32Array): number[] =>
  Array.from(entities, (entity) => site.truth.labels[entity]!);
const attacksIn = (site: LabelledSite, entities: Int32Array): number =>
  labelsOf(site, entities).filter((label) => label === 1).length;
const sourcesOf = (site: LabelledSite, entities: Int32Array, label: 0 | 1): Set<string> =>
  new Set(
    [...entities]
      .filter((entity) => site.truth.labels[entity] === label)
      .map((entity) => site.traffic.short.sourceIps[entity]!),
  );
const isAscending = (entities: Int32Array): boolean =>
  entities.every((entity, at) => at === 0 || entity > entities[at - 1]!);

describe('every split', () => {
  it('has no entity in both parts, each once and in order', () => {
    fc.assert(
      fc.property(anySite, anyProtocol, anySeed, (site, protocol, seed) => {
        const { training, test } = splitSite(site, { protocol, seed });
        expect(isAscending(training) && isAscending(test)).toBe(true);
        const known = new Set(training);
        expect([...test].filter((entity) => known.has(entity))).toEqual([]);
        for (const entity of [...training, ...test])
          expect(entity >= 0 && entity < site.traffic.short.entityCount).toBe(true);
      }),
    );
  });

  it('is the same for the same site, protocol and seed, and another for another seed', () => {
    const site = siteOf({ benign: Array(20).fill(5), attackers: Array(20).fill(3) });
    for (const protocol of PROTOCOLS) {
      const first = splitSite(site, { protocol, seed: 3 });
      expect(splitSite(site, { protocol, seed: 3 })).toEqual(first);
      expect(splitSite(site, { protocol, seed: 4 })).not.toEqual(first);
    }
  });
});

describe('the split of protocol site', () => {
  it('learns from 70 % of the benign windows and asks about the others and every attack', () => {
    const site = siteOf({ benign: [10, 10], attackers: [4, 3] });
    const { training, test } = splitSite(site, { protocol: 'site', seed: 1 });
    expect(labelsOf(site, training)).toEqual(Array<number>(14).fill(0));
    expect(labelsOf(site, test)).toEqual([...Array<number>(6).fill(0), ...Array<number>(7).fill(1)]);
  });

  it('leaves no entity out', () => {
    fc.assert(
      fc.property(anySite, anySeed, (site, seed) => {
        const { training, test } = splitSite(site, { protocol: 'site', seed });
        expect(training.length + test.length).toBe(site.traffic.short.entityCount);
        expect(attacksIn(site, training)).toBe(0);
      }),
    );
  });
});

describe('the split of protocol natural', () => {
  it('learns from attacks up to 20 % of all it learns from, and asks about none of those left over', () => {
    // 28 of 40 benign windows; 7 attacks among 35 are 20 %. Of the 20 attack windows 14 might be learnt from.
    const site = siteOf({ benign: [20, 20], attackers: [10, 10] });
    const { training, test } = splitSite(site, { protocol: 'natural', seed: 1 });
    expect(training.length).toBe(35);
    expect(attacksIn(site, training)).toBe(7);
    expect(attacksIn(site, test)).toBe(6);
    expect(test.length).toBe(12 + 6);
  });

  it('takes all 70 % of the attacks where they are fewer than 20 %', () => {
    const site = siteOf({ benign: [100], attackers: [10] });
    const { training, test } = splitSite(site, { protocol: 'natural', seed: 1 });
    expect([training.length, attacksIn(site, training)]).toEqual([77, 7]);
    expect([test.length, attacksIn(site, test)]).toEqual([33, 3]);
  });

  it('is never dirtier than 20 %', () => {
    fc.assert(
      fc.property(anySite, anySeed, (site, seed) => {
        const { training } = splitSite(site, { protocol: 'natural', seed });
        expect(attacksIn(site, training)).toBeLessThanOrEqual(0.2 * training.length);
      }),
    );
  });

  it('has no source of a label in both parts where the label has ten sources or more', () => {
    const busySite = fc
      .record({ benign: windowCounts(10, 20), attackers: windowCounts(10, 20) })
      .map((sizes) => siteOf(sizes));
    fc.assert(
      fc.property(busySite, anySeed, (site, seed) => {
        const { training, test } = splitSite(site, { protocol: 'natural', seed });
        for (const label of [0, 1] as const) {
          const learnt = sourcesOf(site, training, label);
          expect([...sourcesOf(site, test, label)].filter((source) => learnt.has(source))).toEqual([]);
        }
      }),
    );
  });

  it('has no source in both parts either that is harmless in some windows and attacks in others', () => {
    const visits = Array.from({ length: 24 }, (_, host) =>
      Array.from({ length: 6 }, (_, minute) => ({
        sourceIp: `10.0.0.${host + 1}`,
        minute,
        // Twelve infected hosts: half of what they do is their own work.
        isAttack: host < 12 && minute % 2 === 0,
      })),
    );
    const infected = siteOfVisits(visits.flat());
    fc.assert(
      fc.property(anySeed, (seed) => {
        const { training, test } = splitSite(infected, { protocol: 'natural', seed });
        const sourceOf = (entity: number): string => infected.traffic.short.sourceIps[entity]!;
        const learnt = new Set(Array.from(training, sourceOf));
        expect(Array.from(test, sourceOf).filter((source) => learnt.has(source))).toEqual([]);
      }),
    );
    const { training, test } = splitSite(infected, { protocol: 'natural', seed: 1 });
    expect(attacksIn(infected, training)).toBeGreaterThan(0);
    expect(attacksIn(infected, test)).toBeGreaterThan(0);
  });

  it('has no source in both parts of a site of ten sources, however few of them attack or are harmless', () => {
    const uneven = fc.oneof(
      fc.record({ benign: windowCounts(10, 16), attackers: windowCounts(1, 9) }),
      fc.record({ benign: windowCounts(2, 9), attackers: windowCounts(10, 16) }),
    );
    fc.assert(
      fc.property(uneven, anySeed, (sizes, seed) => {
        const site = siteOf(sizes);
        const { training, test } = splitSite(site, { protocol: 'natural', seed });
        for (const label of [0, 1] as const) {
          const learnt = sourcesOf(site, training, label);
          expect([...sourcesOf(site, test, label)].filter((source) => learnt.has(source))).toEqual([]);
          expect(sourcesOf(site, test, label).size).toBeGreaterThan(0);
        }
        expect(sourcesOf(site, training, 0).size).toBeGreaterThan(0);
      }),
    );
  });

  it('asks about something harmless where one of ten sources has most windows, whenever it is drawn', () => {
    const site = siteOf({ benign: [...Array<number>(9).fill(2), 60], attackers: [] });
    fc.assert(
      fc.property(anySeed, (seed) => {
        expect(splitSite(site, { protocol: 'natural', seed }).test.length).toBeGreaterThan(0);
      }),
    );
  });

  it('splits by window what is harmless where all of it comes from one source', () => {
    const site = siteOf({ benign: [100], attackers: Array<number>(12).fill(3) });
    const { training, test } = splitSite(site, { protocol: 'natural', seed: 1 });
    expect(labelsOf(site, training).filter((label) => label === 0)).toHaveLength(70);
    expect(labelsOf(site, test).filter((label) => label === 0)).toHaveLength(30);
  });

  it('splits by window where a label has nine sources', () => {
    const site = siteOf({ benign: Array(9).fill(20), attackers: [] });
    const { training, test } = splitSite(site, { protocol: 'natural', seed: 1 });
    expect([training.length, test.length]).toEqual([126, 54]);
    const learnt = sourcesOf(site, training, 0);
    expect([...sourcesOf(site, test, 0)].filter((source) => learnt.has(source))).toHaveLength(9);
  });
});

describe('the split of protocol feedback', () => {
  it('is that of natural', () => {
    fc.assert(
      fc.property(anySite, anySeed, (site, seed) => {
        const natural: Split = splitSite(site, { protocol: 'natural', seed });
        expect(splitSite(site, { protocol: 'feedback', seed })).toEqual(natural);
      }),
    );
  });
});

describe('the verdicts of an operator', () => {
  const site = siteOf({ benign: Array(12).fill(6), attackers: Array(12).fill(2) });
  const { training } = splitSite(site, { protocol: 'feedback', seed: 5 });

  it('are true, of so many training entities, and none of the others', () => {
    const verdicts = drawVerdicts({ site, training, count: 20, seed: 5 });
    expect(verdicts).toHaveLength(training.length);
    const given = Array.from(verdicts.entries()).filter(([, verdict]) => verdict !== VERDICT.none);
    expect(given).toHaveLength(20);
    for (const [position, verdict] of given)
      expect(verdict).toBe(site.truth.labels[training[position]!] === 1 ? VERDICT.attack : VERDICT.benign);
  });

  it('are about everything where there is less than asked', () => {
    const verdicts = drawVerdicts({ site, training, count: 1000, seed: 5 });
    expect([...verdicts].filter((verdict) => verdict === VERDICT.none)).toEqual([]);
    expect([...verdicts].filter((verdict) => verdict === VERDICT.attack)).toHaveLength(
      attacksIn(site, training),
    );
  });

  it('grow: who decides more has decided the fewer, too', () => {
    const [few, more] = [5, 30].map((count) => drawVerdicts({ site, training, count, seed: 5 }));
    few!.forEach((verdict, at) => {
      if (verdict !== VERDICT.none) expect(more![at]).toBe(verdict);
    });
    expect(drawVerdicts({ site, training, count: 5, seed: 5 })).toEqual(few);
    expect(drawVerdicts({ site, training, count: 5, seed: 6 })).not.toEqual(few);
  });
});
