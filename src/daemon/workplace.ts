import { lookup } from 'node:dns/promises';
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
export async function openWorkplace(parts: {
  config: Config;
  logger: Logger;
  nowMs: () => number;
}): Promise<Workplace> {
  const { config, logger, nowMs } = parts;
  const closers = createClosers({ logger, deadlineMs: CLOSE_DEADLINE_MS });
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
      extraProtected: await ownAndPeerAddresses(config, logger),
    }),
    isInternal: membershipTest(config.internalNetworks),
    nowMs,
    closers,
  };
}

/** This machine, the routers and the database host must stay reachable whatever the traffic looks like. */
async function ownAndPeerAddresses(
  config: Config,
  logger: Logger,
): Promise<{ address: string; why: string }[]> {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => ({ address: address.replace(/%.*$/, ''), why: 'address of this server' }));
  const peers = [
    ...config.routers.map(({ name, host }) => ({ host, why: `address of router ${name}` })),
    ...databaseHosts(config.databaseUrl).map((host) => ({ host, why: 'database host' })),
  ];
  const resolved = await Promise.all(peers.map(({ host, why }) => addressesOf({ host, why, logger })));
  return [...own, ...resolved.flat()];
}

/** A name is asked once, at the start; one that does not resolve cannot be protected, and that has to be said. */
async function addressesOf(peer: {
  host: string;
  why: string;
  logger: Logger;
}): Promise<{ address: string; why: string }[]> {
  const { host, why, logger } = peer;
  if (canonicalText(host) !== null) return [{ address: host, why }];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => ({ address, why }));
  } catch (thrown) {
    logger.warn(
      { code: 'HOST_UNRESOLVED', host, why, err: thrown },
      'host not resolved: its address is not protected',
    );
    return [];
  }
}

/** Host of a connection URL; none for a socket path. */
function databaseHosts(databaseUrl: string | null): string[] {
  if (databaseUrl === null || !URL.canParse(databaseUrl)) return [];
  const host = new URL(databaseUrl).hostname.replace(/^\[(.*)\]$/, '$1');
  return host === '' || host.includes('%') ? [] : [host];
}
