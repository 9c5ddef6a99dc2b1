import type { TierThresholds } from '../detector/detection.ts';
import type { TrainingSettings } from '../detector/train-model.ts';
import {
  type MacroResult,
  type SiteResult,
  summariseMacro,
  summariseSite,
} from '../evaluation/evaluation-summary.ts';
import { createSiteAccumulator, type LabelledFlow, type LabelledSite } from '../evaluation/labelled-site.ts';
import type { Protocol } from '../evaluation/protocol-split.ts';
import { runTrial, type Trial } from '../evaluation/site-evaluation.ts';

const MS_PER_MINUTE = 60_000;

/** Operator verdicts given in `feedback`; without feedback there are none. */
const VERDICT_COUNTS: Readonly<Record<Protocol, readonly number[]>> = {
  site: [0],
  natural: [0],
  feedback: [0, 50, 200, 1000],
};

/** What a labelled file held. */
interface SiteReading {
  readonly file: string;
  readonly flows: number;
  readonly badLines: number;
  readonly firstBadLine: { readonly line: number; readonly reason: string } | null;
  readonly unlabelled: number;
  /** Flows older than one before them. */
  readonly outOfOrder: number;
}

export interface EvaluationParts {
  readonly protocol: Protocol;
  /** One site each; the same order in the result. */
  readonly files: readonly string[];
  readonly readFlows: (
    file: string,
    onFlow: (flow: LabelledFlow) => void,
  ) => Promise<Omit<SiteReading, 'file'>>;
  readonly siteName: (file: string) => string;
  /** Those of production but for the window; the seeds are those of the trials. */
  readonly training: Omit<TrainingSettings, 'seed'>;
  readonly seeds: readonly number[];
  readonly thresholds: TierThresholds;
  readonly isInternal: (ip: string) => boolean;
  readonly nowMs: () => number;
  readonly onProgress: (done: { readonly step: string; readonly share: number }) => void;
  /** Called between trials, each of which takes seconds without a pause; rejects to stop. */
  readonly breathe: () => Promise<void>;
}

/** The figures of all sites with so many operator verdicts. */
export interface VerdictStage {
  readonly verdicts: number;
  readonly sites: readonly SiteResult[];
  /** Over the sites with both labels; null where there is none. */
  readonly macro: MacroResult | null;
  /** Over those of them in which a model could be trained. */
  readonly macroTrained: MacroResult | null;
}

export interface EvaluationResult extends VerdictStage {
  readonly protocol: Protocol;
  readonly windowMinutes: number;
  readonly seeds: readonly number[];
  readonly thresholds: TierThresholds;
  readonly files: readonly SiteReading[];
  /** With 0, 50, 200 and 1000 verdicts in `feedback`, one stage otherwise; the last one is also at the top. */
  readonly stages: readonly VerdictStage[];
  readonly durationMs: number;
}

/**
 * Reads every labelled file as a site of its own, and trains and judges each with the code of production, once per
 * seed and number of verdicts.
 *
 * @throws what reading throws, and what `breathe` rejects with
 */
export async function runEvaluation(parts: EvaluationParts): Promise<EvaluationResult> {
  const startedAtMs = parts.nowMs();
  const { sites, files } = await readSites(parts);
  const counts = VERDICT_COUNTS[parts.protocol];
  const total = counts.length * sites.length * parts.seeds.length;
  let done = 0;
  const stages: VerdictStage[] = [];
  for (const verdicts of counts) {
    const results: SiteResult[] = [];
    for (const site of sites) {
      const trials: Trial[] = [];
      for (const seed of parts.seeds) {
        parts.onProgress({ step: `${site.name}, seed ${seed}, ${verdicts} verdicts`, share: done / total });
        trials.push(trial(parts, { site, seed, verdicts }));
        done += 1;
        await parts.breathe();
      }
      results.push(summariseSite(describeSite(site), trials));
    }
    stages.push({ verdicts, sites: results, ...summariseMacros(results, parts.seeds.length) });
  }
  return {
    protocol: parts.protocol,
    windowMinutes: parts.training.windowMinutes,
    seeds: parts.seeds,
    thresholds: parts.thresholds,
    files,
    ...stages.at(-1)!,
    stages,
    durationMs: parts.nowMs() - startedAtMs,
  };
}

async function readSites(
  parts: EvaluationParts,
): Promise<{ readonly sites: readonly LabelledSite[]; readonly files: readonly SiteReading[] }> {
  const sites: LabelledSite[] = [];
  const files: SiteReading[] = [];
  for (const file of parts.files) {
    parts.onProgress({ step: `reading ${file}`, share: 0 });
    const accumulator = createSiteAccumulator(parts.training.windowMinutes * MS_PER_MINUTE);
    const reading = await parts.readFlows(file, (flow) => accumulator.add(flow));
    files.push({ file, ...reading });
    sites.push(accumulator.finish(parts.siteName(file)));
  }
  return { sites, files };
}

function trial(
  { protocol, training, thresholds, isInternal }: EvaluationParts,
  { site, seed, verdicts }: { site: LabelledSite; seed: number; verdicts: number },
): Trial {
  return runTrial(site, { protocol, verdicts, training: { ...training, seed }, thresholds, isInternal });
}

function describeSite({
  name,
  traffic,
  truth,
}: LabelledSite): Pick<SiteResult, 'site' | 'entities' | 'attacks'> {
  const attacks = truth.labels.reduce((sum, label) => sum + label, 0);
  return { site: name, entities: traffic.short.entityCount, attacks };
}

function summariseMacros(
  sites: readonly SiteResult[],
  trials: number,
): Pick<VerdictStage, 'macro' | 'macroTrained'> {
  const trained = sites.filter(({ refused }) => refused === null || refused.trials < trials);
  return { macro: summariseMacro(sites), macroTrained: summariseMacro(trained) };
}
