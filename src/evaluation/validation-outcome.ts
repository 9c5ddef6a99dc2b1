import type { CicidsDay } from './cicids2017-week.ts';
import type { EntityTruth } from './entity-truth.ts';
import { type ConfusionCounts, countConfusion, type DecisionQuality, decisionQuality } from './metrics.ts';

/** How a detector did on some entities: counts, and shares in 0-1 (null where they are not defined). */
export interface Outcome extends ConfusionCounts, DecisionQuality {
  readonly entities: number;
  readonly attacks: number;
}

export interface JudgedDay {
  readonly day: CicidsDay;
  readonly hybrid: Outcome;
  readonly legacy: Outcome;
}

/** How many entities of one attack each detector flagged. */
export interface AttackShare {
  readonly attack: string;
  readonly entities: number;
  readonly hybridFound: number;
  readonly legacyFound: number;
}

export interface CriterionResult {
  readonly name: 'precision' | 'recall' | 'falsePositiveRate' | 'f1';
  /** The least share that passes; the most for the false positive rate. */
  readonly wanted: number;
  readonly value: number | null;
  readonly passed: boolean;
}

/** What the product's owner asks of production. */
const CRITERIA = [
  { name: 'precision', wanted: 0.9, best: 'high' },
  { name: 'recall', wanted: 0.8, best: 'high' },
  { name: 'falsePositiveRate', wanted: 0.05, best: 'low' },
  { name: 'f1', wanted: 0.85, best: 'high' },
] as const;

/** Throws RangeError on lengths that differ or values other than 0 and 1. */
export function outcomeOf(labels: Uint8Array, flags: Uint8Array): Outcome {
  return withQuality(countConfusion(labels, flags));
}

/** Of all entities together, not the mean of the shares. */
export function sumOutcomes(outcomes: readonly ConfusionCounts[]): Outcome {
  const sum = (count: keyof ConfusionCounts): number =>
    outcomes.reduce((total, outcome) => total + outcome[count], 0);
  return withQuality({
    truePositives: sum('truePositives'),
    falsePositives: sum('falsePositives'),
    trueNegatives: sum('trueNegatives'),
    falseNegatives: sum('falseNegatives'),
  });
}

function withQuality(counts: ConfusionCounts): Outcome {
  const attacks = counts.truePositives + counts.falseNegatives;
  const entities = attacks + counts.falsePositives + counts.trueNegatives;
  return { entities, attacks, ...counts, ...decisionQuality(counts) };
}

/** A measure that is not defined (nothing flagged, no attack) does not pass. */
export function judgeCriteria(quality: DecisionQuality): CriterionResult[] {
  return CRITERIA.map(({ name, wanted, best }) => {
    const value = quality[name];
    const passed = value !== null && (best === 'high' ? value >= wanted : value <= wanted);
    return { name, wanted, value, passed };
  });
}

/** One row per attack of the truth, most entities first, then by name. */
export function sharesByAttack(
  judged: readonly {
    readonly truth: EntityTruth;
    readonly hybrid: Uint8Array;
    readonly legacy: Uint8Array;
  }[],
): AttackShare[] {
  const shares = new Map<string, { entities: number; hybridFound: number; legacyFound: number }>();
  for (const { truth, hybrid, legacy } of judged) {
    for (const [entity, attack] of truth.attacks.entries()) {
      if (attack === null) continue;
      const share = shares.get(attack) ?? { entities: 0, hybridFound: 0, legacyFound: 0 };
      share.entities += 1;
      share.hybridFound += hybrid[entity]!;
      share.legacyFound += legacy[entity]!;
      shares.set(attack, share);
    }
  }
  return [...shares]
    .map(([attack, share]) => ({ attack, ...share }))
    .sort((a, b) => b.entities - a.entities || (a.attack < b.attack ? -1 : 1));
}
