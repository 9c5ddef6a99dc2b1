import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/router-check/finding.ts';
import type { MenuRow } from '../../src/router-check/router-snapshot.ts';
import { checkDropRules } from '../../src/router-check/rule-checks.ts';
import { ROUTER, snapshot } from './snapshots.ts';

/** `chain action name=value …`, as short as the console writes it; ids are given in order. */
function rules(...lines: string[]): MenuRow[] {
  return lines.map((line, index) => {
    const [chain = '', action = '', ...rest] = line.split(' ');
    const properties = rest.map((part) => part.split('=') as [string, string]);
    return { '.id': `*${index + 1}`, chain, action, ...Object.fromEntries(properties) };
  });
}

function v4(tables: { raw?: MenuRow[]; filter?: MenuRow[] }): Finding {
  const [finding] = checkDropRules(
    ROUTER,
    snapshot({ '/ip/firewall/raw': tables.raw ?? [], '/ip/firewall/filter': tables.filter ?? [] }),
  );
  return finding!;
}

const OURS = 'drop src-address-list=autoblock';
const ESTABLISHED = 'accept connection-state=established,related,untracked';

describe('drop rules that work', () => {
  it.each([
    ['raw prerouting alone', { raw: rules(`prerouting ${OURS}`) }],
    ['raw prerouting from the WAN only', { raw: rules(`prerouting ${OURS} in-interface-list=WAN`) }],
    [
      'raw below an exception for a management list',
      { raw: rules('prerouting accept src-address-list=management', `prerouting ${OURS}`) },
    ],
    [
      'raw below rules that only count and log',
      {
        raw: rules(
          'prerouting passthrough',
          'prerouting log',
          'prerouting add-src-to-address-list address-list=seen',
          `prerouting ${OURS}`,
        ),
      },
    ],
    [
      'raw below what the LAN sends',
      { raw: rules('prerouting accept in-interface-list=LAN', `prerouting ${OURS}`) },
    ],
    [
      'raw for one interface below an accept for another',
      { raw: rules('prerouting accept in-interface=ether2', `prerouting ${OURS} in-interface=ether1`) },
    ],
    [
      'raw in a chain of its own that prerouting jumps to',
      { raw: rules('prerouting jump jump-target=blocked', `blocked ${OURS}`) },
    ],
    [
      'raw below an accept of whoever is not listed',
      { raw: rules('prerouting accept src-address-list=!autoblock', `prerouting ${OURS}`) },
    ],
    ['raw below a disabled accept', { raw: rules('prerouting accept disabled=true', `prerouting ${OURS}`) }],
    [
      'filter, input and forward, above established',
      {
        filter: rules(
          `input ${OURS}`,
          `input ${ESTABLISHED}`,
          'forward passthrough dynamic=true',
          `forward ${OURS}`,
          'forward fasttrack-connection connection-state=established,related',
          `forward ${ESTABLISHED}`,
        ),
      },
    ],
    [
      'filter below IPsec and loopback exceptions of the factory rules',
      {
        filter: rules(
          'input accept dst-address=127.0.0.1',
          `input ${OURS}`,
          'forward accept ipsec-policy=in,ipsec',
          `forward ${OURS}`,
        ),
      },
    ],
  ])('%s', (_layout, tables) => {
    expect(v4(tables)).toMatchObject({ level: 'ok', commands: [] });
  });

  it('says what a raw rule costs', () => {
    expect(v4({ raw: rules(`prerouting ${OURS}`) }).message).toContain(
      'drops the replies to connections the LAN opens',
    );
  });
});

