import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/load-config.ts';
import type { Protection } from '../decisions/protected-networks.ts';
import { membershipTest } from '../ip/network-set.ts';
import type { Logger } from '../logger.ts';
import { createRouterConnection, type RouterConnection } from '../routers/router-connection.ts';
import { type Ledger, openLedger } from '../storage/ledger.ts';
import { type ModelRegistry, openModelRegistry } from '../storage/model-registry.ts';
import { type Closers, createClosers } from './closers.ts';
import { createDatabase, type Database } from './database.ts';
import { createSiteProtection, type SiteProtection } from './site-protection.ts';

/** Everything a command or the daemon works with, opened in one place and closed in reverse. */
export interface Workplace {
  readonly config: Config;
  readonly logger: Logger;
  readonly ledger: Ledger;
  readonly registry: ModelRegistry;
  readonly database: Database;
  readonly routers: readonly RouterConnection[];
  readonly site: SiteProtection;
  /** The site's never-block set as it is now: read it anew for each run, for names and routers' addresses move. */
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

  const routers = config.routers.map((router) => createRouterConnection({ ...router, logger, nowMs }));
  for (const router of routers) closers.add(`router ${router.name}`, () => router.close());

  const site = createSiteProtection({
    config,
    ledger,
    logger,
    resolve: resolveHost,
    networkInterfaces: interfaceAddresses,
    nowMs,
  });
  await site.refresh();

  return {
    config,
    logger,
    ledger,
    registry,
    database,
    routers,
    site,
    get protection() {
      return site.current();
    },
    isInternal: membershipTest(config.internalNetworks),
    nowMs,
    closers,
  };
}

/** The resolver's own patience may be half a minute; a sync does not wait that long for a name. */
const RESOLVE_DEADLINE_MS = 5000;

async function resolveHost(host: string): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer from the resolver in ${RESOLVE_DEADLINE_MS} ms`));
    }, RESOLVE_DEADLINE_MS);
  });
  try {
    const found = await Promise.race([lookup(host, { all: true }), deadline]);
    return found.map(({ address }) => address);
  } finally {
    clearTimeout(timer);
  }
}

function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
}
