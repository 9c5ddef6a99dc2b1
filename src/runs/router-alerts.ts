import type { RouterPlan } from '../decisions/router-plan.ts';
import type { RefusedChange, RouterSyncParts } from './router-sync-parts.ts';

const ALERT_CODES = ['MASS_REMOVAL_HELD', 'ROUTER_LIST_CAPPED', 'FOREIGN_ENTRY_DISABLED'] as const;

type AlertCode = (typeof ALERT_CODES)[number];

/** A router taken out of the configuration is synced no more: nobody else would take its alerts back. */
export function clearAlertsOfRoutersGone({
  ledger,
  routers,
  nowMs,
}: {
  ledger: Pick<RouterSyncParts['ledger'], 'clearAlert'> & {
    alerts(): readonly { readonly code: string; readonly subject: string }[];
  };
  /** Names of those there are. */
  routers: readonly string[];
  nowMs: number;
}): void {
  const codes: ReadonlySet<string> = new Set(ALERT_CODES);
  for (const { code, subject } of ledger.alerts()) {
    if (codes.has(code) && !routers.includes(subject)) ledger.clearAlert({ code, subject, nowMs });
  }
}

/** Says what a router is not brought up to for a person's sake: once, and again when it changes, not at each sync. */
export function tellHeldBack(
  parts: RouterSyncParts,
  { router, plan }: { router: string; plan: RouterPlan },
): void {
  setAlert(parts, { code: 'MASS_REMOVAL_HELD', router, message: massRemovalText(router, plan) });
  setAlert(parts, { code: 'FOREIGN_ENTRY_DISABLED', router, message: disabledText(plan) });
  tellUnknown(parts, { router, plan });
}

const NAMED_ENTRIES = 5;

/** Whoever disabled an entry may have meant that the address is to pass: it is his to say, not ours to undo. */
function disabledText({ foreignDisabled }: RouterPlan): string | null {
  const [first] = foreignDisabled;
  if (first === undefined) return null;
  const named = foreignDisabled.slice(0, NAMED_ENTRIES).map(({ address }) => address);
  const rest =
    foreignDisabled.length > named.length ? ` and ${foreignDisabled.length - named.length} more` : '';
  const menu = first.address.includes(':') ? '/ipv6 firewall address-list' : '/ip firewall address-list';
  const entry = `[find list="${first.list}" address="${first.printed}"]`;
  return (
    `not blocked, for a disabled entry of somebody else is in the way: ${named.join(', ')}${rest}; ` +
    `\`${menu} enable ${entry}\` to block, \`${menu} remove ${entry}\` to leave it to us, ` +
    `or \`autoblock blocks remove ${first.address}\` to let it pass`
  );
}

function massRemovalText(router: string, { massRemoval, held }: RouterPlan): string | null {
  if (massRemoval === null) return null;
  const { found, wanted } = massRemoval;
  return (
    `${held.length} of ${found} entries would leave the router at once although nobody lifted them ` +
    `(the ledger wants ${wanted}): check the clock of this machine and the ledger; they stay until they run out, ` +
    `or until \`autoblock sync --confirm-removal --router '${router}'\``
  );
}

/** What a router has no room for: by our limit, or by its own, which may lie below. */
export function tellCapped(
  parts: RouterSyncParts,
  left: { router: string; plan: RouterPlan; refused: readonly RefusedChange[] },
): void {
  setAlert(parts, { code: 'ROUTER_LIST_CAPPED', router: left.router, message: cappedText(left) });
}

function cappedText({
  plan: { capped },
  refused,
}: {
  plan: RouterPlan;
  refused: readonly RefusedChange[];
}): string | null {
  if (refused.some(({ meaning }) => meaning === 'list_full'))
    return `${refused.length + capped.length} blocks are not on the router: it says that its list is full`;
  const [first] = capped;
  if (first === undefined) return null;
  return `${capped.length} blocks are not on the router: ${first.why}`;
}

function setAlert(
  { ledger, logger, memoryOf, nowMs }: RouterSyncParts,
  { code, router, message }: { code: AlertCode; router: string; message: string | null },
): void {
  const { alerts } = memoryOf(router);
  if (alerts.get(code) === message) return;
  if (message === null) {
    ledger.clearAlert({ code, subject: router, nowMs: nowMs() });
    if (typeof alerts.get(code) === 'string') logger.info({ router, alert: code }, 'router alert is over');
  } else {
    logger.error({ code, router, why: message }, SENTENCES[code]);
    ledger.raiseAlert({ code, subject: router, message, nowMs: nowMs() });
  }
  alerts.set(code, message);
}

const SENTENCES: Readonly<Record<AlertCode, string>> = {
  MASS_REMOVAL_HELD: 'mass removal held back until an operator confirms it',
  ROUTER_LIST_CAPPED: 'router has no room for every block: the least urgent are left out',
  FOREIGN_ENTRY_DISABLED: 'blocks are not in force: disabled entries of others are in their way',
};

function tellUnknown(
  { logger, memoryOf }: RouterSyncParts,
  { router, plan }: { router: string; plan: RouterPlan },
): void {
  const memory = memoryOf(router);
  const { unknownTold } = memory;
  memory.unknownTold = new Set(plan.unknown);
  if (plan.unknown.every((address) => unknownTold.has(address))) return;
  logger.info(
    { code: 'UNKNOWN_ENTRIES', router, entries: plan.unknown.length },
    'entries under our mark that this ledger never made are left to expire',
  );
}
