import type { Output } from './command.ts';

export interface Progress {
  update(text: string): void;
  end(): void;
}

const REDRAW_MS = 100;

/** One line redrawn on a terminal, nothing anywhere else: logs and pipes stay clean. */
export function createProgress(output: Output, nowMs: () => number): Progress {
  if (!output.terminal) return { update: () => undefined, end: () => undefined };
  let drawnAtMs = 0;
  const draw = (text: string): boolean => process.stderr.write(`\r\u001b[K${text}`);
  return {
    update(text) {
      if (nowMs() - drawnAtMs < REDRAW_MS) return;
      drawnAtMs = nowMs();
      draw(text);
    },
    end: () => void draw(''),
  };
}
