import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Runs a module text in a Node process of its own and kills it with SIGKILL `afterMs` after it printed its first
 * output (the sign that it is at work). Resolves to everything it printed.
 */
export async function runAndKill(moduleText: string, afterMs: number): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', moduleText], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const closed = once(child, 'close');
  const atWork = once(child.stdout, 'data').then(() => 'at work');
  const first = await Promise.race([atWork, closed.then(() => 'ended')]);
  if (first === 'ended') throw new Error(`the process ended before it could be killed: ${complaints}`);
  await wait(afterMs);
  child.kill('SIGKILL');
  const [, signal] = (await closed) as [number | null, NodeJS.Signals | null];
  if (signal !== 'SIGKILL') throw new Error(`the process ended by itself: ${complaints}`);
  return printed;
}
