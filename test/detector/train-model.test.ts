import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/detector/random.ts';
import { gatherEvidence } from '../../src/detector/stage-evidence.ts';
import { type TrainingInput, trainModel } from '../../src/detector/train-model.ts';
import type { TrainedModel } from '../../src/detector/trained-model.ts';
import { VERDICT, type Verdicts } from '../../src/detector/verdicts.ts';
import { AutoblockError } from '../../src/errors.ts';
import { FEATURE_NAMES, featureIndex } from '../../src/features/catalogue.ts';
import { evidenceIndex } from '../../src/features/evidence.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { attackRecords, info, isInternal, normalRecords, settings as siteSettings } from './site-parts.ts';
import { dropped, flow, foldTraffic } from './traffic.ts';

/** Small forests: what is tested here does not hang on their size. */
const settings = { ...siteSettings, nEstimators: 20, sampleSize: 64 };

/** Twenty outside sources that each send one to three SYNs, which are dropped: too little for a signature. */
function knocks(): LogRecord[] {
  const random = createRandom(9);
  return Array.from({ length: 20 }, (_, source) => {
    const startMs = 250_000 * random.next();
    const gapMs = 10 ** (4 * random.next());
    return Array.from({ length: 1 + random.nextInt(3) }, (_flow, index) =>
      flow({
        ...dropped,
        sourceIp: `192.0.2.${source}`,
        sourcePort: 1024 + random.nextInt(60_000),
        destinationIp: `198.51.100.${random.nextInt(4)}`,
        destinationPort: random.next() < 0.5 ? 23 : 1 + random.nextInt(65_535),
        timestampMs: startMs + index * gapMs,
      }),
    );
  }).flat();
}

const records: readonly LogRecord[] = [...normalRecords(240), ...attackRecords(30), ...knocks()];
const traffic = foldTraffic(records);
/** What comes from outside only: quicker to learn. */
const outside = foldTraffic(records.filter(({ sourceIp }) => !isInternal(sourceIp)));

function trainOutside(changes: Partial<TrainingInput> = {}): TrainedModel {
  return trainModel({ traffic: outside, isInternal, settings, info, ...changes });
}

/** Verdicts on the short entities of `outside` by source. */
function review(verdictOf: (sourceIp: string, index: number) => number): Verdicts {
  return Int8Array.from(outside.short.sourceIps, verdictOf);
}

/** Mean log-odds, by boosting at both scales, of the entities of `outside` that `which` picks. */
function meanLogOdds({ groups }: TrainedModel, which: (entity: number) => boolean): number {
  const entities = Int32Array.from(outside.short.sourceIps.keys()).filter(which);
  const { boosting } = gatherEvidence({ model: groups.external!, traffic: outside, entities });
  return boosting.reduce((sum, value) => sum + value, 0) / boosting.length;
}

const shares: number[] = [];
const asked = new Map<string, number>();
const site = trainModel({
  traffic,
  isInternal: (ip) => {
    asked.set(ip, (asked.get(ip) ?? 0) + 1);
    return isInternal(ip);
  },
  settings,
  info,
  onProgress: (share) => shares.push(share),
});

