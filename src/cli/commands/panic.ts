import type { Workplace } from '../../daemon/workplace.ts';
import { EXIT } from '../../errors.ts';
import { confirmByTyping } from '../ask.ts';
import type { Command, Invocation } from '../command.ts';
import { pauseText } from '../pause-text.ts';
import { pushEverywhere } from '../push-everywhere.ts';
import { actorName, withWorkplace } from '../session.ts';

export const panicCommand: Command = {
  name: 'panic',
  summary: 'take every block of ours off every router, now, and block nobody until resume',
  usage: ['panic [--reason TEXT] [--yes] [--json]'],
  details: [
    'First the pause is written to the ledger, so that a running daemon blocks nobody any more; then every entry of',
    'ours is taken off all routers at once, and what they hold is read back. Entries of others stay. The blocks stay in',
    'the ledger: `autoblock resume` puts back those that have not expired. Works while PostgreSQL is away and while the',
    'daemon runs; calling it again is harmless and pushes again.',
    '',
    'Exit code 0 when every router is free of our entries as read back, 3 when one could not be reached (a running daemon',
    'goes on trying), 1 when one refused or is in dry run with entries of ours on it, or DRY_RUN is on.',
  ].join('\n'),
  options: {
    reason: { type: 'string', placeholder: 'TEXT', description: 'kept with the pause, shown by status' },
    yes: { type: 'boolean', description: 'do not ask' },
    json: { type: 'boolean', description: 'one JSON object on stdout' },
  },
  examples: ['autoblock panic', 'autoblock panic --yes --reason "customers cut off since 14:00"'],
  async run(invocation) {
    await confirmByTyping(invocation, {
      word: 'panic',
      question:
        'This takes every block of ours off every router; nobody is blocked until `autoblock resume`.',
    });
    return withWorkplace(invocation, (workplace) => panic(invocation, workplace));
  },
};

async function panic(invocation: Invocation, workplace: Workplace): Promise<number> {
  const { ledger, nowMs } = workplace;
  const { output } = invocation;
  const pause = ledger.pauseBlocking({
    actor: actorName(),
    reason: invocation.text('reason') ?? 'panic',
    nowMs: nowMs(),
  });
  const json = invocation.flag('json');
  // Said before the routers are asked: who is killed in the middle knows what already holds.
  if (!json) output.out(`blocking is paused since ${pauseText(pause)}`);
  const pushed = await pushEverywhere(invocation, workplace);
  if (json) output.out(JSON.stringify({ pause, dryRun: workplace.config.dryRun, routers: pushed.routers }));
  else output.out(pushed.text);
  if (pushed.exitCode !== EXIT.ok) {
    if (!json) output.err('not every router is free of blocks yet; a running daemon goes on trying');
    return pushed.exitCode;
  }
  return notWritten(invocation, { dryRun: workplace.config.dryRun, routers: pushed.routers });
}

/** In a dry run nothing is taken off: in an emergency nobody may read "done" where entries stay. */
function notWritten(
  { output }: Invocation,
  { dryRun, routers }: { dryRun: boolean; routers: readonly { router: string; stays: number }[] },
): number {
  const staying = routers.filter(({ stays }) => stays > 0).map(({ router, stays }) => `${router} (${stays})`);
  if (!dryRun && staying.length === 0) return EXIT.ok;
  const which = dryRun ? 'DRY_RUN is on' : `dry run, entries stay on ${staying.join(', ')}`;
  output.err(
    `${which}: take the dry run off and call \`autoblock panic\` again, or empty the list on the router`,
  );
  return EXIT.failed;
}
