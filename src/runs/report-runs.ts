import type { DetectorName } from '../detector/detection.ts';

/** What a recorded detection run tells a report. */
export interface RunFigures {
  /** The time its detections carry. */
  readonly detectedAtMs: number;
  /** The active detector. */
  readonly detector: DetectorName;
  readonly entities: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly shadow: ShadowPart | null;
}

interface ShadowPart {
  /** Why it did not judge; null when it did. */
  readonly missingCode: string | null;
}

/** The runs that asked for a shadow, and the time both detectors judged. */
export interface ComparedRuns {
  readonly shadow: {
    readonly asked: number;
    readonly judged: number;
    readonly missing: number;
    readonly missingByCode: Readonly<Record<string, number>>;
  };
  /** Of the runs both judged: how often each detector was the active one. */
  readonly activeRuns: Readonly<Record<DetectorName, number>>;
  readonly entitiesJudged: number;
  /** Apart from each other, ascending. */
  readonly spans: readonly { readonly fromMs: number; readonly toMs: number }[];
}

/** The run ended, or the ledger could not be written, before the shadow's part was recorded. */
const NOT_RECORDED = 'NOT_RECORDED';

/** Reads the run history, oldest first. Dry runs recorded nothing and are left out, as are other versions' details. */
export function readRunFigures(
  runs: readonly {
    readonly status: string;
    readonly finishedAtMs: number | null;
    readonly details: unknown;
  }[],
): { judged: RunFigures[]; failed: number } {
  const judged = runs.flatMap(({ status, finishedAtMs, details }) => {
    if (status !== 'ok' || finishedAtMs === null) return [];
    return figuresOf(finishedAtMs, (details ?? {}) as Record<string, unknown>) ?? [];
  });
  return { judged, failed: runs.filter(({ status }) => status === 'failed').length };
}

function figuresOf(detectedAtMs: number, details: Readonly<Record<string, unknown>>): RunFigures | null {
  const { detector, entities, windowFromMs: fromMs, windowToMs: toMs } = details;
  if (detector !== 'hybrid' && detector !== 'legacy') return null;
  if (typeof entities !== 'number' || typeof fromMs !== 'number' || typeof toMs !== 'number') return null;
  return { detectedAtMs, detector, entities, fromMs, toMs, shadow: shadowOf(details) };
}

function shadowOf({ shadowDetector, shadow }: Readonly<Record<string, unknown>>): ShadowPart | null {
  if (shadowDetector === undefined) return null;
  if (typeof shadow !== 'object' || shadow === null) return { missingCode: NOT_RECORDED };
  const { missing } = shadow as { missing?: { code?: unknown } | null };
  return { missingCode: missing == null ? null : String(missing.code) };
}

/** `sinceMs` cuts the first run's look back, so that nothing older than the report's period is compared. */
export function comparedRuns(runs: readonly RunFigures[], sinceMs: number): ComparedRuns {
  const asked = runs.filter((run) => run.shadow !== null);
  const both = asked.filter((run) => run.shadow?.missingCode === null);
  const missingByCode: Record<string, number> = {};
  for (const { shadow } of asked) {
    const code = shadow?.missingCode ?? null;
    if (code !== null) missingByCode[code] = (missingByCode[code] ?? 0) + 1;
  }
  const hybrid = both.filter((run) => run.detector === 'hybrid').length;
  return {
    shadow: { asked: asked.length, judged: both.length, missing: asked.length - both.length, missingByCode },
    activeRuns: { hybrid, legacy: both.length - hybrid },
    entitiesJudged: both.reduce((sum, run) => sum + run.entities, 0),
    spans: unionOf(both.map(({ fromMs, toMs }) => ({ fromMs: Math.max(fromMs, sinceMs), toMs }))),
  };
}

function unionOf(spans: readonly { fromMs: number; toMs: number }[]): { fromMs: number; toMs: number }[] {
  const union: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of [...spans].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = union.at(-1);
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
    else if (fromMs < toMs) union.push({ fromMs, toMs });
  }
  return union;
}
