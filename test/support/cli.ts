import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { LoggedLine } from './logger.ts';

const PROGRAM = resolve(import.meta.dirname, '../../scripts/autoblock.mjs');

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type CliEnv = Readonly<Record<string, string>>;

/** A working directory without a .env, a state directory and a models directory, all removed by `remove`. */
export function temporaryHome(): { env: CliEnv; dir: string; remove: () => void } {
  const dir = mkdtempSync(join(tmpdir(), 'autoblock-test-'));
  return {
    dir,
    env: { STATE_DIR: join(dir, 'state'), MODELS_DIR: join(dir, 'models') },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

interface Place {
  readonly env: CliEnv;
  readonly dir: string;
  /** What standard input brings; without it there is none (`/dev/null`). */
  readonly stdin?: string;
}

function start(args: readonly string[], { env, dir, stdin }: Place): ChildProcess {
  const { PATH = '', HOME = '/tmp', USER = 'tester' } = process.env;
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: dir,
    env: { PATH, HOME, USER, ...env },
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  // A program that ends without reading it leaves the rest unread: no fault of the test.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(stdin);
  return child;
}

/** Runs a real `autoblock` process to its end. */
export async function autoblock(args: readonly string[], place: Place): Promise<CliResult> {
  const child = start(args, place);
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

export interface RunningDaemon {
  readonly lines: readonly LoggedLine[];
  /** Resolves with the first line (also an earlier one, from `fromIndex` on) whose message is `sentence`. */
  waitFor(sentence: string, fromIndex?: number): Promise<LoggedLine>;
  signal(name: NodeJS.Signals): void;
  /** Resolves to the exit code, null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Starts `autoblock run` as a process of its own and reads its log. */
export function startDaemonProcess(place: { env: CliEnv; dir: string }): RunningDaemon {
  const child = start(['run'], place);
  const lines: LoggedLine[] = [];
  const waiting = new Set<() => void>();
  let rest = '';
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout!.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part.startsWith('{')) lines.push(JSON.parse(part) as LoggedLine);
    for (const check of waiting) check();
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);

  return {
    lines,
    ended,
    signal: (name) => void child.kill(name),
    waitFor(sentence, fromIndex = 0) {
      return new Promise((resolveLine, reject) => {
        const check = (): void => {
          const line = lines.find((candidate, index) => index >= fromIndex && candidate.msg === sentence);
          if (line === undefined) return;
          waiting.delete(check);
          resolveLine(line);
        };
        waiting.add(check);
        void ended.then((code) =>
          reject(
            new Error(
              `daemon ended with ${code} before "${sentence}"; stderr: ${stderr}; last: ${JSON.stringify(lines.slice(-5))}`,
            ),
          ),
        );
        check();
      });
    },
  };
}
