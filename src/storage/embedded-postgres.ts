import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import {
  CLUSTER_USER,
  type Cluster,
  failed,
  freePort,
  openCluster,
  type PostmasterFile,
  readPostmasterFile,
  removeStaleLock,
} from './embedded-postgres-cluster.ts';
import { shutDownServer, startServer } from './embedded-postgres-server.ts';

/** A server of our own under the state directory, reachable on loopback only. */
export interface EmbeddedPostgres {
  /** Holds the password: hand it to a pool, never to a log. */
  readonly connectionString: string;
  /** Gives the server back; the last process that uses it shuts it down (fast, clean). */
  stop(): Promise<void>;
}

const START_DEADLINE_MS = 60_000;
const GIVE_BACK_ATTEMPTS = 6;
const GIVE_BACK_PAUSE_MS = 60;
const POLL_MS = 20;
const MAX_START_FAILURES = 5;
const START_RETRY_MS = 500;
const RESTART_DELAYS_MS = [0, 1_000, 5_000, 15_000, 30_000];
const DATABASE = 'postgres';

/** "Somebody uses the server" is a shared advisory lock of a session; whoever gets it alone may shut down. */
const LEASE_LOCK = [0x6175746f, 1] as const;

interface Lease {
  readonly client: pg.Client;
  readonly port: number;
}

/**
 * Uses the PostgreSQL server of this state directory: adopts the one another process (or a killed one) left running,
 * otherwise starts it, making the cluster first where there is none. A server that dies under us is started again on
 * the same port.
 *
 * @throws AutoblockError EMBEDDED_POSTGRES_MISSING, EMBEDDED_POSTGRES_FAILED
 */
export async function startEmbeddedPostgres(options: {
  stateDir: string;
  logger: Logger;
  /** Fixed TCP port; a free one when left out. An adopted server keeps the port it has. */
  port?: number;
}): Promise<EmbeddedPostgres> {
  const { logger } = options;
  const cluster = await openCluster(options);
  let lease = await obtainLease({ cluster, port: options.port ?? null, logger });
  const port = lease.port;
  let stopping = false;
  let recovery: Promise<void> = Promise.resolve();

  const watch = (watched: Lease): void => {
    watched.client.once('end', () => {
      if (stopping) return;
      recovery = recoverLease({ cluster, port, logger, cancelled: () => stopping }).then((renewed) => {
        if (renewed === null) return;
        lease = renewed;
        watch(renewed);
      });
    });
  };
  watch(lease);

  return {
    connectionString: connectionString(cluster, port),
    stop: async () => {
      if (stopping) return;
      stopping = true;
      await recovery;
      await giveBack({ cluster, lease, logger });
    },
  };
}

function connectionString(cluster: Cluster, port: number): string {
  return `postgres://${CLUSTER_USER}:${cluster.password}@127.0.0.1:${port}/${DATABASE}`;
}

interface LeaseRequest {
  cluster: Cluster;
  /** null: any free port. */
  port: number | null;
  logger: Logger;
}

/** Adopt, else start, until one of both works or the deadline is over. */
async function obtainLease({ cluster, port, logger }: LeaseRequest): Promise<Lease> {
  const deadline = Date.now() + START_DEADLINE_MS;
  let startFailures = 0;
  let lastProblem: unknown = new Error('the server did not become ready');
  while (Date.now() < deadline) {
    const running = await readPostmasterFile(cluster.dataDir);
    if (running === null) {
      try {
        await startServer({ cluster, port: port ?? (await freePort()), deadlineMs: deadline });
      } catch (problem) {
        startFailures += 1;
        if (startFailures === MAX_START_FAILURES) throw problem;
        // Worth another try: the port was taken meanwhile, another process was quicker, or a dead server's children linger.
        lastProblem = problem;
        await delay(START_RETRY_MS);
      }
      continue;
    }
    const lease = await takeLease(cluster, running).catch((problem: unknown) => {
      lastProblem = problem;
      return null;
    });
    if (lease !== null) {
      logger.info({ port: lease.port, serverPid: running.pid }, 'embedded PostgreSQL ready');
      return lease;
    }
    if (isWrongPassword(lastProblem)) break;
    if (await removeStaleLock(cluster.dataDir, running)) continue;
    await delay(POLL_MS);
  }
  throw failed(
    `the embedded PostgreSQL could not be used, see ${cluster.logFile}: ${messageOf(lastProblem)}`,
    lastProblem,
  );
}

