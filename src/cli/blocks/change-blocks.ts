import type { Workplace } from '../../daemon/workplace.ts';
import { indexNetworks, networksHolding } from '../../decisions/network-index.ts';
import { AutoblockError } from '../../errors.ts';
import { parseNetwork } from '../../ip/address.ts';
import { type Invocation, LONGEST_BLOCK_SECONDS, wholeNumber } from '../command.ts';
import { firstFew } from '../first-few.ts';
import { refuseWhilePaused } from '../pause-text.ts';
import { pushNow } from '../push-now.ts';
import { actorName } from '../session.ts';
import { timeText } from '../tables.ts';
import { report } from './report.ts';

interface ChangeRequest {
  readonly workplace: Workplace;
  readonly addresses: readonly string[];
}

/** Lifts all of `addresses`, or none when one of them is not blocked. Works while paused too: it takes back, it adds nothing. */
export function removeBlocks(invocation: Invocation, request: ChangeRequest): Promise<number> {
  const { ledger, nowMs } = request.workplace;
  const { standing, missing } = standingAmong(invocation, request);
  const blocks = ledger.liftBlocks({
    addresses: standing,
    actor: actorName(),
    ...reasonOf(invocation),
    nowMs: nowMs(),
  });
  report(invocation, {
    json: { blocks, skipped: missing },
    lines: blocks.map(({ address }) => `${address} lifted`),
    total: `${blocks.length} lifted`,
  });
  tellSkipped(invocation, missing);
  tellStillCovered(invocation, request);
  return pushNow(invocation, request.workplace);
}

/** Lets blocks stand for at least `--seconds` from now; none is shortened. All of `addresses` or none. */
export function extendBlocks(invocation: Invocation, request: ChangeRequest): Promise<number> {
  const { config, ledger, nowMs } = request.workplace;
  const limits = { fallback: config.blockSeconds, min: 60, max: LONGEST_BLOCK_SECONDS };
  const seconds = wholeNumber('seconds', invocation.text('seconds'), limits);
  refuseWhilePaused(ledger.pause());
  const { standing, missing } = standingAmong(invocation, request);
  const blocks = ledger.extendBlocks({
    addresses: standing,
    seconds,
    actor: actorName(),
    ...reasonOf(invocation),
    nowMs: nowMs(),
  });
  report(invocation, {
    json: { blocks, skipped: missing },
    lines: blocks.map(({ address, expiresAtMs }) => `${address} blocked until ${timeText(expiresAtMs)}`),
    total: `${blocks.length} extended`,
  });
  tellSkipped(invocation, missing);
  return pushNow(invocation, request.workplace);
}

/** @throws AutoblockError NOT_FOUND when one is not blocked, unless `--skip-missing` */
function standingAmong(
  invocation: Invocation,
  { workplace, addresses }: ChangeRequest,
): { standing: string[]; missing: string[] } {
  const coveredBy = coverIn(workplace);
  const active = new Set(workplace.ledger.activeBlocks(workplace.nowMs()).map(({ address }) => address));
  const missing = addresses.filter((address) => !active.has(address));
  if (missing.length > 0 && !invocation.flag('skip-missing')) {
    const count = missing.length > 3 ? `${missing.length} of ${addresses.length}; nothing was done` : '';
    throw new AutoblockError('NOT_FOUND', `not blocked: ${count}${firstFew(missing.map(coveredBy.text))}`);
  }
  return { standing: addresses.filter((address) => active.has(address)), missing };
}

interface Cover {
  /** The smallest other network block the address lies in; null when there is none. */
  readonly of: (address: string) => string | null;
  /** The address, with that network. */
  readonly text: (address: string) => string;
}

/** Who lifts one address out of a blocked network has to hear that it stays blocked. */
function coverIn({ ledger, nowMs }: Workplace): Cover {
  const networks = indexNetworks(ledger.activeBlocks(nowMs()).map(({ address }) => address));
  const of = (address: string): string | null => {
    const asked = parseNetwork(address);
    const around =
      asked === null ? [] : networksHolding(networks, asked).filter(({ text }) => text !== address);
    return around.sort((a, b) => b.prefixLength - a.prefixLength)[0]?.text ?? null;
  };
  return {
    of,
    text(address) {
      const network = of(address);
      return network === null ? address : `${address} by itself, but inside ${network}, which is blocked`;
    },
  };
}

function tellStillCovered(invocation: Invocation, { workplace, addresses }: ChangeRequest): void {
  const coveredBy = coverIn(workplace);
  const covered = addresses.flatMap((address) => {
    const network = coveredBy.of(address);
    return network === null ? [] : [`${address} by ${network}`];
  });
  if (covered.length > 0)
    invocation.output.err(
      `still blocked with their network (\`autoblock blocks remove\` it to free them): ${firstFew(covered)}`,
    );
}

function tellSkipped(invocation: Invocation, missing: readonly string[]): void {
  if (missing.length > 0 && !invocation.flag('json'))
    invocation.output.err(`${missing.length} skipped, not blocked: ${firstFew(missing)}`);
}

function reasonOf(invocation: Invocation): { reason?: string } {
  const reason = invocation.text('reason');
  return reason === undefined ? {} : { reason };
}
