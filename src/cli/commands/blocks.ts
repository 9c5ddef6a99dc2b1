import type { Workplace } from '../../daemon/workplace.ts';
import { protectionOf } from '../../decisions/protected-networks.ts';
import { AutoblockError, EXIT } from '../../errors.ts';
import { canonicalText } from '../../ip/address.ts';
import {
  type Command,
  type Invocation,
  LONGEST_BLOCK_SECONDS,
  refuseOperands,
  wholeNumber,
} from '../command.ts';
import { pushNow } from '../push-now.ts';
import { actorName, withWorkplace } from '../session.ts';
import { durationText, renderTable, timeText } from '../tables.ts';

export const blocksCommand: Command = {
  name: 'blocks',
  summary: 'what is blocked and why; add or remove by hand',
  usage: [
    'blocks list [--json]',
    'blocks add ADDRESS... [--seconds N] [--reason TEXT]',
    'blocks remove ADDRESS...',
  ],
  details: [
    'add and remove write the ledger and sync the routers at once. Allowlisted and protected addresses are refused',
    '(exit code 4), and then nothing of the call is done. A removed address is not blocked again by the same evidence.',
  ].join('\n'),
  options: {
    seconds: { type: 'string', placeholder: 'N', description: 'length of the block (default BLOCK_SECONDS)' },
    reason: {
      type: 'string',
      placeholder: 'TEXT',
      description: 'kept with the block (default: blocked by hand)',
    },
    json: { type: 'boolean', description: 'JSON on stdout' },
  },
  operands: true,
  examples: [
    'autoblock blocks list',
    'autoblock blocks add 203.0.113.7 --seconds 3600 --reason "abuse report"',
    'autoblock blocks remove 203.0.113.7',
  ],
  run(invocation) {
    const [verb, ...targets] = invocation.positionals;
    return withWorkplace(invocation, async (workplace) => {
      workplace.ledger.expireDue(workplace.nowMs());
      switch (verb) {
        case 'list':
          refuseOperands('blocks list', targets);
          return list(invocation, workplace);
        case 'add':
          return add(invocation, workplace, addresses(targets));
        case 'remove':
          return remove(invocation, workplace, addresses(targets));
        default:
          throw new AutoblockError('USAGE', `blocks: got "${verb ?? 'nothing'}", wanted list, add or remove`);
      }
    });
  },
};

/** All of them or none: a typo in the third address must not leave two blocked. Named twice is once. */
function addresses(targets: readonly string[]): string[] {
  if (targets.length === 0) throw new AutoblockError('USAGE', 'blocks: no address given');
  const bad = targets.filter((target) => canonicalText(target) === null);
  if (bad.length > 0)
    throw new AutoblockError(
      'ADDRESS_INVALID',
      `not an address or network: ${bad.map((target) => `"${target}"`).join(', ')}`,
    );
  return [...new Set(targets.map((target) => canonicalText(target)!))];
}

function list(invocation: Invocation, { ledger, nowMs }: Workplace): number {
  const blocks = ledger.activeBlocks(nowMs());
  if (invocation.flag('json')) {
    invocation.output.out(JSON.stringify(blocks));
    return EXIT.ok;
  }
  const rows = blocks.map((block) => [
    block.address,
    block.origin,
    block.anomalyType,
    block.riskScore?.toFixed(1) ?? null,
    timeText(block.createdAtMs),
    durationText(block.expiresAtMs - nowMs()),
    block.confirmedAtMs === null ? 'no' : 'yes',
    block.reason,
  ]);
  const head = ['ADDRESS', 'BY', 'TYPE', 'RISK', 'SINCE', 'LEFT', 'ON ROUTER', 'WHY'];
  invocation.output.out(blocks.length === 0 ? 'nothing is blocked' : renderTable(head, rows));
  return EXIT.ok;
}

function add(invocation: Invocation, workplace: Workplace, targets: readonly string[]): Promise<number> {
  const { config, ledger, nowMs, protection } = workplace;
  const limits = { fallback: config.blockSeconds, min: 60, max: LONGEST_BLOCK_SECONDS };
  const seconds = wholeNumber('seconds', invocation.text('seconds'), limits);
  for (const address of targets) {
    const held = protectionOf(protection, address);
    if (held !== null)
      throw new AutoblockError('ADDRESS_PROTECTED', `${address}: ${held.why} (${held.network})`);
  }
  const reason = invocation.text('reason') ?? 'blocked by hand';
  for (const address of targets) {
    const block = ledger.addBlock({
      address,
      origin: 'manual',
      seconds,
      reason,
      actor: actorName(),
      nowMs: nowMs(),
    });
    invocation.output.out(`${block.address} blocked until ${timeText(block.expiresAtMs)}`);
  }
  return pushNow(invocation, workplace);
}

function remove(invocation: Invocation, workplace: Workplace, targets: readonly string[]): Promise<number> {
  const { ledger, nowMs } = workplace;
  const active = new Set(ledger.activeBlocks(nowMs()).map((block) => block.address));
  const missing = targets.filter((address) => !active.has(address));
  if (missing.length > 0) throw new AutoblockError('NOT_FOUND', `not blocked: ${missing.join(', ')}`);
  for (const address of targets) {
    ledger.liftBlock({ address, actor: actorName(), nowMs: nowMs() });
    invocation.output.out(`${address} lifted`);
  }
  return pushNow(invocation, workplace);
}
