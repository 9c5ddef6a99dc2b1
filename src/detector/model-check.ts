import type { FeatureTable } from '../features/feature-table.ts';
import { injectAttacks, traitsOf } from './attack-injection.ts';
import { chooseBaseline } from './baseline.ts';
import type { TierThresholds } from './detection.ts';
import { anomalyScores } from './forest-risk.ts';
import { createHybridDetector, splitByGroup } from './hybrid-detector.ts';
import { deriveSeed } from './random.ts';
import { FOREST_TAIL_RISK } from './risk-assessment.ts';
import { riskOfScore } from './risk-calibration.ts';
import { SOURCE_GROUPS, type TrainedModel } from './trained-model.ts';

export type CandidateCheck =
  /** flagRate: share of the baseline the forest calls anomalous. */
  | { readonly ok: true; readonly flagRate: number }
  | { readonly ok: false; readonly reasons: readonly string[] };

/** The flag rate on the baseline is `contamination` by construction; outside these multiples something broke. */
const SMALLEST_FLAG_RATE = 0.2;
const LARGEST_FLAG_RATE = 3;

/** Of attacks injected into the site's own kind of log, at least this share must reach an operator. */
const SMALLEST_RECALL = 0.6;
const INJECTED_ATTACKS = 350;

/**
 * Decides whether a candidate may become the model in use. To be called with the candidate as loaded back from disk:
 * what is checked is what will run.
 *
 * @param table the training entities, or a sample of them
 * @param excludedSources the known bad sources nothing was learnt from: the more of them the week holds, the more a
 *   good model would seem to flag of its own baseline
 * @param selfTestPassed outcome of the synthetic self-test with this version of the program
 */
export function checkCandidate({
  model,
  table,
  isInternal,
  excludedSources = new Set(),
  thresholds,
  contamination,
  selfTestPassed,
}: {
  readonly model: TrainedModel;
  readonly table: FeatureTable;
  readonly isInternal: (ip: string) => boolean;
  readonly excludedSources?: Pick<ReadonlySet<string>, 'has'>;
  readonly thresholds: TierThresholds;
  readonly contamination: number;
  readonly selfTestPassed: boolean;
}): CandidateCheck {
  const reasons: string[] = [];
  if (!selfTestPassed) reasons.push('the synthetic self-test failed');
  if (Object.keys(model.groups).length === 0) reasons.push('the model knows no source group');
  const { scores, risks } = scoreBaseline({ model, table, isInternal, excludedSources });
  if (scores.some((score) => !(score > 0 && score < 1)))
    reasons.push('anomaly scores of training entities are not all between 0 and 1');
  const flagRate = risks.filter((risk) => risk >= FOREST_TAIL_RISK).length / Math.max(1, risks.length);
  const [lowest, highest] = [SMALLEST_FLAG_RATE * contamination, LARGEST_FLAG_RATE * contamination];
  if (!(flagRate >= lowest && flagRate <= highest))
    reasons.push(
      `it flags ${percent(flagRate)} of its baseline, wanted ${percent(lowest)} to ${percent(highest)}`,
    );
  const recall = injectedRecall({ model, table, thresholds });
  if (recall < SMALLEST_RECALL)
    reasons.push(
      `it finds ${percent(recall)} of injected attacks, wanted at least ${percent(SMALLEST_RECALL)}`,
    );
  return reasons.length === 0 ? { ok: true, flagRate } : { ok: false, reasons };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function scoreBaseline({
  model,
  table,
  isInternal,
  excludedSources,
}: {
  readonly model: TrainedModel;
  readonly table: FeatureTable;
  readonly isInternal: (ip: string) => boolean;
  readonly excludedSources: Pick<ReadonlySet<string>, 'has'>;
}): { readonly scores: readonly number[]; readonly risks: readonly number[] } {
  const entitiesOf = splitByGroup(table, isInternal);
  const scores: number[] = [];
  const risks: number[] = [];
  for (const group of SOURCE_GROUPS) {
    const groupModel = model.groups[group];
    if (groupModel === undefined) continue;
    const { kept } = chooseBaseline({
      table,
      entities: entitiesOf[group],
      group,
      excludedSources,
      seed: model.metadata.seed,
    });
    for (const score of anomalyScores({ model: groupModel, table, entities: kept })) {
      scores.push(score);
      risks.push(riskOfScore(groupModel.calibration, score));
    }
  }
  return { scores, risks };
}

/** Share of injected attacks, of another seed than those trained with, that come out medium or high. */
function injectedRecall({
  model,
  table,
  thresholds,
}: {
  readonly model: TrainedModel;
  readonly table: FeatureTable;
  readonly thresholds: TierThresholds;
}): number {
  let found = 0;
  let injected = 0;
  for (const group of SOURCE_GROUPS) {
    if (model.groups[group] === undefined) continue;
    const { table: attacks } = injectAttacks({
      count: INJECTED_ATTACKS,
      windowMs: table.windowMs,
      seed: deriveSeed(model.metadata.seed, `candidate check ${group}`),
      traits: traitsOf(table),
      group,
    });
    const detector = createHybridDetector({ model, thresholds, isInternal: () => group === 'internal' });
    found += detector.detect(attacks).filter((detection) => detection.confidence !== 'low').length;
    injected += INJECTED_ATTACKS;
  }
  return injected === 0 ? 0 : found / injected;
}
