/**
 * `npm run bench -- push [--json] [--entries N] [--reboot-entries N]`: blocks pushed to a router that is simulated in a
 * process of its own, over the real protocol. Each figure stands beside the same commands awaited one by one in the same
 * run, by the same code with one command in flight.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { positiveInteger } from '../positive-integer.mjs';

export const description =
  "push 28,700 blocks: share of a slow router's own limit, 5 ms network, no-change sync, reboot";

const USAGE = `npm run bench -- push [--entries N] [--reboot-entries N] [--json]
  Pushes N (28700) entries to a router with 1.5 ms of CPU per command, and to a free one 5 ms away; syncs a ledger of N
  blocks that the router already holds; measures how long N (5000) entries are missing after a reboot.
  Baseline of the same run: a few hundred of the same commands, each awaited before the next (extrapolated to N).`;

const DIST = new URL('../../dist/', import.meta.url);
const SIMULATOR_FLAG = '--simulator-of-push-bench';
const ACCOUNT = { user: 'autoblock', password: 'bench' };
const CPU_MS = 1.5;
const LATENCY_MS = 5;
const WIDEST_WINDOW = 64;
const SEQUENTIAL = 300;
const RAW = 2000;
const DOWN_MS = 1000;
const NO_CHANGE_SYNCS = 5;
const SETTINGS = {
  scope: { families: [4, 6], origins: ['auto', 'review', 'manual'] },
  maxEntries: 1_000_000,
  dryRun: false,
};

const load = (path) => import(new URL(path, DIST).href);
const round = (value, digits = 1) => Number(value.toFixed(digits));

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      entries: { type: 'string', default: '28700' },
      'reboot-entries': { type: 'string', default: '5000' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  const entries = positiveInteger('entries', values.entries);
  const rebootEntries = positiveInteger('reboot-entries', values['reboot-entries']);
  const rssBeforeMb = peakRssMb();
  const result = {
    bench: 'push',
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    entries,
    slowRouter: await slowRouter(entries),
    farRouter: await farRouter(entries),
    noChange: await noChange(entries),
    reboot: await reboot(rebootEntries),
    rssBeforeMb,
    peakRssMb: peakRssMb(),
  };
  console.log(values.json ? JSON.stringify(result) : describe(result));
}

/** The router's CPU is the bottleneck; its limit is measured by a client that does nothing but keep it busy. */
async function slowRouter(entries) {
  const { COMMANDS_IN_FLIGHT } = await load('config/router-options.js');
  const commandsInFlight = COMMANDS_IN_FLIGHT.default;
  return withSimulator({ commandDelayMs: CPU_MS }, async (simulator) => {
    const rawPerSecond = await rawLimit(simulator.port);
    const sequentialPerSecond = await pushed(simulator, {
      entries: SEQUENTIAL,
      commandsInFlight: 1,
      list: 'b',
    });
    const perSecond = await pushed(simulator, { entries, commandsInFlight, list: 'a' });
    const limitPerSecond = 1000 / CPU_MS;
    return {
      cpuMsPerCommand: CPU_MS,
      commandsInFlight,
      perSecond: round(perSecond),
      limitPerSecond: round(limitPerSecond),
      rawPerSecond: round(rawPerSecond),
      shareOfLimit: round(perSecond / limitPerSecond, 4),
      shareOfRaw: round(perSecond / rawPerSecond, 4),
      sequentialPerSecond: round(sequentialPerSecond),
      toSequential: round(perSecond / sequentialPerSecond, 2),
    };
  });
}

