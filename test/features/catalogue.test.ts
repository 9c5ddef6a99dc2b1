import { describe, expect, it } from 'vitest';
import {
  FEATURE_CATALOGUE,
  FEATURE_COUNT,
  FEATURE_NAMES,
  featureIndex,
} from '../../src/features/catalogue.ts';
import { EVIDENCE_COLUMNS, EVIDENCE_COUNT, evidenceIndex } from '../../src/features/evidence.ts';

describe('the catalogue', () => {
  it('has exactly 25 features with names of their own, in four groups', () => {
    expect(FEATURE_CATALOGUE).toHaveLength(FEATURE_COUNT);
    expect(FEATURE_COUNT).toBe(25);
    expect(new Set(FEATURE_NAMES).size).toBe(25);
    expect(new Set(FEATURE_CATALOGUE.map((feature) => feature.group))).toEqual(
      new Set(['volume', 'temporal', 'protocol', 'behavioural']),
    );
  });

  it('tells what volume cannot: sizes that repeat, exchanges completed, ports ordinary clients do not use', () => {
    expect(FEATURE_NAMES).toEqual(
      expect.arrayContaining(['flow_size_cv', 'established_share', 'uncommon_port_share']),
    );
    // What they replaced told less; a model trained on the one must not be read as the other.
    for (const gone of ['packets_total', 'udp_share', 'privileged_port_share'])
      expect(FEATURE_NAMES).not.toContain(gone);
  });

  it('names every feature in snake_case and says unit, formula and meaning', () => {
    for (const feature of FEATURE_CATALOGUE) {
      expect(feature.name).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect([feature.unit, feature.formula, feature.meaning].every((text) => text.length > 0)).toBe(true);
    }
  });

  it('takes logarithms of quantities and never of shares', () => {
    for (const feature of FEATURE_CATALOGUE) {
      expect({ name: feature.name, transform: feature.transform }).toEqual({
        name: feature.name,
        transform: /0-1$/.test(feature.unit) ? 'none' : 'log1p',
      });
    }
  });

  it('finds features and evidence columns by name at their place', () => {
    expect(FEATURE_NAMES.map(featureIndex)).toEqual(Array.from({ length: 25 }, (_, index) => index));
    expect(EVIDENCE_COLUMNS.map(evidenceIndex)).toEqual(
      Array.from({ length: EVIDENCE_COUNT }, (_, index) => index),
    );
  });
});
