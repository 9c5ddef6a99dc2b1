/**
 * `npm run bench -- idle [--json] [--minutes N] [--blocks N]`: what the daemon costs while nothing happens. A real
 * daemon with its own PostgreSQL and no traffic, three simulated routers in another process that hold all blocks; its
 * processor time and memory are read from /proc every minute (Linux only). PostgreSQL's own processes are not counted.
 */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { positiveInteger } from '../positive-integer.mjs';

export const description = 'processor time and memory of the daemon while nothing happens, with 3 routers';

const DIST = new URL('../../dist/', import.meta.url);
const PROGRAM = fileURLToPath(new URL('../autoblock.mjs', import.meta.url));
const ROUTERS_FLAG = '--routers-of-idle-bench';
const CREDENTIALS = { user: 'autoblock', password: 'bench' };
const ROUTERS = 3;
/** Linux counts processor time in these, whatever the kernel's own tick is (proc(5), USER_HZ). */
const TICKS_PER_SECOND = 100;
const SYNC_DEADLINE_MS = 180_000;

const load = (path) => import(new URL(path, DIST).href);

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean', default: false },
      minutes: { type: 'string', default: '60' },
      blocks: { type: 'string', default: '1000' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${description}\n\nOptions: --json, --minutes N (60), --blocks N (1000)\n`);
    return;
  }
  const result = await measure({
    minutes: positiveInteger('minutes', values.minutes),
    blocks: positiveInteger('blocks', values.blocks),
  });
  process.stdout.write(`${values.json ? JSON.stringify(result) : asText(result)}\n`);
}

async function measure({ minutes, blocks }) {
  const directory = mkdtempSync(join(tmpdir(), 'autoblock-bench-'));
  const routers = fork(fileURLToPath(import.meta.url), [ROUTERS_FLAG]);
  let daemon = null;
  try {
    const [ports] = await once(routers, 'message');
    await fillLedger(directory, blocks);
    daemon = startDaemon(directory, ports);
    const held = await heldByAll(routers, blocks);
    // What the start itself costs is not idling.
    await pause(30_000);
    return { routers: ROUTERS, blocks: held, ...(await watch(daemon.pid, minutes)) };
  } finally {
    if (daemon !== null && daemon.exitCode === null) {
      daemon.kill('SIGTERM');
      await once(daemon, 'exit');
    }
    routers.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function fillLedger(directory, blocks) {
  const { openLedger } = await load('storage/ledger.js');
  const { createLogger } = await load('logger.js');
  const ledger = openLedger({
    path: join(directory, 'state', 'ledger.sqlite'),
    logger: createLogger({ level: 'error' }),
  });
  const nowMs = Date.now();
  ledger.addBlocks(
    Array.from({ length: blocks }, (_, index) => ({
      address: `198.${18 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`,
      origin: 'manual',
      seconds: 7 * 86_400,
      reason: 'bench',
      actor: 'bench',
      nowMs,
    })),
  );
  ledger.close();
}

/** The daemon's log goes to a file whose last lines are shown when it ends too early. */
function startDaemon(directory, ports) {
  const file = join(directory, 'routers.json');
  const routers = ports.map((port, index) => ({
    name: `r${index + 1}`,
    host: '127.0.0.1',
    port,
    tls: false,
    ...CREDENTIALS,
  }));
  writeFileSync(file, JSON.stringify(routers), { mode: 0o600 });
  const { PATH = '', HOME = directory } = process.env;
  const daemon = spawn(process.execPath, [PROGRAM, 'run'], {
    cwd: directory,
    env: {
      PATH,
      HOME,
      STATE_DIR: join(directory, 'state'),
      MODELS_DIR: join(directory, 'models'),
      ROUTERS_FILE: file,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lastLines = [];
  createInterface({ input: daemon.stdout }).on('line', (line) => {
    lastLines.push(line);
    if (lastLines.length > 5) lastLines.shift();
  });
  daemon.once('exit', (code) => {
    if (code !== 0) process.stderr.write(`the daemon ended with ${code}:\n${lastLines.join('\n')}\n`);
  });
  return daemon;
}

async function heldByAll(routers, wanted) {
  const deadline = performance.now() + SYNC_DEADLINE_MS;
  while (performance.now() < deadline) {
    routers.send('count');
    const [held] = await once(routers, 'message');
    if (held.every((count) => count === wanted)) return wanted;
    await pause(1000);
  }
  throw new Error(`the routers do not hold ${wanted} blocks after ${SYNC_DEADLINE_MS / 1000} s`);
}

async function watch(pid, minutes) {
  const before = usageOf(pid);
  const startedAt = performance.now();
  const rssMb = [before.rssMb];
  for (let minute = 0; minute < minutes; minute++) {
    await pause(60_000);
    rssMb.push(usageOf(pid).rssMb);
  }
  const after = usageOf(pid);
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  return {
    minutes,
    cpuSeconds: Number(cpuSeconds.toFixed(2)),
    cpuPercentOfOneCore: Number(((100 * cpuSeconds) / seconds).toFixed(3)),
    rssMbFirst: rssMb[0],
    rssMbLast: rssMb.at(-1),
    rssMbPeak: Math.max(...rssMb),
    openSocketsAndFiles: after.descriptors,
    openSocketsAndFilesBefore: before.descriptors,
  };
}

/** proc(5): fields 14 and 15 of `stat` after the command name, which may hold blanks; resident pages in `status`. */
function usageOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const rssKb = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    rssMb: Math.round(rssKb / 1024),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

function asText(result) {
  return [
    `daemon idle for ${result.minutes} min with ${result.routers} routers of ${result.blocks} blocks, no traffic`,
    `processor        ${result.cpuSeconds} s, ${result.cpuPercentOfOneCore} % of one core`,
    `memory (RSS)     ${result.rssMbFirst} MB at first, ${result.rssMbLast} MB at last, ${result.rssMbPeak} MB at most`,
    `open descriptors ${result.openSocketsAndFilesBefore} at first, ${result.openSocketsAndFiles} at last`,
  ].join('\n');
}

async function serveRouters() {
  const { startSimulator } = await load('simulator/routeros-simulator.js');
  const simulators = [];
  for (let index = 0; index < ROUTERS; index++) simulators.push(await startSimulator(CREDENTIALS));
  process.on('message', () => process.send(simulators.map((simulator) => simulator.entries(4).length)));
  process.send(simulators.map((simulator) => simulator.port));
}

if (process.argv[2] === ROUTERS_FLAG) await serveRouters();