describe('drop rules that do not', () => {
  it.each([
    [
      'no rule at all',
      {},
      'no rule drops list "autoblock": blocks have no effect',
      [
        '/ip firewall raw add chain=prerouting action=drop src-address-list=autoblock comment="autoblock:rule drop prerouting from autoblock"',
        'autoblock routers rules edge --apply',
      ],
    ],
    [
      'a disabled rule',
      { raw: rules(`prerouting ${OURS} disabled=true`) },
      'rule 0 of /ip firewall raw prerouting is disabled',
      ['/ip firewall raw enable *1'],
    ],
    [
      'a list name in other letters',
      { raw: rules('prerouting drop src-address-list=Auto-Block') },
      'drops list "Auto-Block"',
      ['/ip firewall raw set *1 src-address-list=autoblock'],
    ],
    [
      'a chain nobody jumps to',
      { raw: rules(`blocked ${OURS}`) },
      'in a chain that meets no packet from outside',
      [
        '/ip firewall raw add chain=prerouting action=drop src-address-list=autoblock comment="autoblock:rule drop prerouting from autoblock"',
      ],
    ],
    [
      'the output chain',
      { filter: rules(`output ${OURS}`) },
      'rule 0 of /ip firewall filter output is in a chain that meets no packet from outside',
      [expect.stringContaining('add chain=prerouting')],
    ],
    [
      'the list taken for the destination',
      { filter: rules('forward drop dst-address-list=autoblock') },
      'drops what goes to the list, not what comes from it',
      [expect.stringContaining('add chain=prerouting')],
    ],
    [
      'the list negated',
      { raw: rules('prerouting drop src-address-list=!autoblock') },
      'drops everybody who is NOT on the list',
      ['/ip firewall raw disable *1'],
    ],
    [
      'a raw rule below an accept of everything',
      { raw: rules('prerouting accept', `prerouting ${OURS}`) },
      'never reached: rule 0 (accept) lets everything pass before it',
      ['/ip firewall raw move *2 destination=*1'],
    ],
    [
      'a raw rule below an accept of every address',
      { raw: rules('prerouting accept src-address=0.0.0.0/0', `prerouting ${OURS}`) },
      'never reached: rule 0 (accept) lets everything pass before it',
      ['/ip firewall raw move *2 destination=*1'],
    ],
    [
      'a raw rule below an accept of the interface it is confined to',
      { raw: rules('prerouting accept in-interface-list=WAN', `prerouting ${OURS} in-interface-list=WAN`) },
      'never reached',
      ['/ip firewall raw move *2 destination=*1'],
    ],
    [
      'a raw rule below an accept of the very list',
      { raw: rules('prerouting accept src-address-list=autoblock', `prerouting ${OURS}`) },
      'never reached',
      ['/ip firewall raw move *2 destination=*1'],
    ],
    [
      'a rule behind the unconditional return of its chain',
      { raw: rules('prerouting jump jump-target=blocked', 'blocked return', `blocked ${OURS}`) },
      'in a chain that meets no packet from outside',
      [expect.stringContaining('add chain=prerouting')],
    ],
    [
      'input alone',
      { filter: rules(`input ${OURS}`) },
      '/ip firewall filter forward has no drop rule for the list: blocked addresses still reach the hosts behind the router',
      [
        '/ip firewall filter add chain=forward action=drop src-address-list=autoblock comment="autoblock:rule drop forward from autoblock"',
      ],
    ],
  ])('%s', (_layout, tables, message, commands) => {
    const finding = v4(tables);
    expect(finding).toMatchObject({ check: 'drop-rules-v4', level: 'error', commands });
    expect(finding.message).toContain(message);
  });
});

