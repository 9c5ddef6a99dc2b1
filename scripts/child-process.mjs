import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';

const STILL_AT_IT_MS = 15_000;

/**
 * Runs a command with both its outputs on our stderr and says what it is doing before, while and after.
 * Resolves to the exit code; 127 when it could not be started, 128 when a signal ended it.
 * @param {{ title: string | null, command: string, args: string[], cwd: string, say: (text: string) => void }} input
 */
export async function runChild({ title, command, args, cwd, say }) {
  const startedMs = performance.now();
  const seconds = () => Math.round((performance.now() - startedMs) / 1000);
  if (title !== null) say(`${title} …`);
  const beat = setInterval(() => say(`… still at it after ${seconds()} s`), STILL_AT_IT_MS);
  try {
    const code = await new Promise((resolve) => {
      // JOBS lets node-gyp compile on all cores.
      const child = spawn(command, args, {
        cwd,
        env: { JOBS: 'max', ...process.env },
        stdio: ['ignore', 2, 2],
      });
      child.once('error', (error) => {
        say(`cannot start ${command}: ${error.message}`);
        resolve(127);
      });
      child.once('close', (exitCode) => resolve(exitCode ?? 128));
    });
    if (title !== null && code === 0) say(`… done in ${seconds()} s`);
    return code;
  } finally {
    clearInterval(beat);
  }
}

/**
 * Runs a command and collects what it prints (both outputs, in order of arrival).
 * @param {{ command: string, args: string[], cwd: string }} input
 * @returns {Promise<{ code: number, output: string, seconds: number }>}
 */
export async function collectChild({ command, args, cwd }) {
  const startedMs = performance.now();
  const chunks = [];
  const code = await new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.once('error', (error) => {
      chunks.push(Buffer.from(`cannot start ${command}: ${error.message}\n`));
      resolve(127);
    });
    child.once('close', (exitCode) => resolve(exitCode ?? 128));
  });
  return {
    code,
    output: Buffer.concat(chunks).toString('utf8'),
    seconds: (performance.now() - startedMs) / 1000,
  };
}
