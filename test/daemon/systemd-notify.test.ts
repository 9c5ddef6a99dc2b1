import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSystemdNotifier } from '../../src/daemon/systemd-notify.ts';
import { createLogger } from '../../src/logger.ts';

const SYSTEMD_NOTIFY = '/usr/bin/systemd-notify';
const hasTools =
  existsSync(SYSTEMD_NOTIFY) &&
  spawnSync('python3', ['-c', 'import socket'], { stdio: 'ignore' }).status === 0;
if (!hasTools)
  process.stderr.write('skipped: systemd-notify and python3 are needed to receive real messages\n');

/** Prints each datagram as one JSON line; file descriptors that come along (BARRIER) are closed at once, as systemd does. */
const RECEIVER = `
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print(json.dumps("bound"), flush=True)
while True:
    data, fds, flags, address = socket.recv_fds(s, 65536, 8)
    for fd in fds: os.close(fd)
    print(json.dumps(data.decode()), flush=True)
`;

let directory: string;
let logLines: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'autoblock-notify-'));
  logLines = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function logger() {
  return createLogger({ level: 'info', destination: { write: (line: string) => void logLines.push(line) } });
}

function script(name: string, body: string): string {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe.skipIf(!hasTools)('the notifier under a real notification socket', () => {
  let receiver: ChildProcess;
  let messages: string[];

  beforeEach(async () => {
    messages = [];
    const child = spawn('python3', ['-c', RECEIVER, join(directory, 'notify')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    receiver = child;
    const lines = createInterface({ input: child.stdout });
    await new Promise<void>((bound) => {
      lines.on('line', (line) => {
        const text = JSON.parse(line) as string;
        if (text === 'bound') bound();
        else messages.push(text);
      });
    });
  });
  afterEach(async () => {
    const ended = new Promise((resolve) => receiver.once('close', resolve));
    receiver.kill('SIGKILL');
    await ended;
  });

  it('sends the life of a service in order', async () => {
    const notifier = createSystemdNotifier({
      env: { NOTIFY_SOCKET: join(directory, 'notify') },
      logger: logger(),
    });
    // Not awaited one by one: the order is the notifier's own duty.
    await Promise.all([
      notifier.ready('detector hybrid\nMAINPID=1'),
      notifier.watchdog(),
      notifier.status('3 blocks'),
      notifier.reloading(),
      notifier.stopping(),
    ]);
    const parts = () =>
      messages.filter((message) => !message.startsWith('BARRIER=1')).map((text) => text.trim().split('\n'));
    // What has been received still has to come through the receiver's pipe.
    await vi.waitFor(() => expect(parts()).toHaveLength(5));
    const said = parts();
    expect(said[0]).toEqual(
      expect.arrayContaining(['READY=1', `MAINPID=${process.pid}`, 'STATUS=detector hybrid MAINPID=1']),
    );
    expect(said[1]).toEqual(['WATCHDOG=1']);
    expect(said[2]).toEqual(['STATUS=3 blocks']);
    expect(said[3]).toEqual(['RELOADING=1']);
    expect(said[4]).toEqual(expect.arrayContaining(['STOPPING=1', 'STATUS=stopping']));
    expect(logLines).toEqual([]);
  });
});

describe('the notifier without a receiver', () => {
  it('runs nothing outside of systemd', async () => {
    const trace = join(directory, 'ran');
    const command = script('notify', `touch ${trace}`);
    const notifier = createSystemdNotifier({ env: {}, logger: logger(), command });
    await notifier.ready('up');
    expect(existsSync(trace)).toBe(false);
    expect(notifier.watchdogIntervalMs).toBeNull();
  });

  it('hands the child the socket and nothing else of our environment', async () => {
    const trace = join(directory, 'env');
    const command = script('notify', `/usr/bin/env > ${trace}`);
    const env = { NOTIFY_SOCKET: '/run/x', ROUTER_PASSWORD: 'hunter2' };
    await createSystemdNotifier({ env, logger: logger(), command }).watchdog();
    expect(readFileSync(trace, 'utf8')).toContain('NOTIFY_SOCKET=/run/x');
    expect(readFileSync(trace, 'utf8')).not.toContain('hunter2');
  });

  it('logs a refusal, a hang and a missing program, and goes on', async () => {
    const env = { NOTIFY_SOCKET: '/run/x' };
    const refusing = script('refusing', 'echo no manager >&2; exit 1');
    const hanging = script('hanging', 'exec sleep 60');
    for (const command of [refusing, hanging, join(directory, 'nowhere')]) {
      await createSystemdNotifier({ env, logger: logger(), command, timeoutMs: 300 }).watchdog();
    }
    const whys = logLines.map((line) => (JSON.parse(line) as { why: string }).why);
    expect(whys).toEqual(['no manager', 'no answer within 300 ms', expect.stringContaining('ENOENT')]);
  });

  it.each([
    ['120000000', 40_000],
    ['2000', 1],
    ['0', null],
    ['', null],
    ['soon', null],
  ])('beats three times within a watchdog limit of %s microseconds', (usec, expected) => {
    const notifier = createSystemdNotifier({ env: { WATCHDOG_USEC: usec }, logger: logger() });
    expect(notifier.watchdogIntervalMs).toBe(expected);
  });
});
