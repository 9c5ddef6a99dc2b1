import { type Config, type Environment, settingText } from './load-config.ts';
import { maskSecret } from './mask-secret.ts';
import type { Option } from './option.ts';
import { OPTIONS } from './options.ts';

/** One line of `autoblock config`. */
export interface EffectiveSetting {
  /** Environment variable. */
  readonly key: string;
  /** What is in effect, secrets masked. */
  readonly value: string;
  /** What would be in effect without the variable. */
  readonly default: string;
  readonly source: 'default' | 'environment';
}

/** What every option has come to, in the order of the table. `env` is what `config` was loaded from. */
export function effectiveConfig(config: Config, env: Environment): EffectiveSetting[] {
  const loaded: Readonly<Record<string, unknown>> = { ...config };
  return OPTIONS.map((option: Option) => {
    const text = settingText(option, env);
    const value = textOf(loaded[option.key]) ?? text ?? defaultText(option);
    return {
      key: option.env,
      value: text === undefined ? value : maskSecret(option, value),
      default: defaultText(option),
      source: text === undefined ? 'default' : 'environment',
    };
  });
}

/** The default as an operator would write it, or the words for its absence. */
export function defaultText(option: Option): string {
  return option.defaultText ?? textOf(option.default) ?? 'none';
}

/** Text of a loaded value; null when it is absent or empty. */
function textOf(value: unknown): string | null {
  // Durations are told as they were written: `1h` says more than 3600.
  if (Array.isArray(value))
    return value.every((one) => typeof one === 'string') && value.length > 0 ? value.join(',') : null;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : null;
}
