import { describe, expect, it } from 'vitest';
import { type InjectionPlan, injectAttacks, traitsOf } from '../../src/detector/attack-injection.ts';
import { FEATURE_COUNT, FEATURE_NAMES } from '../../src/features/catalogue.ts';
import { EVIDENCE_COUNT, type EvidenceColumn, evidenceIndex } from '../../src/features/evidence.ts';
import type { FeatureTable } from '../../src/features/feature-table.ts';
import { dropped, flows, fold, WINDOW_MS } from './traffic.ts';

const full = { hasVolumes: true, hasDrops: true };
const plan: InjectionPlan = { count: 300, windowMs: WINDOW_MS, seed: 5, traits: full, group: 'internal' };

function column(table: FeatureTable, name: EvidenceColumn): Float32Array {
  return table.evidence.filter((_, at) => at % EVIDENCE_COUNT === evidenceIndex(name));
}

/** Values of the features that can tell anything but 0. */
function tellingFeatures(table: FeatureTable): string[] {
  return FEATURE_NAMES.filter((_, feature) =>
    table.values.some((value, at) => at % FEATURE_COUNT === feature && value !== 0),
  );
}

describe('attack injection', () => {
  const injected = injectAttacks(plan);
  const { short, long, longOf } = injected.traffic;

  it('gives every campaign a source of its own, nobody uses, and one long window', () => {
    expect(long.entityCount).toBe(300);
    expect(new Set(long.sourceIps).size).toBe(300);
    expect(long.sourceIps.every((sourceIp) => sourceIp.startsWith('240.'))).toBe(true);
    expect(long.windowStartMs.every((startMs) => startMs === 0)).toBe(true);
  });

  it('shows of each campaign one of its short windows', () => {
    expect(injected.entities).toHaveLength(300);
    const sources = Array.from(injected.entities, (entity) => short.sourceIps[entity]);
    expect(new Set(sources).size).toBe(300);
    for (const entity of injected.entities)
      expect(long.sourceIps[longOf[entity]!]).toBe(short.sourceIps[entity]);
    // An attack is met at any time of it, not at its beginning only.
    const isLater = (entity: number): boolean => short.sourceIps.indexOf(short.sourceIps[entity]!) < entity;
    expect(injected.entities.filter(isLater).length).toBeGreaterThan(100);
    expect(short.entityCount).toBeGreaterThan(2 * 300);
  });

  it('is the same for the same seed and another for another seed or side', () => {
    expect(injectAttacks(plan)).toEqual(injected);
    const others = [injectAttacks({ ...plan, seed: 6 }), injectAttacks({ ...plan, group: 'external' })];
    for (const other of others) expect(other.traffic.short.values).not.toEqual(short.values);
  });

  it('gives the attackers it drops one packet a flow, and drops all or nothing of each', () => {
    const drops = column(long, 'dropped_flows');
    const flowCounts = column(long, 'flows');
    const packets = column(long, 'packets_total');
    let droppedSources = 0;
    drops.forEach((count, row) => {
      expect([0, flowCounts[row]]).toContain(count);
      if (count === 0) return;
      droppedSources += 1;
      expect(packets[row]).toBe(flowCounts[row]);
    });
    // Six in ten of 300 are 180, give or take three deviations of 8.5.
    expect(Math.abs(droppedSources - 180)).toBeLessThan(26);
  });

  it('drops nobody where the log shows no drops', () => {
    const { traffic } = injectAttacks({ ...plan, traits: { hasVolumes: true, hasDrops: false } });
    expect(column(traffic.short, 'dropped_flows').every((count) => count === 0)).toBe(true);
  });

  it('knows no volumes where the log has none, so that their presence tells nobody apart', () => {
    const { traffic } = injectAttacks({ ...plan, traits: { hasVolumes: false, hasDrops: true } });
    for (const table of [traffic.short, traffic.long]) {
      const telling = tellingFeatures(table);
      expect(telling.filter((name) => /bytes|packets|size|established/.test(name))).toEqual([]);
      expect(telling).toContain('dropped_share');
      expect(column(table, 'packets_total').every((count) => count === 0)).toBe(true);
    }
  });
});

describe('what a log tells', () => {
  it('is read from its table', () => {
    expect(traitsOf(fold(flows(3, () => ({}))))).toEqual({ hasVolumes: true, hasDrops: false });
    expect(traitsOf(fold(flows(3, () => ({ packets: null, bytes: null }))))).toEqual({
      hasVolumes: false,
      hasDrops: false,
    });
    expect(traitsOf(fold(flows(3, () => dropped)))).toEqual({ hasVolumes: true, hasDrops: true });
    expect(traitsOf(fold([]))).toEqual({ hasVolumes: false, hasDrops: false });
  });
});
