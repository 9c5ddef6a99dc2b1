import { describe, expect, it } from 'vitest';
import { explainFeatures } from '../../src/detector/explanation.ts';
import { forestContributions } from '../../src/detector/forest-contribution.ts';
import { FEATURE_NAMES } from '../../src/features/catalogue.ts';
import { scaleRows } from '../../src/features/robust-scaler.ts';
import { siteModel } from './site.ts';
import { flow, flows, fold, refused } from './traffic.ts';

const model = siteModel.groups.external!.short;
const scan = fold(flows(412, (i) => ({ destinationPort: 1 + i, ...refused }), { toMs: 90_000 }));
const everything = { table: scan, entity: 0, model, limit: 25, without: null };

describe('explaining an entity by its features', () => {
  it('orders them by what each contributed to the path length, as shares of all evidence', () => {
    const reasons = explainFeatures(everything);
    const row = scaleRows({
      scaler: model.scaler,
      values: scan.values,
      rowCount: 1,
      selected: model.selected,
    });
    const { contributions } = forestContributions({ forest: model.forest, row });
    const evidence = contributions.filter((part) => part > 0).reduce((sum, part) => sum + part, 0);
    expect(reasons.length).toBeGreaterThan(3);
    for (const { subject, contribution } of reasons) {
      const column = model.selected.findIndex((feature) => FEATURE_NAMES[feature] === subject);
      expect(contribution).toBeCloseTo(contributions[column]! / evidence, 12);
      expect(contribution).toBeGreaterThan(0);
    }
    const shares = reasons.map((reason) => reason.contribution!);
    expect(shares).toEqual(shares.toSorted((left, right) => right - left));
    expect(shares.reduce((sum, part) => sum + part, 0)).toBeLessThanOrEqual(1 + 1e-12);
  });

  it('says the observed and the typical value in the words of the feature', () => {
    const ports = explainFeatures(everything).find((one) => one.subject === 'distinct_destination_ports');
    expect(ports?.text).toMatch(/^412 destination ports in 5 min; typical for this network: \d+$/);
    expect(ports?.observed).toBe(412);
  });

  it('gives no more than asked for, and not what another reason tells already', () => {
    const [first, second, third] = explainFeatures(everything);
    expect(explainFeatures({ ...everything, limit: 2 })).toEqual([first, second]);
    expect(explainFeatures({ ...everything, limit: 2, without: first!.subject })).toEqual([second, third]);
  });

  it('has nothing to say about features that read as they are typical', () => {
    const table = fold([flow({ sourceIp: '203.0.113.9' })]);
    const reasons = explainFeatures({ ...everything, table });
    expect(reasons.length).toBeLessThan(model.selected.length);
    for (const { text } of reasons) {
      const [observed, typical] = text.split('; typical for this network: ');
      expect(observed?.startsWith(`${typical} `)).toBe(false);
    }
  });
});