describe('training', () => {
  it('models inside and outside apart, at both time scales', () => {
    for (const group of ['internal', 'external'] as const) {
      const model = site.groups[group]!;
      expect(model.group).toBe(group);
      // With 100 long windows to learn from half of what the short scale counts: w = n / (n + 100).
      const longWindows = (100 * model.longWeight) / (1 - model.longWeight);
      expect(longWindows).toBeCloseTo(Math.round(longWindows), 9);
      expect(longWindows).toBeGreaterThan(80);
      expect(longWindows).toBeLessThan(160);
      for (const scale of [model.short, model.long!]) {
        expect(scale.forest.treeCount).toBe(20);
        expect(scale.forest.dimensions).toBe(scale.selected.length);
        expect(scale.selected).toHaveLength(scale.selection.kind === 'all' ? 25 : 18);
        expect(scale.calibration.contamination).toBe(0.03);
        expect(scale.boosting.columnCount).toBe(25);
      }
    }
  });

  it('says what it was trained on and what it left out', () => {
    const { metadata, groups } = site;
    expect(metadata).toMatchObject({ schemaVersion: 2, seed: 42, windowMinutes: 5, version: info.version });
    expect(metadata.features).toEqual(FEATURE_NAMES);
    expect(metadata.hyperparameters).toEqual({
      contamination: 0.03,
      nEstimators: 20,
      sampleSize: 64,
      chi2TopK: 18,
    });
    const { counts } = metadata;
    expect(counts.records).toBe(1234);
    expect(counts.entities).toBe(groups.internal!.short.entityCount + groups.external!.short.entityCount);
    expect(counts.entities + counts.excludedEntities).toBe(traffic.short.entityCount);
    expect(counts.exclusions.attackSignatures).toBeGreaterThanOrEqual(24);
    // Of the 20 that completed nothing only those that look like injected attacks: others may be clients of a dead server.
    expect(counts.exclusions.nothingCompleted).toBeGreaterThan(3);
    expect(counts.exclusions.attackLike).toBeLessThan(0.1 * counts.entities);
    const { short, long, verdicts, leastHighRisk } = metadata.groups.external!;
    for (const [told, model] of [
      [short, groups.external!.short],
      [long!, groups.external!.long!],
    ] as const)
      expect(told).toEqual({
        entities: model.entityCount,
        selection: model.selection.kind,
        selectionReason: model.selection.reason,
        selectedFeatures: model.selected.map((feature) => FEATURE_NAMES[feature]),
      });
    expect({ verdicts, leastHighRisk }).toEqual({ verdicts: { attacks: 0, benign: 0 }, leastHighRisk: 0 });
  });

  it('gives the same model to the last bit for the same traffic, whatever the other side does', () => {
    // Nobody decided anything, said in the other way.
    const { groups } = trainOutside({ verdicts: review(() => VERDICT.none) });
    // Too little inside: no model of it, its sources are judged by the legacy rules.
    expect(Object.keys(groups)).toEqual(['external']);
    expect(groups.external).toEqual(site.groups.external);
  });

  it('gives another model for another seed', () => {
    const other = trainOutside({ settings: { ...settings, seed: 43 } }).groups.external!;
    expect(other.short.forest).not.toEqual(site.groups.external!.short.forest);
    expect(other.short.boosting).not.toEqual(site.groups.external!.short.boosting);
  });

  it('keeps typical values apart from what attackers did', () => {
    const { short } = site.groups.external!;
    expect(short.typicalHigh[featureIndex('distinct_destination_ports')]).toBeLessThan(8);
    expect(short.evidenceHighest[evidenceIndex('distinct_destination_ports')]).toBeGreaterThan(50);
  });

  it('learns nothing from excluded sources, not even the highest values', () => {
    const bad = new Set(outside.short.sourceIps.filter((ip) => ip.startsWith('240.')));
    const { metadata, groups } = trainOutside({ excludedSources: bad });
    expect(bad.size).toBe(30);
    expect(metadata.counts.exclusions).toMatchObject({ knownBadSources: 30, attackSignatures: 0 });
    const { short } = groups.external!;
    expect(short.evidenceHighest[evidenceIndex('distinct_destination_ports')]).toBeLessThan(8);
  });

  it('asks for the group of each source once', () => {
    expect(Math.max(...asked.values())).toBe(1);
  });

  it('reports rising progress up to the end', () => {
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.length).toBeGreaterThan(8);
    expect(shares.at(-1)).toBe(1);
  });
});

