import { consoleMenu, consoleValue, shellWord } from './command-text.ts';
import { bestDropRule, type JudgedDrop, narrowingConditions } from './drop-rule-position.ts';
import { error, type Finding, ok, warn } from './finding.ts';
import { isLive, type MetRule, matchersOf, rulesMet } from './firewall-chain.ts';
import {
  type CheckedRouter,
  isSet,
  type MenuRow,
  type RouterSnapshot,
  refusalOf,
  rowsOf,
} from './router-snapshot.ts';
import { addCommand, type DesiredRule, desiredRules, type FirewallMenu } from './rule-plan.ts';

interface FamilyRules {
  readonly check: string;
  readonly list: string;
  readonly raw: Table;
  readonly filter: Table;
  readonly router: CheckedRouter;
}

interface Table {
  readonly menu: FirewallMenu;
  readonly rows: readonly MenuRow[];
}

const RAW_MEANS =
  'it also cuts standing connections, and drops the replies to connections the LAN opens to a blocked address';

/** Presence and position of the rules that make the lists matter, IPv4 and IPv6. */
export function checkDropRules(router: CheckedRouter, snapshot: RouterSnapshot): Finding[] {
  return ([4, 6] as const).map((family) => {
    const check = `drop-rules-v${family}`;
    if (!router.families.includes(family))
      return ok(check, `IPv${family} is not in the scope of this router`);
    if (family === 6 && !hasIpv6(snapshot)) return ok(check, 'no IPv6 on this router');
    return checkFamily(familyRules({ check, family, router, snapshot }), snapshot);
  });
}

/** Off by its setting or without the package; link-local addresses alone are reached by nobody from outside. */
function hasIpv6(snapshot: RouterSnapshot): boolean {
  if (rowsOf(snapshot, '/ipv6/settings').some((row) => isSet(row, 'disable-ipv6'))) return false;
  return rowsOf(snapshot, '/ipv6/address').some(
    (row) => isLive(row) && !/^fe[89ab]/i.test(row['address'] ?? 'fe80'),
  );
}

function familyRules(of: {
  check: string;
  family: 4 | 6;
  router: CheckedRouter;
  snapshot: RouterSnapshot;
}): FamilyRules {
  const base = of.family === 4 ? '/ip/firewall' : '/ipv6/firewall';
  const table = (name: 'raw' | 'filter'): Table => {
    const menu: FirewallMenu = `${base}/${name}`;
    return { menu, rows: rowsOf(of.snapshot, menu) };
  };
  const { addressListV4, addressListV6 } = of.router;
  const list = of.family === 4 ? addressListV4 : addressListV6;
  return { check: of.check, router: of.router, list, raw: table('raw'), filter: table('filter') };
}

function checkFamily(family: FamilyRules, snapshot: RouterSnapshot): Finding {
  const { check, list, raw, filter } = family;
  for (const { menu } of [raw, filter]) {
    const refused = refusalOf(snapshot, menu);
    if (refused !== null) return warn(check, `${consoleMenu(menu)} cannot be read: ${refused}`);
  }
  const inRaw = bestDropRule(rulesMet(raw.rows, 'prerouting'), list);
  if (inRaw?.standing === 'whole') {
    return ok(check, `rule ${inRaw.rule.number} of raw prerouting drops list "${list}": ${RAW_MEANS}`);
  }
  const input = bestDropRule(rulesMet(filter.rows, 'input'), list);
  const forward = bestDropRule(rulesMet(filter.rows, 'forward'), list);
  if (input?.standing === 'whole' && forward?.standing === 'whole') {
    return ok(
      check,
      `filter drops list "${list}" in input (rule ${input.rule.number}) and forward (rule ${forward.rule.number}), above what lets standing connections pass`,
    );
  }
  if (inRaw === null && input === null && forward === null) return noRule(family);
  if (inRaw !== null && (input === null || forward === null)) {
    return faulty(family, [faultOf(raw, 'prerouting', inRaw)]);
  }
  return faulty(family, [faultOf(filter, 'input', input), faultOf(filter, 'forward', forward)]);
}

interface Fault {
  readonly level: 'ok' | 'warn' | 'error';
  readonly text: string;
  readonly commands: readonly string[];
  readonly missingIn: DesiredRule['chain'] | null;
}

function faulty(family: FamilyRules, faults: readonly Fault[]): Finding {
  const told = faults.filter(({ level }) => level !== 'ok');
  const message = told.map(({ text }) => text).join('; ');
  const missing = faults.flatMap(({ missingIn }) => (missingIn === null ? [] : [missingIn]));
  const commands = [...told.flatMap((fault) => fault.commands), ...addCommands(family, missing)];
  const isError = told.some(({ level }) => level === 'error');
  return isError ? error(family.check, message, commands) : warn(family.check, message, commands);
}

function addCommands(family: FamilyRules, chains: readonly DesiredRule['chain'][]): string[] {
  return [family.raw, family.filter].flatMap(({ menu, rows }) =>
    wantedRules(family, menu.endsWith('/raw') ? 'raw' : 'filter')
      .filter(({ chain }) => chains.includes(chain))
      .map((rule) => addCommand(rule, rows)),
  );
}

