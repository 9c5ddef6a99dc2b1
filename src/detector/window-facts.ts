import type { Reason } from './detection.ts';
import { type EvidenceRow, failedFlows } from './evidence-row.ts';
import { formatDuration, formatNumber, formatShare } from './number-text.ts';

/**
 * What happened, for windows no signature has a name for: "3 flows in 5 min to 2 targets, most to port 23; 100 % came to
 * nothing". Then, where it is so, that boosting finds it more like an attack than like this network.
 *
 * @param boostingLogOdds above 0 = more like injected and reviewed attacks than like the baseline
 */
export function windowFacts({
  row,
  windowMs,
  boostingLogOdds,
}: {
  readonly row: EvidenceRow;
  readonly windowMs: number;
  readonly boostingLogOdds: number;
}): Reason {
  const flows = row('flows');
  const targets = row('distinct_target_pairs');
  const port = row('top_port');
  const said = [
    `${counted(flows, 'flow')} in ${formatDuration(windowMs)} to ${counted(targets, 'target')}`,
    port < 0 ? '' : `, ${targets === 1 ? 'port' : 'most to port'} ${port}`,
    `; ${formatShare(failedFlows(row) / flows)} came to nothing`,
    boostingLogOdds > 0 ? '; more like the attacks learnt in training than like this network' : '',
  ];
  return { text: said.join(''), subject: 'flows', observed: flows, typical: null };
}

function counted(count: number, thing: string): string {
  return `${formatNumber(count)} ${thing}${count === 1 ? '' : 's'}`;
}
