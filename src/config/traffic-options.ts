import type { Option } from './option.ts';

/** RFC 1918, RFC 6598, RFC 3927, RFC 4193 and RFC 4291 link-local. */
const PRIVATE_NETWORKS =
  '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,169.254.0.0/16,fc00::/7,fe80::/10';

/** Where the traffic is read from, and what of it is looked at together. */
export const TRAFFIC_OPTIONS = [
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
] as const satisfies readonly Option[];
