import type { Workplace } from '../../daemon/workplace.ts';
import type { Command, Invocation } from '../command.ts';
import { pushEverywhere } from '../push-everywhere.ts';
import { actorName, withWorkplace } from '../session.ts';
import { durationText } from '../tables.ts';

export const resumeCommand: Command = {
  name: 'resume',
  summary: 'end a panic: blocks that still stand go back to the routers',
  usage: ['resume [--lift-automatic] [--reason TEXT] [--json]'],
  details: [
    'Blocks that expired meanwhile stay away. --lift-automatic first lifts every block nobody made or approved by hand:',
    'when the detector was wrong, its blocks do not come back. Exit code 4 when blocking is not paused.',
  ].join('\n'),
  options: {
    'lift-automatic': { type: 'boolean', description: 'lift automatic blocks instead of putting them back' },
    reason: { type: 'string', placeholder: 'TEXT', description: 'kept in the audit' },
    json: { type: 'boolean', description: 'one JSON object on stdout' },
  },
  examples: ['autoblock resume', 'autoblock resume --lift-automatic --reason "model rolled back"'],
  run: (invocation) => withWorkplace(invocation, (workplace) => resume(invocation, workplace)),
};

async function resume(invocation: Invocation, workplace: Workplace): Promise<number> {
  const { ledger, nowMs } = workplace;
  const { output } = invocation;
  const reason = invocation.text('reason');
  ledger.expireDue(nowMs());
  const { pausedMs, lifted } = ledger.resumeBlocking({
    actor: actorName(),
    ...(reason === undefined ? {} : { reason }),
    liftAutomatic: invocation.flag('lift-automatic'),
    nowMs: nowMs(),
  });
  const back = ledger.activeBlocks(nowMs()).length;
  const json = invocation.flag('json');
  if (!json)
    output.out(
      `blocking goes on after a pause of ${durationText(pausedMs)}: ${back} ${back === 1 ? 'block comes' : 'blocks come'} back, ${lifted} lifted`,
    );
  const pushed = await pushEverywhere(invocation, workplace);
  const { routers, text, exitCode } = pushed;
  output.out(
    json
      ? JSON.stringify({ pausedMs, lifted, blocks: back, dryRun: workplace.config.dryRun, routers })
      : text,
  );
  return exitCode;
}
