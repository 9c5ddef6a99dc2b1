import { type MenuRow, MenuTable } from './menu-table.ts';

/** The ordered rule menus of a router. */
export const RULE_MENUS = [
  '/ip/firewall/filter',
  '/ip/firewall/raw',
  '/ipv6/firewall/filter',
  '/ipv6/firewall/raw',
] as const;

/** Matchers and properties of a rule [manual, "Filter", "RAW"], those a doctor or an operator's set-up needs. */
const RULE_PROPERTIES = [
  'chain',
  'action',
  'src-address',
  'dst-address',
  'src-address-list',
  'dst-address-list',
  'in-interface',
  'out-interface',
  'in-interface-list',
  'out-interface-list',
  'protocol',
  'src-port',
  'dst-port',
  'port',
  'icmp-options',
  'tcp-flags',
  'hop-limit',
  'limit',
  'ipsec-policy',
  'jump-target',
  'address-list',
  'address-list-timeout',
  'log',
  'log-prefix',
  'comment',
  'disabled',
];

/** RAW stands before connection tracking: it knows no states. */
const FILTER_ONLY = [
  'connection-state',
  'connection-nat-state',
  'connection-mark',
  'reject-with',
  'hw-offload',
];

const ACTIONS = [
  'accept',
  'add-dst-to-address-list',
  'add-src-to-address-list',
  'drop',
  'jump',
  'log',
  'passthrough',
  'return',
];
const FILTER_ACTIONS = [...ACTIONS, 'fasttrack-connection', 'reject', 'tarpit'];
const RAW_ACTIONS = [...ACTIONS, 'notrack'];

/** An empty or given table of one of RULE_MENUS; chains of any name are allowed, jumps lead to them. */
export function ruleTable(menu: (typeof RULE_MENUS)[number], rows: readonly MenuRow[]): MenuTable {
  const isRaw = menu.endsWith('/raw');
  return new MenuTable(
    {
      settable: new Set(isRaw ? RULE_PROPERTIES : [...RULE_PROPERTIES, ...FILTER_ONLY]),
      required: ['chain'],
      allowed: new Map([['action', new Set(isRaw ? RAW_ACTIONS : FILTER_ACTIONS)]]),
      defaults: {
        action: 'accept',
        log: 'false',
        'log-prefix': '',
        bytes: '0',
        packets: '0',
        invalid: 'false',
        dynamic: 'false',
        disabled: 'false',
      },
    },
    rows,
  );
}

const FASTTRACK_COUNTER: MenuRow = {
  chain: 'forward',
  action: 'passthrough',
  comment: 'special dummy rule to show fasttrack counters',
  dynamic: 'true',
};

const ESTABLISHED = 'established,related,untracked';

/** What MikroTik's default configuration of a home router installs. */
export const DEFAULT_RULES: Readonly<Record<(typeof RULE_MENUS)[number], readonly MenuRow[]>> = {
  '/ip/firewall/filter': [
    FASTTRACK_COUNTER,
    defconf('input', 'accept', 'accept established,related,untracked', { 'connection-state': ESTABLISHED }),
    defconf('input', 'drop', 'drop invalid', { 'connection-state': 'invalid' }),
    defconf('input', 'accept', 'accept ICMP', { protocol: 'icmp' }),
    defconf('input', 'drop', 'drop all not coming from LAN', { 'in-interface-list': '!LAN' }),
    defconf('forward', 'accept', 'accept in ipsec policy', { 'ipsec-policy': 'in,ipsec' }),
    defconf('forward', 'accept', 'accept out ipsec policy', { 'ipsec-policy': 'out,ipsec' }),
    defconf('forward', 'fasttrack-connection', 'fasttrack', { 'connection-state': 'established,related' }),
    defconf('forward', 'accept', 'accept established,related, untracked', {
      'connection-state': ESTABLISHED,
    }),
    defconf('forward', 'drop', 'drop invalid', { 'connection-state': 'invalid' }),
    defconf('forward', 'drop', 'drop all from WAN not DSTNATed', {
      'connection-state': 'new',
      'connection-nat-state': '!dstnat',
      'in-interface-list': 'WAN',
    }),
  ],
  '/ip/firewall/raw': [{ ...FASTTRACK_COUNTER, chain: 'prerouting' }],
  '/ipv6/firewall/filter': [
    defconf('input', 'accept', 'accept established,related,untracked', { 'connection-state': ESTABLISHED }),
    defconf('input', 'drop', 'drop invalid', { 'connection-state': 'invalid' }),
    defconf('input', 'accept', 'accept ICMPv6', { protocol: 'icmpv6' }),
    defconf('input', 'drop', 'drop everything else not coming from LAN', { 'in-interface-list': '!LAN' }),
    defconf('forward', 'accept', 'accept established,related,untracked', { 'connection-state': ESTABLISHED }),
    defconf('forward', 'drop', 'drop invalid', { 'connection-state': 'invalid' }),
    defconf('forward', 'accept', 'accept ICMPv6', { protocol: 'icmpv6' }),
    defconf('forward', 'drop', 'drop everything else not coming from LAN', { 'in-interface-list': '!LAN' }),
  ],
  '/ipv6/firewall/raw': [],
};

function defconf(chain: string, action: string, comment: string, matchers: MenuRow): MenuRow {
  return { chain, action, ...matchers, comment: `defconf: ${comment}` };
}
