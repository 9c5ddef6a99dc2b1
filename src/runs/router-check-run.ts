import type { AddressListEntry } from '../decisions/address-list-entry.ts';
import type { Protection } from '../decisions/protected-networks.ts';
import { AutoblockError, messageOf } from '../errors.ts';
import { checkRouter, unreachableFinding } from '../router-check/check-router.ts';
import { type Finding, ok, warn } from '../router-check/finding.ts';
import type { CheckedRouter, RouterSnapshot } from '../router-check/router-snapshot.ts';

interface ProtectedAddress {
  readonly address: string;
  readonly why: string;
}

interface UnreadPart {
  readonly menu: string;
  readonly message: string;
}

/** One router as the doctor asks it: three questions, none of which changes anything. */
export interface RouterToCheck {
  readonly router: CheckedRouter;
  entries(): Promise<readonly AddressListEntry[]>;
  menus(): Promise<RouterSnapshot['menus']>;
  protectedAddresses(onUnread: (part: UnreadPart) => void): Promise<readonly ProtectedAddress[]>;
}

export interface RouterCheckParts {
  readonly routers: readonly RouterToCheck[];
  /** The never-block set of the site, with what a router just told of itself. */
  readonly protectionWith: (told: readonly (ProtectedAddress & { readonly router: string })[]) => Protection;
  /** Beginning of the comments of this ledger's entries. */
  readonly ownMark: string;
  readonly nowMs: () => number;
}

export interface RouterCheckResult {
  readonly router: string;
  /** False: it could not be asked; the one finding says why. */
  readonly answered: boolean;
  /** The worst of its findings. */
  readonly level: Finding['level'];
  readonly findings: readonly Finding[];
}

/** Looks at every router side by side and changes nothing. Never rejects for a router that is away. */
export function runRouterCheck(parts: RouterCheckParts): Promise<RouterCheckResult[]> {
  return Promise.all(parts.routers.map((router) => checkOne(parts, router)));
}

async function checkOne(parts: RouterCheckParts, asked: RouterToCheck): Promise<RouterCheckResult> {
  const { router } = asked;
  try {
    const unread: UnreadPart[] = [];
    const startedAtMs = parts.nowMs();
    const [menus, entries, told] = await Promise.all([
      asked.menus(),
      asked.entries(),
      asked.protectedAddresses((part) => unread.push(part)),
    ]);
    // The clock was asked somewhere between: the middle is off by half the time it took at most.
    const snapshot = { menus, entries, readAtMs: (startedAtMs + parts.nowMs()) / 2 };
    const protection = parts.protectionWith(told.map((found) => ({ ...found, router: router.name })));
    const findings = checkRouter(router, snapshot, { protection, ownMark: parts.ownMark });
    return result({
      router,
      answered: true,
      findings: [...findings, neverBlockFinding(told.length, unread)],
    });
  } catch (thrown) {
    if (!(thrown instanceof AutoblockError)) throw thrown;
    const { code, whatToDo } = thrown;
    const finding = unreachableFinding(router, { code, message: messageOf(thrown), whatToDo });
    return result({ router, answered: code === 'ROUTER_REFUSED', findings: [finding] });
  }
}

function result(of: {
  router: CheckedRouter;
  answered: boolean;
  findings: readonly Finding[];
}): RouterCheckResult {
  const { router, answered, findings } = of;
  const worst = (['error', 'warn'] as const).find((level) => findings.some((found) => found.level === level));
  return { router: router.name, answered, level: worst ?? 'ok', findings };
}

function neverBlockFinding(count: number, unread: readonly UnreadPart[]): Finding {
  const text = `${count} addresses of its own, its gateways, DNS servers and logged-in users are never blocked`;
  if (unread.length === 0) return ok('never-block', text);
  const parts = unread.map(({ menu, message }) => `${menu}: ${message}`).join(', ');
  return warn('never-block', `${text}; not read: ${parts}`);
}
