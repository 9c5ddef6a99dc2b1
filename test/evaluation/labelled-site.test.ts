import { describe, expect, it } from 'vitest';
import { createSiteAccumulator } from '../../src/evaluation/labelled-site.ts';
import { MINUTE_MS, webVisit } from './hand-made-site.ts';

describe('a labelled site', () => {
  it('judges short windows and knows the hour around each', () => {
    const accumulator = createSiteAccumulator(MINUTE_MS);
    for (const minute of [0, 1, 59, 60])
      accumulator.add({ record: webVisit('10.0.0.1', minute * MINUTE_MS), label: 0, attack: null });
    accumulator.add({ record: webVisit('10.0.0.2', 0), label: 1, attack: 'probe' });
    const { name, traffic, truth } = accumulator.finish('office');
    expect(name).toBe('office');
    expect(traffic.short.entityCount).toBe(5);
    expect(traffic.long.entityCount).toBe(3);
    const hourOf = Array.from(traffic.longOf, (row) => traffic.long.logCount[row]);
    expect(hourOf).toEqual([3, 3, 3, 1, 1]);
    expect([...truth.labels]).toEqual([0, 0, 0, 0, 1]);
  });

  it('calls a window an attack from half of its flows on, and an attack without a name "attack"', () => {
    const accumulator = createSiteAccumulator(MINUTE_MS);
    const add = (sourceIp: string, label: 0 | 1, attack: string | null): void =>
      accumulator.add({ record: webVisit(sourceIp, 0), label, attack });
    add('10.0.0.1', 1, null);
    add('10.0.0.1', 0, null);
    add('10.0.0.2', 1, 'scan');
    add('10.0.0.2', 0, null);
    add('10.0.0.2', 0, null);
    // What the column says beside label 0 is no attack.
    add('10.0.0.3', 0, 'scan');
    const { truth } = accumulator.finish('office');
    expect([...truth.labels]).toEqual([1, 0, 0]);
    expect(truth.attacks).toEqual(['attack', null, null]);
  });
});
