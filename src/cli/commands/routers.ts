import type { Workplace } from '../../daemon/workplace.ts';
import { AutoblockError, EXIT } from '../../errors.ts';
import { type Command, type Invocation, refuseOperands } from '../command.ts';
import { checkRouters } from '../routers/check.ts';
import { checkedRouter } from '../routers/chosen-routers.ts';
import { showFingerprints } from '../routers/fingerprint.ts';
import { showProtected } from '../routers/protected.ts';
import { routerRules } from '../routers/rules.ts';
import { withWorkplace } from '../session.ts';
import { renderTable, timeText } from '../tables.ts';

export const routersCommand: Command = {
  name: 'routers',
  summary: 'the routers themselves: doctor, drop rules, what is never blocked',
  usage: [
    'routers list [--json]',
    'routers check [NAME...] [--json]',
    'routers rules [NAME...] [--method raw|filter] [--wan LIST]',
    'routers rules [NAME...] --apply|--remove [--method raw|filter] [--wan LIST] [--yes]',
    'routers protected [NAME...] [--json]',
    'routers fingerprint [NAME|HOST[:PORT]...] [--json]',
  ],
  details: [
    'check reads a router and changes nothing; each finding comes with the command to type. Exit code 0 when nothing is',
    'wrong (warnings included), 1 when an error was found, 3 when a router could not be asked.',
    '',
    'rules prints a script for the console, or with --apply installs the same over the API: drop rules for sources on the',
    'address lists, tagged "autoblock:rule", above whatever lets them pass. raw (default) is cheapest and cuts standing',
    'connections, but also drops replies to connections the LAN opens to a blocked address; filter stands above',
    'accept-established in input and forward. --wan confines them to an interface list, such as WAN. A second run changes',
    'nothing. Refused (exit code 4) while the list holds an address that must not be blocked, such as your own.',
    'The rules stay when autoblock stops or is removed, and the entries end by their own timeout; --remove takes our own',
    'rules off again.',
    '',
    'protected shows the never-block set by source: asked of each router now, or as remembered while it is away (then',
    'exit code 3).',
    '',
    'fingerprint shows the certificate of a router and the line that pins it, before any password is sent: compare it',
    'with what the router says. Exit code 1 when there is no certificate or another one than pinned, 3 without an answer.',
  ].join('\n'),
  options: {
    apply: { type: 'boolean', description: 'rules: install or mend them; shows the plan and asks' },
    remove: { type: 'boolean', description: 'rules: take our own rules off; shows the plan and asks' },
    method: { type: 'string', placeholder: 'METHOD', description: 'rules: raw (default) or filter' },
    wan: { type: 'string', placeholder: 'LIST', description: 'rules: only packets from this interface list' },
    yes: { type: 'boolean', description: 'do not ask' },
    json: { type: 'boolean', description: 'one JSON object on stdout' },
  },
  operands: true,
  examples: [
    'autoblock routers check',
    'autoblock routers rules edge --wan WAN',
    'autoblock routers rules edge --apply',
    'autoblock routers protected',
    'autoblock routers fingerprint 192.0.2.1',
  ],
  run(invocation) {
    const [verb, ...names] = invocation.positionals;
    // Needs neither ledger nor complete configuration: it comes before both.
    if (verb === 'fingerprint') return showFingerprints(invocation, names);
    const act = VERBS[verb ?? ''];
    if (act === undefined) {
      const wanted = [...Object.keys(VERBS), 'fingerprint'].join(', ');
      throw new AutoblockError('USAGE', `routers: got "${verb ?? 'nothing'}", wanted ${wanted}`);
    }
    return withWorkplace(invocation, (workplace) => act(invocation, workplace, names));
  },
};

type Verb = (invocation: Invocation, workplace: Workplace, names: readonly string[]) => Promise<number>;

const VERBS: Readonly<Record<string, Verb>> = {
  list: (invocation, workplace, names) => {
    refuseOperands('routers list', names);
    return Promise.resolve(list(invocation, workplace));
  },
  check: checkRouters,
  rules: routerRules,
  protected: showProtected,
};

function list(invocation: Invocation, { config, ledger }: Workplace): number {
  const states = new Map(ledger.routerStates().map((state) => [state.router, state]));
  const routers = config.routers.map((router) => ({
    ...checkedRouter(router),
    dryRun: router.dryRun,
    state: states.get(router.name) ?? null,
  }));
  if (invocation.flag('json')) {
    invocation.output.out(JSON.stringify({ routers }));
    return EXIT.ok;
  }
  const rows = routers.map(({ name, host, port, tls, families, dryRun, state, ...lists }) => [
    name,
    `${host} ${port}`,
    tls,
    lists.addressListV4 === lists.addressListV6
      ? lists.addressListV4
      : `${lists.addressListV4}, ${lists.addressListV6}`,
    families.map((family) => `IPv${family}`).join(' '),
    dryRun ? 'dry run' : 'yes',
    state === null ? 'never' : timeText(state.succeededAtMs),
    state === null ? null : state.entries,
  ]);
  const head = ['NAME', 'HOST', 'TLS', 'LIST', 'SCOPE', 'WRITTEN', 'IN SYNC', 'ENTRIES'];
  invocation.output.out(
    rows.length === 0 ? 'no router configured: set ROUTER_HOST or ROUTERS_FILE' : renderTable(head, rows),
  );
  return EXIT.ok;
}
