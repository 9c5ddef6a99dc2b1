import { AutoblockError, EXIT } from '../../errors.ts';
import { canonicalText } from '../../ip/address.ts';
import type { Ledger } from '../../storage/ledger.ts';
import {
  AUDIT_ACTIONS,
  type AuditAction,
  type AuditQuery,
  type AuditRecord,
} from '../../storage/ledger-audit.ts';
import { auditTable } from '../audit-text.ts';
import { type Command, type Invocation, pointInPast, wholeNumber } from '../command.ts';
import { withWorkplace } from '../session.ts';

const DEFAULT_LIMIT = 50;
const MOST_RECORDS = 1_000_000;
const PAGE_RECORDS = 10_000;

export const auditCommand: Command = {
  name: 'audit',
  summary: 'who changed what, when and why: every push, removal, approval and manual action',
  usage: [
    'audit [--since T] [--until T] [--router NAME] [--address ADDRESS] [--actor NAME] [--action ACTION]...',
    '      [--limit N] [--json]',
  ],
  details: [
    'Newest first. What a router is said to hold was read back from it. T is an ISO 8601 time, a date (its start in UTC)',
    'or how long ago, such as 90m, 24h or 7d. --address also finds networks that touch it. The daemon signs as autoblock.',
    'With --json one JSON object a line. Works without PostgreSQL; kept for AUDIT_DAYS.',
    '',
    `Actions: ${AUDIT_ACTIONS.slice(0, 6).join(', ')},`,
    `${AUDIT_ACTIONS.slice(6, 13).join(', ')},`,
    `${AUDIT_ACTIONS.slice(13).join(', ')}.`,
  ].join('\n'),
  options: {
    since: { type: 'string', placeholder: 'T', description: 'from this time on' },
    until: { type: 'string', placeholder: 'T', description: 'before this time' },
    router: { type: 'string', placeholder: 'NAME', description: 'only what happened on this router' },
    address: { type: 'string', placeholder: 'ADDRESS', description: 'only this address or network' },
    actor: { type: 'string', placeholder: 'NAME', description: 'only what this person or autoblock did' },
    action: {
      type: 'string',
      multiple: true,
      placeholder: 'ACTION',
      description: 'only this action; several times for several',
    },
    limit: {
      type: 'string',
      placeholder: 'N',
      description: `at most N records (default ${DEFAULT_LIMIT}, up to ${MOST_RECORDS})`,
    },
    json: { type: 'boolean', description: 'JSON lines on stdout' },
  },
  examples: [
    'autoblock audit --since 24h --actor alice',
    'autoblock audit --address 203.0.113.7',
    'autoblock audit --router core --action entry_removed --limit 1000 --json | jq .address',
  ],
  run(invocation) {
    const query = auditQuery(invocation);
    return withWorkplace(invocation, ({ ledger }) => {
      if (invocation.flag('json')) printLines(invocation, ledger, query);
      else printTable(invocation, ledger, query);
      return Promise.resolve(EXIT.ok);
    });
  },
};

type AuditLedger = Pick<Ledger, 'audit'>;

/** Page by page: a push of 28,700 entries is as many records, and nobody needs all of them in memory at once. */
function* pagesOf(ledger: AuditLedger, query: AuditQuery): Generator<AuditRecord[]> {
  let wanted = query.limit;
  let beforeId: number | undefined;
  while (wanted > 0) {
    const limit = Math.min(wanted, PAGE_RECORDS);
    const page = ledger.audit({ ...query, limit, ...(beforeId === undefined ? {} : { beforeId }) });
    if (page.length > 0) yield page;
    if (page.length < limit) return;
    wanted -= page.length;
    beforeId = page.at(-1)?.id;
  }
}

function printLines({ output }: Invocation, ledger: AuditLedger, query: AuditQuery): void {
  for (const page of pagesOf(ledger, query))
    output.out(page.map((record) => JSON.stringify(record)).join('\n'));
}

function printTable({ output }: Invocation, ledger: AuditLedger, query: AuditQuery): void {
  const records = [...pagesOf(ledger, query)].flat();
  output.out(records.length === 0 ? 'no such record' : auditTable(records));
  if (records.length === query.limit)
    output.err(`only the latest ${query.limit} are shown: ask for more with --limit`);
}

function auditQuery(invocation: Invocation): AuditQuery {
  const nowMs = invocation.nowMs();
  const fromMs = pointInPast('since', invocation.text('since'), nowMs);
  const toMs = pointInPast('until', invocation.text('until'), nowMs);
  const address = addressAsked(invocation.text('address'));
  const [router, actor] = [invocation.text('router'), invocation.text('actor')];
  const actions = actionsAsked(invocation.texts('action'));
  return {
    ...(fromMs === null ? {} : { fromMs }),
    ...(toMs === null ? {} : { toMs }),
    ...(address === null ? {} : { address }),
    ...(router === undefined ? {} : { router }),
    ...(actor === undefined ? {} : { actor }),
    ...(actions.length === 0 ? {} : { actions }),
    limit: wholeNumber('limit', invocation.text('limit'), {
      fallback: DEFAULT_LIMIT,
      min: 1,
      max: MOST_RECORDS,
    }),
  };
}

function addressAsked(text: string | undefined): string | null {
  if (text === undefined) return null;
  const address = canonicalText(text);
  if (address === null)
    throw new AutoblockError('ADDRESS_INVALID', `--address: "${text}" is neither an address nor a network`);
  return address;
}

function actionsAsked(texts: readonly string[]): AuditAction[] {
  const unknown = texts.filter((text) => !AUDIT_ACTIONS.some((action) => action === text));
  if (unknown.length > 0)
    throw new AutoblockError(
      'USAGE',
      `--action: got ${unknown.map((text) => `"${text}"`).join(', ')}, wanted ${AUDIT_ACTIONS.join(', ')}`,
    );
  return AUDIT_ACTIONS.filter((action) => texts.includes(action));
}
