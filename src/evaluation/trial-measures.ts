import { createRandom, deriveSeed } from '../detector/random.ts';
import {
  averagePrecision,
  type ConfusionCounts,
  countConfusion,
  decisionQuality,
  rocAuc,
} from './metrics.ts';
import type { Judged, Trial } from './site-evaluation.ts';

/** Prevalence at which precisions are compared: sites have from 0 to 99 % attacks. */
const PREVALENCE = 0.05;
const RESAMPLINGS = 20;

/** A tier's decision. Counts are sums over the trials, shares follow from them; null where they are not defined. */
export interface TierMeasures {
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  readonly fpr: number | null;
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
  readonly tn: number;
  /** What the precision would be with 5 % attacks among the entities. */
  readonly precision5: number | null;
}

export interface DetectorMeasures {
  /** Means over the trials; null without both labels. */
  readonly rocAuc: number | null;
  /** Average precision with the attacks resampled to 5 % of the entities. */
  readonly averagePrecision5: number | null;
  /** Medium tier or higher. */
  readonly medium: TierMeasures;
  readonly high: TierMeasures;
}

export function measureDetector(trials: readonly Trial[], name: 'hybrid' | 'legacy'): DetectorMeasures {
  const aucs = trials.map((trial) => rocAuc(trial.labels, trial[name].suspicion));
  const precisions = trials.map((trial) => averagePrecision5(trial, trial[name]));
  return {
    rocAuc: meanOf(aucs),
    averagePrecision5: meanOf(precisions),
    medium: measureTier(trials.map((trial) => countConfusion(trial.labels, trial[name].medium))),
    high: measureTier(trials.map((trial) => countConfusion(trial.labels, trial[name].high))),
  };
}

/** Mean of those that are defined; null where none is. */
export function meanOf(values: readonly (number | null)[]): number | null {
  const defined = values.filter((value) => value !== null);
  return defined.length === 0 ? null : defined.reduce((sum, value) => sum + value, 0) / defined.length;
}

export function measureTier(counts: readonly ConfusionCounts[]): TierMeasures {
  const sum = (count: keyof ConfusionCounts): number => counts.reduce((total, one) => total + one[count], 0);
  const total = {
    truePositives: sum('truePositives'),
    falsePositives: sum('falsePositives'),
    trueNegatives: sum('trueNegatives'),
    falseNegatives: sum('falseNegatives'),
  };
  const { precision, recall, f1, falsePositiveRate: fpr } = decisionQuality(total);
  return {
    precision,
    recall,
    f1,
    fpr,
    tp: total.truePositives,
    fp: total.falsePositives,
    fn: total.falseNegatives,
    tn: total.trueNegatives,
    precision5: precisionAt(PREVALENCE, { recall, fpr }),
  };
}

/** Null where nothing is flagged or either share is not defined. */
function precisionAt(
  prevalence: number,
  { recall, fpr }: { recall: number | null; fpr: number | null },
): number | null {
  if (recall === null || fpr === null || recall + fpr === 0) return null;
  return (prevalence * recall) / (prevalence * recall + (1 - prevalence) * fpr);
}

/** Attacks are drawn until they are 5 % of the entities, again where there are too few; the mean of several drawings. */
function averagePrecision5({ labels, seed }: Trial, { suspicion }: Judged): number | null {
  const of = (label: number): number[] => Array.from(suspicion).filter((_value, at) => labels[at] === label);
  const [benign, attacks] = [of(0), of(1)];
  if (benign.length === 0 || attacks.length === 0) return null;
  const wanted = Math.max(1, Math.round((benign.length * PREVALENCE) / (1 - PREVALENCE)));
  const random = createRandom(deriveSeed(seed, 'average precision at 5 %'));
  let sum = 0;
  for (let drawing = 0; drawing < RESAMPLINGS; drawing += 1) {
    const drawn: number[] = [];
    const left = [...attacks];
    for (let index = 0; index < wanted; index += 1) {
      if (left.length === 0) left.push(...attacks);
      const at = random.nextInt(left.length);
      drawn.push(left[at]!);
      left[at] = left.at(-1)!;
      left.pop();
    }
    const resampledLabels = Uint8Array.from([...benign.map(() => 0), ...drawn.map(() => 1)]);
    sum += averagePrecision(resampledLabels, [...benign, ...drawn])!;
  }
  return sum / RESAMPLINGS;
}

/** False positives of both detectors where hybrid finds at least as many attacks as the legacy rules flag. */
export interface EqualRecall {
  readonly legacyFalsePositives: number;
  readonly hybridFalsePositives: number;
}

/** Sums over the trials. */
export function falsePositivesAtEqualRecall(trials: readonly Trial[]): EqualRecall {
  const each = trials.map(({ labels, hybrid, legacy }) => {
    const flagged = countConfusion(labels, legacy.medium);
    const ranks = Array.from(hybrid.suspicion)
      .filter((_value, at) => labels[at] === 1)
      .sort((left, right) => right - left);
    const threshold = flagged.truePositives === 0 ? Infinity : ranks[flagged.truePositives - 1]!;
    const hybridFalsePositives = hybrid.suspicion.filter(
      (value, at) => labels[at] === 0 && value >= threshold,
    ).length;
    return { legacyFalsePositives: flagged.falsePositives, hybridFalsePositives };
  });
  return {
    legacyFalsePositives: each.reduce((sum, one) => sum + one.legacyFalsePositives, 0),
    hybridFalsePositives: each.reduce((sum, one) => sum + one.hybridFalsePositives, 0),
  };
}

/** Share of the legacy detector's false positives that are saved at its recall; null where it had none. */
export function savedShare({ legacyFalsePositives, hybridFalsePositives }: EqualRecall): number | null {
  return legacyFalsePositives === 0 ? null : 1 - hybridFalsePositives / legacyFalsePositives;
}

/** How much of one attack was found, summed over the trials; shares 0-1 of the entities. */
export interface AttackMeasures {
  readonly attack: string;
  readonly entities: number;
  readonly hybridMedium: number;
  readonly hybridHigh: number;
  readonly legacyMedium: number;
  readonly legacyHigh: number;
}

/** Most entities first, then by name. */
export function measureAttacks(trials: readonly Trial[]): AttackMeasures[] {
  const found = new Map<string, { entities: number; flags: number[] }>();
  for (const { attacks, hybrid, legacy } of trials) {
    for (const [at, attack] of attacks.entries()) {
      if (attack === null) continue;
      const sums = found.get(attack) ?? { entities: 0, flags: [0, 0, 0, 0] };
      sums.entities += 1;
      const flags = [hybrid.medium[at]!, hybrid.high[at]!, legacy.medium[at]!, legacy.high[at]!];
      sums.flags = sums.flags.map((sum, flag) => sum + flags[flag]!);
      found.set(attack, sums);
    }
  }
  return [...found]
    .map(([attack, { entities, flags }]) => {
      const [hybridMedium, hybridHigh, legacyMedium, legacyHigh] = flags.map((sum) => sum / entities);
      return {
        attack,
        entities,
        hybridMedium: hybridMedium!,
        hybridHigh: hybridHigh!,
        legacyMedium: legacyMedium!,
        legacyHigh: legacyHigh!,
      };
    })
    .sort((a, b) => b.entities - a.entities || (a.attack < b.attack ? -1 : 1));
}
