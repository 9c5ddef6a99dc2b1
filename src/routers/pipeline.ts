import { type AutoblockError, messageOf } from '../errors.ts';
import { RouterRefusedError } from './router-answers.ts';
import type { RouterSession } from './router-session.ts';
import type { WindowSize } from './window-size.ts';

interface PipelinedCommand {
  readonly command: string;
  readonly words: readonly string[];
}

/**
 * Runs commands side by side, as many as the window allows, taking the next one when one is answered; memory is that of one
 * window. A refusal goes to `onAnswer` and the rest goes on. When the session breaks, or `onAnswer` or the iterator throw,
 * nothing more is sent; it rejects when all that was under way is settled.
 */
export function runPipelined<Command extends PipelinedCommand>(options: {
  session: Pick<RouterSession, 'begin'>;
  commands: Iterator<Command, unknown>;
  window: WindowSize;
  onAnswer: (command: Command, refusal: RouterRefusedError | null) => void;
}): Promise<void> {
  const { session, commands, window, onAnswer } = options;
  return new Promise((resolve, reject) => {
    let underWay = 0;
    let hasMore = true;
    let failure: Error | null = null;

    const answered = (command: Command, error: AutoblockError | null) => {
      underWay -= 1;
      window.answered();
      try {
        if (error !== null && !(error instanceof RouterRefusedError)) throw error;
        onAnswer(command, error);
      } catch (thrown) {
        failure ??= errorOf(thrown);
      }
      goOn();
    };
    const takeNext = () => {
      const next = commands.next();
      hasMore = next.done !== true;
      if (next.done === true) return;
      const command = next.value;
      session.begin(command.command, command.words, (error) => answered(command, error));
      underWay += 1;
    };
    const goOn = () => {
      try {
        while (failure === null && hasMore && underWay < window.size) takeNext();
      } catch (thrown) {
        failure ??= errorOf(thrown);
      }
      if (underWay > 0) return;
      if (failure !== null) reject(failure);
      else if (!hasMore) resolve();
    };
    goOn();
  });
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown), { cause: thrown });
}
