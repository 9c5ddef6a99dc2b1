/**
 * Every setting of autoblock, once. The loader, `autoblock config`, the README table and `.env.example` are derived
 * from this table, so an option that is not here does not exist.
 */

type OptionType =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'number'
  | 'path'
  | 'cron'
  | 'networks'
  | 'durations'
  | 'timezone'
  | 'enum'
  | 'url'
  | 'host';

export type OptionGroup = 'Traffic' | 'Files' | 'Schedule' | 'Detector' | 'Decisions' | 'Routers' | 'Process';

export interface Option {
  /** Name of the value in `Config`, units included. */
  readonly key: string;
  /** Name of the environment variable. */
  readonly env: string;
  readonly type: OptionType;
  /** Unit of a number; null where there is none. */
  readonly unit: string | null;
  /** Value when the variable is absent or empty; null = there is none. Networks and durations: comma separated. */
  readonly default: string | number | boolean | null;
  /** What absence means, for options whose default is null or depends on another one. */
  readonly defaultText?: string;
  /** Inclusive bounds of a number, of each duration in seconds. */
  readonly min?: number;
  readonly max?: number;
  /** The values of an enum. */
  readonly choices?: readonly string[];
  /** A string has to match this; `wanted` says it in words. */
  readonly pattern?: RegExp;
  readonly wanted?: string;
  /** A default path lies beside the program instead of in the working directory. */
  readonly besideProgram?: true;
  /** Never printed: a URL loses its password, anything else is masked whole. */
  readonly secret?: true;
  readonly group: OptionGroup;
  readonly description: string;
}

/** RFC 1918, RFC 6598, RFC 3927, RFC 4193 and RFC 4291 link-local. */
const PRIVATE_NETWORKS =
  '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,169.254.0.0/16,fc00::/7,fe80::/10';

/** RouterOS refuses a longer address-list timeout (35w3d13h13m56s). */
const LONGEST_ROUTEROS_TIMEOUT_SECONDS = 21_474_836;

/** ASCII only: node-routeros writes win1252, and `$ " \` would need escaping in RouterOS scripts. */
export const ADDRESS_LIST_PATTERN = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$/;
export const ADDRESS_LIST_WANTED = 'a list name of letters, digits, space, dot, dash, underscore (1-63)';

/** Most entries of ours on one router: small routers get slow, then run out of memory, with long lists. */
export const MAX_ENTRIES = { min: 1, max: 1_000_000, default: 30_000 } as const;

/** Commands under way at once: fewer than 8 wait for the network, more than 64 gain nothing any more. */
export const COMMANDS_IN_FLIGHT = { min: 8, max: 64, default: 64 } as const;

