import { consoleMenu, consoleValue } from './command-text.ts';
import { bestDropRule, excusesSources } from './drop-rule-position.ts';
import { matchersOf, rulesMet } from './firewall-chain.ts';
import { isSet, type MenuRow } from './router-snapshot.ts';

export type FirewallMenu =
  | '/ip/firewall/raw'
  | '/ip/firewall/filter'
  | '/ipv6/firewall/raw'
  | '/ipv6/firewall/filter';

export type RuleMethod = 'raw' | 'filter';

/** A drop rule of ours, found again by its comment and its list. */
export interface DesiredRule {
  readonly menu: FirewallMenu;
  readonly chain: 'prerouting' | 'input' | 'forward';
  readonly list: string;
  /** Interface list the rule is confined to; null: packets from everywhere. */
  readonly wan: string | null;
  readonly comment: string;
}

/** One command over the API, with the sentence that tells what it does. */
export interface RuleStep {
  readonly menu: FirewallMenu;
  readonly action: 'add' | 'set' | 'unset' | 'move' | 'remove';
  readonly words: readonly string[];
  readonly what: string;
}

export type FirewallTables = Readonly<Record<FirewallMenu, readonly MenuRow[]>>;

/** Rules whose comment begins with this are ours; entries of address lists carry `autoblock:` and the ledger's id. */
const RULE_MARK = 'autoblock:rule ';

const PLAIN_MATCHERS = new Set(['src-address-list', 'in-interface-list']);

const CHAINS = { raw: ['prerouting'], filter: ['input', 'forward'] } as const;

/** The drop rules one router needs: one per family in raw, one per chain and family in filter. */
export function desiredRules(options: {
  readonly method: RuleMethod;
  readonly families: readonly (4 | 6)[];
  readonly addressListV4: string;
  readonly addressListV6: string;
  readonly wan: string | null;
}): DesiredRule[] {
  return options.families.flatMap((family) => {
    const menu: FirewallMenu = `/${family === 4 ? 'ip' : 'ipv6'}/firewall/${options.method}`;
    const list = family === 4 ? options.addressListV4 : options.addressListV6;
    return CHAINS[options.method].map((chain) => ({
      ...{ menu, chain, list, wan: options.wan },
      comment: `${RULE_MARK}drop ${chain} from ${list}`,
    }));
  });
}

/**
 * What is to be done so that every desired rule stands, enabled, above whatever lets a listed source pass. New and mended
 * rules first, removals of our own left-over rules last, so that the door is never open in between. Empty when all is
 * as desired: the second run changes nothing. Rules that are not ours are never touched.
 */
export function planRules(desired: readonly DesiredRule[], tables: FirewallTables): RuleStep[] {
  const steps = desired.flatMap((rule) => stepsFor(rule, tables[rule.menu]));
  return [...steps, ...leftOverRules(desired, tables)];
}

/** Takes off our own rules for these lists, on the operator's request. */
export function planRemoval(lists: readonly string[], tables: FirewallTables): RuleStep[] {
  return tagged(tables, lists).map(({ menu, row }) => removal(menu, row));
}

/** A script for the console that does the same and may be pasted twice: a rule with its comment is not added again. */
export function ruleScript(desired: readonly DesiredRule[]): string[] {
  return desired.flatMap((rule) => {
    const menu = consoleMenu(rule.menu);
    const comment = consoleValue(rule.comment);
    const add = `${menu} add ${consoleProperties(rule)}`;
    return [
      '{',
      // Above dynamic rules (the FastTrack counters) nothing can be placed.
      `  :local first [${menu} find where chain=${rule.chain} and !dynamic]`,
      `  :if ([:len [${menu} find where comment=${comment}]] = 0) do={`,
      `    :if ([:len $first] > 0) do={ ${add} place-before=($first->0) } else={ ${add} }`,
      '  }',
      '}',
    ];
  });
}

/** The one command that adds `rule` above all others of its chain. */
export function addCommand(rule: DesiredRule, table: readonly MenuRow[]): string {
  const first = firstOfChain(rule, table);
  const place = first === null ? '' : ` place-before=${first}`;
  return `${consoleMenu(rule.menu)} add ${consoleProperties(rule)}${place}`;
}

function consoleProperties(rule: DesiredRule): string {
  return properties(rule)
    .map(([name, value]) => `${name}=${consoleValue(value)}`)
    .join(' ');
}

function properties({ chain, list, wan, comment }: DesiredRule): [name: string, value: string][] {
  return [
    ['chain', chain],
    ['action', 'drop'],
    ['src-address-list', list],
    ...(wan === null ? [] : [['in-interface-list', wan] satisfies [string, string]]),
    ['comment', comment],
  ];
}

function stepsFor(rule: DesiredRule, table: readonly MenuRow[]): RuleStep[] {
  const [own] = table.filter((row) => isRuleOf(row, rule));
  if (own === undefined) {
    const first = firstOfChain(rule, table);
    const words = properties(rule).map(([name, value]) => `=${name}=${value}`);
    return [
      {
        ...{ menu: rule.menu, action: 'add', what: `add ${describe(rule)}` },
        words: first === null ? words : [...words, `=place-before=${first}`],
      },
    ];
  }
  return [...mending(rule, own), ...moving(rule, own, table)];
}