/** The network is the bottleneck, and nothing but waiting side by side helps. */
async function farRouter(entries) {
  return withSimulator({ latencyMs: LATENCY_MS }, async (simulator) => {
    const sequentialPerSecond = await pushed(simulator, {
      entries: SEQUENTIAL,
      commandsInFlight: 1,
      list: 'b',
    });
    const commandsInFlight = WIDEST_WINDOW;
    const perSecond = await pushed(simulator, { entries, commandsInFlight, list: 'a' });
    return {
      latencyMs: LATENCY_MS,
      commandsInFlight,
      perSecond: round(perSecond),
      // As one command alone saw it: a busy machine adds to what was asked for.
      measuredRoundTripMs: round(1000 / sequentialPerSecond, 2),
      sequentialPerSecond: round(sequentialPerSecond),
      sequentialCommands: SEQUENTIAL,
      sequentialSecondsExtrapolated: round(entries / sequentialPerSecond),
      toSequential: round(perSecond / sequentialPerSecond, 1),
    };
  });
}

/** A whole sync from a real ledger when the router already holds every block. */
async function noChange(entries) {
  return withSite({ commandDelayMs: 0 }, entries, async ({ simulator, sync }) => {
    const firstPushMs = await timed(sync);
    const before = (await simulator.ask('state')).received;
    const times = [];
    const usage = process.cpuUsage();
    for (let i = 0; i < NO_CHANGE_SYNCS; i += 1) times.push(await timed(sync));
    const { user, system } = process.cpuUsage(usage);
    const after = await simulator.ask('state');
    const sent = Object.entries(after.received)
      .map(([command, count]) => [command, (count - (before[command] ?? 0)) / NO_CHANGE_SYNCS])
      .filter(([, count]) => count > 0);
    if (after.held !== entries) throw new Error(`the router holds ${after.held} of ${entries} blocks`);
    times.sort((a, b) => a - b);
    return {
      firstSyncMs: round(firstPushMs),
      syncs: NO_CHANGE_SYNCS,
      medianMs: round(times[Math.floor(times.length / 2)]),
      worstMs: round(times.at(-1)),
      // Tells the work from the waiting on a machine that has something else to do.
      cpuMsPerSync: round((user + system) / 1000 / NO_CHANGE_SYNCS),
      commandsPerSync: Object.fromEntries(sent),
    };
  });
}

/** From the loss of the session until the router is read back with every entry; it does not listen for a second. */
async function reboot(entries) {
  return withSite({ commandDelayMs: CPU_MS }, entries, async ({ simulator, connection, sync }) => {
    await sync();
    const lost = new Promise((resolve) => {
      connection.onLost(resolve);
    });
    const rebootedAt = performance.now();
    await simulator.ask('reboot', { downMs: DOWN_MS });
    await lost;
    let attempts = 1;
    while (!(await sync({ mayFail: true }))) {
      attempts += 1;
      await sleep(100);
    }
    const protectedMs = performance.now() - rebootedAt;
    const { held } = await simulator.ask('state');
    if (held !== entries) throw new Error(`the router holds ${held} of ${entries} blocks after its reboot`);
    const routerMs = entries * CPU_MS;
    return {
      entries,
      cpuMsPerCommand: CPU_MS,
      downMs: DOWN_MS,
      attempts,
      protectedMs: round(protectedMs),
      // What the adds alone cost this router: nobody can be faster.
      routerMs,
      shareOfLimit: round(routerMs / (protectedMs - DOWN_MS), 4),
    };
  });
}

/** Entries a second that `apply` achieves on an empty list; counted on the router. */
async function pushed(simulator, { entries, commandsInFlight, list }) {
  const connection = await routerConnection(simulator.port, { commandsInFlight, list });
  try {
    await connection.facts();
    const add = Array.from({ length: entries }, (_, index) => ({
      address: addressOf(index),
      timeoutSeconds: 86_400,
      comment: commentOf(index),
    }));
    const before = (await simulator.ask('state')).held;
    const startedAt = performance.now();
    const { refused } = await connection.apply({ add, extend: [], remove: [] });
    const ms = performance.now() - startedAt;
    const held = (await simulator.ask('state')).held - before;
    if (refused.length > 0 || held !== entries) throw new Error(`only ${held} of ${entries} were pushed`);
    return (entries / ms) * 1000;
  } finally {
    await connection.close();
  }
}

