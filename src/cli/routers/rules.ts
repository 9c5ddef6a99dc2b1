import type { Workplace } from '../../daemon/workplace.ts';
import { protectionOf } from '../../decisions/protected-networks.ts';
import { AutoblockError, EXIT } from '../../errors.ts';
import { parseNetwork } from '../../ip/address.ts';
import {
  type DesiredRule,
  desiredRules,
  type FirewallTables,
  planRemoval,
  planRules,
  type RuleMethod,
  type RuleStep,
  ruleScript,
} from '../../router-check/rule-plan.ts';
import { collectProtected } from '../../routers/protected-addresses.ts';
import { carryOutRuleSteps, readFirewall } from '../../runs/router-rules-run.ts';
import { confirmByTyping } from '../ask.ts';
import type { Invocation } from '../command.ts';
import { actorName } from '../session.ts';
import { type ChosenRouter, checkedRouter, chosenRouters } from './chosen-routers.ts';

/** Prints the rules as a script; installs or removes them over the API when asked to. */
export async function routerRules(
  invocation: Invocation,
  workplace: Workplace,
  names: readonly string[],
): Promise<number> {
  const [installs, removes] = [invocation.flag('apply'), invocation.flag('remove')];
  if (installs && removes) throw new AutoblockError('USAGE', 'routers rules: got both --apply and --remove');
  const choice = ruleChoice(invocation);
  const chosen = chosenRouters(workplace, names);
  if (!installs && !removes) {
    invocation.output.out(chosen.flatMap((router) => script(router, choice)).join('\n'));
    return EXIT.ok;
  }
  for (const router of chosen) {
    const change = { router, choice, removes };
    await changeRules(invocation, workplace, change);
  }
  return EXIT.ok;
}

interface RuleChoice {
  readonly method: RuleMethod;
  readonly wan: string | null;
}

function ruleChoice(invocation: Invocation): RuleChoice {
  const method = invocation.text('method') ?? 'raw';
  if (method !== 'raw' && method !== 'filter') {
    throw new AutoblockError('USAGE', `--method: got "${method}", wanted raw or filter`);
  }
  return { method, wan: invocation.text('wan') ?? null };
}

function script({ config }: ChosenRouter, choice: RuleChoice): string[] {
  return [
    `# router ${config.name}: paste at its console; running it again adds nothing`,
    ...ruleScript(desiredRules({ ...checkedRouter(config), ...choice })),
  ];
}

interface RuleChange {
  readonly router: ChosenRouter;
  readonly choice: RuleChoice;
  readonly removes: boolean;
}

async function changeRules(
  invocation: Invocation,
  workplace: Workplace,
  { router, choice, removes }: RuleChange,
): Promise<void> {
  const { config, connection } = router;
  const { tables, families } = await readFirewall(connection);
  const wanted = checkedRouter(config);
  const desired = desiredRules({
    ...wanted,
    ...choice,
    families: wanted.families.filter((family) => families.includes(family)),
  });
  const plan = removes
    ? (now: FirewallTables) => planRemoval([wanted.addressListV4, wanted.addressListV6], now)
    : (now: FirewallTables) => planRules(desired, now);
  const steps = plan(tables);
  if (steps.length === 0) {
    invocation.output.out(
      `${config.name}: nothing to do, the rules are ${removes ? 'gone' : 'as they should be'}`,
    );
    return;
  }
  if (!removes) await refuseToLockOut(workplace, router);
  invocation.output.out(steps.map(({ what }) => `${config.name}: ${what}`).join('\n'));
  if (workplace.config.dryRun || config.dryRun) {
    invocation.output.err(`${config.name}: dry run, the router is not written`);
    return;
  }
  await confirmByTyping(invocation, {
    word: removes ? 'remove' : 'apply',
    question: `This changes ${steps.length} rules on router ${config.name}.`,
  });
  await carryOutRuleSteps({
    router: connection,
    steps,
    plan,
    record: (done) => {
      recordRules(workplace, { router: config.name, removes, done });
    },
  });
  invocation.output.out(`${config.name}: ${outcome(removes, desired)}`);
}

function outcome(removes: boolean, desired: readonly DesiredRule[]): string {
  if (removes) return 'our drop rules are gone as read back: what is on the lists is no longer dropped';
  const places = desired.map(({ menu, chain }) => `${menu} ${chain}`).join(', ');
  return `the rules stand as read back (${places}); they stay when autoblock stops, entries end by their timeout`;
}

/** From the moment the rule stands, the list is sharp: nobody who must stay reachable may be on it. */
async function refuseToLockOut(workplace: Workplace, { config, connection }: ChosenRouter): Promise<void> {
  const [entries, told] = await Promise.all([
    connection.read(),
    collectProtected((menu, options) => connection.print(menu, options)),
  ]);
  const protection = workplace.site.currentWith(told.map((found) => ({ ...found, router: config.name })));
  const held = entries.flatMap((entry) => {
    const network = entry.disabled ? null : parseNetwork(entry.address);
    const found = network === null ? null : protectionOf(protection, network);
    return found === null ? [] : [`${entry.address} (${found.why})`];
  });
  if (held.length === 0) return;
  throw new AutoblockError(
    'ADDRESS_PROTECTED',
    `${config.name}: the list holds what the rules must not drop: ${held.slice(0, 20).join(', ')}; ` +
      '`autoblock routers check` names the commands that take it off',
  );
}

function recordRules(
  { ledger, nowMs }: Workplace,
  { router, removes, done }: { router: string; removes: boolean; done: readonly RuleStep[] },
): void {
  ledger.recordAudit({
    atMs: nowMs(),
    actor: actorName(),
    action: removes ? 'rules_removed' : 'rules_installed',
    router,
    after: done.map(({ what }) => what),
  });
}
