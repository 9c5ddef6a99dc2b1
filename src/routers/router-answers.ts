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

export type RefusalMeaning =
  | 'already_there'
  | 'no_such_item'
  | 'no_such_command'
  | 'not_permitted'
  | 'list_full'
  | 'out_of_range'
  | 'other';

/** What the router's refusal means; the only place that matches its wording. */
export function refusalMeaning(error: RouterRefusedError): RefusalMeaning {
  return WORDING.find(([, wording]) => wording.test(error.routerMessage))?.[0] ?? 'other';
}

const WORDING: readonly (readonly [RefusalMeaning, RegExp])[] = [
  ['already_there', /already have such entry/i],
  ['no_such_item', /no such item/i],
  ['no_such_command', /no such command/i],
  ['not_permitted', /not enough permissions|permission denied/i],
  ['list_full', /\bfull\b|too many|out of memory|no (?:more )?(?:memory|space)|limit (?:reached|exceeded)/i],
  ['out_of_range', /out of range/i],
];
