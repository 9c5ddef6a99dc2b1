import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type pg from 'pg';
import { type RouterosSimulator, startSimulator } from '../../src/simulator/routeros-simulator.ts';
import { autoblock, type CliEnv, type CliResult, temporaryHome } from '../support/cli.ts';
import { databaseUrl, startTestPostgres, type TestPostgres } from '../support/postgres.ts';

export const ROUTER_PASSWORD = 'router-secret-9';

/** One site for a whole test file: a home, a PostgreSQL, a simulated router, and the program in front of them. */
export interface CliSite {
  readonly dir: string;
  /** Settings every run gets. */
  readonly env: CliEnv;
  readonly simulator: RouterosSimulator;
  readonly pool: pg.Pool;
  /** Runs `autoblock` with the legacy detector unless `env` says otherwise. */
  run(args: readonly string[], env?: CliEnv, stdin?: string): Promise<CliResult>;
  /** Standard output of a successful run as JSON. */
  json(args: readonly string[], env?: CliEnv): Promise<unknown>;
  /** Own and foreign addresses as the router holds them. */
  held(): string[];
  close(): Promise<void>;
}

export async function openCliSite(): Promise<CliSite> {
  const home = temporaryHome();
  const postgres: TestPostgres = await startTestPostgres();
  const pool = await postgres.database();
  const simulator = await startSimulator({ user: 'autoblock', password: ROUTER_PASSWORD });
  const settings: CliEnv = {
    ...home.env,
    USE_HYBRID_DETECTOR: 'false',
    DATABASE_URL: databaseUrl(postgres.connectionString, 'test_1'),
    ROUTER_HOST: '127.0.0.1',
    ROUTER_PORT: String(simulator.port),
    ROUTER_USER: 'autoblock',
    ROUTER_PASSWORD,
    ROUTER_TLS: 'false',
  };
  const run: CliSite['run'] = (args, env = {}, stdin) =>
    autoblock(args, {
      dir: home.dir,
      env: { ...settings, ...env },
      ...(stdin === undefined ? {} : { stdin }),
    });
  return {
    dir: home.dir,
    env: settings,
    simulator,
    pool,
    run,
    json: async (args, env) => {
      const { code, stdout, stderr } = await run([...args, '--json'], env);
      if (code !== 0) throw new Error(`autoblock ${args.join(' ')} ended with ${code}: ${stderr}`);
      return JSON.parse(stdout) as unknown;
    },
    held: () => [...simulator.entries(4), ...simulator.entries(6)].map(({ address }) => address).sort(),
    close: async () => {
      await simulator.close();
      await postgres.stop();
      home.remove();
    },
  };
}

/** A loopback port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
