import type { Workplace } from '../../daemon/workplace.ts';
import { AutoblockError, EXIT } from '../../errors.ts';
import { collectProtected, type UnreadPart } from '../../routers/protected-addresses.ts';
import type { Invocation } from '../command.ts';
import { renderTable, timeText } from '../tables.ts';
import { type ChosenRouter, chosenRouters } from './chosen-routers.ts';

interface ProtectedLine {
  readonly address: string;
  readonly why: string;
  /** Null: told just now. */
  readonly seenAtMs: number | null;
}

interface RouterPart {
  readonly router: string;
  /** Asked just now; otherwise what the ledger remembers. */
  readonly live: boolean;
  readonly error: string | null;
  readonly unread: readonly UnreadPart[];
  readonly addresses: readonly ProtectedLine[];
}

/** The never-block set by source: routers asked now, or as the ledger remembers them. Exit code 3 when one is away. */
export async function showProtected(
  invocation: Invocation,
  workplace: Workplace,
  names: readonly string[],
): Promise<number> {
  const { config, site } = workplace;
  const hasRouters = names.length > 0 || config.routers.length > 0;
  const chosen = hasRouters ? chosenRouters(workplace, names) : [];
  const routers = await Promise.all(chosen.map((router) => routerPart(workplace, router)));
  const set = {
    site: site.hosts(),
    allowlist: config.allowlist,
    internalNetworks: config.blockInternal ? [] : config.internalNetworks,
    routers,
  };
  invocation.output.out(invocation.flag('json') ? JSON.stringify(set) : asText(set));
  return routers.every(({ live }) => live) ? EXIT.ok : EXIT.unavailable;
}

async function routerPart({ ledger }: Workplace, { config, connection }: ChosenRouter): Promise<RouterPart> {
  const router = config.name;
  const remembered = ledger.routerProtected().filter((entry) => entry.router === router);
  const unread: UnreadPart[] = [];
  try {
    const told = await collectProtected((menu, options) => connection.print(menu, options), {
      onUnread: (part) => unread.push(part),
    });
    const now = new Set(told.map(({ address }) => address));
    const addresses = [
      ...told.map((entry) => ({ ...entry, seenAtMs: null })),
      ...remembered.filter(({ address }) => !now.has(address)),
    ];
    return { router, live: true, error: null, unread, addresses };
  } catch (thrown) {
    if (!(thrown instanceof AutoblockError)) throw thrown;
    return { router, live: false, error: thrown.message, unread, addresses: remembered };
  }
}

function asText(set: {
  site: readonly { address: string; why: string }[];
  allowlist: readonly string[];
  internalNetworks: readonly string[];
  routers: readonly RouterPart[];
}): string {
  const rows = [
    ...set.site.map(({ address, why }) => ['site', address, why, 'now']),
    ...set.allowlist.map((network) => ['ALLOWLIST', network, 'allowlist', 'setting']),
    ...set.internalNetworks.map((network) => ['INTERNAL_NETWORKS', network, 'internal network', 'setting']),
    ...set.routers.flatMap(({ router, addresses }) =>
      addresses.map(({ address, why, seenAtMs }) => [
        router,
        address,
        why,
        seenAtMs === null ? 'now' : timeText(seenAtMs),
      ]),
    ),
  ];
  return [
    renderTable(['SOURCE', 'ADDRESS', 'WHY', 'SEEN'], rows),
    'and always: loopback, link-local, private, carrier-grade NAT, multicast, reserved and unspecified ranges',
    ...set.routers.flatMap(problemLines),
  ].join('\n');
}

function problemLines({ router, error, unread }: RouterPart): string[] {
  return [
    ...(error === null ? [] : [`${router}: not asked now, shown as remembered: ${error}`]),
    ...unread.map(({ menu, message }) => `${router}: ${menu} not read: ${message}`),
  ];
}
