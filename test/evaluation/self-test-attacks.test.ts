import { describe, expect, it } from 'vitest';
import { generateAttacks } from '../../src/evaluation/self-test-attacks.ts';

const WINDOW_MS = 300_000;
const plan = {
  count: 70,
  windowMs: WINDOW_MS,
  seed: 5,
  traits: { hasVolumes: true, hasDrops: true },
  group: 'internal' as const,
};

describe('attacks of the self-test', () => {
  it('come from one source each, of all types in turn', () => {
    const attacks = [...generateAttacks(plan)];
    expect(new Set(attacks.map(({ attack }) => attack.sourceIp)).size).toBe(70);
    expect(new Set(attacks.map(({ attack }) => attack.type)).size).toBe(7);
    for (const { attack, records } of attacks)
      expect(new Set(records.map(({ sourceIp }) => sourceIp))).toEqual(new Set([attack.sourceIp]));
  });

  it('know neither beacons nor exfiltration from outside', () => {
    const types = Array.from(generateAttacks({ ...plan, group: 'external' }), ({ attack }) => attack.type);
    expect(new Set(types)).toEqual(
      new Set(['port_scan', 'horizontal_scan', 'brute_force', 'flood', 'slow_scan']),
    );
  });

  it('stay inside the window they were asked for, in time order', () => {
    const windowStartMs = 1_699_999_800_000;
    for (const { records } of generateAttacks({ ...plan, windowStartMs })) {
      const times = records.map(({ timestampMs }) => timestampMs);
      expect(times.length).toBeGreaterThan(1);
      expect(times).toEqual(times.toSorted((left, right) => left - right));
      expect(times.every((time) => Math.floor(time / WINDOW_MS) * WINDOW_MS === windowStartMs)).toBe(true);
    }
  });

  it('know no more than the log of the site', () => {
    const bare = generateAttacks({ ...plan, traits: { hasVolumes: false, hasDrops: false } });
    const records = Array.from(bare).flatMap((one) => one.records);
    expect(records.every(({ bytes, packets, action }) => !bytes && !packets && action === 'accept')).toBe(
      true,
    );
  });

  it('are the same for the same seed and others for another', () => {
    expect([...generateAttacks(plan)]).toEqual([...generateAttacks(plan)]);
    expect([...generateAttacks(plan)]).not.toEqual([...generateAttacks({ ...plan, seed: 6 })]);
  });
});
