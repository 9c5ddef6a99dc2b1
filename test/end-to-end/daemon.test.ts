import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RouterosSimulator, startSimulator } from '../../src/simulator/routeros-simulator.ts';
import { startEmbeddedPostgres } from '../../src/storage/embedded-postgres.ts';
import { writeBruteForceCsv } from '../support/attack-csv.ts';
import { autoblock, type RunningDaemon, startDaemonProcess, temporaryHome } from '../support/cli.ts';
import { capturingLogger } from '../support/logger.ts';
import { OFFICE_SETTINGS, writeOfficeDayCsv } from '../support/traffic-csv.ts';

const ATTACKER = '198.51.100.66';
const EVERY_SECOND = '* * * * * *';
const NEVER = '0 0 1 1 *';

let home: ReturnType<typeof temporaryHome>;
let env: Record<string, string>;
let daemon: RunningDaemon | null;

beforeEach(() => {
  home = temporaryHome();
  env = { ...home.env, ...OFFICE_SETTINGS, DETECT_CRON: EVERY_SECOND, RETRAIN_CRON: NEVER };
  daemon = null;
});

afterEach(async () => {
  daemon?.signal('SIGKILL');
  await daemon?.ended;
  // The server that a killed daemon left behind is adopted and stopped by the next command.
  await autoblock(['detect', '--dry-run'], { dir: home.dir, env: { ...env, DATABASE_URL: '' } });
  home.remove();
});

const place = () => ({ dir: home.dir, env });

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await autoblock(args, place());
  expect({ args, code, stderr }).toMatchObject({ code: 0 });
  return stdout;
}

async function importAttack(): Promise<void> {
  const csv = join(home.dir, 'attack.csv');
  writeBruteForceCsv(csv, [ATTACKER]);
  await run('import', csv);
}

async function trainOnOffice(): Promise<string> {
  const csv = join(home.dir, 'office.csv');
  writeOfficeDayCsv(csv);
  return (JSON.parse(await run('train', '--json', '--flows', csv)) as { version: string }).version;
}

/** The daemon's next line of this text, whatever it has said so far. */
function next(sentence: string): ReturnType<RunningDaemon['waitFor']> {
  return daemon!.waitFor(sentence, daemon!.lines.length);
}

describe('the daemon', () => {
  it('says which detector judges, keeps its schedule, holds its lock, and ends in order on SIGTERM', async () => {
    daemon = startDaemonProcess(place());
    expect(
      await daemon.waitFor('no model yet: the legacy detector judges until `autoblock train` has made one'),
    ).toMatchObject({
      level: 'warn',
      code: 'MODEL_MISSING',
      model: 'none',
    });
    await daemon.waitFor('daemon ready');
    expect(await next('detection run finished')).toMatchObject({
      detector: 'legacy',
      modelVersion: null,
      tiers: { high: 0 },
    });
    await next('detection run finished');

    const second = await autoblock(['run'], place());
    expect(second.code).toBe(3);
    expect(second.stderr).toMatch(/STATE_LOCKED/);

    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
    expect(daemon.lines.at(-1)).toMatchObject({ msg: 'daemon stopped', failures: [] });
    expect(daemon.lines.filter((line) => line.level === 'error')).toEqual([]);
  });

  it('is not ended by a SIGHUP that comes while it starts', async () => {
    daemon = startDaemonProcess(place());
    // PostgreSQL is made and started after this line.
    await daemon.waitFor('ledger created');
    daemon.signal('SIGHUP');
    await daemon.waitFor('daemon ready');
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });

  it('takes up a model another process trained, loads it again on SIGHUP, and keeps it when the file is damaged', async () => {
    daemon = startDaemonProcess(place());
    await daemon.waitFor('daemon ready');
    const version = await trainOnOffice();
    expect(await daemon.waitFor('models loaded')).toMatchObject({ modelVersion: version });
    expect(await next('detection run finished')).toMatchObject({ detector: 'hybrid', modelVersion: version });

    const loadedAgain = next('models loaded');
    daemon.signal('SIGHUP');
    expect(await loadedAgain).toMatchObject({ modelVersion: version });

    writeFileSync(join(env['MODELS_DIR']!, 'isolation_forest_latest'), 'not a forest');
    const refused = next('model on disk not usable: the present detector stays');
    daemon.signal('SIGHUP');
    expect(await refused).toMatchObject({ level: 'error', code: 'MODEL_INVALID', keptModelVersion: version });
    expect(await next('detection run finished')).toMatchObject({ detector: 'hybrid', modelVersion: version });
  });

  it('retrains in a thread while detection goes on, and judges with the new model afterwards', async () => {
    const csv = join(home.dir, 'office.csv');
    writeOfficeDayCsv(csv);
    await run('import', csv);
    env['RETRAIN_CRON'] = '*/20 * * * * *';
    daemon = startDaemonProcess(place());
    await daemon.waitFor('daemon ready');
    const { modelVersion } = await daemon.waitFor('retrain finished: new model');
    expect(await daemon.waitFor('models loaded')).toMatchObject({ modelVersion });
    const loaded = daemon.lines.findIndex((line) => line.msg === 'models loaded');
    expect(await daemon.waitFor('detection run finished', loaded)).toMatchObject({
      detector: 'hybrid',
      modelVersion,
    });
    // Detection went on meanwhile: runs of the legacy detector ended before the model came.
    const before = daemon.lines.slice(0, loaded).filter((line) => line.msg === 'detection run finished');
    expect(before.length).toBeGreaterThan(2);
    expect(readdirSync(env['MODELS_DIR']!)).toContain('metadata_latest.json');
  });

  it('goes on with the legacy rules while there is too little to learn from, and says how much is needed', async () => {
    await importAttack();
    env['RETRAIN_CRON'] = '*/3 * * * * *';
    daemon = startDaemonProcess(place());
    const refused = await daemon.waitFor('retrain failed: there is no model, the legacy detector goes on');
    expect(refused).toMatchObject({ level: 'warn', code: 'TRAINING_DATA_TOO_SMALL' });
    const needed =
      /there are 0 internal and \d external source windows to learn from; a model needs 15 of one kind/;
    expect(JSON.stringify(refused)).toMatch(needed);
    expect(await next('detection run finished')).toMatchObject({ detector: 'legacy', modelVersion: null });
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);

    const status = await run('status');
    expect(status).toMatch(/^last training failed \d{4}-.*: TRAINING_DATA_TOO_SMALL: /m);
    expect(status).toMatch(needed);
    expect(status).toContain('the legacy rules judge meanwhile');
    expect(JSON.parse(await run('status', '--json'))).toMatchObject({
      detector: 'legacy',
      model: 'none',
      lastTraining: { status: 'failed', details: { code: 'TRAINING_DATA_TOO_SMALL' } },
    });
  });

  it('goes on while PostgreSQL is away and works again when it is back', async () => {
    const stateDir = join(home.dir, 'server');
    const { logger } = capturingLogger();
    const first = await startEmbeddedPostgres({ stateDir, logger });
    env['DATABASE_URL'] = first.connectionString;
    await importAttack();
    await first.stop();

    daemon = startDaemonProcess(place());
    await daemon.waitFor('daemon ready');
    expect(
      await daemon.waitFor('detection run failed: nothing was decided, the next run tries again'),
    ).toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
    });
    const port = Number(new URL(first.connectionString).port);
    const again = await startEmbeddedPostgres({ stateDir, logger, port });
    try {
      expect(await daemon.waitFor('detection run finished')).toMatchObject({ blocksAdded: 1 });
    } finally {
      daemon.signal('SIGTERM');
      expect(await daemon.ended).toBe(0);
      await again.stop();
    }
    expect(daemon.lines.map((line) => JSON.stringify(line)).join()).not.toContain(
      new URL(first.connectionString).password,
    );
  });
});

