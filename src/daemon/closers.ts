import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';

/** Resources register how they are closed on the line after they are opened. */
export interface Closers {
  add(name: string, close: () => void | Promise<void>): void;
  /** Closes in reverse order, all of them, each within `deadlineMs`. Returns the names that failed. */
  closeAll(): Promise<string[]>;
}

/** One failing or hanging close never keeps the rest from closing, but it is reported and counted. */
export function createClosers({ logger, deadlineMs }: { logger: Logger; deadlineMs: number }): Closers {
  const registered: { name: string; close: () => void | Promise<void> }[] = [];
  return {
    add: (name, close) => registered.push({ name, close }),
    async closeAll() {
      const failures: string[] = [];
      for (let entry = registered.pop(); entry !== undefined; entry = registered.pop()) {
        try {
          await withDeadline(entry.close, deadlineMs);
        } catch (thrown) {
          failures.push(entry.name);
          logger.error({ code: 'CLOSE_FAILED', resource: entry.name, err: thrown }, 'resource did not close');
        }
      }
      return failures;
    },
  };
}

async function withDeadline(close: () => void | Promise<void>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not closed within ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    await Promise.race([Promise.resolve(close()), deadline]);
  } catch (thrown) {
    throw thrown instanceof Error ? thrown : new Error(messageOf(thrown));
  } finally {
    clearTimeout(timer);
  }
}
