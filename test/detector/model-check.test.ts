import { describe, expect, it } from 'vitest';
import { checkCandidate } from '../../src/detector/model-check.ts';
import type { GroupModel, TrainedModel } from '../../src/detector/trained-model.ts';
import { isInternal, siteModel, siteTable, thresholds } from './site.ts';

const common = { table: siteTable, isInternal, thresholds, contamination: 0.03, selfTestPassed: true };

function withGroups(change: (model: GroupModel) => GroupModel): TrainedModel {
  const { internal, external } = siteModel.groups;
  return { ...siteModel, groups: { internal: change(internal!), external: change(external!) } };
}

function reasonsFor(changes: Partial<Parameters<typeof checkCandidate>[0]>): readonly string[] {
  const checked = checkCandidate({ model: siteModel, ...common, ...changes });
  return checked.ok ? [] : checked.reasons;
}

describe('candidate check', () => {
  it('accepts a sound model and tells its flag rate, near the contamination', () => {
    const checked = checkCandidate({ model: siteModel, ...common });
    expect(checked.ok).toBe(true);
    expect(checked.ok && checked.flagRate).toBeGreaterThan(0.01);
    expect(checked.ok && checked.flagRate).toBeLessThan(0.05);
  });

  it('rejects when the self-test failed', () => {
    expect(reasonsFor({ selfTestPassed: false })).toEqual(['the synthetic self-test failed']);
  });

  it('rejects a model that calls everything anomalous', () => {
    const model = withGroups((group) => ({
      ...group,
      calibration: { ...group.calibration, quantileScores: new Float64Array(257), tailStartScore: 0 },
    }));
    expect(reasonsFor({ model }).join()).toMatch(/flags 100\.0 % of its baseline, wanted 0\.6 % to 9\.0 %/);
  });

  it('rejects a model that calls nothing anomalous', () => {
    const model = withGroups((group) => ({
      ...group,
      calibration: {
        ...group.calibration,
        tailStartScore: 1,
        quantileScores: group.calibration.quantileScores.with(-1, 1),
      },
    }));
    expect(reasonsFor({ model }).join()).toMatch(/flags 0\.0 %/);
  });

  it('rejects a model that finds hardly any of the attacks injected into the log', () => {
    const model = withGroups((group) => ({
      ...group,
      evidenceTypicalHigh: group.evidenceTypicalHigh.map(() => 1e9),
      calibration: { ...group.calibration, tailScale: 1 },
    }));
    expect(reasonsFor({ model }).join()).toMatch(/of injected attacks, wanted at least 60\.0 %/);
  });

  it('rejects a model without any group', () => {
    expect(reasonsFor({ model: { ...siteModel, groups: {} } })).toContain('the model knows no source group');
  });
});
