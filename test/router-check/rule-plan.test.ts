import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MenuRow } from '../../src/router-check/router-snapshot.ts';
import {
  type DesiredRule,
  desiredRules,
  type FirewallMenu,
  type FirewallTables,
  planRemoval,
  planRules,
  type RuleMethod,
  type RuleStep,
  ruleScript,
} from '../../src/router-check/rule-plan.ts';

const EMPTY: FirewallTables = {
  '/ip/firewall/raw': [],
  '/ip/firewall/filter': [],
  '/ipv6/firewall/raw': [],
  '/ipv6/firewall/filter': [],
};

function wanted(method: RuleMethod, wan: string | null = null): DesiredRule[] {
  return desiredRules({ method, families: [4, 6], addressListV4: 'autoblock', addressListV6: 'ab6', wan });
}

/** Carries steps out as a router would. */
function applied(tables: FirewallTables, steps: readonly RuleStep[]): FirewallTables {
  const after = Object.fromEntries(Object.entries(tables).map(([menu, rows]) => [menu, [...rows]])) as Record<
    FirewallMenu,
    MenuRow[]
  >;
  steps.forEach((step, index) => {
    const words = Object.fromEntries(
      step.words.map((word) => word.slice(1).split(/=(.*)/s).slice(0, 2) as [string, string]),
    );
    const rows = after[step.menu];
    const { 'place-before': before, numbers, destination, ...values } = words;
    const at = (id: string | undefined): number => rows.findIndex((row) => row['.id'] === id);
    if (step.action === 'add') {
      rows.splice(before === undefined ? rows.length : at(before), 0, { '.id': `*N${index}`, ...values });
    } else if (step.action === 'move') {
      const [moved] = rows.splice(at(numbers), 1);
      rows.splice(at(destination), 0, moved!);
    } else if (step.action === 'remove') rows.splice(at(values['.id']), 1);
    else if (step.action === 'unset') {
      const left = Object.entries(rows[at(values['.id'])]!).filter(([name]) => name !== values['value-name']);
      rows[at(values['.id'])] = Object.fromEntries(left);
    } else rows[at(values['.id'])] = { ...rows[at(values['.id'])], ...values, disabled: 'false' };
  });
  return after;
}

const order = (rows: readonly MenuRow[]): (string | undefined)[] => rows.map((row) => row['comment']);

