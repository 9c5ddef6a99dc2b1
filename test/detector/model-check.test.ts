import { describe, expect, it } from 'vitest';
import { checkCandidate } from '../../src/detector/model-check.ts';
import type { GroupModel, ScaleModel, TrainedModel } from '../../src/detector/trained-model.ts';
import { isOfficeHost, officeModel, officeTraffic } from './office.ts';
import { isInternal, siteModel, siteTraffic, thresholds } from './site.ts';

const common = { traffic: siteTraffic, isInternal, thresholds, contamination: 0.03, selfTestPassed: true };

function withGroups(change: (model: GroupModel) => GroupModel): TrainedModel {
  const { internal, external } = siteModel.groups;
  return { ...siteModel, groups: { internal: change(internal!), external: change(external!) } };
}

function withScales(change: (model: ScaleModel) => ScaleModel): TrainedModel {
  return withGroups((group) => ({
    ...group,
    short: change(group.short),
    long: group.long === null ? null : change(group.long),
  }));
}

function reasonsFor(changes: Partial<Parameters<typeof checkCandidate>[0]>): readonly string[] {
  const checked = checkCandidate({ model: siteModel, ...common, ...changes });
  return checked.ok ? [] : checked.reasons;
}

describe('candidate check', () => {
  it.each([
    ['one window of many sources', siteModel, {}],
    ['half a day of an office', officeModel, { traffic: officeTraffic, isInternal: isOfficeHost }],
  ])('accepts a sound model of %s and tells its flag rate, near the contamination', (_of, model, changes) => {
    const checked = checkCandidate({ model, ...common, ...changes });
    expect(checked).toMatchObject({ ok: true });
    expect(checked.ok && checked.flagRate).toBeGreaterThan(0.01);
    expect(checked.ok && checked.flagRate).toBeLessThan(0.05);
  });

  it('rejects when the self-test failed', () => {
    expect(reasonsFor({ selfTestPassed: false })).toEqual(['the synthetic self-test failed']);
  });

  it('rejects a forest that calls everything anomalous', () => {
    const model = withScales((scale) => ({
      ...scale,
      calibration: { ...scale.calibration, quantileScores: new Float64Array(257), tailStartScore: 0 },
    }));
    expect(reasonsFor({ model }).join()).toMatch(/flags 100\.0 % of its baseline, wanted 0\.6 % to 9\.0 %/);
  });

  it('rejects a forest that calls nothing anomalous', () => {
    const model = withScales((scale) => ({
      ...scale,
      calibration: {
        ...scale.calibration,
        tailStartScore: 1,
        quantileScores: scale.calibration.quantileScores.with(-1, 1),
      },
    }));
    expect(reasonsFor({ model }).join()).toMatch(/flags 0\.0 %/);
  });

  it.each<[string, TrainedModel]>([
    [
      'whose trees call everything harmless',
      withScales((scale) => ({
        ...scale,
        boosting: { ...scale.boosting, leafValues: scale.boosting.leafValues.map(() => 0), bias: -20 },
      })),
    ],
    [
      'whose curve sees no risk in any evidence',
      withGroups((group) => ({
        ...group,
        curve: { ...group.curve, logOdds: group.curve.logOdds.map(() => -9) },
      })),
    ],
    [
      'whose curve asks for evidence that nothing has',
      withGroups((group) => ({
        ...group,
        curve: { ...group.curve, evidence: group.curve.evidence.map((value) => value + 200) },
      })),
    ],
  ])('rejects a model %s: it finds hardly any injected attack without a signature', (_kind, broken) => {
    expect(reasonsFor({ model: broken }).join()).toMatch(
      /it finds .* of injected attacks, wanted at least 60\.0 %/,
    );
  });

  it('rejects trees that call attacks harmless and harmless traffic attacks', () => {
    const upsideDown = withScales((scale) => ({
      ...scale,
      boosting: {
        ...scale.boosting,
        bias: -scale.boosting.bias,
        leafValues: scale.boosting.leafValues.map((value) => -value),
      },
    }));
    expect(reasonsFor({ model: upsideDown })).not.toEqual([]);
  });

  it('rejects a model without any group', () => {
    expect(reasonsFor({ model: { ...siteModel, groups: {} } })).toContain('the model knows no source group');
  });
});
