import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { withWorkplace } from '../session.ts';
import { gatherStatus } from '../status/gather-status.ts';
import { needsAPerson } from '../status/needs-a-person.ts';
import { statusText } from '../status/status-text.ts';

export const statusCommand: Command = {
  name: 'status',
  summary: 'what is going on: pause, alerts, model, last runs, blocks, queue, routers',
  usage: ['status [--check] [--json]'],
  details: [
    'Works from the state directory alone, also while PostgreSQL or a router is away. The exit code is 0 whatever it',
    'tells; with --check it is 1 when something needs a person: blocking is paused, an alert is open, a router was not',
    'synced for over 15 minutes (one in dry run does not count), the last detection failed, or it is over 15 minutes',
    'longer ago than DETECT_CRON ever pauses. Scripts look at that exit code, or at needsAPerson, paused, alerts and',
    'routers[].condition (ok, dry_run, never_synced, backing_off, breaker_open) of --json.',
  ].join('\n'),
  options: {
    check: { type: 'boolean', description: 'exit code 1 when something needs a person' },
    json: { type: 'boolean', description: 'one JSON object on stdout' },
  },
  examples: ['autoblock status', 'autoblock status --check || mail -s "autoblock needs you" ops@example.net'],
  run: (invocation) =>
    withWorkplace(invocation, (workplace) => {
      const status = gatherStatus(workplace);
      const needs = needsAPerson(status);
      if (invocation.flag('json')) invocation.output.out(JSON.stringify({ ...status, needsAPerson: needs }));
      else invocation.output.out(statusText(status));
      if (!invocation.flag('check') || needs.length === 0) return Promise.resolve(EXIT.ok);
      for (const sentence of needs) invocation.output.err(`needs a person: ${sentence}`);
      return Promise.resolve(EXIT.failed);
    }),
};
