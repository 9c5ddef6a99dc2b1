import { canonicalText } from '../ip/address.ts';
import { parseDurations } from './durations.ts';
import type { Option } from './option.ts';

export type OptionValue = string | number | boolean | readonly string[] | readonly number[];

/** Either the value, or what a valid one would look like. */
export type ParsedOption = { readonly value: OptionValue } | { readonly wanted: string };

export interface ParseContext {
  /** True for a cron expression the scheduler accepts; an argument so that loader and scheduler never disagree. */
  readonly isCron: (expression: string) => boolean;
  /** Absolute path of `path`, seen from the working directory. */
  readonly resolvePath: (path: string) => string;
}

const TRUE_TEXTS = ['true', '1', 'yes', 'on'];
const FALSE_TEXTS = ['false', '0', 'no', 'off'];

/** Reads the text of one environment variable (trimmed, not empty) as the type its option has. */
export function parseOption(option: Option, text: string, context: ParseContext): ParsedOption {
  switch (option.type) {
    case 'boolean':
      return parseBoolean(text);
    case 'integer':
    case 'number':
      return parseNumber(option, text);
    case 'networks':
      return parseNetworks(text);
    case 'durations':
      return parseLadder(option, text);
    case 'path':
      return { value: context.resolvePath(text) };
    case 'enum': {
      const choices = option.choices ?? [];
      return choices.includes(text.toLowerCase())
        ? { value: text.toLowerCase() }
        : { wanted: `one of ${choices.join(', ')}` };
    }
    case 'cron':
      return accept(text, context.isCron(text), 'a cron expression (minute hour day month weekday)');
    case 'timezone':
      return accept(text, isTimezone(text), 'a time zone name, for example UTC or Europe/Warsaw');
    case 'url':
      return accept(text, isPostgresUrl(text), 'postgresql://user:password@host:port/database');
    case 'host':
      return accept(text, isHost(text), HOST_WANTED);
    case 'string':
      return accept(text, option.pattern?.test(text) ?? true, option.wanted ?? 'a text');
  }
}

export const HOST_WANTED = 'a host name or an IP address, without scheme and port';

/** True for a host name (RFC 1123 letters, plus `_`) or an address; `router:8729` and `https://router` are not. */
export function isHost(text: string): boolean {
  if (text.includes(':') || /^[\d.]+$/.test(text)) return !text.includes('/') && canonicalText(text) !== null;
  return text.length <= 253 && /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$/.test(text);
}

function accept(text: string, valid: boolean, wanted: string): ParsedOption {
  return valid ? { value: text } : { wanted };
}

function parseBoolean(text: string): ParsedOption {
  const lower = text.toLowerCase();
  if (TRUE_TEXTS.includes(lower)) return { value: true };
  return FALSE_TEXTS.includes(lower) ? { value: false } : { wanted: 'true or false' };
}

function parseNumber(option: Option, text: string): ParsedOption {
  const { min = -Number.MAX_VALUE, max = Number.MAX_VALUE } = option;
  const noun = option.type === 'integer' ? 'a whole number' : 'a number';
  const wanted = `${noun} from ${min} to ${max}`;
  const grammar = option.type === 'integer' ? /^[+-]?\d+$/ : /^[+-]?(\d+\.?\d*|\.\d+)$/;
  if (!grammar.test(text)) return { wanted };
  const value = Number(text);
  return value >= min && value <= max ? { value } : { wanted };
}

function parseNetworks(text: string): ParsedOption {
  const texts = text.split(/[\s,]+/).filter((part) => part !== '');
  const canonical = texts.map(canonicalText);
  const wrong = texts.filter((_, index) => canonical[index] === null);
  if (wrong.length > 0) {
    return {
      wanted: `addresses or CIDR networks separated by commas or spaces; not one: ${wrong.join(', ')}`,
    };
  }
  return { value: [...new Set(canonical.filter((network) => network !== null))] };
}

function parseLadder(option: Option, text: string): ParsedOption {
  const { min = 1, max = Number.MAX_SAFE_INTEGER } = option;
  const seconds = parseDurations(text);
  const isValid =
    seconds !== null &&
    seconds.length > 0 &&
    seconds.every((one, index) => one >= min && one <= max && one >= (seconds[index - 1] ?? 0));
  if (isValid) return { value: seconds };
  return {
    wanted: `durations as RouterOS writes them (1h,6h,1d,7d), each from ${min} to ${max} seconds, none shorter than the one before`,
  };
}

function isTimezone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    // Intl offers no other question than "construct it and see".
    return false;
  }
}

function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//.test(text) && URL.canParse(text);
}
