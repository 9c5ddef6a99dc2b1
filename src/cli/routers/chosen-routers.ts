import type { RouterConfig } from '../../config/router-config.ts';
import type { Workplace } from '../../daemon/workplace.ts';
import { AutoblockError } from '../../errors.ts';
import type { CheckedRouter } from '../../router-check/router-snapshot.ts';
import type { RouterConnection } from '../../routers/router-connection.ts';

export interface ChosenRouter {
  readonly config: RouterConfig;
  readonly connection: RouterConnection;
}

/** The configured routers of these names, or all. NOT_FOUND names every one that is not there. */
export function chosenRouters(workplace: Workplace, names: readonly string[]): ChosenRouter[] {
  const all = workplace.config.routers.map((config) => ({
    config,
    connection: workplace.routers.find(({ name }) => name === config.name)!,
  }));
  if (all.length === 0) {
    throw new AutoblockError('NOT_FOUND', 'no router configured: set ROUTER_HOST or ROUTERS_FILE');
  }
  const missing = names.filter((name) => !all.some(({ config }) => config.name === name));
  if (missing.length > 0) {
    const known = all.map(({ config }) => config.name).join(', ');
    throw new AutoblockError('NOT_FOUND', `no router ${missing.join(', ')}; there are ${known}`);
  }
  return names.length === 0 ? all : all.filter(({ config }) => names.includes(config.name));
}

/** What the doctor may know of a router: its password is not part of it. */
export function checkedRouter(config: RouterConfig): CheckedRouter {
  const { name, host, port, user, addressListV4, addressListV6, maxEntries, tls, scope } = config;
  const { families } = scope;
  return { name, host, port, user, tls: tls.mode, addressListV4, addressListV6, families, maxEntries };
}
