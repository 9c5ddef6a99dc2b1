import { createInterface } from 'node:readline/promises';
import { AutoblockError } from '../errors.ts';
import type { Invocation } from './command.ts';

/** Asks at the terminal; `--yes` answers. A script without it is refused: nobody is there to have read the plan. */
export async function confirmed(
  invocation: Invocation,
  { question }: { question: string },
): Promise<boolean> {
  if (invocation.flag('yes')) return true;
  if (!process.stdin.isTTY) {
    throw new AutoblockError('USAGE', `${question} Not at a terminal: say --yes to do it`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