function mending(rule: DesiredRule, own: MenuRow): RuleStep[] {
  const confinedTo = own['in-interface-list'] ?? '';
  const changes = [
    ...(isSet(own, 'disabled') ? ['=disabled=no'] : []),
    ...(own['action'] === 'drop' ? [] : ['=action=drop']),
    ...(rule.wan === null || confinedTo === rule.wan ? [] : [`=in-interface-list=${rule.wan}`]),
  ];
  const step = (action: 'set' | 'unset', words: readonly string[]): RuleStep => ({
    ...{ menu: rule.menu, action, words: [`=.id=${own['.id'] ?? ''}`, ...words] },
    what: `${action} ${describe(rule)}: ${words.map((word) => word.slice(1)).join(' ')}`,
  });
  // No interface list has an empty name: a router refuses it, the condition itself has to go.
  const frees = rule.wan === null && confinedTo !== '';
  return [
    ...(changes.length === 0 ? [] : [step('set', changes)]),
    ...(frees ? [step('unset', ['=value-name=in-interface-list'])] : []),
  ];
}

/** Judged as if it were mended; an exception the operator placed above it on purpose does not count against it. */
function moving(rule: DesiredRule, own: MenuRow, table: readonly MenuRow[]): RuleStep[] {
  const mended = table.map((row) =>
    row === own ? { ...row, disabled: 'false', action: 'drop', 'in-interface-list': rule.wan ?? '' } : row,
  );
  const met = rulesMet(mended, rule.chain);
  const index = met.findIndex(({ id }) => id === own['.id']);
  const standing = bestDropRule(met.slice(0, index + 1), rule.list);
  const first = firstOfChain(rule, table);
  const isOnTop = first === null || indexOf(table, first) > table.indexOf(own);
  if (standing?.standing === 'whole' || isOnTop) return [];
  const words = [`=numbers=${own['.id'] ?? ''}`, `=destination=${first}`];
  return [
    { menu: rule.menu, action: 'move', words, what: `move ${describe(rule)} to the top of ${rule.chain}` },
  ];
}

function leftOverRules(desired: readonly DesiredRule[], tables: FirewallTables): RuleStep[] {
  const kept = new Set<MenuRow>();
  for (const rule of desired) {
    const own = tables[rule.menu].find((row) => isRuleOf(row, rule));
    if (own !== undefined) kept.add(own);
  }
  const lists = desired.map(({ list }) => list);
  return tagged(tables, lists)
    .filter(({ row }) => !kept.has(row))
    .map(({ menu, row }) => removal(menu, row));
}

function tagged(tables: FirewallTables, lists: readonly string[]): { menu: FirewallMenu; row: MenuRow }[] {
  return (Object.keys(tables) as FirewallMenu[]).flatMap((menu) =>
    tables[menu]
      .filter((row) => isOurs(row) && lists.includes(row['src-address-list'] ?? ''))
      .map((row) => ({ menu, row })),
  );
}

function removal(menu: FirewallMenu, row: MenuRow): RuleStep {
  const what = `remove "${row['comment'] ?? ''}" from ${consoleMenu(menu)}`;
  return { menu, action: 'remove', words: [`=.id=${row['.id'] ?? ''}`], what };
}

function isOurs(row: MenuRow): boolean {
  return (row['comment'] ?? '').startsWith(RULE_MARK);
}

/** One that was given further conditions is no longer the rule we made: it is replaced. */
function isRuleOf(row: MenuRow, { chain, list }: DesiredRule): boolean {
  const isPlain = Object.keys(matchersOf(row)).every((name) => PLAIN_MATCHERS.has(name));
  return isOurs(row) && isPlain && row['chain'] === chain && row['src-address-list'] === list;
}

function indexOf(table: readonly MenuRow[], id: string): number {
  return table.findIndex((row) => row['.id'] === id);
}

/**
 * Id of the rule to stand above, or null for the end: the first of its chain, but below dynamic rules (the router's own,
 * nothing can be placed before them) and below the exceptions the operator put at the very top.
 */
function firstOfChain(rule: DesiredRule, table: readonly MenuRow[]): string | null {
  const first = table.find(
    (row) =>
      row['chain'] === rule.chain &&
      !isSet(row, 'dynamic') &&
      !isRuleOf(row, rule) &&
      !isException(row, rule.list),
  );
  return first?.['.id'] ?? null;
}

function isException(row: MenuRow, list: string): boolean {
  return row['action'] === 'accept' && excusesSources(matchersOf(row), list);
}

function describe({ menu, chain, list, wan }: DesiredRule): string {
  return `drop rule in ${consoleMenu(menu)} ${chain} for list "${list}"${wan === null ? '' : ` from interface list "${wan}"`}`;
}