/** Commands a second this router carries out for a client that keeps `WIDEST_WINDOW` of them waiting. */
async function rawLimit(port) {
  const { createSentenceDecoder, encodeSentence } = await load('routeros-wire/sentence-codec.js');
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.setNoDelay(true);
  const decoder = createSentenceDecoder();
  const answered = async function* () {
    for await (const piece of socket)
      for (const words of decoder.push(piece)) if (words[0] === '!done') yield words;
  };
  const done = answered();
  socket.write(encodeSentence(['/login', `=name=${ACCOUNT.user}`, `=password=${ACCOUNT.password}`]));
  await done.next();
  let sent = 0;
  const send = () => {
    sent += 1;
    const words = ['=list=raw', `=address=${addressOf(sent)}`, '=timeout=1d', `=comment=${commentOf(sent)}`];
    socket.write(encodeSentence(['/ip/firewall/address-list/add', `.tag=${sent}`, ...words]));
  };
  const startedAt = performance.now();
  while (sent < WIDEST_WINDOW) send();
  for (let received = 0; received < RAW; received += 1) {
    await done.next();
    if (sent < RAW) send();
  }
  const ms = performance.now() - startedAt;
  socket.destroy();
  return (RAW / ms) * 1000;
}

/** A simulated router and a real ledger with `entries` blocks, one in ten IPv6. */
async function withSite(options, entries, work) {
  const { openLedger } = await load('storage/ledger.js');
  const { createLogger } = await load('logger.js');
  const { COMMANDS_IN_FLIGHT } = await load('config/router-options.js');
  const logger = createLogger({ level: 'silent' });
  const directory = mkdtempSync(join(tmpdir(), 'autoblock-bench-'));
  try {
    const ledger = openLedger({ path: join(directory, 'ledger.sqlite'), logger });
    try {
      const nowMs = Date.now();
      const block = { origin: 'manual', seconds: 86_400, reason: 'port scan', actor: 'bench', nowMs };
      const addressAt = (index) => (index % 10 === 9 ? addressOf6(index) : addressOf(index));
      ledger.addBlocks(
        Array.from({ length: entries }, (_, index) => ({ ...block, address: addressAt(index) })),
      );
      return await withSimulator(options, async (simulator) => {
        const connection = await routerConnection(simulator.port, {
          commandsInFlight: COMMANDS_IN_FLIGHT.default,
          list: 'autoblock',
        });
        try {
          return await work({ simulator, connection, sync: await syncOf({ connection, ledger, logger }) });
        } finally {
          await connection.close();
        }
      });
    } finally {
      ledger.close();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** One sync as the daemon runs it. True when the router holds every block; else it throws, unless it `mayFail`. */
async function syncOf({ connection, ledger, logger }) {
  const { runRouterSync } = await load('runs/router-sync-run.js');
  const { createRouterMemory } = await load('runs/router-memory.js');
  const { collectProtected } = await load('routers/protected-addresses.js');
  const { buildProtection } = await load('decisions/protected-networks.js');
  const protection = buildProtection({ internalNetworks: [], allowlist: [], extraProtected: [] });
  const memory = createRouterMemory();
  const print = (menu, options) => connection.print(menu, options);
  const parts = {
    ...{ routers: [connection], ledger, logger, actor: 'bench', dryRun: false, maxRemovalShare: 0.5 },
    settingsOf: () => SETTINGS,
    memoryOf: () => memory,
    protection: () => protection,
    neverBlockOf: () => collectProtected(print, { onUnread: () => undefined }),
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    deadlineMs: 600_000,
  };
  return async ({ mayFail = false } = {}) => {
    const [result] = await runRouterSync(parts);
    if (!result.ok && !mayFail) throw new Error(`the sync failed: ${result.error}`);
    return result.ok;
  };
}

async function routerConnection(port, { commandsInFlight, list }) {
  const { createRouterConnection } = await load('routers/router-connection.js');
  return createRouterConnection({
    ...{ name: 'bench', host: '127.0.0.1', port, ...ACCOUNT, tls: { mode: 'plain' } },
    ...{ addressListV4: list, addressListV6: list, commandsInFlight },
  });
}

/** Addresses of no special range, spread as attackers are. */
function addressOf(index) {
  const spread = (index * 7919) % 0x1000000;
  return `45.${spread >>> 16}.${(spread >>> 8) & 0xff}.${spread & 0xff}`;
}

function addressOf6(index) {
  return `2a00:${(index % 0xffff).toString(16)}:1::/64`;
}

function commentOf(index) {
  return `autoblock:0a1b2c3d port scan of 31 ports in 60 s risk 97 #${index}`;
}

async function timed(work) {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** Of this process, which does all but simulate. Linux and macOS report it to Node in kilobytes. */
function peakRssMb() {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}

/** Runs `work` with a simulated router in a process of its own, which is gone afterwards. */
async function withSimulator(options, work) {
  const child = fork(fileURLToPath(import.meta.url), [SIMULATOR_FLAG]);
  const gone = once(child, 'exit');
  const ask = async (request, details = {}) => {
    const answer = once(child, 'message');
    child.send({ request, ...details });
    const [first] = await Promise.race([answer, gone.then(([code]) => [{ gone: code }])]);
    if ('gone' in first) throw new Error(`the simulated router ended with ${first.gone}`);
    return first;
  };
  try {
    const { port } = await ask('start', { options: { ...ACCOUNT, ...options } });
    return await work({ port, ask });
  } finally {
    child.disconnect();
    await gone;
  }
}

async function simulate() {
  const { startSimulator } = await load('simulator/routeros-simulator.js');
  let simulator = null;
  const answers = {
    start: async ({ options }) => {
      simulator = await startSimulator(options);
      return { port: simulator.port };
    },
    state: () => ({
      held: simulator.entries(4).length + simulator.entries(6).length,
      received: Object.fromEntries(simulator.received),
    }),
    reboot: ({ downMs }) => {
      simulator.reboot({ downMs });
      return {};
    },
  };
  process.on('message', async (message) => process.send(await answers[message.request](message)));
  process.once('disconnect', () => simulator?.close());
}

function describe({ entries, slowRouter: slow, farRouter: far, noChange: idle, reboot: again, ...result }) {
  const percent = (share) => `${round(share * 100, 2)} %`;
  const commands = Object.entries(idle.commandsPerSync).map(([command, count]) => `${count} x ${command}`);
  return [
    `push: ${entries} entries (node ${result.node}, ${result.cpu})`,
    `  router with ${slow.cpuMsPerCommand} ms of CPU per command, ${slow.commandsInFlight} in flight`,
    `    pushed          ${slow.perSecond}/s = ${percent(slow.shareOfLimit)} of its limit of ${slow.limitPerSecond}/s`,
    `    raw client      ${slow.rawPerSecond}/s`,
    `    one by one      ${slow.sequentialPerSecond}/s; pushed / one by one = ${slow.toSequential}`,
    `  free router ${far.latencyMs} ms away, ${far.commandsInFlight} in flight`,
    `    pushed          ${far.perSecond}/s`,
    `    one by one      ${far.sequentialPerSecond}/s (${far.measuredRoundTripMs} ms each): ${far.sequentialSecondsExtrapolated} s for all, extrapolated from ${far.sequentialCommands}; pushed / one by one = ${far.toSequential}`,
    `  sync without a change`,
    `    median          ${idle.medianMs} ms of ${idle.syncs}, worst ${idle.worstMs} ms, ${idle.cpuMsPerSync} ms of processor each (the first, with every push: ${idle.firstSyncMs} ms)`,
    `    commands        ${commands.join(', ')}`,
    `  reboot with ${again.entries} entries, ${again.cpuMsPerCommand} ms of CPU per command, away for ${again.downMs} ms`,
    `    protected again ${again.protectedMs} ms after the reboot, in ${again.attempts} attempts (its adds alone cost the router ${again.routerMs} ms)`,
    `  peak memory (RSS) of the pushing side ${result.peakRssMb} MB, ${result.rssBeforeMb} MB before`,
  ].join('\n');
}

if (process.argv[2] === SIMULATOR_FLAG) await simulate();
