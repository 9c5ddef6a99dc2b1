import type { Workplace } from '../../daemon/workplace.ts';
import type { Block, BlockOrigin } from '../../decisions/block.ts';
import { AutoblockError, EXIT } from '../../errors.ts';
import { overlaps, parseNetwork } from '../../ip/address.ts';
import type { Invocation } from '../command.ts';
import { durationText, renderTable, timeText } from '../tables.ts';

const ORIGINS: readonly BlockOrigin[] = ['auto', 'review', 'manual'];
const HEAD = ['ADDRESS', 'BY', 'TYPE', 'RISK', 'OFFENCE', 'SINCE', 'LEFT', 'ON ROUTER', 'WHY'];

export function listBlocks(invocation: Invocation, { ledger, nowMs }: Workplace): number {
  const wanted = [originFilter(invocation.text('origin')), addressFilter(invocation.text('address'))];
  const now = nowMs();
  const blocks = ledger.activeBlocks(now).filter((block) => wanted.every((accepts) => accepts(block)));
  const { output } = invocation;
  if (invocation.flag('json')) output.out(JSON.stringify(blocks));
  else output.out(blocks.length === 0 ? nothingText(invocation) : asTable(blocks, now));
  return EXIT.ok;
}

type Filter = (block: Block) => boolean;

function originFilter(asked: string | undefined): Filter {
  if (asked === undefined) return () => true;
  const origin = ORIGINS.find((known) => known === asked);
  if (origin === undefined)
    throw new AutoblockError('USAGE', `--origin: got "${asked}", wanted ${ORIGINS.join(', ')}`);
  return (block) => block.origin === origin;
}

/** Blocks that share an address with it: who asks for 203.0.113.7 wants to see the block of its /24 too. */
function addressFilter(asked: string | undefined): Filter {
  if (asked === undefined) return () => true;
  const network = parseNetwork(asked);
  if (network === null)
    throw new AutoblockError('ADDRESS_INVALID', `--address: "${asked}" is neither an address nor a network`);
  return ({ address }) => {
    const blocked = parseNetwork(address);
    return blocked !== null && overlaps(blocked, network);
  };
}

function nothingText(invocation: Invocation): string {
  const filtered = ['origin', 'address'].some((name) => invocation.text(name) !== undefined);
  return filtered ? 'no such block' : 'nothing is blocked';
}

function asTable(blocks: readonly Block[], nowMs: number): string {
  const rows = blocks.map((block) => [
    block.address,
    block.origin,
    block.anomalyType,
    block.riskScore?.toFixed(1) ?? null,
    block.offence,
    timeText(block.createdAtMs),
    durationText(block.expiresAtMs - nowMs),
    block.confirmedAtMs === null ? 'no' : 'yes',
    block.reason,
  ]);
  return renderTable(HEAD, rows);
}
