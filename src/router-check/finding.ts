/** One thing the doctor looked at on one router. */
export interface Finding {
  /** Stable word for programs, for example `clock` or `drop-rules-v4`. */
  readonly check: string;
  readonly level: 'ok' | 'warn' | 'error';
  /** What was found, one sentence or two. */
  readonly message: string;
  /** RouterOS commands to type, in order; a line that begins with `autoblock` is typed on this server. */
  readonly commands: readonly string[];
}

export function ok(check: string, message: string): Finding {
  return { check, level: 'ok', message, commands: [] };
}

export function warn(check: string, message: string, commands: readonly string[] = []): Finding {
  return { check, level: 'warn', message, commands };
}

export function error(check: string, message: string, commands: readonly string[] = []): Finding {
  return { check, level: 'error', message, commands };
}
