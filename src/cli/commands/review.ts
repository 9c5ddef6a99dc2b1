import type { Workplace } from '../../daemon/workplace.ts';
import { DEFAULT_REJECTION_SECONDS, type ReviewItem, type ReviewStatus } from '../../decisions/block.ts';
import { protectionOf } from '../../decisions/protected-networks.ts';
import type { Reason } from '../../detector/detection.ts';
import { AutoblockError, EXIT } from '../../errors.ts';
import { overlaps, parseNetwork } from '../../ip/address.ts';
import {
  type Command,
  type Invocation,
  LONGEST_BLOCK_SECONDS,
  refuseOperands,
  wholeNumber,
} from '../command.ts';
import { refuseWhilePaused } from '../pause-text.ts';
import { deliverOrDefer, pushNow } from '../push-now.ts';
import { reasonText } from '../reason-text.ts';
import { actorName, withWorkplace } from '../session.ts';
import { oneLine, renderTable, timeText } from '../tables.ts';

const STATUSES: readonly ReviewStatus[] = ['pending', 'approved', 'rejected', 'expired'];

export const reviewCommand: Command = {
  name: 'review',
  summary: 'the queue of medium-confidence sources: look, approve (block) or reject (false positive)',
  usage: [
    'review list [--status pending|approved|rejected|expired|all] [--json]',
    'review show ID|ADDRESS [--json]',
    'review approve ID|ADDRESS... [--seconds N] [--note TEXT] [--json]',
    'review reject ID|ADDRESS... [--note TEXT] [--json]',
  ],
  details: [
    'approve blocks the address and syncs the routers. reject marks its detections as false positives; while the',
    'rejection stands (30 days) the address is neither queued nor blocked again by itself; an automatic block of the',
    'network around it is lifted, one that a person made is named with the command that lifts it. While blocking is paused',
    '(`autoblock panic`) approve is refused with exit code 4. Who decided and the note are kept (`autoblock audit`).',
  ].join('\n'),
  options: {
    status: { type: 'string', placeholder: 'STATUS', description: 'which items to list (default pending)' },
    seconds: { type: 'string', placeholder: 'N', description: 'length of the block (default BLOCK_SECONDS)' },
    note: { type: 'string', placeholder: 'TEXT', description: 'kept with the decision' },
    json: { type: 'boolean', description: 'JSON on stdout' },
  },
  operands: true,
  examples: [
    'autoblock review list',
    'autoblock review show 203.0.113.7',
    'autoblock review approve 12 13 --note "known scanner"',
  ],
  run(invocation) {
    const [verb, ...targets] = invocation.positionals;
    return withWorkplace(invocation, async (workplace) => {
      workplace.ledger.expireDue(workplace.nowMs());
      switch (verb) {
        case 'list':
          refuseOperands('review list', targets);
          return list(invocation, workplace);
        case 'show':
          return show(invocation, { workplace, targets });
        case 'approve':
          return approve(invocation, { workplace, targets: someTargets(targets) });
        case 'reject':
          return reject(invocation, { workplace, targets: someTargets(targets) });
        default:
          throw new AutoblockError(
            'USAGE',
            `review: got "${verb ?? 'nothing'}", wanted list, show, approve or reject`,
          );
      }
    });
  },
};

function someTargets(targets: readonly string[]): readonly string[] {
  if (targets.length === 0) throw new AutoblockError('USAGE', 'review: no ID or address given');
  return targets;
}

function list(invocation: Invocation, { ledger }: Workplace): number {
  const asked = invocation.text('status') ?? 'pending';
  const status = STATUSES.find((known) => known === asked);
  if (status === undefined && asked !== 'all') {
    throw new AutoblockError('USAGE', `--status: got "${asked}", wanted ${STATUSES.join(', ')} or all`);
  }
  const items = ledger.reviews(status === undefined ? {} : { status });
  if (invocation.flag('json')) {
    invocation.output.out(JSON.stringify(items));
    return EXIT.ok;
  }
  const rows = items.map((item) => [
    item.id,
    item.address,
    item.status,
    item.riskScore.toFixed(1),
    item.anomalyType,
    item.occurrences,
    timeText(item.updatedAtMs),
    item.explanation,
  ]);
  const head = ['ID', 'ADDRESS', 'STATUS', 'RISK', 'TYPE', 'SEEN', 'LAST', 'WHY HERE'];
  invocation.output.out(items.length === 0 ? `no ${asked} items` : renderTable(head, rows));
  return EXIT.ok;
}

function find(workplace: Workplace, target: string): ReviewItem {
  return workplace.ledger.review(/^\d+$/.test(target) ? Number(target) : target);
}

function show(
  invocation: Invocation,
  { workplace, targets }: { workplace: Workplace; targets: readonly string[] },
): number {
  const items = someTargets(targets).map((target) => find(workplace, target));
  if (invocation.flag('json')) invocation.output.out(JSON.stringify(items));
  else for (const item of items) invocation.output.out(describe(item));
  return EXIT.ok;
}

