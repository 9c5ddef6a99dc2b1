import { separation } from '../detector/separation.ts';

/**
 * Quality of a ranking (ROC-AUC, average precision) and of a yes/no decision (confusion counts). Scores: higher = more
 * anomalous. Labels: 1 = attack, 0 = benign. Where a measure is not defined (0/0) it is null, never a flattering number.
 */

/** Labels as 0 and 1, any array of numbers. */
export type Labels = ArrayLike<number>;

export interface ConfusionCounts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly trueNegatives: number;
  readonly falseNegatives: number;
}

/** Shares in 0..1; null where the denominator is 0 (nothing flagged, no attack, no benign). */
export interface DecisionQuality {
  /** Of what was flagged, how much is attack. */
  readonly precision: number | null;
  /** Of the attacks, how much was flagged. */
  readonly recall: number | null;
  /** 2 TP / (2 TP + FP + FN); null only where there is neither an attack nor a flag. */
  readonly f1: number | null;
  /** Of the benign, how much was flagged. */
  readonly falsePositiveRate: number | null;
}

/**
 * Area under the ROC curve: the chance that an attack scores above a benign row, a tie counting one half (Mann-Whitney U
 * with mid-ranks). Null unless both labels occur. Throws RangeError on lengths or labels that do not fit, or a NaN score.
 */
export function rocAuc(labels: Labels, scores: ArrayLike<number>): number | null {
  checkScores(labels, scores);
  const of = (label: 0 | 1): Float64Array =>
    Float64Array.from(scores).filter((_score, row) => labels[row] === label);
  const [benign, attacks] = [of(0), of(1)];
  return benign.length === 0 || attacks.length === 0 ? null : separation(benign, attacks);
}

/**
 * Average precision as scikit-learn defines it: sum over falling thresholds of (recall step) x precision, without
 * interpolation, tied scores sharing one threshold. Null without an attack. Throws RangeError as rocAuc.
 */
export function averagePrecision(labels: Labels, scores: ArrayLike<number>): number | null {
  let attacks = 0;
  let flagged = 0;
  let weighted = 0;
  for (const group of tiedGroups(labels, scores)) {
    attacks += group.attacks;
    flagged += group.attacks + group.benign;
    weighted += group.attacks * (attacks / flagged);
  }
  return attacks === 0 ? null : weighted / attacks;
}

/** Counts of rows flagged (1) or not (0) against their labels. Throws RangeError as rocAuc. */
export function countConfusion(labels: Labels, flagged: Labels): ConfusionCounts {
  checkLabels(labels, flagged.length);
  checkLabels(flagged, labels.length);
  let truePositives = 0;
  let falsePositives = 0;
  let falseNegatives = 0;
  for (let i = 0; i < labels.length; i += 1) {
    if (flagged[i] === 1 && labels[i] === 1) truePositives += 1;
    else if (flagged[i] === 1) falsePositives += 1;
    else if (labels[i] === 1) falseNegatives += 1;
  }
  const trueNegatives = labels.length - truePositives - falsePositives - falseNegatives;
  return { truePositives, falsePositives, trueNegatives, falseNegatives };
}

export function decisionQuality(counts: ConfusionCounts): DecisionQuality {
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = counts;
  return {
    precision: share(truePositives, truePositives + falsePositives),
    recall: share(truePositives, truePositives + falseNegatives),
    f1: share(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives),
    falsePositiveRate: share(falsePositives, falsePositives + trueNegatives),
  };
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

interface TiedGroup {
  readonly attacks: number;
  readonly benign: number;
}

/** Rows of equal score together, the highest score first. */
function* tiedGroups(labels: Labels, scores: ArrayLike<number>): Generator<TiedGroup> {
  checkScores(labels, scores);
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i);
  order.sort((i, j) => compare(scores[j]!, scores[i]!));
  for (let from = 0; from < order.length; ) {
    let to = from;
    let attacks = 0;
    for (; to < order.length && scores[order[to]!] === scores[order[from]!]; to += 1)
      attacks += labels[order[to]!]!;
    yield { attacks, benign: to - from - attacks };
    from = to;
  }
}

/** Not a subtraction: the difference of two infinite scores is NaN. */
function compare(a: number, b: number): number {
  return a < b ? -1 : Number(a > b);
}

function checkScores(labels: Labels, scores: ArrayLike<number>): void {
  checkLabels(labels, scores.length);
  for (let i = 0; i < scores.length; i += 1)
    if (Number.isNaN(scores[i])) throw new RangeError(`score ${i} is NaN`);
}

function checkLabels(labels: Labels, rowCount: number): void {
  if (labels.length !== rowCount)
    throw new RangeError(`${labels.length} labels do not fit ${rowCount} scores or flags`);
  for (let i = 0; i < labels.length; i += 1) {
    if (labels[i] !== 0 && labels[i] !== 1)
      throw new RangeError(`label ${i} must be 0 or 1, got ${String(labels[i])}`);
  }
}
