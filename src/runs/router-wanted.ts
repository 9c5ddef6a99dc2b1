import { type Block, LIFTED_BY_PROTECTION } from '../decisions/block.ts';
import { type Protection, type ProtectionFinding, protectionOf } from '../decisions/protected-networks.ts';
import type { RemovalFacts } from '../decisions/removal-reasons.ts';
import { AutoblockError } from '../errors.ts';
import type { RouterSyncParts } from './router-sync-parts.ts';

type WantedParts = Pick<RouterSyncParts, 'ledger' | 'logger' | 'protection'>;

/** What the ledger wants of the routers now; nothing while blocking is paused. */
export function readWanted(
  parts: WantedParts,
  { nowMs, isDryRun }: { nowMs: number; isDryRun: boolean },
): { blocks: readonly Block[]; isPaused: boolean; facts: RemovalFacts } {
  const { ledger } = parts;
  const protection = parts.protection();
  const isPaused = ledger.pause() !== null;
  const active = ledger.activeBlocks(nowMs);
  const blocks = active.filter((block) => {
    const found = protectionOf(protection, block.address);
    if (found !== null) withdraw(parts, { address: block.address, found, nowMs, isDryRun });
    return found === null;
  });
  return { blocks: isPaused ? [] : blocks, isPaused, facts: factsOf(parts, { protection, active }) };
}

function factsOf(
  { ledger }: WantedParts,
  { protection, active }: { protection: Protection; active: readonly Block[] },
): RemovalFacts {
  let blocked: Set<string> | null = null;
  return {
    everBlocked: (addresses) => ledger.everBlocked(addresses),
    liftedByOperator: (addresses) => ledger.liftedByOperator(addresses),
    protectionOf: (address) => protectionOf(protection, address),
    isBlocked(address) {
      blocked ??= new Set(active.map((block) => block.address));
      return blocked.has(address);
    },
  };
}

/** Second look before every push: an address that became protected since the decision is lifted, not pushed. */
function withdraw(
  { ledger, logger }: WantedParts,
  {
    address,
    found,
    nowMs,
    isDryRun,
  }: { address: string; found: ProtectionFinding; nowMs: number; isDryRun: boolean },
): void {
  const code = 'PROTECTED_BLOCK_WITHDRAWN';
  logger.warn(
    { code, address, why: found.why, dryRun: isDryRun },
    'block withdrawn before the push: its address is protected',
  );
  if (isDryRun) return;
  try {
    ledger.liftBlock({ address, actor: LIFTED_BY_PROTECTION, nowMs });
    ledger.raiseAlert({
      code,
      subject: address,
      message: `was blocked, but is protected: ${found.why}`,
      nowMs,
    });
  } catch (thrown) {
    // Lifted by another process meanwhile, or a full disk: no reason to leave the routers alone.
    const code = thrown instanceof AutoblockError ? thrown.code : 'INTERNAL';
    logger.error(
      { code, address, err: thrown },
      'protected block not lifted in the ledger; it is not pushed',
    );
  }
}
