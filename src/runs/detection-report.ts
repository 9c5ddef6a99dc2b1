import type { DetectorName } from '../detector/detection.ts';
import {
  type Agreement,
  agreementOf,
  type BeforeAfter,
  beforeAfterOf,
  createWordOn,
  type DetectorSummary,
  type Difference,
  differencesOf,
  type JudgedSource,
  type OperatorWord,
  type Policy,
  summarise,
  type Word,
} from '../evaluation/detector-comparison.ts';
import { type ComparedRuns, comparedRuns, type RunFigures, readRunFigures } from './report-runs.ts';

interface ReportLedger {
  runsSince(query: { kind: 'detection'; sinceMs: number }): readonly {
    readonly status: string;
    readonly finishedAtMs: number | null;
    readonly details: unknown;
  }[];
  operatorVerdicts(): readonly OperatorWord[];
}

interface ReportHistory {
  acted(query: { sinceMs: number }): Promise<JudgedSource[]>;
  foundBy(query: {
    detector: DetectorName;
    runs: readonly { detectedAtMs: number; detector: DetectorName }[];
    spans: readonly { fromMs: number; toMs: number }[];
  }): Promise<JudgedSource[]>;
}

export interface ReportParts {
  readonly ledger: ReportLedger;
  readonly history: ReportHistory;
  readonly policy: Policy;
  /** The detector the settings make the active one; the before/after starts from it. */
  readonly activeDetector: DetectorName;
  readonly days: number;
  readonly compare: boolean;
  readonly nowMs: number;
}

/** What was acted on. */
export interface ActiveReport extends DetectorSummary {
  readonly runs: number;
  readonly failedRuns: number;
  readonly runsByDetector: Readonly<Record<DetectorName, number>>;
  /** Source windows judged, summed over the runs: each run looks at the last HOURS_BACK hours again. */
  readonly entitiesJudged: number;
  /** Distinct sources a router was read back with. */
  readonly blockedSources: number;
}

/** One detector in the runs both judged. */
interface ComparedDetector extends DetectorSummary {
  /** Runs both judged in which it was the active one, and those in which it was the shadow. */
  readonly activeRuns: number;
  readonly shadowRuns: number;
}

export interface ComparisonReport {
  /** Runs that asked for a shadow, in how many of them it judged, and why it did not in the others. */
  readonly shadow: {
    readonly asked: number;
    readonly judged: number;
    readonly missing: number;
    readonly missingByCode: Readonly<Record<string, number>>;
  };
  /** Source windows both judged, summed over those runs. */
  readonly entitiesJudged: number;
  readonly detectors: Readonly<Record<DetectorName, ComparedDetector>>;
  readonly agreement: Agreement;
  readonly differences: readonly Difference[];
  readonly beforeAfter: BeforeAfter;
}

export interface DetectionReport {
  readonly days: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly active: ActiveReport;
  /** Null when no comparison was asked for. */
  readonly comparison: ComparisonReport | null;
}

const MS_PER_DAY = 86_400_000;
const DIFFERENCES = 20;

/**
 * What was detected in the last days and, on request, what the shadow detector would have made of the same traffic.
 * Only windows both judged are compared, so that a shadow that was off or missing counts for nobody.
 */
export async function reportDetections(parts: ReportParts): Promise<DetectionReport> {
  const { ledger, history, days, compare, nowMs } = parts;
  const fromMs = nowMs - days * MS_PER_DAY;
  const runs = readRunFigures(ledger.runsSince({ kind: 'detection', sinceMs: fromMs }));
  const acted = await history.acted({ sinceMs: fromMs });
  const compared = comparedRuns(runs.judged, fromMs);
  const found = compare ? await bothDetectors(parts, { runs: runs.judged, compared }) : null;

  const marked = [acted, ...(found === null ? [] : Object.values(found))].flatMap(markedSources);
  const wordOn = createWordOn({ words: ledger.operatorVerdicts(), marked: new Set(marked) });
  return {
    days,
    fromMs,
    toMs: nowMs,
    active: activeReport(acted, { runs, wordOn, policy: parts.policy }),
    comparison: found === null ? null : comparisonReport(found, { parts, compared, wordOn }),
  };
}

type Found = Readonly<Record<DetectorName, JudgedSource[]>>;

async function bothDetectors(
  { history }: ReportParts,
  { runs, compared }: { runs: readonly RunFigures[]; compared: ComparedRuns },
): Promise<Found> {
  const asked = { runs, spans: compared.spans };
  return {
    hybrid: await history.foundBy({ detector: 'hybrid', ...asked }),
    legacy: await history.foundBy({ detector: 'legacy', ...asked }),
  };
}

function markedSources(sources: readonly JudgedSource[]): string[] {
  return sources.filter((source) => source.markedFalsePositive).map((source) => source.sourceIp);
}

interface Judging {
  readonly policy: Policy;
  readonly wordOn: (sourceIp: string) => Word | null;
}

function activeReport(
  acted: readonly JudgedSource[],
  { runs, ...judging }: Judging & { runs: ReturnType<typeof readRunFigures> },
): ActiveReport {
  const of = (detector: DetectorName): number =>
    runs.judged.filter((run) => run.detector === detector).length;
  return {
    runs: runs.judged.length,
    failedRuns: runs.failed,
    runsByDetector: { hybrid: of('hybrid'), legacy: of('legacy') },
    entitiesJudged: runs.judged.reduce((sum, run) => sum + run.entities, 0),
    ...summarise(acted, judging),
    blockedSources: acted.filter((source) => source.blocked).length,
  };
}

function comparisonReport(
  found: Found,
  given: { parts: ReportParts; compared: ComparedRuns; wordOn: Judging['wordOn'] },
): ComparisonReport {
  const { parts, compared, wordOn } = given;
  const { policy, activeDetector: before } = parts;
  const detectorOf = (detector: DetectorName): ComparedDetector => ({
    activeRuns: compared.activeRuns[detector],
    shadowRuns: compared.shadow.judged - compared.activeRuns[detector],
    ...summarise(found[detector], { policy, wordOn }),
  });
  return {
    shadow: compared.shadow,
    entitiesJudged: compared.entitiesJudged,
    detectors: { hybrid: detectorOf('hybrid'), legacy: detectorOf('legacy') },
    agreement: agreementOf(found),
    differences: differencesOf(found, { limit: DIFFERENCES, wordOn }),
    beforeAfter: beforeAfterOf(found, { before, policy, wordOn }),
  };
}
