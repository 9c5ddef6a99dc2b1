import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RouterosSimulator, startSimulator } from '../../src/simulator/routeros-simulator.ts';
import { type Ledger, openLedger } from '../../src/storage/ledger.ts';
import { autoblock, type CliEnv, type CliResult, temporaryHome } from '../support/cli.ts';
import { silentLogger } from '../support/temporary-ledger.ts';
import { closedPort } from './cli-site.ts';

/** Some simulated routers and no PostgreSQL at all: what operators do by hand must work without it. */
export interface RouterSite<Name extends string> {
  readonly dir: string;
  readonly env: CliEnv;
  readonly routers: Readonly<Record<Name, RouterosSimulator>>;
  run(args: readonly string[], env?: CliEnv, stdin?: string): Promise<CliResult>;
  /** Standard output as JSON, with the exit code. */
  json(args: readonly string[], env?: CliEnv): Promise<{ code: number | null; value: unknown }>;
  /** What the router holds in both lists, sorted. */
  held(router: Name): string[];
  /** Opens the ledger beside the program, as the daemon would. */
  withLedger<T>(use: (ledger: Ledger) => T): T;
  close(): Promise<void>;
}

export async function openRouterSite<Name extends string>(
  names: readonly Name[],
  settings: Readonly<Record<string, unknown>> = {},
): Promise<RouterSite<Name>> {
  const home = temporaryHome();
  const login = { user: 'autoblock', password: 'router-secret-9' };
  const started = await Promise.all(names.map(async (name) => [name, await startSimulator(login)] as const));
  const routers = Object.fromEntries(started) as Record<Name, RouterosSimulator>;
  const routersFile = join(home.dir, 'routers.json');
  const entries = started.map(([name, { port }]) => ({
    name,
    host: '127.0.0.1',
    port,
    ...login,
    tls: false,
    ...settings,
  }));
  writeFileSync(routersFile, JSON.stringify(entries), { mode: 0o600 });
  const env: CliEnv = {
    ...home.env,
    USE_HYBRID_DETECTOR: 'false',
    DATABASE_URL: `postgresql://auto:db-secret-1@127.0.0.1:${await closedPort()}/logs`,
    ROUTERS_FILE: routersFile,
  };
  const run: RouterSite<Name>['run'] = (args, more = {}, stdin) =>
    autoblock(args, { dir: home.dir, env: { ...env, ...more }, ...(stdin === undefined ? {} : { stdin }) });
  return {
    dir: home.dir,
    env,
    routers,
    run,
    json: async (args, more) => {
      const { code, stdout } = await run([...args, '--json'], more);
      return { code, value: JSON.parse(stdout) as unknown };
    },
    held: (name) =>
      [...routers[name].entries(4), ...routers[name].entries(6)].map(({ address }) => address).sort(),
    withLedger: (use) => {
      const ledger = openLedger({
        path: join(home.env['STATE_DIR']!, 'ledger.sqlite'),
        logger: silentLogger,
      });
      try {
        return use(ledger);
      } finally {
        ledger.close();
      }
    },
    close: async () => {
      await Promise.all(Object.values<RouterosSimulator>(routers).map((router) => router.close()));
      home.remove();
    },
  };
}
