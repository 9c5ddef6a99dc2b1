import { createDetectorInUse } from '../../daemon/detector-in-use.ts';
import { detectOnce } from '../../daemon/jobs.ts';
import { EXIT } from '../../errors.ts';
import type { DetectionRunResult } from '../../runs/detection-run.ts';
import type { ShadowFigures } from '../../runs/shadow-judgement.ts';
import { type Command, pointInTime } from '../command.ts';
import { deliverOrDefer } from '../push-now.ts';
import { contributionsOf } from '../reason-text.ts';
import { interruptSignal, withWorkplace } from '../session.ts';
import { renderTable, timeText } from '../tables.ts';

export const detectCommand: Command = {
  name: 'detect',
  summary: 'one detection run: decide and record, without touching a router',
  usage: ['detect [--dry-run] [--as-of TIME] [--json]'],
  details:
    'Reads the last HOURS_BACK hours, judges, decides and records. Blocks wait in the ledger for the next sync.',
  options: {
    'dry-run': { type: 'boolean', description: 'show what would be decided, write nothing anywhere' },
    'as-of': {
      type: 'string',
      placeholder: 'TIME',
      description: 'end of the period: now or an ISO 8601 time',
    },
    json: { type: 'boolean', description: 'one JSON object on stdout' },
  },
  examples: ['autoblock detect --dry-run', 'autoblock detect --as-of 2026-01-31T03:00:00Z --dry-run --json'],
  async run(invocation) {
    const { signal, release } = interruptSignal();
    try {
      return await withWorkplace(invocation, async (workplace) => {
        const { config, registry, isInternal, logger, nowMs } = workplace;
        const asOfMs = pointInTime('as-of', invocation.text('as-of'), nowMs());
        const detectors = createDetectorInUse({ config, registry, isInternal, logger });
        detectors.refresh();
        const dryRun = invocation.flag('dry-run') || config.dryRun;
        const result = await detectOnce(workplace, { detectors, asOfMs, dryRun, signal });
        invocation.output.out(invocation.flag('json') ? asJson(result) : asText(result, dryRun));
        if (!dryRun) await deliverOrDefer(invocation, workplace);
        return EXIT.ok;
      });
    } finally {
      release();
    }
  },
};

function asJson(result: DetectionRunResult): string {
  const { detections, verdicts, ...summary } = result;
  return JSON.stringify({
    ...summary,
    model: result.modelVersion ?? 'none',
    verdicts: verdicts.map(({ detection, detections: all, ...verdict }) => ({
      ...verdict,
      riskScore: detection.riskScore,
      confidence: detection.confidence,
      anomalyType: detection.anomalyType,
      reasons: detection.reasons.map((reason) => reason.text),
      contributions: contributionsOf(detection.reasons),
      windows: all.length,
    })),
    detections: detections.length,
  });
}

function shadowText({ detector, modelVersion, tiers, missing }: ShadowFigures): string {
  const found =
    tiers === null
      ? `missing: ${missing?.code ?? 'INTERNAL'}: ${missing?.message ?? ''}`
      : `${tiers.high} high, ${tiers.medium} medium, ${tiers.low} low (model ${modelVersion ?? 'none'}); nothing is done about them`;
  return `shadow detector ${detector}: ${found}`;
}

function asText(result: DetectionRunResult, dryRun: boolean): string {
  const rows = result.verdicts.map(({ target, action, cause, detection }) => [
    target,
    detection.riskScore.toFixed(1),
    detection.confidence,
    detection.anomalyType,
    action,
    cause,
    detection.reasons[0]?.text ?? '',
  ]);
  const { tiers } = result;
  return [
    `${timeText(result.fromMs)} to ${timeText(result.toMs)}: ${result.records} log records${result.truncated ? ' (truncated)' : ''}, ` +
      `${result.entities} source windows, detector ${result.detector}, model ${result.modelVersion ?? 'none'}`,
    `detections: ${tiers.high} high, ${tiers.medium} medium, ${tiers.low} low; ` +
      `${dryRun ? 'would be' : 'now'} ${result.blocksAdded} new blocks, ${result.blocksExtended} extended, ${result.reviewsAdded} for review`,
    ...(result.shadow === null ? [] : [shadowText(result.shadow)]),
    ...(rows.length === 0
      ? []
      : ['', renderTable(['SOURCE', 'RISK', 'TIER', 'TYPE', 'ACTION', 'CAUSE', 'WHY'], rows)]),
  ].join('\n');
}
