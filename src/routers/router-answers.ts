import { AutoblockError } from '../errors.ts';

/** The router answered a command with `!trap`. */
export class RouterRefusedError extends AutoblockError {
  /** The router's own words. */
  readonly routerMessage: string;
  /** 0-7 as in the manual ("API", "!trap categories"): 0 missing item or command, 1 bad value …; null when not sent. */
  readonly category: number | null;

  constructor(options: { where: string; command: string; routerMessage: string; category: number | null }) {
    super('ROUTER_REFUSED', `router ${options.where} refused ${options.command}: ${options.routerMessage}`);
    this.name = 'RouterRefusedError';
    this.routerMessage = options.routerMessage;
    this.category = options.category;
  }
}

/** What the router's refusal means; the only place that matches its wording. */
export function refusalMeans(
  error: unknown,
  meaning: 'already_there' | 'no_such_item' | 'no_such_command',
): error is RouterRefusedError {
  return error instanceof RouterRefusedError && WORDING[meaning].test(error.routerMessage);
}

const WORDING = {
  already_there: /already have such entry/i,
  no_such_item: /no such item/i,
  no_such_command: /no such command/i,
} as const;
