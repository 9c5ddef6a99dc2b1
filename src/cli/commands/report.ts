import { deliverOnce, deliverShadowOnce, readDetectionHistory } from '../../daemon/jobs.ts';
import { protectionOf } from '../../decisions/protected-networks.ts';
import { FEWEST_FLOWS_FOR_REVIEW } from '../../decisions/rulings.ts';
import { EXIT } from '../../errors.ts';
import { reportDetections } from '../../runs/detection-report.ts';
import { type Command, wholeNumber } from '../command.ts';
import { detectionReportText } from '../detection-report-text.ts';
import { withWorkplace } from '../session.ts';

/** The run history and the shadow's detections are kept for so long. */
const MAX_REPORT_DAYS = 90;

/**
 * `--json` prints the DetectionReport of `runs/detection-report.ts`: `days`, `fromMs`, `toMs`; `active` (`runs`,
 * `failedRuns`, `runsByDetector`, `entitiesJudged`, `detections`, `sources`, `flagged`, `wouldBlock`, `wouldReview`,
 * `blockedSources`, `verdicts` with `judged`, `falsePositives`, `confirmed`, `judgedShare`); `comparison`, null without
 * `--compare`: `shadow` (`asked`, `judged`, `missing`, `missingByCode`), `entitiesJudged`, `detectors.hybrid` and
 * `detectors.legacy` (`activeRuns`, `shadowRuns` and the figures of `active` from `detections` on, without
 * `blockedSources`), `agreement` (`flagged`, `both`, `onlyHybrid`, `onlyLegacy`, `share`), `differences[]` (`sourceIp`,
 * `hybrid` and `legacy` as null or `confidence`, `riskScore`, `anomalyType`, `reasons`, then `verdict`), `beforeAfter`
 * (`before`, `after`, `actedBefore`, `actedAfter`, `fewer`, `verdicts`, `falsePositives` and `confirmed` as `total`,
 * `before`, `after`). Times are Unix ms, shares 0-1 or null where there is nothing to divide by. Per tier: `high`,
 * `medium`, `low`.
 */
export const reportCommand: Command = {
  name: 'report',
  summary: 'what was detected in the last days; --compare: active and shadow detector side by side',
  usage: ['report [--days N] [--compare] [--json]'],
  details: [
    'Counts detections by tier, sources, and what operators said about them. Would-be blocks and reviews follow the present',
    `ALLOWLIST and AUTO_BLOCK, before limits per run; medium on fewer than ${FEWEST_FLOWS_FOR_REVIEW} flows within HOURS_BACK is recorded only.`,
    'A verdict is a rejected or approved review, a block lifted or made by hand, or is_false_positive in the table',
    'detections; the latest about a source counts.',
    '--compare needs runs with SHADOW_DETECTOR set and looks only at source windows both detectors judged.',
    'Delivers first what the ledger holds for PostgreSQL. While PostgreSQL is away there is no report (exit code 3): half of',
    'the figures would pass for the whole; `autoblock status` works from the state directory alone.',
  ].join('\n'),
  options: {
    days: { type: 'string', placeholder: 'N', description: 'how many days back, 1-90 (default 7)' },
    compare: { type: 'boolean', description: 'both detectors, where they agree, what a switch would change' },
    json: { type: 'boolean', description: 'one JSON object on stdout' },
  },
  examples: [
    'autoblock report',
    'autoblock report --days 14 --compare',
    'autoblock report --compare --json | jq .comparison.beforeAfter',
  ],
  run: (invocation) =>
    withWorkplace(invocation, async (workplace) => {
      const days = wholeNumber('days', invocation.text('days'), {
        fallback: 7,
        min: 1,
        max: MAX_REPORT_DAYS,
      });
      const compare = invocation.flag('compare');
      const { config, ledger, protection, nowMs } = workplace;
      await deliverOnce(workplace);
      // Once more, because here a shadow that could not be delivered is a wrong figure.
      if (compare) await deliverShadowOnce(workplace);
      const report = await readDetectionHistory(workplace, (history) =>
        reportDetections({
          ledger,
          history,
          policy: {
            isProtected: (sourceIp) => protectionOf(protection, sourceIp) !== null,
            autoBlock: config.autoBlock,
            fewestFlowsForReview: FEWEST_FLOWS_FOR_REVIEW,
          },
          activeDetector: config.useHybridDetector ? 'hybrid' : 'legacy',
          days,
          compare,
          nowMs: nowMs(),
        }),
      );
      invocation.output.out(invocation.flag('json') ? JSON.stringify(report) : detectionReportText(report));
      return EXIT.ok;
    }),
};
