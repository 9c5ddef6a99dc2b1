import { AutoblockError, messageOf } from '../errors.ts';
import type { FirewallMenu, FirewallTables, RuleStep } from '../router-check/rule-plan.ts';

/** One router's firewall, as far as installing rules needs it. */
export interface RuleRouter {
  readonly name: string;
  print(menu: string): Promise<readonly Readonly<Record<string, string>>[] | null>;
  run(command: string, words: readonly string[]): Promise<unknown>;
}

const MENUS: readonly FirewallMenu[] = [
  '/ip/firewall/raw',
  '/ip/firewall/filter',
  '/ipv6/firewall/raw',
  '/ipv6/firewall/filter',
];

export interface FirewallReading {
  readonly tables: FirewallTables;
  /** Families whose menus this router has. */
  readonly families: readonly (4 | 6)[];
}

/** Reads the rule tables; menus that are not there count as empty. Rejects with ROUTER_… errors. */
export async function readFirewall(router: Pick<RuleRouter, 'print'>): Promise<FirewallReading> {
  const readings = await Promise.all(MENUS.map(async (menu) => [menu, await router.print(menu)] as const));
  const tables = Object.fromEntries(readings.map(([menu, rows]) => [menu, rows ?? []]));
  const has = (menu: FirewallMenu): boolean =>
    readings.some(([read, rows]) => read === menu && rows !== null);
  const families: (4 | 6)[] = has('/ipv6/firewall/raw') ? [4, 6] : [4];
  return { tables: tables as unknown as FirewallTables, families };
}

/**
 * Carries out `steps` one after another, reads the rules back and records what is then as wanted, also when a step
 * failed. Rejects with ROUTER_REFUSED when the router does not hold what it acknowledged, else with the first failure.
 */
export async function carryOutRuleSteps(parts: {
  readonly router: RuleRouter;
  readonly steps: readonly RuleStep[];
  /** What is left to do, given the rules as they are. */
  readonly plan: (tables: FirewallTables) => readonly RuleStep[];
  readonly record: (done: readonly RuleStep[]) => void;
}): Promise<void> {
  const { router, steps } = parts;
  const failure = await firstFailure(router, steps);
  const left = await whatIsLeft(parts, failure);
  const done = steps.filter(({ what }) => !left.has(what));
  if (done.length > 0) parts.record(done);
  if (failure !== null) throw failure;
  if (left.size > 0) {
    throw new AutoblockError(
      'ROUTER_REFUSED',
      `router ${router.name} acknowledged the rules but does not hold them as read back: ${[...left].join('; ')}`,
    );
  }
}

async function firstFailure(router: RuleRouter, steps: readonly RuleStep[]): Promise<Error | null> {
  try {
    for (const { menu, action, words } of steps) await router.run(`${menu}/${action}`, words);
    return null;
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new AutoblockError('INTERNAL', messageOf(thrown));
  }
}

/** A router that cannot be read back after a failure is best explained by that failure. */
async function whatIsLeft(
  { router, plan }: { router: RuleRouter; plan: (tables: FirewallTables) => readonly RuleStep[] },
  failure: Error | null,
): Promise<ReadonlySet<string>> {
  try {
    const { tables } = await readFirewall(router);
    return new Set(plan(tables).map(({ what }) => what));
  } catch (thrown) {
    throw failure ?? thrown;
  }
}
