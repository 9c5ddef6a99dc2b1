import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWorkplace, type Workplace } from '../../daemon/workplace.ts';
import { SYNTHETIC_INTERNAL_NETWORKS } from '../../evaluation/synthetic-site.ts';
import type { Logger } from '../../logger.ts';
import { type RouterosSimulator, startSimulator } from '../../simulator/routeros-simulator.ts';
import { configFrom } from '../session.ts';

/** A whole site on loopback: state in a temporary directory, an embedded PostgreSQL, a simulated router. */
export interface DemoSite {
  readonly dir: string;
  readonly workplace: Workplace;
  readonly simulator: RouterosSimulator;
  /** Settings with which other autoblock commands can look at this site. */
  readonly settings: Readonly<Record<string, string>>;
  /** Stops everything and removes the directory. */
  close(): Promise<void>;
}

const ROUTER_USER = 'autoblock';
/** An entry the operator made by hand: it has to be there untouched at the end. */
export const OPERATORS_ENTRY = {
  list: 'autoblock',
  address: '198.18.0.99',
  comment: 'added by the operator',
};

export async function openDemoSite(parts: {
  seed: number;
  logger: Logger;
  nowMs: () => number;
}): Promise<DemoSite> {
  const dir = await mkdtemp(join(tmpdir(), 'autoblock-demo-'));
  const password = randomBytes(12).toString('hex');
  const simulator = await startSimulator({ user: ROUTER_USER, password, identity: 'demo-router' });
  simulator.addForeignEntry(OPERATORS_ENTRY);
  const settings = {
    STATE_DIR: join(dir, 'state'),
    MODELS_DIR: join(dir, 'models'),
    ROUTER_HOST: '127.0.0.1',
    ROUTER_PORT: String(simulator.port),
    ROUTER_USER,
    ROUTER_PASSWORD: password,
    ROUTER_TLS: 'false',
    SEED: String(parts.seed),
    INTERNAL_NETWORKS: SYNTHETIC_INTERNAL_NETWORKS.join(','),
  };
  // The operator's own settings do not reach the demo: it shows the defaults.
  const workplace = await openWorkplace({
    config: configFrom(settings),
    logger: parts.logger,
    nowMs: parts.nowMs,
  });
  return {
    dir,
    workplace,
    simulator,
    settings,
    async close() {
      await workplace.closers.closeAll();
      await simulator.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
