import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RouterosSimulator, startSimulator } from '../../src/simulator/routeros-simulator.ts';
import { autoblock, temporaryHome } from '../support/cli.ts';
import { sharedDataMissing, sharedFlows } from '../support/shared-data.ts';

const CAPTURES = ['iot23_8-1.csv.gz', 'stratosphere_011_exposed_host.csv.gz'];
/** Telnet brute force with completed handshakes in stratosphere_011. */
const BRUTE_FORCER = '152.136.120.11';
/** The benign public host of stratosphere_011, the loudest source of all. */
const EXPOSED_HOST = '147.32.83.165';

interface Verdict {
  sourceIp: string;
  action: string;
  cause: string;
  confidence: string;
  reasons: string[];
}

describe.skipIf(sharedDataMissing())('the main job on real captures', () => {
  const home = temporaryHome();
  let simulator: RouterosSimulator;
  let env: Record<string, string>;
  const run = (args: string[], extra: Record<string, string> = {}) =>
    autoblock(args, { dir: home.dir, env: { ...env, ...extra } });

  beforeAll(async () => {
    simulator = await startSimulator({ user: 'autoblock', password: 'secret-of-the-test' });
    simulator.addForeignEntry({ list: 'autoblock', address: '198.18.0.1', comment: 'by hand' });
    env = {
      ...home.env,
      HOURS_BACK: '26',
      ROUTER_HOST: '127.0.0.1',
      ROUTER_PORT: String(simulator.port),
      ROUTER_USER: 'autoblock',
      ROUTER_PASSWORD: 'secret-of-the-test',
      ROUTER_TLS: 'false',
    };
    const imported = await run(['import', ...CAPTURES.map(sharedFlows), '--shift-to', 'now', '--json']);
    expect(imported.stderr).toBe('');
    expect(JSON.parse(imported.stdout)).toMatchObject({ rows: 10_403 + 9_048, badLineCount: 0 });
    const trained = await run(['train', '--json']);
    expect({ code: trained.code, stderr: trained.stderr }).toEqual({ code: 0, stderr: '' });
  }, 240_000);

  afterAll(async () => {
    await simulator.close();
    home.remove();
  });

  it('would decide the same twice, with reasons, before anything is written', async () => {
    // One end of the period for both: two that each read the clock may lie on two sides of a window's edge.
    const asked = ['detect', '--dry-run', '--json', '--as-of', new Date().toISOString()];
    const [first, second] = [await run(asked), await run(asked)];
    expect([first.stderr, second.stderr]).toEqual(['', '']);
    const verdicts = (text: string): Verdict[] => (JSON.parse(text) as { verdicts: Verdict[] }).verdicts;
    expect(verdicts(first.stdout)).toEqual(verdicts(second.stdout));
    expect(verdicts(first.stdout).length).toBeGreaterThan(0);
    for (const verdict of verdicts(first.stdout)) expect(verdict.reasons.length).toBeGreaterThan(0);
    expect(simulator.entries(4)).toHaveLength(1);
  });

  it('puts the sources that earn it on the router, none that is protected or allowlisted, and nothing twice', async () => {
    const allowlisted = { ALLOWLIST: EXPOSED_HOST };
    const first = await run(['run', '--once'], allowlisted);
    expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: '' });

    const own = () => simulator.entries(4).filter((entry) => entry.comment.startsWith('autoblock:'));
    const blocked = own().map((entry) => entry.address);
    expect(blocked).toContain(BRUTE_FORCER);
    expect(blocked).not.toContain(EXPOSED_HOST);
    expect(blocked.filter((address) => address.startsWith('192.168.'))).toEqual([]);
    // First offenders: the first rung of BLOCK_LADDER.
    for (const { timeoutSeconds } of own()) {
      // The first rung of the ladder, less what has run off since.
      expect(timeoutSeconds).toBeGreaterThan(3000);
      expect(timeoutSeconds).toBeLessThanOrEqual(3600);
    }

    const before = own();
    const second = await run(['run', '--once'], allowlisted);
    expect(second.code).toBe(0);
    expect(own().map((entry) => entry.id)).toEqual(before.map((entry) => entry.id));
    expect(simulator.entries(4).filter((entry) => entry.comment === 'by hand')).toHaveLength(1);

    const blocks = JSON.parse((await run(['blocks', 'list', '--json'])).stdout) as {
      address: string;
      extendedCount: number;
    }[];
    expect(blocks.map((block) => block.address).sort()).toEqual([...blocked].sort());
    expect(blocks.every((block) => block.extendedCount === 0)).toBe(true);
  }, 240_000);

  it('keeps every detection in PostgreSQL with reasons, and marks what is on the router as blocked', async () => {
    const { detections } = await detectionsInDatabase(env);
    expect(detections.length).toBeGreaterThan(0);
    for (const row of detections) expect(row.reasons.length).toBeGreaterThan(0);
    const blockedSources = new Set(detections.filter((row) => row.blocked).map((row) => row.source_ip));
    expect([...blockedSources].sort()).toEqual(
      simulator
        .entries(4)
        .filter((entry) => entry.comment.startsWith('autoblock:'))
        .map((entry) => entry.address)
        .sort(),
    );
  });
});

interface DetectionRow {
  source_ip: string;
  reasons: unknown[];
  blocked: boolean;
}

async function detectionsInDatabase(env: Record<string, string>): Promise<{ detections: DetectionRow[] }> {
  const { startEmbeddedPostgres } = await import('../../src/storage/embedded-postgres.ts');
  const { capturingLogger } = await import('../support/logger.ts');
  const { default: pg } = await import('pg');
  const server = await startEmbeddedPostgres({
    stateDir: env['STATE_DIR']!,
    logger: capturingLogger().logger,
  });
  const client = new pg.Client({ connectionString: server.connectionString });
  try {
    await client.connect();
    const { rows } = await client.query<DetectionRow>(
      'SELECT host(source_ip) AS source_ip, reasons, blocked FROM detections',
    );
    return { detections: rows };
  } finally {
    await client.end();
    await server.stop();
  }
}
