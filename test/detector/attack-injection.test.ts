import { describe, expect, it } from 'vitest';
import {
  generateAttacks,
  INJECTED_ATTACK_TYPES,
  injectAttacks,
  traitsOf,
} from '../../src/detector/attack-injection.ts';
import { dropped, flows, fold, WINDOW_MS } from './traffic.ts';

const full = { hasVolumes: true, hasDrops: true };
const plan = { count: 70, windowMs: WINDOW_MS, seed: 5, traits: full, group: 'internal' as const };

describe('attack injection', () => {
  it('gives every attack one source within one window, of all types in turn', () => {
    const { table, attacks } = injectAttacks(plan);
    expect(table.entityCount).toBe(70);
    expect(new Set(table.sourceIps).size).toBe(70);
    expect(new Set(attacks.map((attack) => attack.type))).toEqual(new Set(INJECTED_ATTACK_TYPES));
    expect(table.windowStartMs.every((start) => start === 0)).toBe(true);
  });

  it('puts neither beacons nor exfiltration outside', () => {
    const types = injectAttacks({ ...plan, group: 'external' }).attacks.map((attack) => attack.type);
    expect(types).not.toContain('beaconing');
    expect(types).not.toContain('exfiltration');
  });

  it('is the same for the same seed and another for another seed', () => {
    expect(injectAttacks(plan).table.values).toEqual(injectAttacks(plan).table.values);
    expect(injectAttacks(plan).table.values).not.toEqual(injectAttacks({ ...plan, seed: 6 }).table.values);
  });

  it('knows no more than the log of the site', () => {
    const bare = [...generateAttacks({ ...plan, traits: { hasVolumes: false, hasDrops: false } })];
    const records = bare.flatMap((attack) => attack.records);
    expect(records.every((record) => record.bytes === null && record.packets === null)).toBe(true);
    expect(records.every((record) => record.action === 'accept')).toBe(true);
  });

  it('reads from a table what its log tells', () => {
    expect(traitsOf(fold(flows(3, () => ({}))))).toEqual({ hasVolumes: true, hasDrops: false });
    expect(traitsOf(fold(flows(3, () => ({ packets: null, bytes: null }))))).toEqual({
      hasVolumes: false,
      hasDrops: false,
    });
    expect(traitsOf(fold(flows(3, () => dropped)))).toEqual({ hasVolumes: true, hasDrops: true });
  });

  it('keeps every record inside the window it was asked for', () => {
    const windowStartMs = 1_699_999_800_000;
    for (const { records } of generateAttacks({ ...plan, windowStartMs })) {
      expect(records.length).toBeGreaterThan(1);
      expect(
        records.every((record) => Math.floor(record.timestampMs / WINDOW_MS) * WINDOW_MS === windowStartMs),
      ).toBe(true);
    }
  });
});
