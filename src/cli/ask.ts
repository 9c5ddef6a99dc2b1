import { createInterface } from 'node:readline';
import { AutoblockError } from '../errors.ts';
import type { Input, Invocation } from './command.ts';

/**
 * Lets a person at a terminal confirm by typing `word`. Where nobody sits at a terminal, `--yes` has to say it.
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
  invocation.output.err(`${question}\nType ${word} to go on:`);
  if ((await firstLine(input)).trim() !== word)
    throw new AutoblockError('INTERRUPTED', 'not confirmed: nothing was done');
}

/** Empty when the input ends before a line does. */
async function firstLine(input: Input): Promise<string> {
  const lines = createInterface({ input });
  try {
    return await new Promise((resolve) => {
      lines.once('line', resolve);
      lines.once('close', () => {
        resolve('');
      });
    });
  } finally {
    lines.close();
  }
}
