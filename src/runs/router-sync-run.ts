import type { AddressListEntry } from '../decisions/address-list-entry.ts';
import { ownMark } from '../decisions/address-list-entry.ts';
import { planRouter, type RouterPlan } from '../decisions/router-plan.ts';
import { tellCapped, tellHeldBack } from './router-alerts.ts';
import { carryOutPlan } from './router-push.ts';
import { rebootSeen } from './router-reboot-watch.ts';
import { concludeDryRun, concludeSync, failSync } from './router-sync-conclusion.ts';
import type { ProtectedAddress, RouterSyncParts, RouterSyncResult, SyncRouter } from './router-sync-parts.ts';
import { readWanted } from './router-wanted.ts';
import { withDeadline } from './sync-deadline.ts';

/**
 * Makes every router's list equal the ledger: read, compare, apply, read back. Routers are independent: one that is
 * away keeps its own error and is caught up by the next sync. Safe to repeat and safe to interrupt anywhere.
 */
export async function runRouterSync({
  routers,
  ...parts
}: RouterSyncParts & { readonly routers: readonly SyncRouter[] }): Promise<RouterSyncResult[]> {
  // Without a router the ledger still takes back what became protected.
  if (routers.length === 0) readWanted(parts, { nowMs: parts.nowMs(), isDryRun: parts.dryRun });
  return Promise.all(routers.map((router) => syncRouter(parts, router)));
}

/** One router; never rejects, and never takes longer than the deadline. */
export async function syncRouter(parts: RouterSyncParts, router: SyncRouter): Promise<RouterSyncResult> {
  const startedAtMs = parts.monotonicMs();
  try {
    return await withDeadline(parts, router, () => syncOnce(parts, { router, startedAtMs }));
  } catch (thrown) {
    return failSync(parts, { router: router.name, thrown, startedAtMs });
  }
}

interface Pass {
  readonly router: SyncRouter;
  readonly startedAtMs: number;
}

async function syncOnce(parts: RouterSyncParts, pass: Pass): Promise<RouterSyncResult> {
  const { router } = pass;
  const seen = await readRouter(parts, router);
  const reboot = rebootSeen(parts, { router: router.name, startedAtMs: pass.startedAtMs, ...seen });
  const planned = planOf(parts, router, seen.entries);
  if (planned.isDryRun) return concludeDryRun(parts, { ...pass, ...planned });

  tellHeldBack(parts, { router: router.name, plan: planned.plan });
  const pushed = await carryOutPlan(parts, { ...pass, ...planned, before: seen.entries });
  tellCapped(parts, { router: router.name, ...planned, ...pushed });
  const result = concludeSync(parts, { ...pass, ...planned, ...pushed, ...seen, reboot });
  return isOvertaken(parts, planned) ? await syncOnce(parts, pass) : result;
}

interface SeenRouter {
  readonly entries: readonly AddressListEntry[];
  readonly facts: { readonly version: string; readonly uptimeSeconds: number };
  readonly neverBlock: readonly ProtectedAddress[];
  /** When the uptime was told, monotonic ms. */
  readonly readAtMs: number;
}

/** Far within the day the ledger keeps what a router no longer reports. */
const WRITE_AGAIN_MS = 3_600_000;

/** Everything is asked side by side, over one session: it costs the time of the longest answer. */
async function readRouter(parts: RouterSyncParts, router: SyncRouter): Promise<SeenRouter> {
  const told = router.facts().then((facts) => ({ facts, readAtMs: parts.monotonicMs() }));
  const [{ facts, readAtMs }, neverBlock, entries] = await Promise.all([
    told,
    parts.neverBlockOf(router),
    router.read(),
  ]);
  const memory = parts.memoryOf(router.name);
  const text = JSON.stringify(neverBlock);
  // Another process may have written meanwhile that an address was gone which is there again.
  const isOld = readAtMs - memory.neverBlockAtMs >= WRITE_AGAIN_MS;
  if (!isDry(parts, router.name) && (memory.neverBlock !== text || isOld)) {
    parts.ledger.recordRouterProtected({ router: router.name, entries: neverBlock, nowMs: parts.nowMs() });
    memory.neverBlock = text;
    memory.neverBlockAtMs = readAtMs;
  }
  return { entries, facts, neverBlock, readAtMs };
}

function isDry(parts: RouterSyncParts, router: string): boolean {
  return parts.dryRun || parts.settingsOf(router).dryRun;
}

interface Planned {
  readonly plan: RouterPlan;
  readonly wanted: readonly string[];
  /** Wanted addresses whose block was never read back from any router. */
  readonly unconfirmed: readonly string[];
  readonly isPaused: boolean;
  readonly isDryRun: boolean;
  readonly mark: string;
}

/**
 * The ledger is read after the router's list: what another process blocked and pushed meanwhile was in the ledger
 * before it was on the list, so it is never taken for stale.
 */
function planOf(parts: RouterSyncParts, { name }: SyncRouter, current: readonly AddressListEntry[]): Planned {
  const { ledger, maxRemovalShare } = parts;
  const nowMs = parts.nowMs();
  const isDryRun = isDry(parts, name);
  const { blocks, isPaused, facts } = readWanted(parts, { nowMs, isDryRun });
  const mark = ownMark(ledger.id);
  const settings = parts.settingsOf(name);
  const input = { blocks, isPaused, current, mark, maxRemovalShare, facts, nowMs, ...settings };
  const careful = planRouter({ ...input, isConfirmed: false });
  // An operator's word is used up by what it lets go, not by a sync that has nothing to ask.
  const isConfirmed =
    !isDryRun &&
    careful.plan.held.length > 0 &&
    ledger.takeRemovalConfirmation({ router: name, nowMs }) !== null;
  const { plan, wanted } = isConfirmed ? planRouter({ ...input, isConfirmed }) : careful;
  const fresh = new Set(
    blocks.filter(({ confirmedAtMs }) => confirmedAtMs === null).map(({ address }) => address),
  );
  const unconfirmed = fresh.size === 0 ? [] : wanted.filter((address) => fresh.has(address));
  return { plan, wanted, unconfirmed, isPaused, isDryRun, mark };
}

/** An operator lifted what was just added, or panicked: another pass takes it off, each pass needs another word of his. */
function isOvertaken({ ledger, nowMs }: RouterSyncParts, { plan, isPaused }: Planned): boolean {
  if (plan.add.length === 0) return false;
  if (!isPaused && ledger.pause() !== null) return true;
  const active = new Set(ledger.activeBlocks(nowMs()).map((block) => block.address));
  return plan.add.some(({ address }) => !active.has(address));
}
