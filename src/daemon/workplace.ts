import { mkdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/load-config.ts';
import { buildProtection, type Protection } from '../decisions/protected-networks.ts';
import { canonicalText } from '../ip/address.ts';
import { membershipTest } from '../ip/network-set.ts';
import type { Logger } from '../logger.ts';
import { type AddressListConnection, createAddressListRouter } from '../routers/address-list-sync.ts';
import { type Ledger, openLedger } from '../storage/ledger.ts';
import { type ModelRegistry, openModelRegistry } from '../storage/model-registry.ts';
import { type Closers, createClosers } from './closers.ts';
import { createDatabase, type Database } from './database.ts';

/** Everything a command or the daemon works with, opened in one place and closed in reverse. */
export interface Workplace {
  readonly config: Config;
  readonly logger: Logger;
  readonly ledger: Ledger;
  readonly registry: ModelRegistry;
  readonly database: Database;
  readonly routers: readonly AddressListConnection[];
  readonly protection: Protection;
  readonly isInternal: (ip: string) => boolean;
  readonly nowMs: () => number;
  readonly closers: Closers;
}

const CLOSE_DEADLINE_MS = 20_000;

/** Opens the state; PostgreSQL and routers are connected by their first use, because either may be away. */
export function openWorkplace(parts: { config: Config; logger: Logger; nowMs: () => number }): Workplace {
  const { config, logger, nowMs } = parts;
  const closers = createClosers({ logger, deadlineMs: CLOSE_DEADLINE_MS });
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });

  const ledger = openLedger({ path: join(config.stateDir, 'ledger.sqlite'), logger });
  closers.add('ledger', () => ledger.close());
  const registry = openModelRegistry({ directory: config.modelsDir, logger });

  const database = createDatabase({ config, logger });
  closers.add('database', () => database.close());

  const routers = config.routers.map((router) =>
    createAddressListRouter({
      name: router.name,
      host: router.host,
      port: router.port,
      user: router.user,
      password: router.password,
      tls: router.tls ? (router.caPem === null ? true : { ca: router.caPem }) : false,
      addressList: router.addressList,
    }),
  );
  for (const router of routers) closers.add(`router ${router.name}`, () => router.close());

  return {
    config,
    logger,
    ledger,
    registry,
    database,
    routers,
    protection: buildProtection({
      internalNetworks: config.internalNetworks,
      allowlist: config.allowlist,
      extraProtected: ownAndPeerAddresses(config),
    }),
    isInternal: membershipTest(config.internalNetworks),
    nowMs,
    closers,
  };
}

/** This machine, the routers and the database host must stay reachable whatever the traffic looks like. */
function ownAndPeerAddresses(config: Config): { address: string; why: string }[] {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => ({ address, why: 'address of this server' }));
  const routers = config.routers.map(({ name, host }) => ({
    address: host,
    why: `address of router ${name}`,
  }));
  const database = databaseHosts(config.databaseUrl).map((address) => ({ address, why: 'database host' }));
  return [...own, ...routers, ...database].flatMap(({ address, why }) => {
    const canonical = canonicalText(address);
    return canonical === null ? [] : [{ address: canonical, why }];
  });
}

function databaseHosts(databaseUrl: string | null): string[] {
  if (databaseUrl === null) return [];
  const host = URL.parse(databaseUrl)?.hostname ?? '';
  return host === '' ? [] : [host.replace(/^\[(.*)\]$/, '$1')];
}