function describe(item: ReviewItem): string {
  const evidence = item.evidence as {
    reasons?: readonly Pick<Reason, 'text' | 'contribution'>[];
    windowStartMs?: number;
    windowEndMs?: number;
  };
  return [
    `#${item.id} ${item.address}: ${item.status}, risk ${item.riskScore.toFixed(1)}, ${item.anomalyType}`,
    `  ${item.explanation}`,
    `  window ${timeText(evidence.windowStartMs ?? null)} to ${timeText(evidence.windowEndMs ?? null)}, seen in ${item.occurrences} ${item.occurrences === 1 ? 'run' : 'runs'}`,
    ...(evidence.reasons ?? []).map((reason) => `  - ${reasonText(reason)}`),
    `  queued ${timeText(item.createdAtMs)}, ${item.status === 'pending' ? 'expires' : 'stands until'} ${timeText(item.expiresAtMs)}`,
    ...(item.decidedAtMs === null
      ? []
      : [
          `  decided ${timeText(item.decidedAtMs)} by ${item.decidedBy ?? '-'}${item.note === null ? '' : `: ${oneLine(item.note)}`}`,
        ]),
  ].join('\n');
}

/** All of them or none: one that was decided before must not leave the others decided and not pushed. */
function undecided(workplace: Workplace, targets: readonly string[]): ReviewItem[] {
  const items = new Map(targets.map((target) => find(workplace, target)).map((item) => [item.id, item]));
  const decided = [...items.values()].filter((item) => item.status !== 'pending');
  if (decided.length > 0) {
    const words = decided.map(
      ({ id, address, status, decidedBy, decidedAtMs, updatedAtMs }) =>
        `review item ${id} (${address}) was ${status}${decidedBy === null ? '' : ` by ${decidedBy}`} at ${timeText(decidedAtMs ?? updatedAtMs)}`,
    );
    throw new AutoblockError('CONFLICT', words.join('; '));
  }
  return [...items.values()];
}

async function approve(
  invocation: Invocation,
  { workplace, targets }: { workplace: Workplace; targets: readonly string[] },
): Promise<number> {
  const { config, ledger, nowMs, protection } = workplace;
  refuseWhilePaused(ledger.pause());
  const blockSeconds = wholeNumber('seconds', invocation.text('seconds'), {
    fallback: config.blockSeconds,
    min: 60,
    max: LONGEST_BLOCK_SECONDS,
  });
  const items = undecided(workplace, targets);
  for (const item of items) {
    const held = protectionOf(protection, item.address);
    if (held !== null)
      throw new AutoblockError('ADDRESS_PROTECTED', `${item.address}: ${held.why} (${held.network})`);
  }
  const json = invocation.flag('json');
  const blocks = items.map(({ id }) => {
    const decision = { id, actor: actorName(), ...noteOf(invocation), blockSeconds, nowMs: nowMs() };
    const block = ledger.approveReview(decision);
    if (!json)
      invocation.output.out(`${block.address} approved: blocked until ${timeText(block.expiresAtMs)}`);
    return block;
  });
  if (json) invocation.output.out(JSON.stringify({ blocks }));
  return pushNow(invocation, workplace);
}

async function reject(
  invocation: Invocation,
  { workplace, targets }: { workplace: Workplace; targets: readonly string[] },
): Promise<number> {
  const { ledger, nowMs } = workplace;
  const items = undecided(workplace, targets);
  const json = invocation.flag('json');
  const before = ledger.activeBlocks(nowMs());
  const rejected = items.map(({ id }) => {
    const decision = { id, actor: actorName(), ...noteOf(invocation), nowMs: nowMs() };
    const item = ledger.rejectReview({ ...decision, standsSeconds: DEFAULT_REJECTION_SECONDS });
    const days = DEFAULT_REJECTION_SECONDS / 86_400;
    if (!json)
      invocation.output.out(`${item.address} rejected: a false positive, left alone for ${days} days`);
    return item;
  });
  const standing = ledger.activeBlocks(nowMs());
  const stillActive = new Set(standing.map(({ id }) => id));
  const lifted = before.filter(({ id, expiresAtMs }) => !stillActive.has(id) && expiresAtMs > nowMs());
  const stillBlocking = standing.filter((block) => items.some((item) => touches(block, item)));
  if (json) invocation.output.out(JSON.stringify({ reviews: rejected, lifted, stillBlocking }));
  else for (const { address } of lifted) invocation.output.out(`${address} lifted with it`);
  for (const { address, origin } of stillBlocking) {
    const by = origin === 'auto' ? 'by itself' : 'by a person';
    invocation.output.err(
      `${address} was blocked ${by} and stays so: to lift it, \`autoblock blocks remove ${address}\``,
    );
  }
  if (lifted.length > 0) return pushNow(invocation, workplace);
  await deliverOrDefer(invocation, workplace);
  return EXIT.ok;
}

function touches(block: { readonly address: string }, item: { readonly address: string }): boolean {
  const [blocked, asked] = [parseNetwork(block.address), parseNetwork(item.address)];
  return blocked !== null && asked !== null && overlaps(blocked, asked);
}

function noteOf(invocation: Invocation): { note?: string } {
  const note = invocation.text('note');
  return note === undefined ? {} : { note };
}
