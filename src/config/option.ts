type OptionType =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'number'
  | 'path'
  | 'cron'
  | 'networks'
  | 'durations'
  | 'timezone'
  | 'enum'
  | 'url'
  | 'host';

export type OptionGroup = 'Traffic' | 'Files' | 'Schedule' | 'Detector' | 'Decisions' | 'Routers' | 'Process';

export interface Option {
  /** Name of the value in `Config`, units included. */
  readonly key: string;
  /** Name of the environment variable. */
  readonly env: string;
  readonly type: OptionType;
  /** Unit of a number; null where there is none. */
  readonly unit: string | null;
  /** Value when the variable is absent or empty; null = there is none. Networks and durations: comma separated. */
  readonly default: string | number | boolean | null;
  /** What absence means, for options whose default is null or depends on another one. */
  readonly defaultText?: string;
  /** Inclusive bounds of a number, of each duration in seconds. */
  readonly min?: number;
  readonly max?: number;
  /** The values of an enum. */
  readonly choices?: readonly string[];
  /** A string has to match this; `wanted` says it in words. */
  readonly pattern?: RegExp;
  readonly wanted?: string;
  /** A default path lies beside the program instead of in the working directory. */
  readonly besideProgram?: true;
  /** Never printed: a URL loses its password, anything else is masked whole. */
  readonly secret?: true;
  readonly group: OptionGroup;
  readonly description: string;
}