describe('the daemon and its router', () => {
  let simulator: RouterosSimulator | null;
  const held = () => simulator!.entries(4).map((entry) => entry.address);
  const settings = (port: number) => ({
    USE_HYBRID_DETECTOR: 'false',
    ROUTER_HOST: '127.0.0.1',
    ROUTER_PORT: String(port),
    ROUTER_USER: 'autoblock',
    ROUTER_PASSWORD: 'router-secret',
    ROUTER_TLS: 'false',
  });

  beforeEach(async () => {
    simulator = await startSimulator({ user: 'autoblock', password: 'router-secret' });
    Object.assign(env, settings(simulator.port));
    await importAttack();
  });

  afterEach(async () => {
    await simulator?.close();
  });

  it('detects while the router is away and catches up when it is back', async () => {
    const { port } = simulator!;
    await simulator!.close();
    simulator = null;
    daemon = startDaemonProcess(place());
    expect(await daemon.waitFor('router sync failed')).toMatchObject({ code: 'ROUTER_UNREACHABLE' });
    expect(await daemon.waitFor('detection run finished')).toMatchObject({ blocksAdded: 1 });
    simulator = await startSimulator({ user: 'autoblock', password: 'router-secret', port });
    expect(await daemon.waitFor('blocks pushed')).toMatchObject({ added: 1, confirmed: 1, wanted: 1 });
    expect(held()).toEqual([ATTACKER]);
    expect(daemon.lines.map((line) => JSON.stringify(line)).join()).not.toContain('router-secret');
  });

  it('protects again after the router lost its list in a reboot', async () => {
    daemon = startDaemonProcess(place());
    await daemon.waitFor('blocks pushed');
    simulator!.reboot();
    expect(held()).toEqual([]);
    await next('blocks pushed');
    expect(held()).toEqual([ATTACKER]);
  });

  it('pushes with run --once what waits in the ledger also while PostgreSQL is away', async () => {
    simulator!.faults.closeBeforeLoginReply = true;
    const added = await autoblock(['blocks', 'add', '198.51.100.9'], place());
    expect(added.code).toBe(1);
    simulator!.faults.closeBeforeLoginReply = false;
    env['DATABASE_URL'] = 'postgresql://nobody:none@127.0.0.1:1/none';
    const once = await autoblock(['run', '--once'], place());
    expect({ code: once.code, stderr: once.stderr }).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('DATABASE_UNAVAILABLE') as string,
    });
    expect(held()).toEqual(['198.51.100.9']);
  });

  it('writes to no router and decides nothing for good in a dry run', async () => {
    env['DRY_RUN'] = 'true';
    daemon = startDaemonProcess(place());
    expect(await daemon.waitFor('detection run finished')).toMatchObject({ dryRun: true, blocksAdded: 1 });
    await next('detection run finished');
    expect(held()).toEqual([]);
    expect(JSON.parse(await run('blocks', 'list', '--json'))).toEqual([]);
  });
});
