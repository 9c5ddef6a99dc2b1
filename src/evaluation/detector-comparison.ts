import type { AnomalyType, ConfidenceTier, DetectorName } from '../detector/detection.ts';
import { parseNetwork } from '../ip/address.ts';
import { membershipTest } from '../ip/network-set.ts';

/**
 * Two detectors over the same traffic, counted by source: what each would have done, where they agree, and what
 * operators said about it. A source is *flagged* when its best tier is high or medium: unless a rule holds it back, it
 * would have gone to blocking or review. Cohen's kappa is not given, because it needs the number of sources neither flagged, which nobody records;
 * the plain shares with their counts are what the data carries.
 */

/** What one detector made of one source over the period. */
export interface JudgedSource {
  readonly sourceIp: string;
  /** Source windows detected, by tier. */
  readonly windows: Readonly<Record<ConfidenceTier, number>>;
  /** Its best tier. */
  readonly confidence: ConfidenceTier;
  /** 0-100. */
  readonly riskScore: number;
  readonly anomalyType: AnomalyType;
  readonly reasons: readonly string[];
  /** Most flows in its detections that one run can have seen together. */
  readonly flows: number;
  readonly blocked: boolean;
  readonly markedFalsePositive: boolean;
}

export type Word = 'false_positive' | 'confirmed';

/** An operator's word about an address or network, canonical text. */
export interface OperatorWord {
  readonly address: string;
  readonly verdict: Word;
  readonly atMs: number;
}

/** What would have happened to a flagged source, before limits per run and earlier blocks. */
export interface Policy {
  /** Allowlisted or otherwise never blocked: such a source is only recorded. */
  readonly isProtected: (sourceIp: string) => boolean;
  readonly autoBlock: boolean;
  /** Of medium confidence on fewer flows than this a source is only recorded. */
  readonly fewestFlowsForReview: number;
}

interface VerdictShare {
  /** Flagged sources an operator gave a word about. */
  readonly judged: number;
  readonly falsePositives: number;
  readonly confirmed: number;
  /** judged / flagged sources, 0-1; null when none was flagged. */
  readonly judgedShare: number | null;
}

export interface DetectorSummary {
  /** Source windows detected. */
  readonly detections: Readonly<Record<ConfidenceTier, number>>;
  /** Distinct sources by their best tier. */
  readonly sources: Readonly<Record<ConfidenceTier, number>>;
  /** Distinct sources of tier high or medium. */
  readonly flagged: number;
  readonly wouldBlock: number;
  readonly wouldReview: number;
  readonly verdicts: VerdictShare;
}

export interface Agreement {
  /** Sources at least one of them flagged. */
  readonly flagged: number;
  readonly both: number;
  readonly onlyHybrid: number;
  readonly onlyLegacy: number;
  /** both / flagged, 0-1 (Jaccard); null when nothing was flagged. */
  readonly share: number | null;
}

type Sight = Pick<JudgedSource, 'confidence' | 'riskScore' | 'anomalyType' | 'reasons'>;

/** A source the two see differently; null where a detector found nothing. */
export interface Difference {
  readonly sourceIp: string;
  readonly hybrid: Sight | null;
  readonly legacy: Sight | null;
  readonly verdict: Word | null;
}

export interface BeforeAfter {
  /** The active detector and the one that would take its place. */
  readonly before: DetectorName;
  readonly after: DetectorName;
  /** Sources each sends to blocking or review. */
  readonly actedBefore: number;
  readonly actedAfter: number;
  /** actedBefore - actedAfter; negative when it would be more. */
  readonly fewer: number;
  /** Operator verdicts on sources either of them flagged, and how many of each kind each flagged. */
  readonly verdicts: number;
  readonly falsePositives: { readonly total: number; readonly before: number; readonly after: number };
  readonly confirmed: { readonly total: number; readonly before: number; readonly after: number };
}

export type BothDetectors = Readonly<Record<DetectorName, readonly JudgedSource[]>>;

const RANK: Readonly<Record<ConfidenceTier, number>> = { high: 3, medium: 2, low: 1 };

function isFlagged({ confidence }: Pick<JudgedSource, 'confidence'>): boolean {
  return confidence !== 'low';
}

/** Flagged, and no rule keeps it from blocking and review. */
function isActedOn(source: JudgedSource, { isProtected, fewestFlowsForReview }: Policy): boolean {
  const { sourceIp, confidence, flows } = source;
  if (!isFlagged(source) || isProtected(sourceIp)) return false;
  return confidence === 'high' || flows >= fewestFlowsForReview;
}

/**
 * The operator's word about a source: the latest that names it or a network around it; where the ledger has none, a
 * mark in the table of detections. Asked once per source.
 */
export function createWordOn({
  words,
  marked,
}: {
  readonly words: readonly OperatorWord[];
  /** Sources marked as false positive in the table. */
  readonly marked: ReadonlySet<string>;
}): (sourceIp: string) => Word | null {
  const single = new Map<string, OperatorWord>();
  const around: { word: OperatorWord; holds: (sourceIp: string) => boolean }[] = [];
  for (const word of [...words].sort((a, b) => a.atMs - b.atMs)) {
    if (word.address.includes('/')) around.push({ word, holds: membershipTest([word.address]) });
    else single.set(word.address, word);
  }
  return (sourceIp) => {
    const given = [
      single.get(parseNetwork(sourceIp)?.text ?? sourceIp),
      ...around.filter(({ holds }) => holds(sourceIp)).map(({ word }) => word),
    ].filter((word) => word !== undefined);
    const latest = given.sort((a, b) => b.atMs - a.atMs)[0];
    return latest?.verdict ?? (marked.has(sourceIp) ? 'false_positive' : null);
  };
}

