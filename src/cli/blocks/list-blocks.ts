import type { Workplace } from '../../daemon/workplace.ts';
import type { Block, BlockOrigin } from '../../decisions/block.ts';
import { AutoblockError, EXIT } from '../../errors.ts';
import { overlaps, parseNetwork } from '../../ip/address.ts';
import type { Invocation } from '../command.ts';
import { durationText, renderTable, timeText } from '../tables.ts';

const ORIGINS: readonly BlockOrigin[] = ['auto', 'review', 'manual'];
const HEAD = ['ADDRESS', 'BY', 'TYPE', 'RISK', 'OFFENCE', 'SINCE', 'LEFT', 'ON ROUTER', 'WHY'];

export function listBlocks(invocation: Invocation, workplace: Workplace): number {
  const { ledger, nowMs } = workplace;
  const wanted = [originFilter(invocation.text('origin')), addressFilter(invocation.text('address'))];
  const now = nowMs();
  const blocks = ledger.activeBlocks(now).filter((block) => wanted.every((accepts) => accepts(block)));
  const { output } = invocation;
  const placed = blocks.map(placesIn(workplace));
  if (invocation.flag('json')) output.out(JSON.stringify(placed));
  else output.out(placed.length === 0 ? nothingText(invocation) : asTable(placed, now));
  return EXIT.ok;
}

interface PlacedBlock extends Block {
  /** Routers in whose scope it is, by whether they held it when they were last read back. */
  readonly onRouters: readonly string[];
  readonly notOnRouters: readonly string[];
}

function placesIn({ config, ledger }: Workplace): (block: Block) => PlacedBlock {
  const holdings = ledger.routerHoldings();
  const written = config.dryRun ? [] : config.routers.filter(({ dryRun }) => !dryRun);
  return (block) => {
    const holding = new Set(holdings.get(block.address) ?? []);
    const family = block.address.includes(':') ? 6 : 4;
    const names = written
      .filter(({ scope }) => scope.families.includes(family) && scope.origins.includes(block.origin))
      .map(({ name }) => name);
    return {
      ...block,
      onRouters: names.filter((name) => holding.has(name)),
      notOnRouters: names.filter((name) => !holding.has(name)),
    };
  };
}

/** `yes`, `no`, or `2/3`; empty when no router is to have it. */
function placeText({ onRouters, notOnRouters }: PlacedBlock): string | null {
  const all = onRouters.length + notOnRouters.length;
  if (all === 0) return null;
  if (onRouters.length === 0) return 'no';
  return notOnRouters.length === 0 ? 'yes' : `${onRouters.length}/${all}`;
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

function asTable(blocks: readonly PlacedBlock[], nowMs: number): string {
  const rows = blocks.map((block) => [
    block.address,
    block.origin,
    block.anomalyType,
    block.riskScore?.toFixed(1) ?? null,
    block.offence,
    timeText(block.createdAtMs),
    durationText(block.expiresAtMs - nowMs),
    placeText(block),
    block.reason,
  ]);
  return renderTable(HEAD, rows);
}
