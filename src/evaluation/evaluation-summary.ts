import type { Trial } from './site-evaluation.ts';
import {
  type AttackMeasures,
  type DetectorMeasures,
  type EqualRecall,
  falsePositivesAtEqualRecall,
  meanOf,
  measureAttacks,
  measureDetector,
  savedShare,
  type TierMeasures,
} from './trial-measures.ts';

/** All trials of one site. */
export interface SiteResult {
  readonly site: string;
  /** Short entities of the site, and the attacks among them. */
  readonly entities: number;
  readonly attacks: number;
  /** Most windows a trial had to learn from: no more of them can be reviewed, however many verdicts were asked for. */
  readonly trainedOn: number;
  /** False where it has one label only: it shows what it can, and is not in the macro figures. */
  readonly inMacro: boolean;
  readonly hybrid: DetectorMeasures;
  readonly legacy: DetectorMeasures;
  readonly atLegacyRecall: EqualRecall & { readonly saved: number | null };
  readonly byAttack: readonly AttackMeasures[];
  /** Why training was refused, in how many of the trials; null when it never was. */
  readonly refused: { readonly trials: number; readonly reason: string } | null;
}

export interface MacroResult {
  readonly hybrid: DetectorMeasures;
  readonly legacy: DetectorMeasures;
  readonly atLegacyRecall: EqualRecall & { readonly saved: number | null };
}

export function summariseSite(
  { site, entities, attacks }: Pick<SiteResult, 'site' | 'entities' | 'attacks'>,
  trials: readonly Trial[],
): SiteResult {
  const refusals = trials.map(({ refused }) => refused).filter((refused) => refused !== null);
  const equalRecall = falsePositivesAtEqualRecall(trials);
  return {
    site,
    entities,
    attacks,
    trainedOn: Math.max(...trials.map(({ trainedOn }) => trainedOn)),
    inMacro: attacks > 0 && attacks < entities,
    hybrid: measureDetector(trials, 'hybrid'),
    legacy: measureDetector(trials, 'legacy'),
    atLegacyRecall: { ...equalRecall, saved: savedShare(equalRecall) },
    byAttack: measureAttacks(trials),
    refused: refusals.length === 0 ? null : { trials: refusals.length, reason: refusals[0]! },
  };
}

/** Means over the sites with both labels, each counting alike; counts are sums. Null where there is no such site. */
export function summariseMacro(sites: readonly SiteResult[]): MacroResult | null {
  const counted = sites.filter(({ inMacro }) => inMacro);
  if (counted.length === 0) return null;
  const sum = (count: keyof EqualRecall): number =>
    counted.reduce((total, { atLegacyRecall }) => total + atLegacyRecall[count], 0);
  const equalRecall = {
    legacyFalsePositives: sum('legacyFalsePositives'),
    hybridFalsePositives: sum('hybridFalsePositives'),
  };
  return {
    hybrid: meanMeasures(counted.map(({ hybrid }) => hybrid)),
    legacy: meanMeasures(counted.map(({ legacy }) => legacy)),
    atLegacyRecall: { ...equalRecall, saved: savedShare(equalRecall) },
  };
}

function meanMeasures(all: readonly DetectorMeasures[]): DetectorMeasures {
  return {
    rocAuc: meanOf(all.map(({ rocAuc }) => rocAuc)),
    averagePrecision5: meanOf(all.map(({ averagePrecision5 }) => averagePrecision5)),
    medium: meanTier(all.map(({ medium }) => medium)),
    high: meanTier(all.map(({ high }) => high)),
  };
}

function meanTier(tiers: readonly TierMeasures[]): TierMeasures {
  const mean = (measure: 'precision' | 'recall' | 'f1' | 'fpr' | 'precision5'): number | null =>
    meanOf(tiers.map((tier) => tier[measure]));
  const sum = (count: 'tp' | 'fp' | 'fn' | 'tn'): number =>
    tiers.reduce((total, tier) => total + tier[count], 0);
  return {
    precision: mean('precision'),
    recall: mean('recall'),
    f1: mean('f1'),
    fpr: mean('fpr'),
    tp: sum('tp'),
    fp: sum('fp'),
    fn: sum('fn'),
    tn: sum('tn'),
    precision5: mean('precision5'),
  };
}