export function summarise(
  sources: readonly JudgedSource[],
  { policy, wordOn }: { policy: Policy; wordOn: (sourceIp: string) => Word | null },
): DetectorSummary {
  const detections = { high: 0, medium: 0, low: 0 };
  const bySource = { high: 0, medium: 0, low: 0 };
  for (const { windows, confidence } of sources) {
    for (const tier of ['high', 'medium', 'low'] as const) detections[tier] += windows[tier];
    bySource[confidence] += 1;
  }
  const flagged = sources.filter(isFlagged);
  const actedOn = flagged.filter((source) => isActedOn(source, policy));
  const wouldBlock = policy.autoBlock ? actedOn.filter(({ confidence }) => confidence === 'high').length : 0;
  return {
    detections,
    sources: bySource,
    flagged: flagged.length,
    wouldBlock,
    wouldReview: actedOn.length - wouldBlock,
    verdicts: verdictShare(flagged, wordOn),
  };
}

function verdictShare(
  flagged: readonly JudgedSource[],
  wordOn: (sourceIp: string) => Word | null,
): VerdictShare {
  const given = flagged.map(({ sourceIp }) => wordOn(sourceIp));
  const falsePositives = given.filter((word) => word === 'false_positive').length;
  const confirmed = given.filter((word) => word === 'confirmed').length;
  const judged = falsePositives + confirmed;
  const judgedShare = flagged.length === 0 ? null : judged / flagged.length;
  return { judged, falsePositives, confirmed, judgedShare };
}

export function agreementOf(found: BothDetectors): Agreement {
  const hybrid = flaggedAddresses(found.hybrid);
  const legacy = flaggedAddresses(found.legacy);
  const both = [...hybrid].filter((sourceIp) => legacy.has(sourceIp)).length;
  const flagged = hybrid.size + legacy.size - both;
  return {
    flagged,
    both,
    onlyHybrid: hybrid.size - both,
    onlyLegacy: legacy.size - both,
    share: flagged === 0 ? null : both / flagged,
  };
}

function flaggedAddresses(sources: readonly JudgedSource[]): Set<string> {
  return new Set(sources.filter(isFlagged).map(({ sourceIp }) => sourceIp));
}

/**
 * Sources whose best tiers differ and that at least one detector flagged: widest apart in tier first, then in risk (not
 * found = 0), then by address.
 */
export function differencesOf(
  found: BothDetectors,
  { limit, wordOn }: { limit: number; wordOn: (sourceIp: string) => Word | null },
): Difference[] {
  const legacy = new Map(found.legacy.map((source) => [source.sourceIp, source]));
  const hybrid = new Map(found.hybrid.map((source) => [source.sourceIp, source]));
  const addresses = [...new Set([...hybrid.keys(), ...legacy.keys()])];
  const tierGap = (a: Sight | null, b: Sight | null): number => Math.abs(rankOf(a) - rankOf(b));
  const riskGap = (a: Sight | null, b: Sight | null): number =>
    Math.abs((a?.riskScore ?? 0) - (b?.riskScore ?? 0));
  return addresses
    .map((sourceIp) => ({
      sourceIp,
      hybrid: sightOf(hybrid.get(sourceIp)),
      legacy: sightOf(legacy.get(sourceIp)),
    }))
    .filter(
      (pair) =>
        tierGap(pair.hybrid, pair.legacy) > 0 && Math.max(rankOf(pair.hybrid), rankOf(pair.legacy)) > 1,
    )
    .sort(
      (a, b) =>
        tierGap(b.hybrid, b.legacy) - tierGap(a.hybrid, a.legacy) ||
        riskGap(b.hybrid, b.legacy) - riskGap(a.hybrid, a.legacy) ||
        (a.sourceIp < b.sourceIp ? -1 : 1),
    )
    .slice(0, limit)
    .map((pair) => ({ ...pair, verdict: wordOn(pair.sourceIp) }));
}

function rankOf(sight: Sight | null): number {
  return sight === null ? 0 : RANK[sight.confidence];
}

function sightOf(source: JudgedSource | undefined): Sight | null {
  if (source === undefined) return null;
  const { confidence, riskScore, anomalyType, reasons } = source;
  return { confidence, riskScore, anomalyType, reasons };
}

/** What a switch of the active detector would have changed over the period, as far as verdicts carry it. */
export function beforeAfterOf(
  found: BothDetectors,
  given: {
    before: DetectorName;
    policy: Policy;
    wordOn: (sourceIp: string) => Word | null;
  },
): BeforeAfter {
  const { before, policy, wordOn } = given;
  const after = before === 'hybrid' ? 'legacy' : 'hybrid';
  const flagged = { before: flaggedAddresses(found[before]), after: flaggedAddresses(found[after]) };
  const actedOn = (detector: DetectorName): number =>
    found[detector].filter((source) => isActedOn(source, policy)).length;
  const either = [...new Set([...flagged.before, ...flagged.after])];
  const shares = (word: Word): BeforeAfter['confirmed'] => {
    const spoken = either.filter((sourceIp) => wordOn(sourceIp) === word);
    return {
      total: spoken.length,
      before: spoken.filter((sourceIp) => flagged.before.has(sourceIp)).length,
      after: spoken.filter((sourceIp) => flagged.after.has(sourceIp)).length,
    };
  };
  const [falsePositives, confirmed] = [shares('false_positive'), shares('confirmed')];
  const [actedBefore, actedAfter] = [actedOn(before), actedOn(after)];
  return {
    before,
    after,
    actedBefore,
    actedAfter,
    fewer: actedBefore - actedAfter,
    verdicts: falsePositives.total + confirmed.total,
    falsePositives,
    confirmed,
  };
}
