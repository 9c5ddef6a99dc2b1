import type { Matchers, MetRule } from './firewall-chain.ts';

/**
 * How well a drop rule stands. `whole`: everything from a listed source is dropped. `late`: connections that stand
 * already go on. `partial`: some traffic is let pass before it. `narrow`: its own conditions catch only some traffic.
 * `hidden`: never reached. From best to worst.
 */
type DropStanding = 'whole' | 'late' | 'partial' | 'narrow' | 'hidden';

export interface JudgedDrop {
  readonly rule: MetRule;
  readonly standing: DropStanding;
  /** The rules above it that take packets away, for `late`, `partial` and `hidden`. */
  readonly because: readonly MetRule[];
}

const FROM_BEST = ['whole', 'late', 'partial', 'narrow', 'hidden'] as const satisfies readonly DropStanding[];

const DROPS = new Set(['drop', 'reject', 'tarpit']);
const PASSES = new Set(['accept', 'fasttrack-connection', 'return']);
const INTERFACES = new Set(['in-interface', 'in-interface-list']);
/** Names that interfaces towards the inside go by: MikroTik's default configuration, and everybody after it. */
const INSIDE = /^(lan|bridge.*|!wan)$/i;
const SOURCES = new Set(['src-address', 'src-address-list', 'src-mac-address']);

/** The best standing drop rule for sources on `list` among the rules of one chain, or null when there is none. */
export function bestDropRule(met: readonly MetRule[], list: string): JudgedDrop | null {
  const judged = met.flatMap((rule, index) =>
    DROPS.has(rule.action) && rule.matchers['src-address-list'] === list
      ? [judge({ rule, above: met.slice(0, index), list })]
      : [],
  );
  return judged.sort((a, b) => FROM_BEST.indexOf(a.standing) - FROM_BEST.indexOf(b.standing))[0] ?? null;
}

function judge(at: { rule: MetRule; above: readonly MetRule[]; list: string }): JudgedDrop {
  const { rule, above, list } = at;
  const passing = above.filter(({ action }) => PASSES.has(action));
  const effects = passing.map((pass) => ({ pass, effect: effectOf({ pass, drop: rule, list }) }));
  const by = (effect: PassEffect): MetRule[] =>
    effects.filter((found) => found.effect === effect).map(({ pass }) => pass);
  const [hiding, partial, late] = [by('hides'), by('lets some pass'), by('lets established pass')];
  if (hiding.length > 0) return { rule, standing: 'hidden', because: hiding };
  if (narrowingConditions(rule.matchers).length > 0) return { rule, standing: 'narrow', because: [] };
  if (partial.length > 0) return { rule, standing: 'partial', because: [...partial, ...late] };
  if (late.length > 0) return { rule, standing: 'late', because: late };
  return { rule, standing: 'whole', because: [] };
}

/** True when the conditions name sources other than those of `list`: an exception made on purpose. */
export function excusesSources(matchers: Matchers, list: string): boolean {
  return Object.entries(matchers).some(
    ([name, value]) => SOURCES.has(name) && value !== list && !value.startsWith('!'),
  );
}

/** The conditions that keep a drop rule from catching everything a listed source sends from outside. */
export function narrowingConditions(matchers: Matchers): [name: string, value: string][] {
  return Object.entries(matchers).filter(
    ([name, value]) => name !== 'src-address-list' && !(INTERFACES.has(name) && !INSIDE.test(value)),
  );
}

type PassEffect = 'hides' | 'lets established pass' | 'lets some pass' | 'nothing';

/** What a rule that lets packets pass takes away from a drop rule below it. */
function effectOf({ pass, drop, list }: { pass: MetRule; drop: MetRule; list: string }): PassEffect {
  // What both demand distinguishes nothing between them.
  const conditions = Object.entries(pass.matchers).filter(([name, value]) => drop.matchers[name] !== value);
  if (conditions.length === 0) return 'hides';
  if (pass.action === 'fasttrack-connection') return 'lets established pass';
  if (conditions.some(([name, value]) => isHarmless({ name, value, list }))) return 'nothing';
  const states = pass.matchers['connection-state'];
  if (states !== undefined && !states.startsWith('!') && !states.split(',').includes('new')) {
    return 'lets established pass';
  }
  return conditions.every(([name]) => INTERFACES.has(name)) && isOtherInterface(pass, drop)
    ? 'nothing'
    : 'lets some pass';
}

/** Conditions under which an exception above the drop is the operator's plain intention, or no attacker's packet. */
function isHarmless({ name, value, list }: { name: string; value: string; list: string }): boolean {
  if (excusesSources({ [name]: value }, list)) return true;
  // Whoever is not on the list is no concern of the rule below.
  if (name === 'src-address-list' && value === `!${list}`) return true;
  if (INTERFACES.has(name)) return INSIDE.test(value);
  if (name === 'ipsec-policy') return value.endsWith(',ipsec');
  return name === 'dst-address' && value === '127.0.0.1';
}

function isOtherInterface(pass: MetRule, drop: MetRule): boolean {
  return [...INTERFACES].some(
    (name) => drop.matchers[name] !== undefined && pass.matchers[name] !== undefined,
  );
}
