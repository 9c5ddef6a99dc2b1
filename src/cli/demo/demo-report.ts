import { exclusionsText } from '../exclusions-text.ts';
import { groupLines } from '../model-text.ts';
import { durationText, renderTable, timeText } from '../tables.ts';
import type { DemoJudgement, JudgedSource } from './demo-judgement.ts';
import type { DemoRun } from './demo-story.ts';

interface Told {
  readonly run: DemoRun;
  readonly judgement: DemoJudgement;
  readonly seconds: number;
}

export const demoReport = { json: demoJson, text: demoText };

function demoJson({ run, judgement, seconds }: Told): string {
  const { metadata } = run.training;
  return JSON.stringify({
    worked: judgement.worked,
    checks: judgement.checks,
    seconds,
    traffic: { records: run.rows, sources: run.sources.length },
    model: {
      version: metadata.version,
      features: metadata.features.length,
      selectedFeatures: metadata.hyperparameters.chi2TopK,
      groups: metadata.groups,
      entities: metadata.counts.entities,
      excludedEntities: metadata.counts.excludedEntities,
      contamination: metadata.hyperparameters.contamination,
      trees: metadata.hyperparameters.nEstimators,
      flagRate: run.training.flagRate,
    },
    detection: {
      records: run.detection.records,
      entities: run.detection.entities,
      detector: run.detection.detector,
      tiers: run.detection.tiers,
    },
    detectionsInDatabase: run.detectionsInDatabase,
    addressList: run.addressList,
    neverBlocked: run.neverBlocked,
    reviews: run.reviews,
    attackers: judgement.attackers,
    attackersNotBlocked: judgement.attackersNotBlocked,
    innocentsBlocked: judgement.innocentsBlocked,
    innocentsForReview: judgement.innocentsForReview,
    secondRun: run.second,
  });
}

function demoText(told: Told): string {
  const { run, judgement } = told;
  return [
    ...modelLines(told),
    '',
    ...detectionLines(run),
    '',
    'ADDRESS LIST, as read back from the simulated router',
    addressListTable(run),
    '',
    ...neverBlockedLines(run),
    'REVIEW QUEUE',
    reviewTable(run),
    '',
    'ATTACKERS of the last hour',
    sourceTable(judgement.attackers),
    '',
    ...listed('INNOCENTS BLOCKED', judgement.innocentsBlocked),
    ...listed('INNOCENTS FOR REVIEW', judgement.innocentsForReview),
    '',
    ...judgement.checks.map((check) => `${check.holds ? '  ok  ' : 'FAILED'}  ${check.name}`),
    '',
    `${judgement.worked ? 'The main job works.' : 'The main job did NOT work.'} ${told.seconds.toFixed(1)} s, synthetic traffic: real networks are harder.`,
  ].join('\n');
}

function modelLines({ run }: Told): string[] {
  const { metadata } = run.training;
  const { contamination, nEstimators, sampleSize, chi2TopK } = metadata.hyperparameters;
  return [
    `TRAFFIC  ${run.rows} log records of ${run.sources.length} sources, ${metadata.trainingWindow.from.slice(0, 10)} to ${metadata.trainingWindow.to.slice(0, 10)}`,
    `MODEL    ${metadata.version}: ${metadata.features.length} features at two time scales, ${chi2TopK} of them where chi-square helps, ${nEstimators} trees x ${sampleSize} samples, contamination ${contamination}`,
    `         ${metadata.counts.entities} source windows learnt in ${(run.training.durationMs / 1000).toFixed(1)} s, ${exclusionsText(metadata.counts.excludedEntities, metadata.counts.exclusions)}`,
    ...groupLines(metadata).map((line) => `         ${line}`),
  ];
}

function detectionLines({ detection }: DemoRun): string[] {
  const { tiers } = detection;
  return [
    `DETECTED ${timeText(detection.fromMs)} to ${timeText(detection.toMs)}: ${detection.records} records, ${detection.entities} source windows, detector ${detection.detector}`,
    `         ${tiers.high} high, ${tiers.medium} medium, ${tiers.low} low; ${detection.blocksAdded} blocks, ${detection.reviewsAdded} for review`,
  ];
}

function addressListTable({ addressList }: DemoRun): string {
  const rows = addressList.map((entry) => [
    entry.address,
    entry.timeoutSeconds === null ? 'static' : durationText(entry.timeoutSeconds * 1000),
    entry.comment,
  ]);
  return renderTable(['ADDRESS', 'TIMEOUT', 'COMMENT'], rows);
}

function neverBlockedLines({ neverBlocked }: DemoRun): string[] {
  if (neverBlocked.length === 0) return [];
  const lines = neverBlocked.map(({ address, why }) => `  ${address}  ${why}`);
  return ['NEVER BLOCKED, as the router itself told at the sync', ...lines, ''];
}

function reviewTable({ reviews }: DemoRun): string {
  if (reviews.length === 0) return 'empty';
  const rows = reviews.map((review) => [
    review.address,
    review.riskScore.toFixed(1),
    review.anomalyType,
    review.reasons[0] ?? '',
  ]);
  return renderTable(['ADDRESS', 'RISK', 'TYPE', 'WHY'], rows);
}

function sourceTable(sources: readonly JudgedSource[]): string {
  const rows = sources.map(({ address, role, attack, outcome }) => [address, attack ?? role, outcome]);
  return renderTable(['ADDRESS', 'WHAT IT IS', 'OUTCOME'], rows);
}

function listed(title: string, sources: readonly JudgedSource[]): string[] {
  return sources.length === 0 ? [`${title}: none`] : [title, sourceTable(sources)];
}