function isWrongPassword(problem: unknown): boolean {
  return problem instanceof pg.DatabaseError && problem.code === '28P01';
}

/** @returns null while the server starts or shuts down. */
async function takeLease(cluster: Cluster, running: PostmasterFile): Promise<Lease | null> {
  if (!running.ready) return null;
  const client = new pg.Client({
    connectionString: connectionString(cluster, running.port),
    application_name: 'autoblock lease',
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  });
  // The 'end' event that follows is what counts; without a listener the loss would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const answer = await client.query<{ taken: boolean }>(
      'SELECT pg_try_advisory_lock_shared($1, $2) AS taken',
      [...LEASE_LOCK],
    );
    if (answer.rows[0]?.taken === true) {
      holdsProcess(client, false);
      return { client, port: running.port };
    }
    await client.end();
    return null;
  } catch (problem) {
    await client.end();
    throw problem;
  }
}

/** A forgotten stop() must not keep the process from ending: the next start adopts the server. */
function holdsProcess(client: pg.Client, holds: boolean): void {
  // Missing in @types/pg; pg-pool itself relies on both.
  const socketOwner = client as unknown as { ref(): void; unref(): void };
  if (holds) socketOwner.ref();
  else socketOwner.unref();
}

async function recoverLease(options: {
  cluster: Cluster;
  port: number;
  logger: Logger;
  cancelled: () => boolean;
}): Promise<Lease | null> {
  const { cluster, port, logger, cancelled } = options;
  logger.error(
    { code: 'EMBEDDED_POSTGRES_FAILED', logFile: cluster.logFile },
    'the embedded PostgreSQL went away; starting it again',
  );
  for (let attempt = 0; !cancelled(); attempt += 1) {
    const waitMs = RESTART_DELAYS_MS[Math.min(attempt, RESTART_DELAYS_MS.length - 1)]!;
    for (let waited = 0; waited < waitMs && !cancelled(); waited += 100) await delay(100);
    if (cancelled()) break;
    try {
      return await obtainLease({ cluster, port, logger });
    } catch (problem) {
      logger.error(
        { code: 'EMBEDDED_POSTGRES_FAILED', reason: messageOf(problem), attempt: attempt + 1 },
        'the embedded PostgreSQL could not be started again',
      );
    }
  }
  return null;
}

/**
 * A user that died or is ending holds its lock until the server has noticed: asked once only, two users that stop
 * together would each leave the server to the other.
 */
async function takeAlone({ client }: Lease): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS taken', [
      ...LEASE_LOCK,
    ]);
    if (answer.rows[0]?.taken === true) return true;
    if (attempt === GIVE_BACK_ATTEMPTS) return false;
    await delay(GIVE_BACK_PAUSE_MS);
  }
}

/** Exclusive on top of nobody's shared lock means: nobody else uses the server, and nobody can begin to. */
async function giveBack(options: { cluster: Cluster; lease: Lease; logger: Logger }): Promise<void> {
  const { cluster, lease, logger } = options;
  let last: boolean;
  holdsProcess(lease.client, true);
  try {
    await lease.client.query('SELECT pg_advisory_unlock_shared($1, $2)', [...LEASE_LOCK]);
    last = await takeAlone(lease);
  } catch (problem) {
    logger.warn(
      { code: 'EMBEDDED_POSTGRES_FAILED', reason: messageOf(problem) },
      'the embedded PostgreSQL was already gone when it should stop',
    );
    return;
  }
  if (last) await shutDownServer(cluster, logger);
  await lease.client.end();
}