describe('drop rules that work in part', () => {
  it.each([
    [
      'below accept-established and FastTrack',
      {
        filter: rules(
          `input ${ESTABLISHED}`,
          `input ${OURS}`,
          'forward fasttrack-connection connection-state=established,related',
          `forward ${ESTABLISHED}`,
          `forward ${OURS}`,
        ),
      },
      'a block stops new connections only, standing ones go on',
      ['/ip firewall filter move *2 destination=*1', '/ip firewall filter move *5 destination=*3'],
    ],
    [
      'below an open port',
      { filter: rules('input accept protocol=tcp dst-port=443', `input ${OURS}`, `forward ${OURS}`) },
      'rule 0 (accept protocol=tcp dst-port=443): that traffic of blocked addresses passes',
      ['/ip firewall filter move *2 destination=*1'],
    ],
    [
      'below an accept of an interface nobody here knows',
      { raw: rules('prerouting accept in-interface=sfp1', `prerouting ${OURS}`) },
      'that traffic of blocked addresses passes',
      ['/ip firewall raw move *2 destination=*1'],
    ],
    [
      'for one protocol only',
      { raw: rules(`prerouting ${OURS} protocol=tcp dst-port=22`) },
      'drops only what also matches protocol=tcp dst-port=22',
      // A router refuses to take the protocol from a rule that still has a port.
      ['/ip firewall raw unset *1 value-name=dst-port', '/ip firewall raw unset *1 value-name=protocol'],
    ],
    [
      'for the inside only, where no attacker comes from',
      { raw: rules(`prerouting ${OURS} in-interface-list=LAN`) },
      'drops only what also matches in-interface-list=LAN',
      ['/ip firewall raw unset *1 value-name=in-interface-list'],
    ],
    [
      'in a chain jumped to for some traffic',
      { raw: rules('prerouting jump jump-target=blocked protocol=udp', `blocked ${OURS}`) },
      'drops only what also matches protocol=udp',
      [
        '/ip firewall raw add chain=prerouting action=drop src-address-list=autoblock comment="autoblock:rule drop prerouting from autoblock" place-before=*1',
      ],
    ],
  ])('%s', (_layout, tables, message, commands) => {
    const finding = v4(tables);
    expect(finding).toMatchObject({ level: 'warn', commands });
    expect(finding.message).toContain(message);
  });

  it('does not run in circles where chains jump to each other', () => {
    const raw = rules('prerouting jump jump-target=a', 'a jump jump-target=a', `a ${OURS}`);
    expect(v4({ raw }).level).toBe('ok');
  });
});

describe('drop rules for IPv6', () => {
  const v6 = (menus: Parameters<typeof snapshot>[0]): Finding => checkDropRules(ROUTER, snapshot(menus))[1]!;

  it.each([
    ['its menus are missing', { '/ipv6/address': null }],
    [
      'it is switched off',
      { '/ipv6/settings': [{ 'disable-ipv6': 'true' }], '/ipv6/address': [{ address: '2001:db8::1/64' }] },
    ],
    ['it has link-local addresses alone', { '/ipv6/address': [{ address: 'fe80::1/64' }] }],
  ])('are not wanted where %s', (_why, menus) => {
    expect(v6(menus)).toMatchObject({
      check: 'drop-rules-v6',
      level: 'ok',
      message: 'no IPv6 on this router',
    });
  });

  it('are wanted where the router has a global address, whatever IPv4 has', () => {
    expect(v6({ '/ipv6/address': [{ address: '2001:db8::1/64' }], '/ipv6/firewall/raw': [] })).toMatchObject({
      level: 'error',
      commands: [expect.stringMatching(/^\/ipv6 firewall raw add /), 'autoblock routers rules edge --apply'],
    });
  });

  it('are not wanted on a router that is sent none', () => {
    const [, finding] = checkDropRules(
      { ...ROUTER, families: [4] },
      snapshot({ '/ipv6/address': [{ address: '2001:db8::1/64' }] }),
    );
    expect(finding).toMatchObject({ level: 'ok', message: 'IPv6 is not in the scope of this router' });
  });

  it('are not judged missing when they may not be read', () => {
    expect(
      checkDropRules(ROUTER, snapshot({ '/ip/firewall/raw': 'not enough permissions (9)' }))[0],
    ).toMatchObject({
      level: 'warn',
      message: '/ip firewall raw cannot be read: not enough permissions (9)',
    });
  });
});