describe('the rules to install', () => {
  it('are one drop per family in raw', () => {
    expect(planRules(wanted('raw'), EMPTY).map(({ menu, words }) => [menu, ...words])).toEqual([
      [
        '/ip/firewall/raw',
        '=chain=prerouting',
        '=action=drop',
        '=src-address-list=autoblock',
        '=comment=autoblock:rule drop prerouting from autoblock',
      ],
      [
        '/ipv6/firewall/raw',
        '=chain=prerouting',
        '=action=drop',
        '=src-address-list=ab6',
        '=comment=autoblock:rule drop prerouting from ab6',
      ],
    ]);
  });

  it('stand above accept-established in filter, below the counters of FastTrack and the exceptions on top', () => {
    const tables = {
      ...EMPTY,
      '/ip/firewall/filter': [
        { '.id': '*A', chain: 'forward', action: 'passthrough', dynamic: 'true', comment: 'counters' },
        { '.id': '*B', chain: 'input', action: 'accept', 'src-address': '192.0.2.9', comment: 'management' },
        { '.id': '*C', chain: 'input', action: 'accept', 'connection-state': 'established', comment: 'in' },
        { '.id': '*D', chain: 'forward', action: 'fasttrack-connection', comment: 'fast' },
      ],
    };
    const after = applied(tables, planRules(wanted('filter'), tables));
    expect(order(after['/ip/firewall/filter'])).toEqual([
      'counters',
      'management',
      'autoblock:rule drop input from autoblock',
      'in',
      'autoblock:rule drop forward from autoblock',
      'fast',
    ]);
  });

  it('are mended when disabled, confined otherwise or pushed below an accept', () => {
    const installed = applied(EMPTY, planRules(wanted('raw'), EMPTY));
    const [rule] = installed['/ip/firewall/raw'];
    const tables = {
      ...installed,
      '/ip/firewall/raw': [
        { '.id': '*A', chain: 'prerouting', action: 'accept', comment: 'everything' },
        { ...rule, disabled: 'true' },
      ],
    };
    const steps = planRules(wanted('raw', 'WAN'), tables);
    expect(steps.map(({ menu, action }) => [menu, action])).toEqual([
      ['/ip/firewall/raw', 'set'],
      ['/ip/firewall/raw', 'move'],
      ['/ipv6/firewall/raw', 'set'],
    ]);
    const after = applied(tables, steps);
    expect(order(after['/ip/firewall/raw'])).toEqual([
      'autoblock:rule drop prerouting from autoblock',
      'everything',
    ]);
    expect(after['/ip/firewall/raw'][0]).toMatchObject({ disabled: 'false', 'in-interface-list': 'WAN' });
  });

  it('are freed of an interface list by taking the condition away: there is no list without a name', () => {
    const confined = applied(EMPTY, planRules(wanted('raw', 'WAN'), EMPTY));
    const steps = planRules(wanted('raw'), confined);
    const words = ['=.id=*N0', '=value-name=in-interface-list'];
    expect(steps[0]).toMatchObject({ menu: '/ip/firewall/raw', action: 'unset', words });
    const after = applied(confined, steps);
    expect(after['/ip/firewall/raw'][0]).not.toHaveProperty('in-interface-list');
    expect(planRules(wanted('raw'), after)).toEqual([]);
  });

  it('replace those of the other method, new ones first', () => {
    const raw = applied(EMPTY, planRules(wanted('raw'), EMPTY));
    const steps = planRules(wanted('filter'), raw);
    expect(steps.map(({ action }) => action)).toEqual(['add', 'add', 'add', 'add', 'remove', 'remove']);
    expect(applied(raw, steps)['/ip/firewall/raw']).toEqual([]);
  });

  it('are not moved above an exception that was placed above them on purpose', () => {
    const installed = applied(EMPTY, planRules(wanted('raw'), EMPTY));
    const exception = { '.id': '*A', chain: 'prerouting', action: 'accept', 'src-address-list': 'partners' };
    const tables = { ...installed, '/ip/firewall/raw': [exception, ...installed['/ip/firewall/raw']] };
    expect(planRules(wanted('raw'), tables)).toEqual([]);
  });

  it('leave the rules of others, of other lists and of another autoblock alone when removed', () => {
    const others = [
      { '.id': '*A', chain: 'prerouting', action: 'drop', 'src-address-list': 'autoblock', comment: 'mine' },
      {
        '.id': '*B',
        chain: 'prerouting',
        action: 'drop',
        'src-address-list': 'second',
        comment: 'autoblock:rule drop prerouting from second',
      },
    ];
    const tables = { ...EMPTY, '/ip/firewall/raw': others };
    const installed = applied(tables, planRules(wanted('raw'), tables));
    const after = applied(installed, planRemoval(['autoblock', 'ab6'], installed));
    expect(after).toEqual(tables);
  });

  const foreignRule = fc
    .record({
      chain: fc.constantFrom('prerouting', 'input', 'forward', 'custom'),
      action: fc.constantFrom('accept', 'drop', 'log', 'jump', 'fasttrack-connection', 'passthrough'),
      'jump-target': fc.constantFrom('custom', 'input'),
      'src-address-list': fc.constantFrom('', 'autoblock', 'management'),
      'connection-state': fc.constantFrom('', 'established,related', 'new'),
      disabled: fc.constantFrom('true', 'false'),
      dynamic: fc.constantFrom('true', 'false', 'false'),
      comment: fc.constantFrom('', 'autoblock:rule drop prerouting from autoblock', 'theirs'),
    })
    .map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== '')));

  it('change nothing in a second run, whatever stood there before', () => {
    fc.assert(
      fc.property(
        fc.array(foreignRule, { maxLength: 8 }),
        fc.constantFrom<RuleMethod>('raw', 'filter'),
        fc.constantFrom(null, 'WAN'),
        (rows, method, wan) => {
          const numbered = (): MenuRow[] => rows.map((row, index) => ({ '.id': `*${index}`, ...row }));
          const tables = { ...EMPTY, '/ip/firewall/raw': numbered(), '/ip/firewall/filter': numbered() };
          const after = applied(tables, planRules(wanted(method, wan), tables));
          expect(planRules(wanted(method, wan), after)).toEqual([]);
        },
      ),
      { numRuns: 2000, seed: 20_261_122 },
    );
  });
});

describe('the script of the rules', () => {
  it('escapes what the console would take for its own, and may be pasted twice', () => {
    const [rule] = desiredRules({
      method: 'raw',
      families: [4],
      addressListV4: 'a "b" $c \\d?',
      addressListV6: '',
      wan: 'ŁAN',
    });
    const script = ruleScript([rule!]).join('\n');
    expect(script).toContain('src-address-list="a \\"b\\" \\$c \\\\d\\?"');
    expect(script).toContain('in-interface-list="\\C5\\81AN"');
    expect(script).toMatch(/:if \(\[:len \[\/ip firewall raw find where comment="autoblock:rule /);
  });
});
