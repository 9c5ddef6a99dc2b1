import type { LedgerDatabase } from './ledger-database.ts';

/** Which wanted addresses each router held when it was last read back. */
export interface RouterHoldingRows {
  has(held: { router: string; addresses: readonly string[] }): boolean;
  /** The whole of what was read back. */
  record(held: { router: string; addresses: readonly string[] }): void;
  /** Address → names of the routers, by name. */
  list(): Map<string, string[]>;
  /** Forgets those of routers the ledger knows no more. */
  prune(): number;
}

export function routerHoldingRows(db: LedgerDatabase): RouterHoldingRows {
  const known = db.prepare<[string], string>('SELECT address FROM router_holdings WHERE router = ?').pluck();
  const put = db.prepare<[string, string]>('INSERT INTO router_holdings (router, address) VALUES (?, ?)');
  const drop = db.prepare<[string, string]>('DELETE FROM router_holdings WHERE router = ? AND address = ?');
  const list = db
    .prepare<[], [address: string, router: string]>(
      'SELECT address, router FROM router_holdings ORDER BY router',
    )
    .raw();
  const prune = db.prepare(
    'DELETE FROM router_holdings WHERE router NOT IN (SELECT router FROM router_state)',
  );
  return {
    has({ router, addresses }) {
      const before = new Set(known.all(router));
      return before.size === addresses.length && addresses.every((address) => before.has(address));
    },
    record({ router, addresses }) {
      const gone = new Set(known.all(router));
      const fresh = [...new Set(addresses)].filter((address) => !gone.delete(address));
      for (const address of gone) drop.run(router, address);
      for (const address of fresh) put.run(router, address);
    },
    list() {
      const routersOf = new Map<string, string[]>();
      for (const [address, router] of list.all()) {
        const routers = routersOf.get(address);
        if (routers === undefined) routersOf.set(address, [router]);
        else routers.push(router);
      }
      return routersOf;
    },
    prune: () => prune.run().changes,
  };
}
