import { type ParseArgsConfig, parseArgs } from 'node:util';
import { AutoblockError, messageOf } from '../errors.ts';
import { parseIsoTimestamp } from '../evaluation/iso-timestamp.ts';

interface OptionSpec {
  readonly type: 'boolean' | 'string';
  readonly multiple?: true;
  /** Shown after the option in help: `--days N`. */
  readonly placeholder?: string;
  readonly description: string;
}

export interface Output {
  /** Results: stdout. */
  out(text: string): void;
  /** Progress and problems: stderr. */
  err(text: string): void;
  /** True when stderr is a terminal: only then is progress drawn. */
  readonly terminal: boolean;
}

/** Standard input: bytes to stream, or a person at a terminal to ask. */
export type Input = NodeJS.ReadableStream & AsyncIterable<Buffer> & { readonly isTTY?: boolean };

export interface Invocation {
  readonly positionals: readonly string[];
  flag(name: string): boolean;
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  readonly output: Output;
  /** Opened by the first call: a command that reads nothing leaves it alone. */
  readonly input: () => Input;
  readonly nowMs: () => number;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** One line per form, without the program name. */
  readonly usage: readonly string[];
  /** Paragraphs below the usage. */
  readonly details?: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Takes arguments that are no options: a verb, addresses, files. Without it any such argument is refused. */
  readonly operands?: true;
  readonly examples: readonly string[];
  /** Resolves to the exit code. */
  run(invocation: Invocation): Promise<number>;
}

/** Reads a command's arguments; anything unknown is USAGE, naming what was found. */
export function parseInvocation(
  command: Command,
  args: readonly string[],
  surroundings: Pick<Invocation, 'output' | 'input' | 'nowMs'>,
): Invocation {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, spec] of Object.entries(command.options)) {
    options[name] = { type: spec.type, ...(spec.multiple === true ? { multiple: true } : {}) };
  }
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
    });
    if (command.operands !== true) refuseOperands(command.name, positionals);
    return {
      positionals,
      flag: (name) => values[name] === true,
      text: (name) => {
        const value = values[name];
        return typeof value === 'string' ? value : undefined;
      },
      texts: (name) => {
        const value = values[name];
        return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
      },
      ...surroundings,
    };
  } catch (thrown) {
    if (thrown instanceof AutoblockError) throw thrown;
    throw new AutoblockError('USAGE', `${command.name}: ${parseFault(command, thrown)}`, { cause: thrown });
  }
}

/** Node's sentence without its advice about positional arguments, and what there is instead. */
function parseFault(command: Command, thrown: unknown): string {
  const [sentence = ''] = messageOf(thrown).split('. ');
  const unknown = /^Unknown option '(.+?)'/.exec(sentence)?.[1];
  if (unknown === undefined) return sentence;
  const names = [...Object.keys(command.options), 'help'].map((name) => `--${name}`);
  return `no option "${unknown}"; there are ${names.join(', ')}`;
}

/** A word nobody reads was meant to say something: refused, not ignored. */
export function refuseOperands(what: string, operands: readonly string[]): void {
  if (operands.length === 0) return;
  const got = operands.map((operand) => `"${operand}"`).join(', ');
  throw new AutoblockError('USAGE', `${what}: got ${got}, wanted nothing there`);
}

export function commandHelp(command: Command): string {
  const rows = Object.entries(command.options).map(([name, spec]) => [
    `  --${name}${spec.placeholder === undefined ? '' : ` ${spec.placeholder}`}`,
    spec.description,
  ]);
  rows.push(['  --help', 'this page']);
  return [
    command.summary,
    '',
    'Usage:',
    ...command.usage.map((line) => `  autoblock ${line}`),
    ...(command.details === undefined ? [] : ['', command.details]),
    '',
    'Options:',
    ...alignColumns(rows),
    '',
    'Examples:',
    ...command.examples.map((line) => `  ${line}`),
    '',
  ].join('\n');
}

export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(...rows.map(([first = '']) => first.length));
  return rows.map(([first = '', second = '']) => `${first.padEnd(width)}  ${second}`);
}

/** RouterOS refuses a longer address-list timeout (35w3d13h13m56s). */
export const LONGEST_BLOCK_SECONDS = 21_474_836;

/** A whole number within bounds from an option's text. */
export function wholeNumber(
  name: string,
  text: string | undefined,
  { fallback, min, max }: { fallback: number; min: number; max: number },
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new AutoblockError(
      'USAGE',
      `--${name}: got "${text}", wanted a whole number from ${min} to ${max}`,
    );
  }
  return value;
}

/** `now`, a date (its start in UTC), or an ISO 8601 time with a zone, as Unix ms. */
export function pointInTime(name: string, text: string | undefined, nowMs: number): number {
  if (text === undefined || text === 'now') return nowMs;
  const parsed = isoTime(text);
  if (parsed === null) {
    throw new AutoblockError(
      'USAGE',
      `--${name}: got "${text}", wanted now or an ISO 8601 time like 2026-01-31T03:00:00Z`,
    );
  }
  return parsed;
}

const AGO_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Like `pointInTime`, and also how long ago: `90m`, `24h`, `7d`. Null when nothing is asked. */
export function pointInPast(name: string, text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null;
  const [, amount, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined)
    return nowMs - Number(amount) * AGO_MS[unit as keyof typeof AGO_MS];
  const parsed = isoTime(text);
  if (parsed !== null) return parsed;
  throw new AutoblockError(
    'USAGE',
    `--${name}: got "${text}", wanted an ISO 8601 time like 2026-01-31T03:00:00Z or how long ago like 24h`,
  );
}

function isoTime(text: string): number | null {
  return parseIsoTimestamp(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
}
