import { describe, expect, it } from 'vitest';
import { selectFeatures } from '../../src/detector/feature-selection.ts';
import { createRandom } from '../../src/detector/random.ts';
import { FEATURE_COUNT } from '../../src/features/catalogue.ts';
import { fitRobustScaler } from '../../src/features/robust-scaler.ts';

/** Log-normal rows; the given features are `factor` times as large. */
function rows(
  count: number,
  { seed, raised = [], factor = 1 }: { seed: number; raised?: readonly number[]; factor?: number },
): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: count * FEATURE_COUNT }, (_, at) => {
    const value = Math.exp(0.5 * random.nextGaussian());
    return raised.includes(at % FEATURE_COUNT) ? value * factor : value;
  });
}

function select(baseline: Float32Array, attacks: Float32Array, topK = 4): ReturnType<typeof selectFeatures> {
  const scaler = fitRobustScaler({ values: baseline, rowCount: baseline.length / FEATURE_COUNT });
  return selectFeatures({ baseline, attacks, scaler, topK, sampleSize: 64, seed: 3 });
}

const ALL = Array.from({ length: FEATURE_COUNT }, (_, feature) => feature);

describe('choosing features by chi-square', () => {
  it('keeps the choice where it tells held-out attacks better than all 25', () => {
    const telling = [2, 5, 9, 20];
    const { selected, selection, chiSquare } = select(
      rows(240, { seed: 1 }),
      rows(240, { seed: 2, raised: telling, factor: 4 }),
    );
    expect(selected).toEqual(telling);
    expect(selection.kind).toBe('chi-square');
    expect(selection.selectedAuc).toBeGreaterThan(selection.allAuc!);
    expect(selection.reason).toBe(
      `held-out ROC-AUC ${selection.selectedAuc!.toFixed(3)} with 4 features, ${selection.allAuc!.toFixed(3)} with all`,
    );
    const weakest = Math.min(...telling.map((feature) => chiSquare[feature]!));
    expect(chiSquare.filter((value) => value >= weakest)).toHaveLength(telling.length);
  });

  it('keeps all 25 where the choice is not better, and says how they compared', () => {
    // Every feature tells the same: four know less than all.
    const { selected, selection } = select(
      rows(240, { seed: 1 }),
      rows(240, { seed: 2, raised: ALL, factor: 1.6 }),
    );
    expect(selected).toEqual(ALL);
    expect(selection.kind).toBe('all');
    expect(selection.selectedAuc).toBeLessThan(selection.allAuc!);
    expect(selection.reason).toMatch(/^held-out ROC-AUC 0\.\d{3} with 4 features, [01]\.\d{3} with all$/);
  });

  it('keeps all 25 on a tie: both tell everything', () => {
    const { selection } = select(rows(240, { seed: 1 }), rows(240, { seed: 2, raised: ALL, factor: 1e4 }));
    expect(selection).toMatchObject({ kind: 'all', selectedAuc: 1, allAuc: 1 });
  });

  it('keeps all 25 where a third of the baseline, or of the attacks, is too little to hold out', () => {
    const enough = { seed: 2, raised: [2, 5, 9, 20], factor: 4 };
    const fewWindows = select(rows(59, { seed: 1 }), rows(240, enough));
    expect(fewWindows.selected).toEqual(ALL);
    expect(fewWindows.selection).toEqual({
      kind: 'all',
      selectedAuc: null,
      allAuc: null,
      reason: 'too little to hold out: 19 baseline windows and 80 attacks, wanted 20 of each',
    });
    const fewAttacks = select(rows(240, { seed: 1 }), rows(59, enough));
    expect(fewAttacks.selection.reason).toBe(
      'too little to hold out: 80 baseline windows and 19 attacks, wanted 20 of each',
    );
    expect(select(rows(60, { seed: 1 }), rows(60, enough)).selection.allAuc).not.toBeNull();
  });

  it('compares nothing where all are asked for', () => {
    const { selected, selection } = select(rows(240, { seed: 1 }), rows(240, { seed: 2 }), FEATURE_COUNT);
    expect(selected).toEqual(ALL);
    expect(selection).toEqual({
      kind: 'all',
      selectedAuc: null,
      allAuc: null,
      reason: 'CHI2_TOP_K asks for all',
    });
  });

  it('does not look at the held-out rows when it chooses', () => {
    const baseline = rows(240, { seed: 1 });
    const attacks = rows(240, { seed: 2, raised: [2, 5, 9, 20], factor: 4 });
    const disturbed = attacks.map((value, at) =>
      Math.floor(at / FEATURE_COUNT) % 3 === 2 ? 1000 + value : value,
    );
    expect(select(baseline, disturbed).chiSquare).toEqual(select(baseline, attacks).chiSquare);
  });

  it('is the same for the same input', () => {
    const attacks = rows(240, { seed: 2, raised: [2, 5], factor: 3 });
    expect(select(rows(240, { seed: 1 }), attacks)).toEqual(select(rows(240, { seed: 1 }), attacks));
  });
});