function faultOf(table: Table, chain: DesiredRule['chain'], judged: JudgedDrop | null): Fault {
  const menu = consoleMenu(table.menu);
  const where = `${menu} ${chain}`;
  if (judged === null) {
    const reach = chain === 'input' ? 'the router itself' : 'the hosts behind the router';
    const text = `${where} has no drop rule for the list: blocked addresses still reach ${reach}`;
    return { level: 'error', text, commands: [], missingIn: chain };
  }
  const { rule, standing, because } = judged;
  const move = because[0] === undefined ? [] : [`${menu} move ${rule.id} destination=${because[0].id}`];
  const above = because.map(describeRule).join(', ');
  const found = (level: Fault['level'], text: string, commands: readonly string[]): Fault => ({
    ...{ level, text: `rule ${rule.number} of ${where} ${text}` },
    // Behind a jump neither its place nor its conditions are the rule's own: a rule of the chain itself is wanted.
    ...(rule.throughJump && level !== 'ok'
      ? { commands: [], missingIn: chain }
      : { commands, missingIn: null }),
  });
  switch (standing) {
    case 'whole':
      return found('ok', 'drops the list', []);
    case 'late':
      return found(
        'warn',
        `stands below ${above}: a block stops new connections only, standing ones go on`,
        move,
      );
    case 'partial':
      return found('warn', `stands below ${above}: that traffic of blocked addresses passes`, move);
    case 'narrow':
      return found('warn', `drops only what also matches ${narrowing(rule)}`, widening(menu, rule));
    case 'hidden':
      return found('error', `is never reached: ${above} lets everything pass before it`, move);
  }
}

function describeRule({ number, action, matchers }: MetRule): string {
  const conditions = Object.entries(matchers).map(([name, value]) => `${name}=${value}`);
  return `rule ${number} (${[action, ...conditions].join(' ')})`;
}

function narrowing(rule: MetRule): string {
  return narrowingConditions(rule.matchers)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** The protocol last: a router refuses to take it from a rule that still has ports or flags of it. */
function widening(menu: string, rule: MetRule): string[] {
  const names = narrowingConditions(rule.matchers).map(([name]) => name);
  const ordered = [
    ...names.filter((name) => name !== 'protocol'),
    ...names.filter((name) => name === 'protocol'),
  ];
  return ordered.map((name) => `${menu} unset ${rule.id} value-name=${name}`);
}

/** Nothing drops the list: often there is a rule that was meant to. */
function noRule(family: FamilyRules): Finding {
  const { check, list, raw } = family;
  const near = [raw, family.filter].flatMap((table) => nearMisses(table, list));
  const add = wantedRules(family, 'raw').map((rule) => addCommand(rule, raw.rows));
  const message = `no rule drops list "${list}": blocks have no effect`;
  if (near.length === 0)
    return error(check, message, [
      ...add,
      `autoblock routers rules ${shellWord(family.router.name)} --apply`,
    ]);
  return error(
    check,
    `${message} (${near.map(({ text }) => text).join('; ')})`,
    near.flatMap(({ command }) => (command === null ? add : [command])),
  );
}

function wantedRules({ router, raw }: FamilyRules, method: 'raw' | 'filter'): DesiredRule[] {
  const families = [raw.menu.startsWith('/ipv6') ? (6 as const) : (4 as const)];
  return desiredRules({ ...router, method, families, wan: null });
}

interface NearMiss {
  readonly text: string;
  /** Null: a new rule is the better way. */
  readonly command: string | null;
}

function nearMisses({ menu, rows }: Table, list: string): NearMiss[] {
  const at = consoleMenu(menu);
  return rows.flatMap((row, number): NearMiss[] => {
    const named = row['src-address-list'] ?? '';
    const rule = `rule ${number} of ${at} ${row['chain'] ?? ''}`;
    const id = row['.id'] ?? '';
    if (!['drop', 'reject', 'tarpit'].includes(row['action'] ?? '')) return [];
    if (named === list && isSet(row, 'disabled'))
      return [{ text: `${rule} is disabled`, command: `${at} enable ${id}` }];
    if (named === list && isSet(row, 'invalid')) return [{ text: `${rule} is invalid`, command: null }];
    if (named === list)
      return [{ text: `${rule} is in a chain that meets no packet from outside`, command: null }];
    if (named === `!${list}`)
      return [{ text: `${rule} drops everybody who is NOT on the list`, command: `${at} disable ${id}` }];
    if (matchersOf(row)['dst-address-list'] === list) {
      return [{ text: `${rule} drops what goes to the list, not what comes from it`, command: null }];
    }
    if (isMisspelt(named, list)) {
      const command = `${at} set ${id} src-address-list=${consoleValue(list)}`;
      return [{ text: `${rule} drops list "${named}"`, command }];
    }
    return [];
  });
}

/** Same letters but for case and punctuation, or one with more at its end. */
function isMisspelt(named: string, list: string): boolean {
  const letters = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const [a, b] = [letters(named), letters(list)];
  return a !== '' && (a.startsWith(b) || b.startsWith(a));
}
