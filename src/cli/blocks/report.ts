import type { Invocation } from '../command.ts';

const SHOWN = 20;

/** The result of a bulk call: all of it for programs, the first twenty lines and the sum for people. */
export function report(
  invocation: Invocation,
  { json, lines, total }: { json: unknown; lines: readonly string[]; total: string },
): void {
  const { output } = invocation;
  if (invocation.flag('json')) {
    output.out(JSON.stringify(json));
    return;
  }
  for (const line of lines.slice(0, SHOWN)) output.out(line);
  if (lines.length > SHOWN) output.out(`and ${lines.length - SHOWN} more\n${total}`);
  if (lines.length === 0) output.out(total);
}
