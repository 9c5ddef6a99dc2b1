import type { Option } from './option.ts';

/** ASCII only: node-routeros writes win1252, and `$ " \` would need escaping in RouterOS scripts. */
export const ADDRESS_LIST_PATTERN = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$/;
export const ADDRESS_LIST_WANTED = 'a list name of letters, digits, space, dot, dash, underscore (1-63)';

/** Most entries of ours on one router: small routers get slow, then run out of memory, with long lists. */
export const MAX_ENTRIES = { min: 1, max: 1_000_000, default: 30_000 } as const;

/** Commands under way at once: fewer than 8 wait for the network, more than 64 gain nothing any more. */
export const COMMANDS_IN_FLIGHT = { min: 8, max: 64, default: 64 } as const;

/** Whom blocks are pushed to. */
export const ROUTER_OPTIONS = [
  {
    key: 'routersFile',
    env: 'ROUTERS_FILE',
    type: 'path',
    unit: null,
    default: null,
    defaultText: 'none',
    group: 'Routers',
    description: 'JSON list of several routers; instead of ROUTER_HOST.',
  },
  {
    key: 'routerHost',
    env: 'ROUTER_HOST',
    type: 'host',
    unit: null,
    default: null,
    defaultText: 'none: detections only',
    group: 'Routers',
    description: 'Name or address of the one router.',
  },
  {
    key: 'routerPort',
    env: 'ROUTER_PORT',
    type: 'integer',
    unit: 'port',
    default: null,
    defaultText: '8729 with TLS, 8728 without',
    min: 1,
    max: 65_535,
    group: 'Routers',
    description: 'Port of the RouterOS API service.',
  },
  {
    key: 'routerUser',
    env: 'ROUTER_USER',
    type: 'string',
    unit: null,
    default: null,
    defaultText: 'none; required with ROUTER_HOST',
    group: 'Routers',
    description: 'API user of the router; needs the policies api, read and write.',
  },
  {
    key: 'routerPassword',
    env: 'ROUTER_PASSWORD',
    type: 'string',
    unit: null,
    default: null,
    defaultText: 'none; required with ROUTER_HOST',
    secret: true,
    group: 'Routers',
    description: 'Password of the API user.',
  },
  {
    key: 'routerPasswordFile',
    env: 'ROUTER_PASSWORD_FILE',
    type: 'path',
    unit: null,
    default: null,
    defaultText: 'none',
    group: 'Routers',
    description:
      'File whose first line is the password, instead of ROUTER_PASSWORD; without either, the systemd credential `router-password`.',
  },
  {
    key: 'routerTls',
    env: 'ROUTER_TLS',
    type: 'boolean',
    unit: null,
    default: true,
    group: 'Routers',
    description: 'Talk to api-ssl and verify its certificate; false sends the password in plain text.',
  },
  {
    key: 'routerCaFile',
    env: 'ROUTER_CA_FILE',
    type: 'path',
    unit: null,
    default: null,
    defaultText: "the system's authorities",
    group: 'Routers',
    description: 'PEM file of the authority that signed the certificate of the router.',
  },
  {
    key: 'routerFingerprint',
    env: 'ROUTER_FINGERPRINT',
    type: 'string',
    unit: null,
    default: null,
    defaultText: 'none: verified by authority',
    group: 'Routers',
    description:
      'SHA-256 fingerprint of the certificate of the router; then it alone is accepted, whatever its name and authority.',
  },
  {
    key: 'routerTlsInsecure',
    env: 'ROUTER_TLS_INSECURE',
    type: 'boolean',
    unit: null,
    default: false,
    group: 'Routers',
    description:
      'Accept any certificate and even none (anonymous key exchange): whoever sits in between reads the password.',
  },
  {
    key: 'addressList',
    env: 'ADDRESS_LIST',
    type: 'string',
    unit: null,
    default: 'autoblock',
    pattern: ADDRESS_LIST_PATTERN,
    wanted: ADDRESS_LIST_WANTED,
    group: 'Routers',
    description: 'Firewall address list the blocks are kept on.',
  },
  {
    key: 'addressListV6',
    env: 'ADDRESS_LIST_V6',
    type: 'string',
    unit: null,
    default: null,
    defaultText: 'the same as ADDRESS_LIST',
    pattern: ADDRESS_LIST_PATTERN,
    wanted: ADDRESS_LIST_WANTED,
    group: 'Routers',
    description: 'IPv6 firewall address list the blocks are kept on.',
  },
  {
    key: 'routerMaxEntries',
    env: 'ROUTER_MAX_ENTRIES',
    type: 'integer',
    unit: 'entries',
    ...MAX_ENTRIES,
    group: 'Routers',
    description: 'Most entries of ours on a router; what is over it is not pushed and said so.',
  },
  {
    key: 'maxRemovalShare',
    env: 'MAX_REMOVAL_SHARE',
    type: 'number',
    unit: 'share',
    default: 0.5,
    min: 0,
    max: 1,
    group: 'Routers',
    description:
      'Share of our entries on a router that one sync may take off without anybody having lifted them; more waits for `autoblock sync --confirm-removal`.',
  },
  {
    key: 'routerSyncSeconds',
    env: 'ROUTER_SYNC_SECONDS',
    type: 'integer',
    unit: 'seconds',
    default: 600,
    min: 10,
    max: 86_400,
    group: 'Routers',
    description: 'Longest a whole sync of one router may take; then its session is given up and begun anew.',
  },
] as const satisfies readonly Option[];
