import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { expectNothingLeftBehind } from './nothing-left-behind.ts';

expectNothingLeftBehind();

const DIST = resolve(import.meta.dirname, '../../dist');

/** What a process of its own counted; instances are live objects after a full garbage collection. */
interface Census {
  readonly commands: number;
  readonly sessions: number;
  readonly instances: Readonly<Record<string, number>>;
  readonly heapBytes: number;
  readonly resources: readonly string[];
  readonly warnings: readonly string[];
  readonly listeners: number;
}

/** Runs in a child, where `gc()` may be called; prints one census per step. */
const PROGRAM = `
import { queryObjects } from 'node:v8';
import { Socket } from 'node:net';
import { Channel } from 'node-routeros/dist/Channel.js';
import { Connector } from 'node-routeros/dist/connector/Connector.js';
const [{ startSimulator }, { openRouterSession }, { createRouterConnection }] = await Promise.all(
  ['simulator/routeros-simulator.js', 'routers/node-routeros-session.js', 'routers/router-connection.js'].map((file) => import(process.env.DIST + '/' + file)),
);
const warnings = [];
process.on('warning', (warning) => warning.name !== 'ExperimentalWarning' && warnings.push(warning.name + ': ' + warning.message));
const account = { user: 'u', password: 'p' };
const simulator = await startSimulator(account);
const options = { name: 'edge', host: '127.0.0.1', port: simulator.port, ...account, tls: { mode: 'plain' },
  connectTimeoutMs: 60000, commandTimeoutMs: 60000 };
const open = () => openRouterSession(options);
let commands = 0;
async function run(session, count) {
  const worker = async () => {
    for (let done = 0; done < count / 32; done += 1) {
      await session.run('/system/identity/print', ['=.proplist=name']);
      commands += 1;
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}
/** The first one makes the objects of standard output, and is not looked at. */
async function census() {
  for (let time = 0; time < 5; time += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    gc();
  }
  console.log(JSON.stringify({
    commands, warnings, sessions: simulator.sessions,
    instances: {
      channels: queryObjects(Channel, { format: 'count' }),
      connectors: queryObjects(Connector, { format: 'count' }),
      sockets: queryObjects(Socket, { format: 'count' }),
      timers: process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length,
    },
    heapBytes: process.memoryUsage().heapUsed,
    resources: process.getActiveResourcesInfo().filter((kind) => /^(TCP|Timeout)/.test(kind)).sort(),
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  }));
}
`;

async function countInChild(steps: string): Promise<Census[]> {
  const args = [
    '--expose-gc',
    '--no-warnings=ExperimentalWarning',
    '--input-type=module',
    '-e',
    PROGRAM + 'await census(); await census();' + steps,
  ];
  const child = spawn(process.execPath, args, {
    cwd: resolve(DIST, '..'),
    env: { PATH: process.env['PATH'] ?? '', DIST: pathToFileURL(DIST).href },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code).toBe(0);
  return printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Census);
}

const MIB = 2 ** 20;

describe('after a long life', () => {
  it('100,000 commands over one connection have left no channel, no listener, no timer and no heap', async () => {
    const [, start, before, half, end, closed] = await countInChild(`
      let session = await open();
      await run(session, 3200);
      await census();
      await run(session, 50000);
      await census();
      await run(session, 50000);
      await census();
      await session.close();
      session = null;
      await simulator.close();
      await census();
    `);
    expect(end!.commands).toBeGreaterThanOrEqual(100_000);
    expect(end!.instances).toEqual(before!.instances);
    expect(half!.instances).toEqual(before!.instances);
    expect(end).toMatchObject({ sessions: 1, warnings: [], listeners: before!.listeners });
    expect(end!.resources).toEqual(before!.resources);
    // Compiled code and inline caches settle in the first half; a leak of 20 bytes a command would show as 1 MB.
    expect(end!.heapBytes - half!.heapBytes).toBeLessThan(MIB);
    expect(closed).toMatchObject({ sessions: 0, resources: [], instances: start!.instances });
  });

  it('300 sessions, well ended, cut, refused and given up, have left nothing', async () => {
    const [, start, before, half, end, closed] = await countInChild(`
      const faults = simulator.faults;
      const kept = createRouterConnection({ ...options, addressListV4: 'a', addressListV6: 'a', commandsInFlight: 16 });
      let lost = 0;
      kept.onLost(() => (lost += 1));
      async function reconnect(time) {
        faults.closeOn = time % 5 === 1 ? { command: /identity/, reset: time % 2 === 0 } : null;
        faults.trapOn = time % 5 === 2 ? { command: /login/, category: 4, message: 'no' } : null;
        faults.fatalOn = time % 5 === 3 ? { command: /identity/, message: 'enough' } : null;
        faults.closeBeforeLoginReply = time % 5 === 4;
        try {
          if (time % 2 === 0) {
            const session = await open();
            try { await run(session, 64); } finally { if (time % 10 !== 6) await session.close(); }
          } else {
            await Promise.all([kept.facts(), kept.facts(), kept.read()]);
            if (time % 10 === 5) await kept.close();
          }
        } catch (error) {
          if (!/^ROUTER_/.test(error.code)) throw error;
        }
      }
      for (let time = 0; time < 100; time += 1) await reconnect(time);
      await kept.close();
      await census();
      for (let time = 0; time < 100; time += 1) await reconnect(time);
      await kept.close();
      await census();
      for (let time = 0; time < 100; time += 1) await reconnect(time);
      await kept.close();
      await census();
      await simulator.close();
      await census();
    `);
    expect(before).toMatchObject({ sessions: 0, warnings: [] });
    expect(half).toMatchObject({ sessions: 0, instances: before!.instances, resources: before!.resources });
    expect(end).toMatchObject({ sessions: 0, instances: before!.instances, resources: before!.resources });
    expect(end).toMatchObject({ warnings: [], listeners: before!.listeners });
    expect(end!.heapBytes - half!.heapBytes).toBeLessThan(MIB);
    expect(closed).toMatchObject({ resources: [], instances: start!.instances });
  });
});
