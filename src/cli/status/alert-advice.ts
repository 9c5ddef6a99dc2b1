/** The next step for each alert the daemon raises; a code that is also an error has its step in the error table. */
const ADVICE: Readonly<Record<string, string>> = {
  PROTECTED_SOURCE:
    'look at that host: it behaved like an attacker and is never blocked (`autoblock routers protected` says why)',
  MASS_REMOVAL_HELD:
    'find out why so many blocks would go (clock, ledger); `autoblock sync --dry-run`, then `autoblock sync --confirm-removal`',
  ROUTER_LIST_CAPPED:
    'raise maxEntries (ROUTER_MAX_ENTRIES) if the router has the memory, or remove blocks that are not needed',
  FOREIGN_ENTRY_DISABLED:
    'somebody disabled an entry by hand: enable it, remove it, or lift the block, with the commands above',
  PROTECTED_BLOCK_WITHDRAWN:
    'nothing need be done: the block was lifted; `autoblock routers protected` says what protects the address',
  ROUTER_BREAKER_OPEN: 'look at the router: `autoblock routers check`',
  BLOCK_CAP_REACHED:
    'see `autoblock review list`: what was over MAX_BLOCKS_PER_RUN waits there for a decision',
  TOTAL_CAP_REACHED: 'see `autoblock review list`: what was over MAX_BLOCKS_TOTAL waits there for a decision',
  ROUTER_CAP_REACHED: 'see `autoblock review list`: what no router has room for waits there for a decision',
};

export function alertAdvice(code: string): string {
  return ADVICE[code.toUpperCase()] ?? 'see the log lines with this code';
}
