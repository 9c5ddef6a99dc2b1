import { createInterface } from 'node:readline/promises';
import { AutoblockError } from '../errors.ts';
import type { Invocation } from './command.ts';

/**
 * Lets a person at a terminal confirm by typing `word`. Nobody at the terminal: `--yes` has to say it.
 * @throws AutoblockError USAGE without a terminal and without `--yes`; INTERRUPTED when something else is typed
 */
export async function confirmByTyping(
  invocation: Pick<Invocation, 'input' | 'flag' | 'output'>,
  { word, question }: { word: string; question: string },
): Promise<void> {
  if (invocation.flag('yes')) return;
  const input = invocation.input();
  if (input.isTTY !== true || !invocation.output.terminal)
    throw new AutoblockError('USAGE', `${word}: no terminal to ask at: add --yes when you mean it`);
  const lines = createInterface({ input, output: process.stderr });
  try {
    const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    const typed = await Promise.race([lines.question(`${question}\nType ${word} to go on: `), ended]);
    if (typed.trim() !== word) throw new AutoblockError('INTERRUPTED', `not confirmed: nothing was done`);
  } finally {
    lines.close();
  }
}
