import { Writable } from 'node:stream';
import { createLogger, type Logger } from '../../src/logger.ts';

export interface LoggedLine {
  readonly level: string;
  readonly msg: string;
  readonly code?: string;
  readonly [field: string]: unknown;
}

/** A real logger whose lines a test can read. */
export function capturingLogger(): { logger: Logger; lines: LoggedLine[] } {
  const lines: LoggedLine[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const line of chunk.toString().split('\n')) {
        if (line !== '') lines.push(JSON.parse(line) as LoggedLine);
      }
      done();
    },
  });
  return { logger: createLogger({ level: 'debug', destination }), lines };
}