export const OPTIONS = [
  {
    key: 'databaseUrl',
    env: 'DATABASE_URL',
    type: 'url',
    unit: null,
    default: null,
    defaultText: 'embedded PostgreSQL under STATE_DIR',
    secret: true,
    group: 'Traffic',
    description:
      'PostgreSQL that holds the traffic and the detections, as postgresql://user:password@host:port/database.',
  },
  {
    key: 'logsRelation',
    env: 'LOGS_RELATION',
    type: 'string',
    unit: null,
    default: 'network_logs',
    pattern: /^[A-Za-z_][A-Za-z0-9_$]{0,62}(\.[A-Za-z_][A-Za-z0-9_$]{0,62})?$/,
    wanted: 'the name of a table or view, optionally with its schema (schema.name)',
    group: 'Traffic',
    description:
      'Table or view to read the traffic from; needs at least timestamp, source_ip, destination_ip.',
  },
  {
    key: 'hoursBack',
    env: 'HOURS_BACK',
    type: 'integer',
    unit: 'hours',
    default: 1,
    min: 1,
    max: 168,
    group: 'Traffic',
    description: 'How far back one detection run reads.',
  },
  {
    key: 'maxRecords',
    env: 'MAX_RECORDS',
    type: 'integer',
    unit: 'records',
    default: 1_000_000,
    min: 1000,
    max: 10_000_000,
    group: 'Traffic',
    description: 'Most log records one run reads; what lies beyond is left out with a warning.',
  },
  {
    key: 'windowMinutes',
    env: 'WINDOW_MINUTES',
    type: 'integer',
    unit: 'minutes',
    default: 5,
    min: 1,
    max: 60,
    group: 'Traffic',
    description: 'Length of the window over which the traffic of one source is summed up.',
  },
  {
    key: 'internalNetworks',
    env: 'INTERNAL_NETWORKS',
    type: 'networks',
    unit: null,
    default: PRIVATE_NETWORKS,
    group: 'Traffic',
    description: 'Your own networks: sources inside are modelled apart from the Internet.',
  },
  {
    key: 'stateDir',
    env: 'STATE_DIR',
    type: 'path',
    unit: null,
    default: '.autoblock',
    group: 'Files',
    description: 'Ledger, review queue, run history and the embedded PostgreSQL.',
  },
  {
    key: 'modelsDir',
    env: 'MODELS_DIR',
    type: 'path',
    unit: null,
    default: 'models',
    besideProgram: true,
    group: 'Files',
    description: 'Trained models, every version and the latest.',
  },
  {
    key: 'detectCron',
    env: 'DETECT_CRON',
    type: 'cron',
    unit: null,
    default: '*/5 * * * *',
    group: 'Schedule',
    description: 'When to detect.',
  },
  {
    key: 'retrainCron',
    env: 'RETRAIN_CRON',
    type: 'cron',
    unit: null,
    default: '0 3 * * 0',
    group: 'Schedule',
    description: 'When to train a new model (default: Sunday 03:00).',
  },
  {
    key: 'cronTimezone',
    env: 'CRON_TIMEZONE',
    type: 'timezone',
    unit: null,
    default: 'UTC',
    group: 'Schedule',
    description: 'Time zone of the two schedules, for example Europe/Warsaw.',
  },
  {
    key: 'useHybridDetector',
    env: 'USE_HYBRID_DETECTOR',
    type: 'boolean',
    unit: null,
    default: true,
    group: 'Detector',
    description:
      'Use the trained model together with the attack signatures; false = the legacy rules, no model.',
  },
  {
    key: 'shadowDetector',
    env: 'SHADOW_DETECTOR',
    type: 'enum',
    unit: null,
    default: 'none',
    choices: ['none', 'legacy', 'hybrid'],
    group: 'Detector',
    description:
      'The other detector judges the same traffic beside the active one; recorded in `shadow_detections`, never acted on. See `autoblock report --compare`.',
  },
  {
    key: 'trainDays',
    env: 'TRAIN_DAYS',
    type: 'integer',
    unit: 'days',
    default: 7,
    min: 1,
    max: 30,
    group: 'Detector',
    description: 'How many days of traffic a training reads.',
  },
  {
    key: 'eifContamination',
    env: 'EIF_CONTAMINATION',
    type: 'number',
    unit: 'share',
    default: 0.03,
    min: 0.01,
    max: 0.05,
    group: 'Detector',
    description: 'Share of the training traffic expected to be abnormal.',
  },
  {
    key: 'eifNEstimators',
    env: 'EIF_N_ESTIMATORS',
    type: 'integer',
    unit: 'trees',
    default: 250,
    min: 100,
    max: 500,
    group: 'Detector',
    description: 'Trees of the Extended Isolation Forest.',
  },
  {
    key: 'eifSampleSize',
    env: 'EIF_SAMPLE_SIZE',
    type: 'integer',
    unit: 'samples',
    default: 256,
    min: 64,
    max: 4096,
    group: 'Detector',
    description: 'Samples each tree is grown from.',
  },
  {
    key: 'chi2TopK',
    env: 'CHI2_TOP_K',
    type: 'integer',
    unit: 'features',
    default: 18,
    min: 15,
    max: 25,
    group: 'Detector',
    description: 'How many of the 25 features the chi-square selection keeps.',
  },
  {
    key: 'seed',
    env: 'SEED',
    type: 'integer',
    unit: null,
    default: 42,
    min: 0,
    max: 4_294_967_295,
    group: 'Detector',
    description: 'Seed of everything random: the same seed and traffic give the same model.',
  },
  {
    key: 'confidenceHigh',
    env: 'CONFIDENCE_HIGH',
    type: 'number',
    unit: 'risk score',
    default: 95,
    min: 90,
    max: 98,
    group: 'Decisions',
    description: 'Risk score (0-100) from which a source with an attack signature is blocked.',
  },
  {
    key: 'confidenceMedium',
    env: 'CONFIDENCE_MEDIUM',
    type: 'number',
    unit: 'risk score',
    default: 70,
    min: 60,
    max: 80,
    group: 'Decisions',
    description: 'Risk score (0-100) from which a source is queued for review.',
  },
  {
    key: 'autoBlock',
    env: 'AUTO_BLOCK',
    type: 'boolean',
    unit: null,
    default: true,
    group: 'Decisions',
    description: 'Block high-confidence sources by itself; false = they go to review.',
  },
  {
    key: 'blockInternal',
    env: 'BLOCK_INTERNAL',
    type: 'boolean',
    unit: null,
    default: false,
    group: 'Decisions',
    description:
      'Also block sources in INTERNAL_NETWORKS and in private ranges, for example an infected host of your own.',
  },
  {
    key: 'dryRun',
    env: 'DRY_RUN',
    type: 'boolean',
    unit: null,
    default: false,
    group: 'Decisions',
    description: 'Detect and say what would be done, but block nothing and push nothing.',
  },
  {
    key: 'allowlist',
    env: 'ALLOWLIST',
    type: 'networks',
    unit: null,
    default: '',
    defaultText: 'empty',
    group: 'Decisions',
    description: 'Addresses and networks that are never blocked, separated by commas or spaces.',
  },
  {
    key: 'blockLadder',
    env: 'BLOCK_LADDER',
    type: 'durations',
    unit: 'seconds',
    default: '1h,6h,1d,7d',
    min: 60,
    max: LONGEST_ROUTEROS_TIMEOUT_SECONDS,
    group: 'Decisions',
    description:
      'How long an automatic block lasts: the first time, the second time, and so on; the last one holds from there on. A repeat detection extends the block by the same time. Written as 90m, 6h, 1d12h, 1w.',
  },
  {
    key: 'offenceDecayDays',
    env: 'OFFENCE_DECAY_DAYS',
    type: 'integer',
    unit: 'days',
    default: 14,
    min: 1,
    max: 365,
    group: 'Decisions',
    description: 'Days after a block without another one that take one step of BLOCK_LADDER back.',
  },
  {
    key: 'blockSeconds',
    env: 'BLOCK_SECONDS',
    type: 'integer',
    unit: 'seconds',
    default: 86_400,
    min: 60,
    max: LONGEST_ROUTEROS_TIMEOUT_SECONDS,
    group: 'Decisions',
    description:
      'How long a block lasts that you approve in the review queue or make by hand; automatic ones follow BLOCK_LADDER.',
  },
  {
    key: 'blockIpv6Prefix',
    env: 'BLOCK_IPV6_PREFIX',
    type: 'integer',
    unit: 'bits',
    default: 64,
    min: 48,
    max: 128,
    group: 'Decisions',
    description:
      'An IPv6 attacker is blocked and queued as the network of this length, since it has every address in it; 128 = the address alone. A network that holds anything protected, allowlisted or rejected is never taken as a whole.',
  },
  {
    key: 'rollUpNeighbours',
    env: 'ROLL_UP_NEIGHBOURS',
    type: 'integer',
    unit: 'addresses',
    default: 0,
    min: 0,
    max: 256,
    group: 'Decisions',
    description:
      'From so many blocked addresses of one IPv4 /24 on the /24 is blocked instead of further addresses in it, unless it holds anything protected, allowlisted or rejected; 0 = never.',
  },
  {
    key: 'maxBlocksPerRun',
    env: 'MAX_BLOCKS_PER_RUN',
    type: 'integer',
    unit: 'blocks',
    default: 50,
    min: 1,
    max: 10_000,
    group: 'Decisions',
    description: 'Most new automatic blocks of one run; the rest goes to review with an alert.',
  },
  {
    key: 'maxBlocksTotal',
    env: 'MAX_BLOCKS_TOTAL',
    type: 'integer',
    unit: 'blocks',
    default: 30_000,
    min: 1,
    max: 1_000_000,
    group: 'Decisions',
    description:
      'Most blocks active at a time, those made by hand included: beyond it automatic ones go to review with an alert. A network counts one.',
  },
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
  {
    key: 'logLevel',
    env: 'LOG_LEVEL',
    type: 'enum',
    unit: null,
    default: 'info',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    group: 'Process',
    description: 'Least serious log lines to write.',
  },
  {
    key: 'auditDays',
    env: 'AUDIT_DAYS',
    type: 'integer',
    unit: 'days',
    default: 365,
    min: 1,
    max: 3650,
    group: 'Process',
    description: 'How long the audit of every block, push and manual action is kept.',
  },
] as const satisfies readonly Option[];

interface ValueByType {
  readonly string: string;
  readonly boolean: boolean;
  readonly integer: number;
  readonly number: number;
  readonly path: string;
  readonly cron: string;
  readonly networks: readonly string[];
  /** Seconds. */
  readonly durations: readonly number[];
  readonly timezone: string;
  readonly enum: string;
  readonly url: string;
  readonly host: string;
}

type AnyOption = (typeof OPTIONS)[number];

/** One value per option, by its key; null where the option has no default. */
export type OptionValues = {
  readonly [O in AnyOption as O['key']]: ValueByType[O['type']] | (O['default'] extends null ? null : never);
};
