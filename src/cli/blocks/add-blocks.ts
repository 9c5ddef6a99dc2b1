import type { Workplace } from '../../daemon/workplace.ts';
import type { Block } from '../../decisions/block.ts';
import { type Protection, protectionOf } from '../../decisions/protected-networks.ts';
import { AutoblockError } from '../../errors.ts';
import { type Invocation, LONGEST_BLOCK_SECONDS, wholeNumber } from '../command.ts';
import { firstFew } from '../first-few.ts';
import { refuseWhilePaused } from '../pause-text.ts';
import { pushNow } from '../push-now.ts';
import { actorName } from '../session.ts';
import { timeText } from '../tables.ts';
import { roomProblems } from './free-room.ts';
import { report } from './report.ts';

interface ProtectedAddress {
  readonly address: string;
  readonly why: string;
  readonly network: string;
}

/** Blocks all of `addresses`, or, with a protected one or too many among them, none. Resolves to the exit code. */
export function addBlocks(
  invocation: Invocation,
  { workplace, addresses }: { workplace: Workplace; addresses: readonly string[] },
): Promise<number> {
  const { config, ledger, nowMs, protection } = workplace;
  const limits = { fallback: config.blockSeconds, min: 60, max: LONGEST_BLOCK_SECONDS };
  const seconds = wholeNumber('seconds', invocation.text('seconds'), limits);
  refuseWhilePaused(ledger.pause());

  const skipped = protectedAmong(protection, addresses);
  if (skipped.length > 0 && !invocation.flag('skip-protected')) throw protectedRefusal(skipped, addresses);
  const left = new Set(skipped.map(({ address }) => address));
  const asked = addresses.filter((address) => !left.has(address));

  const active = ledger.activeBlocks(nowMs());
  const problems = roomProblems({
    active,
    asked,
    maxBlocksTotal: config.maxBlocksTotal,
    routers: config.routers,
  });
  if (problems.length > 0) throw new AutoblockError('CAP_REACHED', problems.join('; '));

  const reason = invocation.text('reason') ?? 'blocked by hand';
  const common = { origin: 'manual', seconds, reason, actor: actorName(), nowMs: nowMs() } as const;
  const blocks = ledger.addBlocks(asked.map((address) => ({ address, ...common })));
  tell(invocation, { blocks, skipped, active });
  return pushNow(invocation, workplace);
}

function protectedAmong(protection: Protection, addresses: readonly string[]): ProtectedAddress[] {
  return addresses.flatMap((address) => {
    const held = protectionOf(protection, address);
    return held === null ? [] : [{ address, why: held.why, network: held.network }];
  });
}

function protectedRefusal(held: readonly ProtectedAddress[], asked: readonly string[]): AutoblockError {
  const words = firstFew(held.map(protectedText));
  const count = held.length > 3 ? `${held.length} of ${asked.length} are; nothing was done` : '';
  return new AutoblockError('ADDRESS_PROTECTED', `${count}${words}`);
}

function protectedText({ address, why, network }: ProtectedAddress): string {
  return `${address}: ${why} (${network})`;
}

function tell(
  invocation: Invocation,
  result: {
    blocks: readonly Block[];
    skipped: readonly ProtectedAddress[];
    active: readonly Block[];
  },
): void {
  const { blocks, skipped } = result;
  const standing = new Set(result.active.map(({ address }) => address));
  const added = blocks.filter(({ address }) => !standing.has(address)).length;
  report(invocation, {
    json: { blocks, added, alreadyBlocked: blocks.length - added, skipped },
    lines: blocks.map((block) => `${block.address} blocked until ${timeText(block.expiresAtMs)}`),
    total: `${blocks.length} blocked: ${added} new, ${blocks.length - added} were blocked before`,
  });
  if (skipped.length > 0 && !invocation.flag('json'))
    invocation.output.err(`${skipped.length} skipped, protected: ${firstFew(skipped.map(protectedText))}`);
}