describe('training on what operators decided', () => {
  const mailServers = new Set(
    records.filter(({ destinationPort }) => destinationPort === 25).map(({ sourceIp }) => sourceIp),
  );
  const isMail = (entity: number): boolean =>
    mailServers.has(outside.short.sourceIps[entity]!) && !isAttacker(entity);
  const isAttacker = (entity: number): boolean => outside.short.sourceIps[entity]!.startsWith('240.');
  const isReviewed = (entity: number): boolean => entity % 2 === 0;
  // At this site nobody may deliver mail, and the scanners are the operator's own.
  const verdicts = review((_sourceIp, entity) => {
    if (!isReviewed(entity)) return VERDICT.none;
    if (isAttacker(entity)) return VERDICT.benign;
    return isMail(entity) ? VERDICT.attack : VERDICT.none;
  });
  const taught = trainOutside({ verdicts });

  it('counts them, and holds the risks against them in the reliability table', () => {
    const attacks = verdicts.filter((verdict) => verdict === VERDICT.attack).length;
    const benign = verdicts.filter((verdict) => verdict === VERDICT.benign).length;
    expect(Math.min(attacks, benign)).toBeGreaterThan(5);
    const { external } = taught.metadata.groups;
    expect(external!.verdicts).toEqual({ attacks, benign });
    const sum = (count: 'reviewed' | 'attacks'): number =>
      external!.reliability.reduce((total, band) => total + band[count], 0);
    expect([sum('reviewed'), sum('attacks')]).toEqual([attacks + benign, attacks]);
    expect(external!.reliability).toEqual(taught.groups.external!.reliability);
  });

  it('holds the risks against the thresholds the model will judge with', () => {
    const strict = trainOutside({ verdicts, thresholds: { highRisk: 90, mediumRisk: 70 } }).groups.external!;
    const between = ({ reliability }: { reliability: typeof strict.reliability }): number =>
      reliability.find(({ from }) => from === 90)!.reviewed;
    // No signature knows mail: left to an operator just below the high tier, wherever that begins.
    expect(between(taught.groups.external!)).toBeGreaterThan(0);
    expect(between(strict)).toBe(0);
    const { curve, short } = taught.groups.external!;
    expect({ curve: strict.curve, short: strict.short }).toEqual({ curve, short });
  });

  it.each([
    ['suspicious what is like what they called attacks', isMail, 1],
    ['harmless what is like what they called harmless', isAttacker, -1],
  ])('finds %s, also where they have not looked', (_what, isAlike, direction) => {
    const unseen = (entity: number): boolean => isAlike(entity) && !isReviewed(entity);
    const change = meanLogOdds(taught, unseen) - meanLogOdds(site, unseen);
    expect(direction * change).toBeGreaterThan(1);
  });
});

describe('too little traffic', () => {
  const refusalOf = (input: Pick<TrainingInput, 'traffic' | 'excludedSources'>): AutoblockError => {
    try {
      trainModel({ ...input, isInternal, settings, info });
    } catch (thrown) {
      if (thrown instanceof AutoblockError) return thrown;
      throw thrown;
    }
    return expect.unreachable('it was accepted');
  };

  it('of both groups is refused, saying how much there is and how much is needed', () => {
    const few = foldTraffic([...normalRecords(24), ...attackRecords(20)]);
    const inside = few.short.sourceIps.filter((ip) => ip.startsWith('10.')).length;
    const clients = few.short.sourceIps.filter((ip) => ip.startsWith('100.')).length;
    expect([inside + clients, few.short.entityCount]).toEqual([24, 44]);
    const refusal = refusalOf({ traffic: few });
    expect(refusal.code).toBe('TRAINING_DATA_TOO_SMALL');
    expect(refusal.message).toBe(
      `After leaving out attacks and known bad sources there are ${inside} internal and ${clients} external ` +
        'source windows to learn from; a model needs 15 of one kind.',
    );
  });

  it('is what is left when all sources are known as bad', () => {
    const { message } = refusalOf({ traffic, excludedSources: new Set(traffic.short.sourceIps) });
    expect(message).toContain('there are 0 internal and 0 external');
  });
});
